"""Networks that say of each pixel what it shows."""

from typing import Any

from zoo.registry.row import Paper, Row

_UNET: dict[str, Any] = {
    "family": "cnn",
    "tasks": ("segmentation",),
    "builder": "zoo.models.unet:unet",
    "paper": Paper(
        "Ronneberger, Fischer, Brox",
        "U-Net: Convolutional Networks for Biomedical Image Segmentation",
        2015,
        "1505.04597",
    ),
    "tiny": {"input_shape": (8, 8, 1), "classes": 3, "filters": 4, "depth": 2},
    "training": {
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "batch_size": 16,
        "steps": 1000,
        "early_stopping": 0,
    },
}

ROWS = (
    Row(
        name="unet",
        summary="U-Net at its paper's width; a backbone can take the place of its first half.",
        # The count of the layers in the paper's figure, which has no batch normalization.
        params=({"input_shape": (64, 64, 1), "classes": 2, "batch_norm": False}, 31_030_658),
        **_UNET,
    ),
    Row(
        name="unet-small",
        summary="U-Net with a quarter of its paper's filters, for a CPU.",
        options={"filters": 16},
        **_UNET,
    ),
)
