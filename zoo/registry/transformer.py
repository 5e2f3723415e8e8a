"""Transformers: attention over sequences."""

from zoo.registry.row import Paper, Row

ROWS = (
    Row(
        name="gpt-nano",
        family="transformer",
        tasks=("language-modelling",),
        builder="zoo.models.gpt:gpt",
        summary="GPT-2 in small: a decoder-only Transformer that predicts the next token.",
        options={"layers": 4, "heads": 4, "width": 128},
        paper=Paper(
            "Radford, Wu, Child, Luan, Amodei, Sutskever",
            "Language Models are Unsupervised Multitask Learners",
            2019,
        ),
        params=(
            {
                "vocabulary_size": 50257,
                "sequence_length": 1024,
                "layers": 12,
                "heads": 12,
                "width": 768,
            },
            124_439_808,
        ),
        tiny={
            "vocabulary_size": 11,
            "sequence_length": 8,
            "layers": 2,
            "heads": 2,
            "width": 8,
        },
        training={
            "optimizer": "adamw",
            "learning_rate": 2e-3,
            "schedule": "cosine",
            "warmup": 0.05,
            "batch_size": 32,
            "sequence_length": 64,
            "steps": 2000,
        },
    ),
)
