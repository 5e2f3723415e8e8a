"""Encoders and decoders: one sequence of tokens from another."""

from zoo.registry.row import Paper, Row

ROWS = (
    Row(
        name="seq2seq-lstm",
        family="rnn",
        tasks=("sequence-to-sequence",),
        builder="zoo.models.seq2seq_lstm:seq2seq_lstm",
        summary="Two LSTMs and attention between them: translation and its like.",
        paper=Paper(
            "Bahdanau, Cho, Bengio",
            "Neural Machine Translation by Jointly Learning to Align and Translate",
            2014,
            "1409.0473",
        ),
        tiny={
            "vocabulary_size": 11,
            "target_vocabulary_size": 13,
            "sequence_length": 7,
            "units": 8,
            "width": 8,
        },
        training={"optimizer": "adamw", "batch_size": 64, "epochs": 10, "clip_norm": 1.0},
    ),
)
