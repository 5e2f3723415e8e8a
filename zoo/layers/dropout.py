"""Dropout that compiled steps are not slowed by."""

import keras
import tensorflow as tf

from zoo.layers import register

ODD = 0x9E3779B9  # 2^32 over the golden ratio


@register
class Dropout(keras.layers.Dropout):
    """Keras's dropout with cheaper random numbers: of any shape.

    Srivastava and others, Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR
    2014. Each number is a hash of its place and of the layer's seed, by the finalizer of Appleby's
    MurmurHash3, 2011. XLA makes of that a part of what is dropped; Keras's own numbers take it ten
    to three hundred times as long on a processor. On a GPU Keras's are used.
    """

    def call(self, inputs, training=False):
        plain = self.rate in (0, 1) or self.noise_shape is not None
        if plain or not training or tf.config.list_logical_devices("GPU"):
            return super().call(inputs, training=training)
        kept = numbers(self.seed_generator.next(), tf.shape(inputs)) >= uint32(self.rate * 2**32)
        return tf.where(kept, inputs * (1.0 / (1.0 - self.rate)), tf.zeros_like(inputs))


def numbers(seed, shape):
    """Return uniform uint32 numbers of a shape for a seed `(2,)`."""
    first, second = tf.unstack(tf.cast(seed, tf.uint32))
    factor = mixed(mixed(first) + second)
    offset = mixed(factor + uint32(ODD))
    place = tf.cast(tf.range(tf.reduce_prod(shape)), tf.uint32)
    odd = tf.bitwise.bitwise_or(factor, uint32(1))
    return tf.reshape(mixed(place * odd + offset), shape)


def mixed(x):
    """Return numbers each bit of which, the low ones aside, depends on all bits of `x`."""
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, uint32(16))) * uint32(0x85EBCA6B)
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, uint32(13))) * uint32(0xC2B2AE35)


def uint32(value):
    return tf.constant(int(value), tf.uint32)
