"""Dense networks: vectors, tables and 2-D points."""

from zoo.registry.row import Paper, Row

PREDICTION = ("classification", "multi-label", "regression")
VECTOR = {"input_shape": (6,), "classes": 3}
TABLE = {"input_shape": (4,), "classes": 3, "cardinalities": (5, 3, 7)}
TRAINING = {
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "batch_size": 32,
    "early_stopping": 20,
}

ROWS = (
    Row(
        name="linear",
        family="dense",
        tasks=PREDICTION,
        builder="zoo.models.linear:linear",
        summary="Linear model: logistic or linear regression, no hidden layer.",
        params=({"input_shape": (64,), "classes": 10}, 650),
        tiny=VECTOR,
        training={**TRAINING, "learning_rate": 1e-2},
    ),
    Row(
        name="perceptron",
        family="dense",
        tasks=PREDICTION,
        builder="zoo.models.perceptron:perceptron",
        summary="Rosenblatt's neuron, one or several: g(w0 + x.w).",
        paper=Paper(
            "Rosenblatt",
            "The perceptron: a probabilistic model for information storage and organization in "
            "the brain",
            1958,
        ),
        tiny=VECTOR,
        training={**TRAINING, "learning_rate": 1e-2},
    ),
    Row(
        name="mlp",
        family="dense",
        tasks=PREDICTION,
        builder="zoo.models.mlp:mlp",
        summary="Multilayer perceptron: dense layers with a non-linearity after each.",
        paper=Paper(
            "Rumelhart, Hinton, Williams",
            "Learning representations by back-propagating errors",
            1986,
        ),
        tiny={**VECTOR, "units": (8, 8)},
        training=TRAINING,
    ),
    Row(
        name="maxout-mlp",
        family="dense",
        tasks=PREDICTION,
        builder="zoo.models.maxout_mlp:maxout_mlp",
        summary="MLP whose units take the largest of several affine functions, with dropout.",
        paper=Paper(
            "Goodfellow, Warde-Farley, Mirza, Courville, Bengio",
            "Maxout Networks",
            2013,
            "1302.4389",
        ),
        tiny={**VECTOR, "units": (8, 8), "pieces": 2},
        training=TRAINING,
    ),
    Row(
        name="tabular-resnet",
        family="dense",
        tasks=PREDICTION,
        builder="zoo.models.tabular_resnet:tabular_resnet",
        summary="Residual blocks of dense layers and batch normalization, for tables.",
        paper=Paper(
            "Gorishniy, Rubachev, Khrulkov, Babenko",
            "Revisiting Deep Learning Models for Tabular Data",
            2021,
            "2106.11959",
        ),
        tiny={**TABLE, "blocks": 2, "width": 8, "embedding_width": 2},
        training=TRAINING,
    ),
    Row(
        name="wide-deep",
        family="dense",
        tasks=PREDICTION,
        builder="zoo.models.wide_deep:wide_deep",
        summary="Linear model of categories and their pairs, plus an MLP of embeddings.",
        paper=Paper(
            "Cheng et al.", "Wide & Deep Learning for Recommender Systems", 2016, "1606.07792"
        ),
        tiny={**TABLE, "units": (8, 8), "embedding_width": 2, "buckets": 20},
        training=TRAINING,
    ),
    Row(
        name="dcn-v2",
        family="dense",
        tasks=PREDICTION,
        builder="zoo.models.dcn_v2:dcn_v2",
        summary="Deep and cross network: explicit feature interactions and an MLP.",
        paper=Paper(
            "Wang, Shivanna, Cheng, Jain, Lin, Hong, Chi",
            "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to "
            "Rank Systems",
            2020,
            "2008.13535",
        ),
        tiny={**TABLE, "cross_layers": 2, "units": (8, 8), "embedding_width": 2},
        training=TRAINING,
    ),
    Row(
        name="autoencoder",
        family="dense",
        tasks=("reconstruction",),
        builder="zoo.models.autoencoder:autoencoder",
        summary="Encoder to a narrow code and its mirrored decoder.",
        paper=Paper(
            "Hinton, Salakhutdinov",
            "Reducing the Dimensionality of Data with Neural Networks",
            2006,
        ),
        tiny={"input_shape": (6,), "units": (8, 3)},
        training=TRAINING,
    ),
)
