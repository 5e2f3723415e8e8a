"""Recurrent networks, and convolutions in their place: sequences."""

from zoo.registry.row import Paper, Row

ONE_ANSWER = ("classification", "multi-label", "regression")
SEQUENCES = ("language-modelling", *ONE_ANSWER)
TRAINING = {"optimizer": "adamw", "learning_rate": 2e-3, "batch_size": 32}
TOKENS = {"vocabulary_size": 11, "sequence_length": 7}
LSTM = Paper("Hochreiter, Schmidhuber", "Long Short-Term Memory", 1997)
GRU = Paper(
    "Cho and others",
    "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation",
    2014,
    "1406.1078",
)

ROWS = (
    Row(
        name="simple-rnn",
        family="rnn",
        tasks=SEQUENCES,
        builder="zoo.models.simple_rnn:simple_rnn",
        summary="Elman's network: a hidden layer that reads its own last state; forgets soon.",
        paper=Paper("Elman", "Finding Structure in Time", 1990),
        tiny={**TOKENS, "units": (8,)},
        training=TRAINING,
    ),
    Row(
        name="lstm",
        family="rnn",
        tasks=SEQUENCES,
        builder="zoo.models.lstm:lstm",
        summary="Long short-term memory: next tokens, or a class or number a sequence.",
        paper=LSTM,
        tiny={**TOKENS, "units": (8,)},
        training=TRAINING,
    ),
    Row(
        name="char-rnn",
        family="rnn",
        tasks=("language-modelling",),
        builder="zoo.models.lstm:lstm",
        options={"units": (256, 256), "dropout": 0.2},
        summary="Two layers of LSTM that write text, a character at a time unless told otherwise.",
        paper=Paper(
            "Graves", "Generating Sequences With Recurrent Neural Networks", 2013, "1308.0850"
        ),
        tiny={**TOKENS, "units": (8, 8)},
        training={
            **TRAINING,
            "batch_size": 64,
            "sequence_length": 64,
            "steps": 6000,
            "clip_norm": 1.0,
        },
    ),
    Row(
        name="gru",
        family="rnn",
        tasks=SEQUENCES,
        builder="zoo.models.gru:gru",
        summary="Gated recurrent units: an LSTM's memory with fewer parts.",
        paper=GRU,
        tiny={**TOKENS, "units": (8,)},
        training=TRAINING,
    ),
    Row(
        name="bilstm",
        family="rnn",
        tasks=ONE_ANSWER,
        builder="zoo.models.lstm:lstm",
        options={"bidirectional": True},
        summary="An LSTM that reads a sequence from both ends before it answers.",
        paper=LSTM,
        tiny={**TOKENS, "classes": 3, "units": (8,)},
        training=TRAINING,
    ),
    Row(
        name="bigru",
        family="rnn",
        tasks=ONE_ANSWER,
        builder="zoo.models.gru:gru",
        options={"bidirectional": True},
        summary="Gated recurrent units that read a sequence from both ends.",
        paper=GRU,
        tiny={**TOKENS, "classes": 3, "units": (8,)},
        training=TRAINING,
    ),
    Row(
        name="tcn",
        family="rnn",
        tasks=SEQUENCES,
        builder="zoo.models.tcn:tcn",
        summary="Temporal convolutional network: dilated causal convolutions, all steps at once.",
        paper=Paper(
            "Bai, Kolter, Koltun",
            "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence "
            "Modeling",
            2018,
            "1803.01271",
        ),
        tiny={**TOKENS, "filters": 8, "depth": 2},
        training=TRAINING,
    ),
)
