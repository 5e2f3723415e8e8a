"""The networks of keras.applications: each row means one function there, its `architecture`."""

from zoo.registry.cnn_classic import DENSENET, RESNET, VGG
from zoo.registry.cnn_modern import CONVNEXT, EFFICIENTNET, MOBILENET_V2
from zoo.registry.row import Paper, Row

TRAINING = {
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "batch_size": 32,
    "warmup": 0.05,
    "steps": 3000,
}
CAREFUL = {**TRAINING, "learning_rate": 1e-4}  # a deep network without any normalization

INCEPTION = Paper(
    "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna",
    "Rethinking the Inception Architecture for Computer Vision",
    2015,
    "1512.00567",
)
INCEPTION_RESNET = Paper(
    "Szegedy, Ioffe, Vanhoucke, Alemi",
    "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
    2016,
    "1602.07261",
)
RESNET_V2 = Paper(
    "He, Zhang, Ren, Sun", "Identity Mappings in Deep Residual Networks", 2016, "1603.05027"
)
XCEPTION = Paper(
    "Chollet", "Xception: Deep Learning with Depthwise Separable Convolutions", 2016, "1610.02357"
)
MOBILENET = Paper(
    "Howard, Zhu, Chen, Kalenichenko and others",
    "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    2017,
    "1704.04861",
)
NASNET = Paper(
    "Zoph, Vasudevan, Shlens, Le",
    "Learning Transferable Architectures for Scalable Image Recognition",
    2017,
    "1707.07012",
)
MOBILENET_V3 = Paper(
    "Howard, Sandler, Chu, Chen and others", "Searching for MobileNetV3", 2019, "1905.02244"
)
EFFICIENTNET_V2 = Paper(
    "Tan, Le", "EfficientNetV2: Smaller Models and Faster Training", 2021, "2104.00298"
)

# Architecture, name, pixels a side it was made for, the smallest, dropout, parameters. The smallest
# network of a paper comes first.
NETWORKS = {
    VGG: (
        ("VGG16", "vgg16", 224, 32, 0.0, 138_357_544),
        ("VGG19", "vgg19", 224, 32, 0.0, 143_667_240),
    ),
    RESNET: (
        ("ResNet50", "resnet50", 224, 32, 0.0, 25_583_592),
        ("ResNet101", "resnet101", 224, 32, 0.0, 44_601_832),
        ("ResNet152", "resnet152", 224, 32, 0.0, 60_268_520),
    ),
    INCEPTION: (("InceptionV3", "inception-v3", 299, 75, 0.0, 23_817_352),),
    INCEPTION_RESNET: (("InceptionResNetV2", "inception-resnet-v2", 299, 75, 0.0, 55_813_192),),
    RESNET_V2: (
        ("ResNet50V2", "resnet50-v2", 224, 32, 0.0, 25_568_360),
        ("ResNet101V2", "resnet101-v2", 224, 32, 0.0, 44_577_896),
        ("ResNet152V2", "resnet152-v2", 224, 32, 0.0, 60_236_904),
    ),
    DENSENET: (
        ("DenseNet121", "densenet121", 224, 32, 0.0, 7_978_856),
        ("DenseNet169", "densenet169", 224, 32, 0.0, 14_149_480),
        ("DenseNet201", "densenet201", 224, 32, 0.0, 20_013_928),
    ),
    XCEPTION: (("Xception", "xception", 299, 71, 0.0, 22_855_952),),
    MOBILENET: (("MobileNet", "mobilenet", 224, 32, 0.001, 4_231_976),),
    NASNET: (
        ("NASNetMobile", "nasnet-mobile", 224, 32, 0.0, 5_289_978),
        ("NASNetLarge", "nasnet-large", 331, 32, 0.0, 88_753_150),
    ),
    MOBILENET_V2: (("MobileNetV2", "mobilenet-v2", 224, 32, 0.0, 3_504_872),),
    MOBILENET_V3: (
        ("MobileNetV3Small", "mobilenet-v3-small", 224, 32, 0.2, 2_542_856),
        ("MobileNetV3Large", "mobilenet-v3-large", 224, 32, 0.2, 5_483_032),
    ),
    EFFICIENTNET: (
        ("EfficientNetB0", "efficientnet-b0", 224, 32, 0.2, 5_288_548),
        ("EfficientNetB1", "efficientnet-b1", 240, 32, 0.2, 7_794_184),
        ("EfficientNetB2", "efficientnet-b2", 260, 32, 0.3, 9_109_994),
        ("EfficientNetB3", "efficientnet-b3", 300, 32, 0.3, 12_233_232),
        ("EfficientNetB4", "efficientnet-b4", 380, 32, 0.4, 19_341_616),
        ("EfficientNetB5", "efficientnet-b5", 456, 32, 0.4, 30_389_784),
        ("EfficientNetB6", "efficientnet-b6", 528, 32, 0.5, 43_040_704),
        ("EfficientNetB7", "efficientnet-b7", 600, 32, 0.5, 66_347_960),
    ),
    EFFICIENTNET_V2: (
        ("EfficientNetV2B0", "efficientnet-v2-b0", 224, 32, 0.2, 7_139_704),
        ("EfficientNetV2B1", "efficientnet-v2-b1", 240, 32, 0.2, 8_141_052),
        ("EfficientNetV2B2", "efficientnet-v2-b2", 260, 32, 0.2, 10_096_086),
        ("EfficientNetV2B3", "efficientnet-v2-b3", 300, 32, 0.2, 14_358_406),
        ("EfficientNetV2S", "efficientnet-v2-s", 384, 32, 0.2, 21_458_488),
        ("EfficientNetV2M", "efficientnet-v2-m", 480, 32, 0.2, 54_139_356),
        ("EfficientNetV2L", "efficientnet-v2-l", 480, 32, 0.2, 118_515_272),
    ),
    CONVNEXT: (
        ("ConvNeXtTiny", "convnext-tiny", 224, 32, 0.0, 28_589_128),
        ("ConvNeXtSmall", "convnext-small", 224, 32, 0.0, 50_223_688),
        ("ConvNeXtBase", "convnext-base", 224, 32, 0.0, 88_591_464),
        ("ConvNeXtLarge", "convnext-large", 224, 32, 0.0, 197_767_336),
        ("ConvNeXtXLarge", "convnext-xlarge", 224, 32, 0.0, 350_196_968),
    ),
}


def row(
    paper: Paper, architecture: str, name: str, side: int, least: int, dropout: float, params: int
) -> Row:
    """Return the row of one network."""
    return Row(
        name=f"keras-{name}",
        family="cnn",
        tasks=("classification", "multi-label", "regression"),
        builder="zoo.models.applications:application",
        summary=f"{architecture} of keras.applications, made for {side} pixels a side.",
        options={"architecture": architecture, "dropout": dropout},
        paper=paper,
        params=({"input_shape": (side, side, 3), "classes": 1000}, params),
        tiny={"input_shape": (least, least, 3), "classes": 3},
        training=CAREFUL if paper is VGG else TRAINING,
        weights=architecture,
    )


ROWS = tuple(row(paper, *network) for paper, networks in NETWORKS.items() for network in networks)
