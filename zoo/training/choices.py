"""What follows from options, model and data together, before anything is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from zoo import config, datasets, options, preprocessing, registry
from zoo.datasets.base import PAIRED, TRANSLATED, Dataset
from zoo.errors import InputError
from zoo.preprocessing import wordpiece
from zoo.registry import Row

# Measured on CPU: XLA halves a small Transformer's step, slows dropout, unrolled recurrences and
# attention over columns. It compiles each shape anew, of which batches of texts have as many as
# lengths.
JIT = (("transformer", "text"), ("transformer", "image"))  # families with kinds of data
OF_TEXTS = (*PAIRED, "language-modelling")  # a table is texts for models that do nothing else
OF_TEXT = ("tokenizer", "vocabulary_size", "sequence_length")  # options


def choose_task(chosen: config.Config) -> str | None:
    """Return the task to read data for: that asked for, or the first of a model of texts or pairs.

    Pairs of texts that have a name know themselves what they are for.
    """
    tasks = registry.get(chosen.model).tasks
    known = tasks[0] in PAIRED and chosen.data.data in datasets.names()
    implied = (set(tasks) <= set(OF_TEXTS) and not known) or tasks[0] in TRANSLATED
    return chosen.data.task or (tasks[0] if implied else None)


def refuse_unread(row: Row, dictated: dict[str, Any], known: set[str]) -> None:
    """Raise an InputError where a model cannot read what the data become."""
    if "vocabulary_size" in known - set(dictated) and "input_shape" not in known:
        raise InputError(
            f"Model '{row.name}' reads tokens, and the data are no text. Expected one that reads "
            "numbers. Try mlp, vit-tiny-16 for pictures, or --kind text to read texts."
        )
    if "classes" in known - set(dictated) and row.tasks == ("image-synthesis",):
        raise InputError(
            f"Model '{row.name}' makes pictures of classes, and the data have none. Expected some. "
            "Try a folder of pictures a class, without --task, or dcgan."
        )
    if "vocabulary_size" in dictated and "vocabulary_size" not in known:
        raise InputError(
            f"Model '{row.name}' reads numbers, and the data are text. Expected one that reads "
            "tokens. Try lstm, or --kind table to read a table."
        )


def fit_preprocessor(
    chosen: config.Config, row: Row, dataset: Dataset, task: str, embeddings: bool
) -> preprocessing.Preprocessor:
    """Fit the preprocessor of the data's kind on the training split."""
    asked = {name: getattr(chosen.data, name) for name in OF_TEXT}
    of_text = {name: value for name, value in asked.items() if value is not None}
    if of_text and dataset.spec.kind != "text":
        name, value = next(iter(of_text.items()))
        raise InputError(
            f"--{name.replace('_', '-')} received {value} for data of kind '{dataset.spec.kind}'. "
            "Expected text. Try without it."
        )
    if task == "language-modelling":
        of_text = {n: row.training[n] for n in OF_TEXT if n in row.training} | of_text
    reads = preprocessing.OF_TEXT.get(task, preprocessing.TextPreprocessor)
    whole = dataset.spec.kind == "text" and issubclass(reads, preprocessing.TextPreprocessor)
    if whole and "tokenizer" not in of_text:
        published = published_tokens(chosen.network.weights)
        if published and "vocabulary_size" in of_text:
            raise InputError(
                f"--vocabulary-size received {of_text['vocabulary_size']:,} with weights that come "
                f"with {published['vocabulary_size']:,} tokens. Expected those. Try without it."
            )
        of_text = published | of_text
    return preprocessing.fit(dataset, task, embeddings=embeddings, of_text=of_text)


def published_tokens(weights: str | None) -> dict[str, Any]:
    """Return the tokenizer that published weights come with, where they do."""
    found = wordpiece.read(Path(weights)) if weights else None
    return {} if found is None else {"tokenizer": found, "vocabulary_size": found.size}


def ask_pairs(task: Any, asked: str) -> None:
    """Tell a task how to make pairs of pictures."""
    if not hasattr(task, "pairs"):
        raise InputError(
            f"--pairs received {asked} for {task.name}. Expected a model that turns pictures into "
            "others. Try pix2pix."
        )
    task.pairs = asked


def ask_quantiles(task: Any, asked: str) -> None:
    """Tell a task which quantiles to forecast."""
    if not hasattr(task, "quantiles"):
        raise InputError(f"--quantiles received {asked} for {task.name}. Expected forecasting.")
    task.quantiles = options.quantiles(asked, "--quantiles")


def without_early_stopping(asked: config.Config, chosen: config.Config) -> config.Config:
    """Return the options without early stopping, for which there is nothing to watch."""
    patience = asked.regularization.early_stopping
    if patience:
        raise InputError(
            f"--early-stopping received {patience}, but there is no validation loss to watch. "
            "Expected validation examples and a task that has one. Try --early-stopping 0."
        )
    return chosen.with_options(early_stopping=0)


def choose_jit(
    asked: str, family: str, kind: str, feed: Any, strategy: tf.distribute.Strategy | None
) -> bool:
    """Return whether to compile the step with XLA, which no strategy allows."""
    if strategy is not None and asked == "on":
        raise InputError("--jit on received several replicas. Expected one, or --jit off.")
    pays = (family, kind) in JIT and getattr(feed, "lengths", None) is None
    return strategy is None and (asked == "on" or (asked == "auto" and pays))


def builder_options(chosen: config.Config) -> dict[str, Any]:
    """Return the builder's arguments that options say, checked against its signature."""
    options = registry.parse_settings(chosen.network.set)
    flat = chosen.options()
    known = {argument.name for argument in registry.arguments(chosen.model)}
    for name in config.BUILDER_OPTIONS:
        if flat[name] is None:
            continue
        if name not in known:
            raise InputError(
                f"--{name} was given, but model '{chosen.model}' has no {name}. "
                f"Expected one of its own options: see `zoo show {chosen.model}`."
            )
        options[name] = flat[name]
    return registry.check_arguments(chosen.model, options)


def choose_precision(asked: str, device: str) -> str:
    """Return the number format: on a GPU bfloat16 unless asked otherwise, on a CPU float32."""
    if asked == "auto":
        return "bfloat16" if device.startswith("GPU") else "float32"
    return asked
