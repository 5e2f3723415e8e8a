"""Transformers: attention over sequences."""

from zoo.registry.row import Paper, Row

GPT2 = Paper(
    "Radford, Wu, Child, Luan, Amodei, Sutskever",
    "Language Models are Unsupervised Multitask Learners",
    2019,
)
LLAMA = Paper(
    "Touvron and others",
    "LLaMA: Open and Efficient Foundation Language Models",
    2023,
    "2302.13971",
)
TINY = {"vocabulary_size": 11, "sequence_length": 8, "layers": 2, "heads": 2, "width": 8}
WRITES = {
    "optimizer": "adamw",
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "warmup": 0.05,
    "batch_size": 32,
    "sequence_length": 64,
    "steps": 2000,
}
LARGE = {**WRITES, "learning_rate": 3e-4, "batch_size": 8, "sequence_length": 1024}


def gpt2(name, layers, heads, width, params=None):
    """Return the row of a GPT-2 as large as one of the paper's."""
    size = {"layers": layers, "heads": heads, "width": width}
    full = {"vocabulary_size": 50257, "sequence_length": 1024, **size}
    return Row(
        name=name,
        family="transformer",
        tasks=("language-modelling",),
        builder="zoo.models.gpt:gpt",
        summary=f"GPT-2 as published: {layers} layers, {width} wide.",
        options=size,
        paper=GPT2,
        params=params and (full, params),
        tiny=TINY,
        training=LARGE,
    )


ROWS = (
    Row(
        name="gpt-nano",
        family="transformer",
        tasks=("language-modelling",),
        builder="zoo.models.gpt:gpt",
        summary="GPT-2 in small: a decoder-only Transformer that predicts the next token.",
        options={"layers": 4, "heads": 4, "width": 128},
        paper=GPT2,
        tiny=TINY,
        training=WRITES,
    ),
    gpt2("gpt2-small", 12, 12, 768, 124_439_808),
    gpt2("gpt2-medium", 24, 16, 1024),
    gpt2("gpt2-large", 36, 20, 1280),
    gpt2("gpt2-xl", 48, 25, 1600),
    Row(
        name="llama-nano",
        family="transformer",
        tasks=("language-modelling",),
        builder="zoo.models.llama:llama",
        summary="LLaMA in small: rotary positions, gated networks, queries that share keys.",
        options={"layers": 4, "heads": 4, "key_heads": 2, "width": 128, "hidden": 352},
        paper=LLAMA,
        params=(
            {
                "vocabulary_size": 49152,
                "layers": 30,
                "heads": 9,
                "key_heads": 3,
                "width": 576,
                "hidden": 1536,
            },
            134_515_008,
        ),
        tiny={**TINY, "key_heads": 1, "hidden": 16},
        training=WRITES,
    ),
    Row(
        name="ft-transformer",
        family="transformer",
        tasks=("classification", "multi-label", "regression"),
        builder="zoo.models.ft_transformer:ft_transformer",
        summary="FT-Transformer: each column of a table is a token; attention joins them.",
        paper=Paper(
            "Gorishniy, Rubachev, Khrulkov, Babenko",
            "Revisiting Deep Learning Models for Tabular Data",
            2021,
            "2106.11959",
        ),
        tiny={
            "input_shape": (4,),
            "classes": 3,
            "cardinalities": (5, 3, 7),
            "blocks": 2,
            "heads": 2,
            "width": 8,
        },
        training={
            "optimizer": "adamw",
            "learning_rate": 1e-4,
            "weight_decay": 1e-5,
            "batch_size": 32,
            "early_stopping": 16,
        },
    ),
)
