"""Convolutional networks that made the history of picture classification."""

from zoo.registry.row import Paper, Row

TASKS = ("classification", "multi-label", "regression")
IMAGENET = {"input_shape": (224, 224, 3), "classes": 1000}
CIFAR = {"input_shape": (32, 32, 3), "classes": 10}
TINY = {"input_shape": (32, 32, 1), "classes": 3}
SMALL = {"input_shape": (8, 8, 1), "classes": 3}
ADAMW = {
    "optimizer": "adamw",
    "learning_rate": 3e-4,
    "schedule": "cosine",
    "warmup": 0.05,
    "batch_size": 64,
    "steps": 2000,
    "early_stopping": 0,
}
# The papers' decay of 1e-4 goes through a momentum of 0.9, which makes ten times as much of it;
# Keras's goes past it.
SGD = {
    **ADAMW,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 1e-3,
}

ONE_WEIRD_TRICK = Paper(
    "Krizhevsky",
    "One weird trick for parallelizing convolutional neural networks",
    2014,
    "1404.5997",
)
VGG = Paper(
    "Simonyan, Zisserman",
    "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    2014,
    "1409.1556",
)
RESNET = Paper(
    "He, Zhang, Ren, Sun", "Deep Residual Learning for Image Recognition", 2015, "1512.03385"
)
WIDE_RESNET = Paper("Zagoruyko, Komodakis", "Wide Residual Networks", 2016, "1605.07146")
DENSENET = Paper(
    "Huang, Liu, van der Maaten, Weinberger",
    "Densely Connected Convolutional Networks",
    2016,
    "1608.06993",
)

ALEXNETS = (
    Row(
        name="alexnet",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.alexnet:alexnet",
        summary="AlexNet: five convolutions, the first of 11x11, and three dense layers.",
        paper=ONE_WEIRD_TRICK,
        params=(IMAGENET, 61_100_840),
        tiny={"input_shape": (63, 63, 1), "classes": 3, "filters": (4,) * 5, "units": 8},
        training=ADAMW,
    ),
)
VGGS = tuple(
    Row(
        name=f"vgg{layers}",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.vgg:vgg",
        summary=f"VGG-{layers}: {layers - 3} convolutions of 3x3 and three dense layers.",
        options={"depths": depths},
        paper=VGG,
        params=(IMAGENET, count),
        tiny={**TINY, "depths": (1,) * 5, "filters": (4,) * 5, "units": 8},
        training={**ADAMW, "learning_rate": 1e-4},
    )
    for layers, depths, count in (
        (11, (1, 1, 2, 2, 2), 132_863_336),
        (13, (2, 2, 2, 2, 2), 133_047_848),
        (16, (2, 2, 3, 3, 3), 138_357_544),
        (19, (2, 2, 4, 4, 4), 143_667_240),
    )
)
RESNETS = tuple(
    Row(
        name=f"resnet{layers}",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.resnet:resnet",
        summary=f"ResNet-{layers}: residual blocks of {convolutions}, for pictures of 224 pixels.",
        options={"blocks": blocks, "bottlenecks": convolutions != "two 3x3 convolutions"},
        paper=RESNET,
        params=(IMAGENET, count),
        tiny={**TINY, "blocks": (1, 1), "filters": 4},
        training=SGD,
    )
    for layers, blocks, convolutions, count in (
        (18, (2, 2, 2, 2), "two 3x3 convolutions", 11_689_512),
        (34, (3, 4, 6, 3), "two 3x3 convolutions", 21_797_672),
        (50, (3, 4, 6, 3), "three convolutions", 25_557_032),
        (101, (3, 4, 23, 3), "three convolutions", 44_549_160),
        (152, (3, 8, 36, 3), "three convolutions", 60_192_808),
    )
)
CIFAR_RESNETS = tuple(
    Row(
        name=f"resnet{depth}",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.resnet_cifar:resnet_cifar",
        summary=f"ResNet-{depth} for pictures of 32 pixels: shortcuts without parameters.",
        options={"depth": depth},
        paper=RESNET,
        params=(CIFAR, count),
        tiny={**SMALL, "depth": 8, "filters": 4},
        training={**SGD, "learning_rate": 0.1, "batch_size": 128},
    )
    for depth, count in ((20, 269_722), (32, 464_154), (56, 853_018), (110, 1_727_962))
)
WIDE_RESNETS = tuple(
    Row(
        name=name,
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.wide_resnet:wide_resnet",
        summary=f"WRN-{depth}-{width}: {depth} layers of residual blocks, {width} times as wide.",
        options={"depth": depth, "width": width},
        paper=WIDE_RESNET,
        params=(CIFAR, count),
        tiny={**SMALL, "depth": 10, "width": 2, "filters": 2},
        training={**SGD, "learning_rate": 0.1, "batch_size": 128, "weight_decay": 5e-3},
    )
    for name, depth, width, count in (
        ("wide-resnet", 28, 10, 36_479_194),
        ("wide-resnet-40-4", 40, 4, 8_949_210),
    )
)
DENSENETS = (
    Row(
        name="densenet-bc",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.densenet:densenet",
        summary="DenseNet-BC of 100 layers that add 12 maps each, for pictures of 32 pixels.",
        options={"blocks": (16, 16, 16), "growth": 12, "large": False},
        paper=DENSENET,
        params=(CIFAR, 769_162),
        tiny={**SMALL, "blocks": (2, 2), "growth": 2},
        training={**SGD, "learning_rate": 0.1},
    ),
    *(
        Row(
            name=f"densenet{layers}",
            family="cnn",
            tasks=TASKS,
            builder="zoo.models.densenet:densenet",
            summary=f"DenseNet-BC of {layers} layers, for pictures of 224 pixels.",
            options={"blocks": blocks},
            paper=DENSENET,
            params=(IMAGENET, count),
            tiny={**TINY, "blocks": (2, 2), "growth": 2},
            training=SGD,
        )
        for layers, blocks, count in (
            (121, (6, 12, 24, 16), 7_978_856),
            (169, (6, 12, 32, 32), 14_149_480),
            (201, (6, 12, 48, 32), 20_013_928),
        )
    ),
)

ROWS = (*ALEXNETS, *VGGS, *RESNETS, *CIFAR_RESNETS, *WIDE_RESNETS, *DENSENETS)
