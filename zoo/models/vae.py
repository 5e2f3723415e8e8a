"""Variational autoencoder: pictures from latents without a competition.

Kingma and Welling, Auto-Encoding Variational Bayes, 2013, arXiv:1312.6114, with the networks of a
DCGAN, its discriminator turned into the encoder, for the dense ones of the paper.
"""

import keras
import tensorflow as tf
from keras import ops

from zoo import layers
from zoo.models import dcgan


@layers.register
class Variational(keras.Model):
    """An encoder and a decoder that learn a picture's chance to be made.

    Called, it is its decoder: latents `(B, latent_dim)` to pictures `(B, H, W, C)` in [0, 1]. It
    trains on batches of pictures; its loss, in nats a picture, is the cross-entropy of all pixels
    of what it rebuilds and the divergence of the latents from a normal distribution.

    Args:
        encoder: model from pictures to mean and log variance of the latents.
        generator: model from latents to pictures: the decoder.
    """

    def __init__(self, encoder, generator, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.generator = generator
        self.latent_dim = generator.input_shape[-1]
        self.seed_generator = keras.random.SeedGenerator()
        names = ("loss", "reconstruction_loss", "divergence")
        self.means = [keras.metrics.Mean(name=name) for name in names]
        self(generator.input)  # built, and exportable before any training

    def call(self, inputs, training=False):
        return self.generator(inputs, training=training)

    @property
    def metrics(self):
        return self.means

    def train_step(self, data):
        pictures, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            losses = self.losses_of(pictures, training=True)
        self.optimizer.apply(
            tape.gradient(losses[0], self.trainable_variables), self.trainable_variables
        )
        return self.track(losses, pictures)

    def test_step(self, data):
        pictures, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.track(self.losses_of(pictures, training=False), pictures)

    def losses_of(self, pictures, training):
        """Return the loss of a batch and its two parts."""
        mean, log_variance = self.encoder(pictures, training=training)  # (B, latent_dim) each
        drawn = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        rebuilt = self.generator(mean + ops.exp(0.5 * log_variance) * drawn, training=training)
        entropies = keras.losses.binary_crossentropy(ops.cast(pictures, "float32"), rebuilt)
        reconstruction = ops.mean(ops.sum(entropies, axis=(1, 2))) * pictures.shape[-1]
        spread = ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0
        divergence = 0.5 * ops.mean(ops.sum(spread, axis=-1))
        return reconstruction + divergence, reconstruction, divergence

    def track(self, losses, pictures):
        for mean, value in zip(self.means, losses, strict=True):
            mean.update_state(value, sample_weight=ops.shape(pictures)[0])
        return {mean.name: mean.result() for mean in self.means}

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "generator": keras.saving.serialize_keras_object(self.generator),
        }

    @classmethod
    def from_config(cls, config):
        for network in ("encoder", "generator"):
            config[network] = keras.saving.deserialize_keras_object(config[network])
        return cls(**config)


def encoder(input_shape, latent_dim, filters):
    pictures = keras.Input(input_shape, name="pictures")
    x = keras.layers.Rescaling(2.0, offset=-1.0)(pictures)
    for stage in range(dcgan.stages_of(input_shape)):
        x = keras.layers.Conv2D(
            filters * 2**stage, 5, strides=2, padding="same", use_bias=False
        )(x)  # fmt: skip
        x = keras.layers.LeakyReLU(negative_slope=0.2)(dcgan.normalized(x))
    x = keras.layers.Flatten()(x)
    mean, log_variance = (
        keras.layers.Dense(latent_dim, dtype="float32", name=name)(x)
        for name in ("mean", "log_variance")
    )
    return keras.Model(pictures, [mean, log_variance], name="encoder")


def vae(input_shape, *, latent_dim=32, filters=32):
    """Build a variational autoencoder; called, it turns latents into pictures in [0, 1].

    Args:
        input_shape: height, width and channels of a picture; sides divisible by 4, at least 8.
        latent_dim: how many numbers a picture is made from.
        filters: channels next to the picture; each halving of its size doubles them.
    """
    return Variational(
        encoder(input_shape, latent_dim, filters),
        dcgan.generator(input_shape, latent_dim, filters),
        name="vae",
    )
