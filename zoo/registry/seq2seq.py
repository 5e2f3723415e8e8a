"""Encoders and decoders: one sequence of tokens from another."""

from zoo.registry.row import Paper, Row

VASWANI = Paper(
    "Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin",
    "Attention Is All You Need",
    2017,
    "1706.03762",
)
RAFFEL = Paper(
    "Raffel, Shazeer, Roberts, Lee, Narang, Matena, Zhou, Li, Liu",
    "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
    2019,
    "1910.10683",
)
SMALL = {
    "vocabulary_size": 11,
    "target_vocabulary_size": 13,
    "sequence_length": 7,
    "layers": 1,
    "heads": 2,
    "width": 8,
    "hidden": 16,
}
TRAINING = {
    "optimizer": "adam",
    "momentum": 0.9,
    "schedule": "inverse_sqrt",
    "learning_rate": 1e-3,
    "warmup": 0.1,
    "batch_size": 64,
    "epochs": 15,
    "label_smoothing": 0.1,
}
TASKS = ("sequence-to-sequence", "summarization")


def pairs(name, builder, summary, options, paper, params=None, **training):
    """Return the row of a Transformer with two sides."""
    return Row(
        name=name,
        family="transformer",
        tasks=TASKS,
        builder=f"zoo.models.{builder}:{builder}",
        summary=summary,
        options=options,
        paper=paper,
        params=params,
        tiny=SMALL,
        training={**TRAINING, **training},
    )


ROWS = (
    Row(
        name="seq2seq-lstm",
        family="rnn",
        tasks=TASKS,
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
    pairs(
        "transformer-tiny",
        "transformer",
        "The Transformer for some ten thousand pairs: four layers on each side, 128 wide.",
        {"layers": 4, "heads": 4, "width": 128, "hidden": 256, "dropout": 0.3},
        VASWANI,
        learning_rate=3e-3,
    ),
    pairs(
        "transformer-small",
        "transformer",
        "The Transformer in small: three layers on each side, 256 wide.",
        {"layers": 3, "heads": 4, "width": 256, "hidden": 1024, "dropout": 0.3},
        VASWANI,
    ),
    pairs(
        "transformer-base",
        "transformer",
        "The Transformer of the paper: six layers on each side, 512 wide.",
        {
            "layers": 6,
            "heads": 8,
            "width": 512,
            "hidden": 2048,
            "dropout": 0.1,
            "norm_first": False,
        },
        VASWANI,
    ),
    pairs(
        "t5-tiny",
        "t5",
        "T5 for a processor: relative positions, two layers on each side, 128 wide.",
        {"layers": 2, "heads": 4, "width": 128, "hidden": 256},
        RAFFEL,
    ),
    pairs(
        "t5-small",
        "t5",
        "T5 as published: six layers on each side, 512 wide.",
        {"layers": 6, "heads": 8, "width": 512, "hidden": 2048},
        RAFFEL,
        ({"vocabulary_size": 32128}, 60_506_624),
    ),
)
