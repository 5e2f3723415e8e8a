"""SNGAN: a discriminator whose layers cannot stretch, and of classes one that projects.

Miyato, Kataoka, Koyama and Yoshida, Spectral Normalization for Generative Adversarial Networks,
2018, arXiv:1802.05957: the networks of its table 3, with the hinge loss. With classes, as in Miyato
and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637: the generator's batch
normalizations are scaled and shifted by class, and the discriminator adds the inner product of what
it sees with a vector of the class.
"""

import keras
from keras import ops

from zoo import layers
from zoo.layers.spectral import SpectralConv2D, SpectralDense, SpectralEmbedding
from zoo.models.adversarial import Adversarial
from zoo.models.cgan import of_class
from zoo.models.dcgan import stages_of


def generator(input_shape, latent_dim, filters, classes):
    stages = stages_of(input_shape)
    height, width, channels = input_shape
    base = (height // 2**stages, width // 2**stages, filters * 2**stages)
    latents, codes = keras.Input((latent_dim,), name="latents"), of_class("classes")
    x = keras.layers.Dense(base[0] * base[1] * base[2], use_bias=False)(latents)
    x = keras.layers.Reshape(base)(x)  # (B, 4, 4, filters * 2 ** stages)
    x = keras.layers.ReLU()(normalized(x, codes, classes))
    for stage in reversed(range(stages)):
        x = keras.layers.Conv2DTranspose(
            filters * 2**stage, 4, strides=2, padding="same", use_bias=False
        )(x)
        x = keras.layers.ReLU()(normalized(x, codes, classes))  # twice the size, half the filters
    x = keras.layers.Conv2D(channels, 3, padding="same")(x)
    x = keras.layers.Activation("tanh", dtype="float32")(x)  # (B, H, W, C) in [-1, 1]
    pictures = keras.layers.Rescaling(0.5, offset=0.5, dtype="float32")(x)  # in [0, 1]
    inputs = {"latents": latents, "classes": codes} if classes else latents
    return keras.Model(inputs, pictures, name="generator")


def normalized(x, codes, classes):
    """Return maps normalized over the batch, then scaled and shifted by class where there are."""
    if not classes:
        return layers.batch_normalization(momentum=0.9)(x)
    filters = x.shape[-1]
    x = layers.batch_normalization(momentum=0.9, center=False, scale=False)(x)
    scale, shift = (
        keras.layers.Reshape((1, 1, filters))(
            keras.layers.Embedding(classes, filters, embeddings_initializer=initial)(codes)
        )
        for initial in ("ones", "zeros")
    )
    return keras.layers.Add()([keras.layers.Multiply()([x, scale]), shift])


def discriminator(input_shape, filters, classes):
    stages = stages_of(input_shape)
    pictures, codes = keras.Input(input_shape, name="pictures"), of_class("classes")
    x = keras.layers.Rescaling(2.0, offset=-1.0)(pictures)  # in [-1, 1]
    for stage in range(stages):
        for size, strides in ((3, 1), (4, 2)):
            x = SpectralConv2D(filters * 2**stage, size, strides=strides, padding="same")(x)
            x = keras.layers.LeakyReLU(negative_slope=0.1)(x)
    x = SpectralConv2D(filters * 2**stages, 3, padding="same")(x)
    x = keras.layers.LeakyReLU(negative_slope=0.1)(x)
    if not classes:
        logit = SpectralDense(1, dtype="float32", name="logits")(keras.layers.Flatten()(x))
        return keras.Model(pictures, logit, name="discriminator")
    x = keras.layers.Rescaling(1.0, dtype="float32")(ops.sum(x, axis=(1, 2)))  # (B, filters)
    named = SpectralEmbedding(classes, x.shape[-1], dtype="float32")(codes)
    logit = keras.layers.Add(dtype="float32", name="logits")([
        SpectralDense(1, dtype="float32")(x),
        ops.sum(named * x, axis=-1, keepdims=True),
    ])  # fmt: skip
    return keras.Model({"pictures": pictures, "classes": codes}, logit, name="discriminator")


def sngan(
    input_shape, *, latent_dim=128, filters=64, critic_steps=1, r1=0.0, discriminator_rate=1.0
):
    """Build an SNGAN; called, it turns latents `(B, latent_dim)` into pictures in [0, 1].

    Args:
        input_shape: height, width and channels of a picture; sides divisible by 4, at least 8.
        latent_dim: how many normal random numbers a picture is made from.
        filters: channels next to the picture; each halving of its size doubles them.
        critic_steps: updates of the discriminator in a step, for one of the generator; each takes
            an equal part of the step's examples.
        r1: weight of the penalty on the discriminator's slope at real pictures; 0 for none.
        discriminator_rate: the discriminator's learning rate, as a share of the generator's.
    """
    return _sngan(
        input_shape, 0, latent_dim, filters,
        critic_steps=critic_steps, r1=r1, discriminator_rate=discriminator_rate,
    )  # fmt: skip


def projection_sngan(
    input_shape,
    classes,
    *,
    latent_dim=128,
    filters=64,
    critic_steps=1,
    r1=0.0,
    discriminator_rate=1.0,
    mismatched=False,
):
    """Build an SNGAN of classes; it turns `latents` and `classes` into pictures in [0, 1].

    Called with a dictionary of `latents` `(B, latent_dim)` and `classes` int `(B,)`.

    Args:
        input_shape: height, width and channels of a picture; sides divisible by 4, at least 8.
        classes: how many there are.
        latent_dim: how many normal random numbers a picture is made from.
        filters: channels next to the picture; each halving of its size doubles them.
        critic_steps: updates of the discriminator in a step, for one of the generator; each takes
            an equal part of the step's examples.
        r1: weight of the penalty on the discriminator's slope at real pictures; 0 for none.
        discriminator_rate: the discriminator's learning rate, as a share of the generator's.
        mismatched: teach the discriminator also that real pictures of another class are not what
            was asked for, so that it looks at the class sooner; a step takes a quarter longer.
    """
    return _sngan(
        input_shape, classes, latent_dim, filters,
        critic_steps=critic_steps, r1=r1, discriminator_rate=discriminator_rate,
        mismatched=mismatched,
    )  # fmt: skip


def _sngan(input_shape, classes, latent_dim, filters, **options):
    return Adversarial(
        generator(input_shape, latent_dim, filters, classes),
        discriminator(input_shape, filters, classes),
        loss="hinge",
        classes=classes,
        name="projection_sngan" if classes else "sngan",
        **options,
    )
