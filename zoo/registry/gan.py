"""Generative adversarial networks: picture synthesis."""

from zoo.registry.row import Paper, Row

ROWS = (
    Row(
        name="dcgan",
        family="gan",
        tasks=("image-synthesis",),
        builder="zoo.models.dcgan:dcgan",
        summary="Convolutional generator and discriminator in competition.",
        paper=Paper(
            "Radford, Metz, Chintala",
            "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial "
            "Networks",
            2015,
            "1511.06434",
        ),
        tiny={"input_shape": (8, 8, 1), "latent_dim": 4, "filters": 4},
        training={
            "optimizer": "adam",
            "learning_rate": 2e-4,
            "momentum": 0.5,
            "batch_size": 64,
            "steps": 3000,
        },
    ),
)
