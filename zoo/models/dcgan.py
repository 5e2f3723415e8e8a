"""DCGAN: a convolutional generator and discriminator.

Radford, Metz and Chintala, Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks, 2015, arXiv:1511.06434: strided 5x5 convolutions for pooling, batch
normalization everywhere but at the generator's output and the discriminator's input, ReLU and tanh
in the generator, leaky ReLU of slope 0.2 in the discriminator, weights drawn from N(0, 0.02).
"""

import keras

from zoo import layers
from zoo.models.adversarial import Adversarial, check_picture


def stages_of(input_shape):
    """Return how often a picture is halved: down to 4 pixels as in the paper, at least twice."""
    check_picture(input_shape)
    height, width, _ = input_shape
    if height % 4 or width % 4 or min(height, width) < 8:
        raise ValueError(
            "Expected height and width to be divisible by 4 and at least 8. "
            f"Received: {height}x{width}"
        )
    stages = 0
    while height % 2 == 0 and width % 2 == 0 and (stages < 2 or min(height, width) > 4):
        height, width, stages = height // 2, width // 2, stages + 1
    return stages


def initializer():
    return keras.initializers.RandomNormal(stddev=0.02)


def normalized(x):
    # Keras's momentum of 0.99 would need some 500 steps before sampling sees true statistics.
    return layers.batch_normalization(momentum=0.9)(x)


def generator(input_shape, latent_dim, filters):
    stages = stages_of(input_shape)
    height, width, channels = input_shape
    base = (height // 2**stages, width // 2**stages, filters * 2 ** (stages - 1))
    latents = keras.Input((latent_dim,), name="latents")
    x = keras.layers.Dense(
        base[0] * base[1] * base[2], use_bias=False, kernel_initializer=initializer()
    )(latents)
    x = keras.layers.Reshape(base)(x)  # (B, 4, 4, filters * 2 ** (stages - 1))
    x = keras.layers.ReLU()(normalized(x))
    for stage in reversed(range(stages - 1)):
        x = keras.layers.Conv2DTranspose(
            filters * 2**stage,
            5,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=initializer(),
        )(x)
        x = keras.layers.ReLU()(normalized(x))  # twice the size, half the filters
    x = keras.layers.Conv2DTranspose(
        channels, 5, strides=2, padding="same", kernel_initializer=initializer()
    )(x)
    x = keras.layers.Activation("tanh", dtype="float32")(x)  # (B, H, W, C) in [-1, 1]
    pictures = keras.layers.Rescaling(0.5, offset=0.5, dtype="float32")(x)  # in [0, 1]
    return keras.Model(latents, pictures, name="generator")


def discriminator(input_shape, filters, normalize=normalized, use_bias=True):
    pictures = keras.Input(input_shape, name="pictures")
    x = keras.layers.Rescaling(2.0, offset=-1.0)(pictures)  # the paper's [-1, 1]
    for stage in range(stages_of(input_shape)):
        x = keras.layers.Conv2D(
            filters * 2**stage,
            5,
            strides=2,
            padding="same",
            use_bias=stage == 0,
            kernel_initializer=initializer(),
        )(x)
        x = x if stage == 0 else normalize(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)  # half the size, twice the filters
    x = keras.layers.Flatten()(x)
    logit = keras.layers.Dense(
        1, use_bias=use_bias, kernel_initializer=initializer(), dtype="float32", name="logits"
    )(x)
    return keras.Model(pictures, logit, name="discriminator")


def dcgan(
    input_shape, *, latent_dim=100, filters=64, label_smoothing=0.0, r1=0.0, discriminator_rate=1.0
):
    """Build a DCGAN; called, it turns latents `(B, latent_dim)` into pictures in [0, 1].

    Args:
        input_shape: height, width and channels of a picture; sides divisible by 4, at least 8.
        latent_dim: how many normal random numbers a picture is made from.
        filters: channels next to the picture; each halving of its size doubles them.
        label_smoothing: teach the discriminator that real is `1 - label_smoothing` instead of 1.
        r1: weight of the penalty on the discriminator's slope at real pictures; 0 for none.
        discriminator_rate: the discriminator's learning rate, as a share of the generator's.
    """
    return Adversarial(
        generator(input_shape, latent_dim, filters),
        discriminator(input_shape, filters),
        label_smoothing=label_smoothing,
        r1=r1,
        discriminator_rate=discriminator_rate,
        name="dcgan",
    )
