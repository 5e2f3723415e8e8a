"""Convolutional networks: pictures."""

from zoo.registry.row import Paper, Row

ROWS = (
    Row(
        name="lenet5",
        family="cnn",
        tasks=("classification", "multi-label", "regression"),
        builder="zoo.models.lenet5:lenet5",
        summary="LeNet-5: two convolutions with pooling, then three dense layers.",
        # Accuracy on the 8x8 digits, mean of 3 to 5 seeds: 0.975 so, 0.965 with tanh, the paper's,
        # and no dropout (adamw 2e-3, cosine, 25 to 30 epochs).
        options={"activation": "relu", "dropout": 0.3},
        paper=Paper(
            "LeCun, Bottou, Bengio, Haffner",
            "Gradient-based learning applied to document recognition",
            1998,
        ),
        params=({"input_shape": (32, 32, 1), "classes": 10}, 61_706),
        tiny={"input_shape": (8, 8, 1), "classes": 3},
        training={
            "optimizer": "adamw",
            "learning_rate": 3e-3,
            "batch_size": 32,
            "steps": 1500,
            "epochs": 15,
            "early_stopping": 20,
        },
    ),
    Row(
        name="cnn-small",
        family="cnn",
        tasks=("classification", "multi-label", "regression"),
        builder="zoo.models.cnn_small:cnn_small",
        summary="Small VGG with batch normalization, the default for small pictures.",
        paper=Paper(
            "Simonyan, Zisserman",
            "Very Deep Convolutional Networks for Large-Scale Image Recognition",
            2014,
            "1409.1556",
        ),
        tiny={"input_shape": (8, 8, 1), "classes": 3, "filters": 4, "stages": 2, "depth": 1},
        training={
            "optimizer": "adamw",
            "learning_rate": 3e-3,
            "batch_size": 64,
            "steps": 600,
            "early_stopping": 0,
        },
    ),
)
