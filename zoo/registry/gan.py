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
        # A quarter of the time of 64 filters at the paper's 2e-4, and digits no worse to the eye.
        options={"filters": 32, "label_smoothing": 0.1},
        tiny={"input_shape": (8, 8, 1), "latent_dim": 4, "filters": 4},
        training={
            "optimizer": "adam",
            "learning_rate": 5e-4,
            "momentum": 0.5,
            "batch_size": 64,
            "steps": 3000,
        },
    ),
)
