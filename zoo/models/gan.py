"""GAN: the first generative adversarial network, of dense layers.

Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville and Bengio, Generative
Adversarial Networks, 2014, arXiv:1406.2661. The generator has rectified linear units and a sigmoid
output, the discriminator maxout units and dropout; widths and pieces are those of the authors'
network for MNIST.
"""

import keras

from zoo import layers
from zoo.models.adversarial import Adversarial, check_picture


def gan(
    input_shape,
    *,
    latent_dim=100,
    units=(1200, 1200),
    discriminator_units=(240, 240),
    pieces=5,
    dropout=0.5,
    label_smoothing=0.0,
    discriminator_rate=1.0,
):
    """Build a GAN; called, it turns latents `(B, latent_dim)` into pictures in [0, 1].

    Args:
        input_shape: height, width and channels of a picture, of any size.
        latent_dim: how many normal random numbers a picture is made from.
        units: width of each hidden layer of the generator.
        discriminator_units: width of each hidden layer of the discriminator.
        pieces: affine functions each of these takes the largest of.
        dropout: share of the discriminator's hidden units dropped while training.
        label_smoothing: teach the discriminator that real is `1 - label_smoothing` instead of 1.
        discriminator_rate: the discriminator's learning rate, as a share of the generator's.
    """
    check_picture(input_shape)
    latents = keras.Input((latent_dim,), name="latents")
    x = latents
    for width in layers.check_units(units):
        x = keras.layers.Dense(width, activation="relu")(x)
    generator = keras.Model(latents, picture(x, input_shape), name="generator")

    pictures = keras.Input(input_shape, name="pictures")
    x = keras.layers.Flatten()(pictures)
    for width in layers.check_units(discriminator_units):
        x = layers.Maxout(width, pieces)(x)
        x = keras.layers.Dropout(dropout)(x) if dropout else x
    discriminator = keras.Model(pictures, layers.logits(x, 1, None), name="discriminator")
    return Adversarial(
        generator,
        discriminator,
        label_smoothing=label_smoothing,
        discriminator_rate=discriminator_rate,
        name="gan",
    )


def picture(x, input_shape):
    """Return pictures in [0, 1] of the last hidden layer."""
    size = layers.check_size(input_shape)
    x = keras.layers.Dense(size, activation="sigmoid", dtype="float32")(x)
    return keras.layers.Reshape(input_shape, dtype="float32")(x)
