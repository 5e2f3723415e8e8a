"""WGAN-GP: the networks of a DCGAN, of which one estimates a Wasserstein distance.

Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, Improved Training of Wasserstein GANs, 2017,
arXiv:1704.00028: the critic learns five times for each time that the generator does, pays for
slopes other than one between real and generated pictures, and has layer normalization instead of
batch normalization, which would mix up the examples that the penalty is taken of one by one.
"""

import keras

from zoo.models.adversarial import Adversarial
from zoo.models.dcgan import discriminator, generator


def wgan_gp(
    input_shape,
    *,
    latent_dim=128,
    filters=64,
    critic_steps=5,
    gradient_penalty=10.0,
    discriminator_rate=1.0,
):
    """Build a WGAN-GP; called, it turns latents `(B, latent_dim)` into pictures in [0, 1].

    Args:
        input_shape: height, width and channels of a picture; sides divisible by 4, at least 8.
        latent_dim: how many normal random numbers a picture is made from.
        filters: channels next to the picture; each halving of its size doubles them.
        critic_steps: updates of the critic in a step, for one of the generator; each takes an equal
            part of the step's examples.
        gradient_penalty: weight of the penalty.
        discriminator_rate: the critic's learning rate, as a share of the generator's.
    """
    return Adversarial(
        generator(input_shape, latent_dim, filters),
        # A bias would be the same for real and generated pictures, whose difference is all.
        discriminator(input_shape, filters, layer_normalized, use_bias=False),
        loss="wasserstein",
        critic_steps=critic_steps,
        gradient_penalty=gradient_penalty,
        discriminator_rate=discriminator_rate,
        name="wgan_gp",
    )


def layer_normalized(x):
    return keras.layers.GroupNormalization(groups=1)(x)  # over all of a picture's maps
