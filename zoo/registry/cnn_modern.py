"""Networks of pictures from 2018 on: inverted residuals, ConvNeXt, and mixers of patches."""

from zoo.registry.row import Paper, Row

TASKS = ("classification", "multi-label", "regression")
IMAGENET = {"input_shape": (224, 224, 3), "classes": 1000}
SMALL = {"input_shape": (32, 32, 3), "classes": 3}
MOBILE = {"optimizer": "adamw", "learning_rate": 2e-3, "batch_size": 64, "warmup": 0.05}
# Layer normalization and no convolution to speak of: the papers warm up, and decay weights more.
PATCHES = {
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "batch_size": 64,
    "warmup": 0.1,
    "clip_norm": 1.0,
}
MOBILENET_V2 = Paper(
    "Sandler, Howard, Zhu, Zhmoginov, Chen",
    "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    2018,
    "1801.04381",
)
EFFICIENTNET = Paper(
    "Tan, Le",
    "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    2019,
    "1905.11946",
)
CONVNEXT = Paper(
    "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie", "A ConvNet for the 2020s", 2022, "2201.03545"
)
CONVMIXER = Paper("Trockman, Kolter", "Patches Are All You Need?", 2022, "2201.09792")
MIXER = Paper(
    "Tolstikhin, Houlsby, Kolesnikov, Beyer and others",
    "MLP-Mixer: An all-MLP Architecture for Vision",
    2021,
    "2105.01601",
)


def convnext(size: str, depths: tuple[int, ...], filters: int, params: int) -> Row:
    """Return the row of a published ConvNeXt, whose first stage has this many filters."""
    return Row(
        name=f"convnext-{size}",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.convnext:convnext",
        summary=f"ConvNeXt-{size.title()}: 7x7 convolutions of each channel, layer normalization.",
        options={"depths": depths, "filters": tuple(filters * 2**i for i in range(4))},
        paper=CONVNEXT,
        params=(IMAGENET, params),
        tiny={**SMALL, "depths": (1, 1), "filters": (8, 16)},
        training=PATCHES,
    )


def convmixer(name: str, summary: str, params: int | None = None, **options: object) -> Row:
    """Return the row of a ConvMixer; `params` is counted on ImageNet where it was published."""
    return Row(
        name=name,
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.convmixer:convmixer",
        summary=summary,
        options=options,
        paper=CONVMIXER,
        params=(IMAGENET, params) if params else None,
        tiny={"input_shape": (8, 8, 3), "classes": 3, "filters": 8, "depth": 2, "patch": 2},
        training=PATCHES,
    )


def mlp_mixer(name: str, summary: str, params: int | None = None, **options: object) -> Row:
    """Return the row of an MLP-Mixer; `params` is counted on ImageNet where it was published."""
    return Row(
        name=name,
        family="dense",
        tasks=TASKS,
        builder="zoo.models.mlp_mixer:mlp_mixer",
        summary=summary,
        options=options,
        paper=MIXER,
        params=(IMAGENET, params) if params else None,
        tiny={
            "input_shape": (8, 8, 3),
            "classes": 3,
            "width": 8,
            "depth": 2,
            "tokens": 8,
            "channels": 16,
            "patch": 4,
        },
        training=PATCHES,
    )


ROWS = (
    Row(
        name="mobilenet-v2",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.mobilenet_v2:mobilenet_v2",
        summary="MobileNetV2: inverted residuals, small and fast on a telephone.",
        paper=MOBILENET_V2,
        params=(IMAGENET, 3_504_872),
        tiny={**SMALL, "alpha": 0.1},
        training={**MOBILE, "steps": 3000},
    ),
    Row(
        name="efficientnet-lite0",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.efficientnet_lite:efficientnet_lite",
        summary="EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation.",
        paper=EFFICIENTNET,
        params=(IMAGENET, 4_652_008),
        tiny={**SMALL, "width": 0.1, "depth": 0.1},
        training={**MOBILE, "steps": 3000},
    ),
    convnext("tiny", (3, 3, 9, 3), 96, 28_589_128),
    convnext("small", (3, 3, 27, 3), 96, 50_223_688),
    convnext("base", (3, 3, 27, 3), 128, 88_591_464),
    convmixer("convmixer", "ConvMixer of 256 filters and depth 8, for small pictures."),
    convmixer(
        "convmixer-768-32",
        "ConvMixer-768/32: patches of 7 pixels, 7x7 convolutions, ReLU.",
        21_110_248,
        filters=768,
        depth=32,
        size=7,
        patch=7,
        activation="relu",
    ),
    convmixer(
        "convmixer-1536-20",
        "ConvMixer-1536/20: patches of 7 pixels, 9x9 convolutions.",
        51_625_960,
        filters=1536,
        depth=20,
        size=9,
        patch=7,
    ),
    mlp_mixer("mlp-mixer", "MLP-Mixer for small pictures, in patches of 4 pixels."),
    mlp_mixer(
        "mlp-mixer-s16",
        "MLP-Mixer S/16: MLPs over places and channels, in patches of 16 pixels.",
        18_528_264,
        width=512,
        depth=8,
        patch=16,
        tokens=256,
        channels=2048,
    ),
    mlp_mixer(
        "mlp-mixer-b16",
        "MLP-Mixer B/16: as S/16, wider and deeper.",
        59_880_472,
        width=768,
        depth=12,
        patch=16,
        tokens=384,
        channels=3072,
    ),
)
