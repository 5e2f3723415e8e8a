"""Convolutional networks that made the history of picture classification."""

from zoo.registry.row import Paper, Row

TASKS = ("classification", "multi-label", "regression")
IMAGENET = {"input_shape": (224, 224, 3), "classes": 1000}
CIFAR = {"input_shape": (32, 32, 3), "classes": 10}
TINY = {"input_shape": (32, 32, 1), "classes": 3}
SGD = {
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "momentum": 0.9,
    "schedule": "cosine",
    "warmup": 0.05,
    "batch_size": 64,
    "l2": 1e-4,
    "early_stopping": 0,
}
ADAMW = {
    "optimizer": "adamw",
    "learning_rate": 3e-4,
    "schedule": "cosine",
    "warmup": 0.05,
    "batch_size": 64,
    "early_stopping": 0,
}

RESNET = Paper(
    "He, Zhang, Ren, Sun", "Deep Residual Learning for Image Recognition", 2015, "1512.03385"
)
RESNETS = (  # layers, blocks, bottlenecks, parameters
    (18, (2, 2, 2, 2), False, 11_689_512),
    (34, (3, 4, 6, 3), False, 21_797_672),
    (50, (3, 4, 6, 3), True, 25_557_032),
    (101, (3, 4, 23, 3), True, 44_549_160),
    (152, (3, 8, 36, 3), True, 60_192_808),
)

ROWS = tuple(
    Row(
        name=f"resnet{depth}",
        family="cnn",
        tasks=TASKS,
        builder="zoo.models.resnet:resnet",
        summary=f"ResNet-{depth}: residual blocks of "
        + ("three convolutions." if bottlenecks else "two 3x3 convolutions."),
        options={"blocks": blocks, "bottlenecks": bottlenecks},
        paper=RESNET,
        params=(IMAGENET, count),
        tiny={**TINY, "blocks": (1, 1), "filters": 4},
        training=SGD,
    )
    for depth, blocks, bottlenecks, count in RESNETS
)
