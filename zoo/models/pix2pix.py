"""pix2pix: pictures into others, learned from pairs.

Isola, Zhu, Zhou and Efros, Image-to-Image Translation with Conditional Adversarial Networks, 2016,
arXiv:1611.07004: a U-Net whose discriminator sees input and output together, patch by patch, and a
distance to the output that is wanted. Normalization is that of instances, as theirs is where a
batch has one example. Their dropout is on in training alone, so that an input has one output.
"""

import keras
import tensorflow as tf
from keras import ops

from zoo import layers
from zoo.models.competition import LOSSES, Competition
from zoo.models.dcgan import initializer, stages_of

WIDEST = 8  # times the filters next to the picture


@layers.register
class Pix2Pix(Competition):
    """A generator that learns from pairs, and a discriminator that is shown both of a pair.

    Called, it turns pictures `(B, H, W, C)` in [0, 1] into others. It trains on pairs of pictures,
    the second of which is what the first is to become. `mae` is the mean absolute difference from
    that, and `discriminator_accuracy` how often a patch of it is rated above a generated one.

    Args:
        generator: model from pictures to pictures.
        discriminator: model from two pictures to a logit a patch, above zero for real ones.
        l1: weight of the difference, of pictures in [-1, 1].
        **kwargs: `discriminator_rate`, and what `keras.Model` takes.
    """

    def __init__(self, generator, discriminator, *, l1=100.0, **kwargs):
        super().__init__("mae", generator=generator, discriminator=discriminator, **kwargs)
        self.l1 = l1
        self(generator.input)  # built, and exportable before any training

    def call(self, inputs, training=False):
        return self.generator(inputs, training=training)

    def measure(self, given, wanted, training):
        """Return what is measured on a batch, the generator's gradients and the discriminator's."""
        with tf.GradientTape(persistent=True) as tape:
            made = self.generator(given, training=training)
            real = self.discriminator([given, wanted], training=training)  # (B, h, w, 1)
            fake = self.discriminator([given, made], training=training)
            generator_loss, discriminator_loss = LOSSES["non-saturating"](real, fake, 0.0)
            mae = ops.mean(ops.abs(made - ops.cast(wanted, made.dtype)))
            generator_loss += 2.0 * self.l1 * mae
            discriminator_loss *= 0.5  # section 3.3: it learns half as fast
        accuracy = ops.mean(ops.cast(real > fake, "float32"))
        return self.measured(tape, (generator_loss, discriminator_loss), accuracy, mae)

    def get_config(self):
        return {**super().get_config(), "l1": self.l1}


def generator(input_shape, channels, filters, dropout):
    """Return a U-Net down to one pixel, or to the last size that can be halved."""
    stages_of(input_shape)  # refuses sizes it cannot halve twice
    given = keras.Input(input_shape, name="pictures")
    x = keras.layers.Rescaling(2.0, offset=-1.0)(given)  # in [-1, 1]
    skipped = []
    while not any(side % 2 for side in x.shape[1:3]):
        skipped.append(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x) if len(skipped) > 1 else x
        x = convolved(x, width(filters, len(skipped) - 1), normalized=len(skipped) > 1)
    for stage in reversed(range(1, len(skipped))):
        x = keras.layers.Conv2DTranspose(
            width(filters, stage - 1), 4, strides=2, padding="same",
            kernel_initializer=initializer(),
        )(keras.layers.ReLU()(x))  # fmt: skip
        x = instance_normalized(x)
        if stage >= len(skipped) - 3:
            x = keras.layers.Dropout(dropout)(x)
        x = keras.layers.Concatenate()([x, skipped[stage]])
    x = keras.layers.Conv2DTranspose(
        channels, 4, strides=2, padding="same", kernel_initializer=initializer()
    )(keras.layers.ReLU()(x))
    return keras.Model(given, shown(x), name="generator")


def width(filters, stage):
    return filters * min(2**stage, WIDEST)


def convolved(x, filters, strides=2, normalized=True):
    x = keras.layers.Conv2D(
        filters, 4, strides=strides, padding="same", kernel_initializer=initializer()
    )(x)
    return instance_normalized(x) if normalized else x


def instance_normalized(x):
    """Return maps of mean 0 and variance 1 each; a single pixel, which would be 0, as it is."""
    return x if x.shape[1] == x.shape[2] == 1 else keras.layers.GroupNormalization(groups=-1)(x)


def shown(x):
    """Return maps as pictures in [0, 1], as the end of a generator."""
    x = keras.layers.Activation("tanh", dtype="float32")(x)
    return keras.layers.Rescaling(0.5, offset=0.5, dtype="float32")(x)


def discriminator(shapes, filters):
    """Return a model from pictures, one or some that belong together, to a logit a patch.

    Of pictures of 256 pixels a patch is 70 wide, as in the paper; smaller ones are halved less
    often, so that there are patches still.
    """
    pictures = [keras.Input(shape) for shape in shapes]
    x = keras.layers.Concatenate()(pictures) if len(pictures) > 1 else pictures[0]
    x = keras.layers.Rescaling(2.0, offset=-1.0)(x)
    halvings = min(3, max(1, stages_of(shapes[0]) - 1))
    for stage in range(halvings + 1):
        strides = 2 if stage < halvings else 1
        x = convolved(x, width(filters, stage), strides, normalized=stage > 0)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    logits = keras.layers.Conv2D(
        1, 4, padding="same", kernel_initializer=initializer(), dtype="float32", name="logits"
    )(x)
    return keras.Model(pictures if len(pictures) > 1 else pictures[0], logits, name="discriminator")


def pix2pix(
    input_shape, target_channels=None, *, filters=64, dropout=0.5, l1=100.0, discriminator_rate=1.0
):
    """Build a pix2pix; called, it turns pictures into others of the same size, in [0, 1].

    Args:
        input_shape: height, width and channels of a picture; sides divisible by 4, at least 8.
        target_channels: of what it makes; by default as many as are read.
        filters: channels next to the picture; each halving of its size doubles them, up to 8 times.
        dropout: share of units dropped while training, in the three layers after the narrowest.
        l1: weight of the difference from what is wanted, beside what the discriminator says.
        discriminator_rate: the discriminator's learning rate, as a share of the generator's.
    """
    channels = target_channels or input_shape[-1]
    wanted = (*input_shape[:2], channels)
    return Pix2Pix(
        generator(input_shape, channels, filters, dropout),
        discriminator([input_shape, wanted], filters),
        l1=l1,
        discriminator_rate=discriminator_rate,
        name="pix2pix",
    )
