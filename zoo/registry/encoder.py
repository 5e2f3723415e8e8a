"""Transformers that read and answer: BERT for text, ViT for pictures."""

from zoo.registry.row import Paper, Row

ONE_ANSWER = ("classification", "multi-label", "regression")
TRAINING = {"optimizer": "adamw", "batch_size": 32, "warmup": 0.1, "clip_norm": 1.0}
IMAGENET = {"input_shape": (224, 224, 3), "classes": 1000}
BERT = Paper(
    "Devlin, Chang, Lee, Toutanova",
    "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
    2018,
    "1810.04805",
)
STUDENTS = Paper(
    "Turc, Chang, Lee, Toutanova",
    "Well-Read Students Learn Better: On the Importance of Pre-training Compact Models",
    2019,
    "1908.08962",
)
MINILM = Paper(
    "Wang, Wei, Dong, Bao, Yang, Zhou",
    "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained "
    "Transformers",
    2020,
    "2002.10957",
)
VIT = Paper(
    "Dosovitskiy, Beyer, Kolesnikov, Weissenborn and others",
    "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    2020,
    "2010.11929",
)
DEIT = Paper(
    "Touvron, Cord, Douze, Massa, Sablayrolles, Jégou",
    "Training Data-efficient Image Transformers & Distillation through Attention",
    2020,
    "2012.12877",
)


def bert(
    name: str, paper: Paper, size: tuple[int, int, int], learning_rate: float, params: int
) -> Row:
    """Return the row of a BERT of so many layers, heads and this width.

    Parameters are counted as published: with its vocabulary, and the layer over the first token.
    """
    layers, heads, width = size
    return Row(
        name=name,
        family="transformer",
        tasks=(*ONE_ANSWER, "sentence-embedding"),
        builder="zoo.models.bert:bert",
        summary=f"A Transformer that reads whole texts: {layers} layers, width {width}.",
        options={"layers": layers, "heads": heads, "width": width},
        paper=paper,
        params=({"vocabulary_size": 30522, "sequence_length": 512, "pooling": "first"}, params),
        tiny={
            "vocabulary_size": 11,
            "sequence_length": 7,
            "classes": 3,
            "layers": 2,
            "heads": 2,
            "width": 8,
        },
        training={**TRAINING, "learning_rate": learning_rate, "epochs": 3},
    )


def vit(size: str, paper: Paper, heads: int, width: int, learning_rate: float, params: int) -> Row:
    """Return the row of a ViT of twelve layers, in patches of 16 pixels."""
    return Row(
        name=f"vit-{size}-16",
        family="transformer",
        tasks=ONE_ANSWER,
        builder="zoo.models.vit:vit",
        summary=f"Vision Transformer: 12 layers, width {width}; patches of 16 pixels or others.",
        options={"patch": 16, "layers": 12, "heads": heads, "width": width},
        paper=paper,
        params=(IMAGENET, params),
        tiny={
            "input_shape": (8, 8, 3),
            "classes": 3,
            "patch": 4,
            "layers": 2,
            "heads": 2,
            "width": 8,
        },
        training={**TRAINING, "learning_rate": learning_rate, "weight_decay": 0.05},
    )


ROWS = (
    bert("bert-tiny", STUDENTS, (2, 2, 128), 1e-3, 4_385_920),
    bert("bert-mini", STUDENTS, (4, 4, 256), 5e-4, 11_170_560),
    bert("bert-small", STUDENTS, (4, 8, 512), 3e-4, 28_763_648),
    bert("bert-base", BERT, (12, 12, 768), 5e-5, 109_482_240),
    bert("minilm", MINILM, (6, 12, 384), 1e-4, 22_713_216),
    vit("tiny", DEIT, 3, 192, 5e-4, 5_717_416),
    vit("small", DEIT, 6, 384, 3e-4, 22_050_664),
    vit("base", VIT, 12, 768, 1e-4, 86_567_656),
)
