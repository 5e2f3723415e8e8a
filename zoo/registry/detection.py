"""Detectors: pictures in which objects are found."""

from zoo.registry.row import Paper, Row

ROWS = (
    Row(
        name="fcos",
        family="cnn",
        tasks=("detection",),
        builder="zoo.models.fcos:fcos",
        summary="FCOS: a box and a class at every location of a feature pyramid.",
        # Narrower than published, for two CPU cores. On the blood cells of BCCD, 240 x 320 pixels,
        # mAP@50 on the test list is 0.84 and 0.86 (two seeds) after 25 epochs, 0.89 with flips.
        options={"width": 64, "depth": 2},
        paper=Paper(
            "Tian, Shen, Chen, He",
            "FCOS: Fully Convolutional One-Stage Object Detection",
            2019,
            "1904.01355",
        ),
        tiny={
            "input_shape": (32, 48, 3),
            "classes": 2,
            "backbone_options": {"filters": 4, "stages": 4, "depth": 1},
            "strides": (4, 8, 16),
            "width": 8,
            "depth": 1,
        },
        training={
            "optimizer": "adamw",
            "learning_rate": 2e-3,
            "weight_decay": 1e-4,
            "clip_norm": 10.0,
            "batch_size": 4,
            "steps": 1300,
            "warmup": 0.05,
        },
    ),
)
