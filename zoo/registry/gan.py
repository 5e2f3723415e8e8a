"""Generative adversarial networks and their relatives: picture synthesis."""

from zoo.registry.row import Paper, Row

_SYNTHESIS = ("image-synthesis",)
_TRANSLATION = ("unpaired-image-to-image",)
_TINY = {"input_shape": (8, 8, 1), "latent_dim": 4, "filters": 4}
# Networks in competition circle their goal: what is kept is an average over the circle.
_ADAM = {
    "optimizer": "adam", "momentum": 0.5, "schedule": "constant", "ema": 0.99, "batch_size": 64,
    "steps": 3000,
}  # fmt: skip

ROWS = (
    Row(
        name="gan",
        family="gan",
        tasks=_SYNTHESIS,
        builder="zoo.models.gan:gan",
        summary="Dense generator and maxout discriminator in competition: the first of its kind.",
        paper=Paper(
            "Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio",
            "Generative Adversarial Networks",
            2014,
            "1406.2661",
        ),
        # Half the time of the authors' 1,200 units, and better digits.
        options={"units": (200, 400), "latent_dim": 20, "label_smoothing": 0.1},
        tiny={
            "input_shape": (8, 8, 1), "latent_dim": 4, "units": (8,), "discriminator_units": (8,),
        },
        training={**_ADAM, "learning_rate": 2e-3, "steps": 4000},
    ),
    Row(
        name="dcgan",
        family="gan",
        tasks=_SYNTHESIS,
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
        tiny=_TINY,
        training={**_ADAM, "learning_rate": 5e-4},
    ),
    Row(
        name="cgan",
        family="gan",
        tasks=_SYNTHESIS,
        builder="zoo.models.cgan:cgan",
        summary="Dense networks that make and judge pictures of a class that is asked for.",
        paper=Paper(
            "Mirza, Osindero", "Conditional Generative Adversarial Nets", 2014, "1411.1784"
        ),
        # In the authors' widths the latents drown the class: each gets the same pictures.
        options={"units": (100, 100, 400), "label_smoothing": 0.1},
        tiny={
            "input_shape": (8, 8, 1), "classes": 3, "latent_dim": 4, "units": (4, 4, 8),
            "discriminator_units": (4, 4, 8),
        },
        training={**_ADAM, "learning_rate": 1e-3, "steps": 4000},
    ),
    Row(
        name="wgan-gp",
        family="gan",
        tasks=_SYNTHESIS,
        builder="zoo.models.wgan_gp:wgan_gp",
        summary="A critic of a DCGAN's layers that estimates a Wasserstein distance.",
        paper=Paper(
            "Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville",
            "Improved Training of Wasserstein GANs",
            2017,
            "1704.00028",
        ),
        options={"filters": 32},
        tiny=_TINY,
        training={**_ADAM, "learning_rate": 5e-4, "batch_size": 320},
    ),
    Row(
        name="sngan",
        family="gan",
        tasks=_SYNTHESIS,
        builder="zoo.models.sngan:sngan",
        summary="A discriminator with spectral normalization, and the hinge loss.",
        paper=Paper(
            "Miyato, Kataoka, Koyama, Yoshida",
            "Spectral Normalization for Generative Adversarial Networks",
            2018,
            "1802.05957",
        ),
        # In place of five updates of the discriminator for one of the generator.
        options={"filters": 32, "discriminator_rate": 5.0},
        tiny=_TINY,
        training={**_ADAM, "momentum": 0.0, "learning_rate": 2e-4},
    ),
    Row(
        name="projection-sngan",
        family="gan",
        tasks=_SYNTHESIS,
        builder="zoo.models.sngan:projection_sngan",
        summary="An SNGAN that makes pictures of a class that is asked for.",
        paper=Paper(
            "Miyato, Koyama", "cGANs with Projection Discriminator", 2018, "1802.05637"
        ),
        options={"filters": 32, "discriminator_rate": 5.0},
        tiny={**_TINY, "classes": 3},
        training={**_ADAM, "momentum": 0.0, "learning_rate": 2e-4},
    ),
    Row(
        name="vae",
        family="gan",
        tasks=_SYNTHESIS,
        builder="zoo.models.vae:vae",
        summary="Variational autoencoder: pictures from latents without a competition.",
        paper=Paper("Kingma, Welling", "Auto-Encoding Variational Bayes", 2013, "1312.6114"),
        tiny=_TINY,
        training={"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 64, "epochs": 20},
    ),
    Row(
        name="pix2pix",
        family="gan",
        tasks=("image-to-image",),
        builder="zoo.models.pix2pix:pix2pix",
        summary="Pictures into others, learned from pairs: a U-Net and a judge of patches.",
        paper=Paper(
            "Isola, Zhu, Zhou, Efros",
            "Image-to-Image Translation with Conditional Adversarial Networks",
            2016,
            "1611.07004",
        ),
        options={"filters": 32},
        tiny={"input_shape": (8, 8, 1), "filters": 4},
        training={**_ADAM, "learning_rate": 2e-4, "batch_size": 4, "steps": 10_000},
    ),
    Row(
        name="cyclegan",
        family="gan",
        tasks=_TRANSLATION,
        builder="zoo.models.cyclegan:cyclegan",
        summary="Pictures of one kind into another and back, learned without pairs.",
        paper=Paper(
            "Zhu, Park, Isola, Efros",
            "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks",
            2017,
            "1703.10593",
        ),
        options={"filters": 32},
        tiny={"input_shape": (8, 8, 1), "filters": 4, "blocks": 1, "pool": 6},
        training={**_ADAM, "learning_rate": 2e-4, "batch_size": 1, "steps": 10_000},
    ),
    Row(
        name="faceswap",
        family="gan",
        tasks=_TRANSLATION,
        builder="zoo.models.faceswap:faceswap",
        summary="One encoder and a decoder for each of two persons, or of two kinds of things.",
        paper=Paper(
            "Perov and others",
            "DeepFaceLab: Integrated, flexible and extensible face-swapping framework",
            2020,
            "2005.05535",
        ),
        options={"filters": 32},
        tiny={"input_shape": (8, 8, 1), "filters": 4, "units": 8},
        training={"optimizer": "adam", "momentum": 0.5, "learning_rate": 5e-4, "batch_size": 64,
                  "steps": 3000},
    ),
)  # fmt: skip
