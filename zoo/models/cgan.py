"""Conditional GAN: dense networks that make and judge pictures of a class.

Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784: latents and
class enter the generator through hidden layers of their own, as pictures and class enter the
discriminator, whose units are maxout units. Widths and pieces are those of section 4.1; dropout is
in the discriminator alone, for in the generator, where the authors have it too, it costs variety.
"""

import keras

from zoo import layers
from zoo.models.adversarial import Adversarial, check_picture
from zoo.models.gan import picture


def cgan(
    input_shape,
    classes,
    *,
    latent_dim=100,
    units=(200, 1000, 1200),
    discriminator_units=(240, 50, 240),
    dropout=0.5,
    label_smoothing=0.0,
    discriminator_rate=1.0,
    mismatched=False,
):
    """Build a conditional GAN; it turns `latents` and `classes` into pictures in [0, 1].

    Called with a dictionary of `latents` `(B, latent_dim)` and `classes` int `(B,)`.

    Args:
        input_shape: height, width and channels of a picture, of any size.
        classes: how many there are.
        latent_dim: how many normal random numbers a picture is made from.
        units: of the generator, for the latents, the class, and both together.
        discriminator_units: of the discriminator, for the picture, the class, and both together.
        dropout: share of the discriminator's hidden units dropped while training.
        label_smoothing: teach the discriminator that real is `1 - label_smoothing` instead of 1.
        discriminator_rate: the discriminator's learning rate, as a share of the generator's.
        mismatched: teach the discriminator also that real pictures of another class are not what
            was asked for, so that it looks at the class sooner.
    """
    check_picture(input_shape)
    for name, widths in (("units", units), ("discriminator_units", discriminator_units)):
        if len(layers.check_units(widths)) != 3:
            raise ValueError(f"Expected three `{name}`. Received: {name}={widths}")
    latents, codes = keras.Input((latent_dim,), name="latents"), of_class("classes")
    parts = [
        keras.layers.Dense(units[0], activation="relu")(latents),
        keras.layers.Dense(units[1], activation="relu")(one_hot(codes, classes)),
    ]
    x = keras.layers.Dense(units[2], activation="relu")(keras.layers.Concatenate()(parts))
    generator = keras.Model(
        {"latents": latents, "classes": codes}, picture(x, input_shape), name="generator"
    )

    pictures, codes = keras.Input(input_shape, name="pictures"), of_class("classes")
    parts = [
        layers.Maxout(discriminator_units[0], 5)(keras.layers.Flatten()(pictures)),
        layers.Maxout(discriminator_units[1], 5)(one_hot(codes, classes)),
    ]
    x = keras.layers.Concatenate()([dropped(part, dropout) for part in parts])
    x = dropped(layers.Maxout(discriminator_units[2], 4)(x), dropout)
    discriminator = keras.Model(
        {"pictures": pictures, "classes": codes}, layers.logits(x, 1, None), name="discriminator"
    )
    return Adversarial(
        generator,
        discriminator,
        label_smoothing=label_smoothing,
        discriminator_rate=discriminator_rate,
        classes=classes,
        mismatched=mismatched,
        name="cgan",
    )


def of_class(name):
    return keras.Input((), dtype="int32", name=name)


def one_hot(codes, classes):
    return keras.layers.CategoryEncoding(classes, "one_hot")(codes)  # (B, classes)


def dropped(x, share):
    return keras.layers.Dropout(share)(x) if share else x
