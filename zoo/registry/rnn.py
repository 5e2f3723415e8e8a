"""Recurrent networks: sequences."""

from zoo.registry.row import Paper, Row

ROWS = (
    Row(
        name="lstm",
        family="rnn",
        tasks=("language-modelling", "classification", "multi-label", "regression"),
        builder="zoo.models.lstm:lstm",
        summary="Long short-term memory: next tokens, or a class or number a sequence.",
        paper=Paper("Hochreiter, Schmidhuber", "Long Short-Term Memory", 1997),
        tiny={"vocabulary_size": 11, "sequence_length": 7, "units": (8,)},
        training={"optimizer": "adamw", "learning_rate": 2e-3, "batch_size": 32},
    ),
)
