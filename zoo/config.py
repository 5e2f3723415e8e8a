"""What a run is asked to do: one frozen dataclass a help group, standard library only.

The fields are the one list behind the command line (`--learning-rate`), configuration files
(`learning_rate:`) and `zoo.train(learning_rate=...)`. `None` means "what the model's row of the
registry says, else what `resolve` says"; after `resolve` nothing that matters is `None`.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields, replace
from typing import Any

from zoo.errors import InputError, redacted, unknown
from zoo.options import ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, TASKS, check, option

# What may differ when a run is continued, each by leave of --allow-change.
CHANGES = ("options", "data", "versions", "device", "callbacks")
LARGEST_SEED = 2**31 - 1
LENGTHS = ("epochs", "steps", "time_limit")


@dataclass(frozen=True)
class Data:
    """Data"""

    data: str = option(
        "", "Name of a data set (`zoo data list`, or tfds:NAME), or a file or folder of yours."
    )
    data_b: str | None = option(
        None, "What pictures of --data are to become: a folder, where pairs have one name, or such."
    )
    pairs: str | None = option(
        None, "Make pairs of pictures alone, by what is to become each of them.",
        choices=("edges", "gray", "downscale"),
    )  # fmt: skip
    kind: str | None = option(
        None, "What the file holds, where its suffix does not say.",
        choices=("table", "vector", "image", "text", "series"),
    )  # fmt: skip
    target: tuple[str, ...] = option((), "Column to predict; repeat for several.")
    task: str | None = option(None, "What to learn, where several tasks fit.", choices=TASKS)
    drop: tuple[str, ...] = option((), "Column to ignore; repeatable.")
    validation: str | None = option(None, "File of validation examples, instead of a made split.")
    test: str | None = option(None, "File of test examples, instead of a made split.")
    split_column: str | None = option(None, "Column that says train, validation or test.")
    validation_fraction: float = option(
        0.1, "Share of the examples kept for validation.", low=0.0, high=0.9
    )
    test_fraction: float = option(
        0.2, "Share of the examples kept for the test.", low=0.0, high=0.9
    )
    split_seed: int = option(0, "Seed of made splits, apart from --seed.", low=0, high=LARGEST_SEED)
    on_bad_example: str = option(
        "fail", "What to do with rows that cannot be read or used; skip leaves them out and tells.",
        choices=("fail", "skip"),
    )  # fmt: skip
    image_size: str | None = option(
        None, "Pixels a side of pictures in folders, as 96, or height x width, as 240x320; by "
        "default their own size where all have one, at most 224, else 224.",
        kind="picture size",
    )  # fmt: skip
    tokenizer: str | None = option(
        None, "What a text is cut into; by default characters for language modelling, else words.",
        choices=("characters", "bytes", "subwords", "words"),
    )  # fmt: skip
    vocabulary_size: int | None = option(None, "Most tokens; usual 20,000, subwords 8,000.", low=4)
    sequence_length: int | None = option(
        None, "Tokens a language model sees at once, or after which a text is cut off.", low=2
    )
    time: str | None = option(None, "Column of times, which makes a table time series.")
    horizon: int | None = option(
        None, "Steps of a series to forecast; by default the data set's own, else a season.", low=1
    )
    history: int | None = option(
        None, "Steps a forecast looks back on; by default 3.5 horizons, and two seasons at least.",
        low=1,
    )  # fmt: skip
    group: str | None = option(None, "Column that names the series each row is of.")
    known: tuple[str, ...] = option((), "Column known ahead of its time; repeatable.")
    season: int | None = option(None, "Steps after which a series repeats, as 24 hours.", low=1)


@dataclass(frozen=True)
class Model:
    """Model"""

    activation: str | None = option(None, "Activation of the hidden layers.", choices=ACTIVATIONS)
    weights: str | None = option(
        None, "Weights to begin with: a run, a directory of Hugging Face's, a .safetensors or "
        "PyTorch file, or imagenet. A head for other classes is made new.",
    )  # fmt: skip
    freeze: str | None = option(
        None, "What is not trained: backbone, which is all but the head, or the number of first "
        "layers with weights.",
        kind="layers",
    )  # fmt: skip
    set: tuple[str, ...] = option(
        (), "NAME=VALUE, an argument of the builder (`zoo show MODEL`); repeatable."
    )


@dataclass(frozen=True)
class Optimization:
    """Optimization"""

    epochs: int | None = option(None, "Passes over the training data.", low=1)
    steps: int | None = option(None, "Optimizer steps in all, instead of --epochs.", low=1)
    time_limit: str | None = option(
        None, "Wall time to train for, as 90s, 10m or 2h.", kind="duration"
    )  # fmt: skip
    batch_size: int | None = option(None, "Examples a step.", low=1)
    loss: str | None = option(None, "Loss; by default the task's.", choices=LOSSES)
    quantiles: str | None = option(
        None, "Quantiles to forecast, the median among them, as 0.1,0.5,0.9.", kind="quantiles"
    )
    huber_delta: float = option(1.0, "Where huber turns from square to linear.", above=0.0)
    optimizer: str | None = option(None, "Optimizer.", choices=OPTIMIZERS)
    learning_rate: float | None = option(None, "Learning rate, at its highest.", above=0.0)
    backbone_rate: float = option(
        1.0, "Share of the learning rate with which the backbone is trained.", low=0.0, high=1.0
    )
    momentum: float | None = option(
        None, "Momentum of sgd and rmsprop; beta_1 of adam, adamw and lion.", low=0.0, high=0.9999
    )
    nesterov: bool = option(False, "Nesterov momentum, for sgd.")
    weight_decay: float | None = option(None, "Decoupled weight decay.", low=0.0)
    schedule: str | None = option(
        None, "How the learning rate falls over the run.", choices=SCHEDULES
    )
    warmup: float | None = option(
        None, "Share of the run over which the learning rate rises.", low=0.0, high=0.9
    )
    clip_norm: float | None = option(None, "Largest norm of the whole gradient.", above=0.0)
    accumulate: int = option(1, "Batches whose gradients make one step.", low=1)
    carry_state: bool = option(
        False, "Go on with a recurrent model's state from one window of a running text to the next."
    )
    ema: float | None = option(
        None, "Momentum of the weights' moving average, as 0.99, used once trained.",
        above=0.0, high=0.999999,
    )  # fmt: skip


@dataclass(frozen=True)
class Regularization:
    """Regularization"""

    l1: float | None = option(None, "L1 penalty on the weights.", low=0.0)
    l2: float | None = option(None, "L2 penalty on the weights.", low=0.0)
    dropout: float | None = option(None, "Share of units dropped.", low=0.0, high=0.99)
    early_stopping: int | None = option(
        None, "Epochs without a better validation loss before stopping; 0 never stops. "
        "The best epoch's weights are kept.", low=0,
    )  # fmt: skip
    augment: str | None = option(
        None, "Changes to training examples, each with a strength or without, as flip,shift:0.1: "
        "flip, flip-vertical, shift, zoom, crop, rotate, randaugment, augmix, brightness, "
        "contrast, color, erase, mixup and cutmix of pictures, noise of all. "
        "`zoo data show` draws them.",
        kind="augmentations",
    )  # fmt: skip
    label_smoothing: float | None = option(
        None, "Share of each label spread over all.", low=0.0, high=0.9
    )  # fmt: skip
    class_weight: str | None = option(
        None, "Weigh classes by how rare they are.", choices=("auto",)
    )


@dataclass(frozen=True)
class Run:
    """Run"""

    run: str | None = option(None, "Folder of the run; default runs/MODEL-DATA-NUMBER.")
    seed: int = option(
        0, "Seed of weights, order, dropout and augmentation.", low=0, high=LARGEST_SEED
    )
    device: str = option("auto", "Where to compute.", choices=("auto", "cpu", "gpu"))
    precision: str = option(
        "auto", "Number format of the computation; weights stay float32.",
        choices=("auto", "float32", "bfloat16"),
    )  # fmt: skip
    jit: str = option("auto", "Compile the training step with XLA.", choices=("auto", "on", "off"))
    plugin: tuple[str, ...] = option(
        (), "Python file that registers models or data sets of your own; repeatable."
    )
    checkpoint_every: str = option(
        "auto", "Steps, or time as 30s or 10m, between checkpoints; auto is 30s, or more where "
        "saving would cost over 1 % of the time.", kind="interval",
    )  # fmt: skip


GROUPS = (Data, Model, Optimization, Regularization, Run)
BUILDER_OPTIONS = ("activation", "dropout", "l1", "l2")


@dataclass(frozen=True)
class Config:
    """A model's name and every option, each group under its own name."""

    model: str
    data: Data = Data()
    network: Model = Model()
    optimization: Optimization = Optimization()
    regularization: Regularization = Regularization()
    run: Run = Run()

    def groups(self) -> tuple[Any, ...]:
        """Return the option groups in help order."""
        return (self.data, self.network, self.optimization, self.regularization, self.run)

    def options(self) -> dict[str, Any]:
        """Return all options as one flat dictionary, tuples as lists."""
        flat = {f.name: getattr(g, f.name) for g in self.groups() for f in fields(g)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in flat.items()}

    def with_options(self, **changes: Any) -> Config:
        """Return a copy with some options changed, each checked."""
        return build(self.model, {**self.options(), **changes})


def all_options() -> Iterator[tuple[type, Field]]:
    """Yield every `(group, field)` in help order."""
    for group in GROUPS:
        for entry in fields(group):
            yield group, entry


def build(model: str, options: Mapping[str, Any]) -> Config:
    """Check flat options and sort them into their groups.

    Raises:
        InputError: a name nobody knows (the nearest is offered), or a value of the wrong type or
            outside its range.
    """
    known = {entry.name: entry for _, entry in all_options()}
    for name in options:
        if name not in known:
            raise unknown("option", name, known, look="zoo train --help")
    groups: list[Any] = []
    for group in GROUPS:
        names = [entry.name for entry in fields(group)]
        values = {n: check(known[n], options[n]) for n in names if n in options}
        groups.append(group(**values))
    return Config(model, *groups)


def resolve(config: Config, training: Mapping[str, Any]) -> Config:
    """Fill what was left open from a row's training defaults, then from general ones.

    Raises:
        InputError: two of --epochs, --steps and --time-limit were given.
    """
    given = [name for name in LENGTHS if getattr(config.optimization, name) is not None]
    if len(given) > 1:
        first, second = (name.replace("_", "-") for name in given[:2])
        raise InputError(
            f"--{first} and --{second} were both given. Expected one of --epochs, --steps and "
            "--time-limit."
        )
    delta, flat = config.optimization.huber_delta, config.options()
    if delta != 1.0 and config.optimization.loss != "huber":
        raise InputError(
            f"--huber-delta received {delta:g} without huber. Expected --loss huber with it."
        )
    general = {
        "batch_size": 32, "optimizer": "adamw", "learning_rate": 1e-3, "schedule": "cosine",
        "warmup": 0.0, "early_stopping": 0, "label_smoothing": 0.0,
    }  # fmt: skip
    smoothed = config.optimization.loss in (None, "categorical_crossentropy")
    defaults = {**general, **training} | ({} if smoothed else {"label_smoothing": 0.0})
    if config.optimization.optimizer not in (None, defaults["optimizer"]):
        defaults = {**defaults, "learning_rate": LEARNING_RATES[config.optimization.optimizer]}
        for name in ("momentum", "weight_decay"):
            defaults.pop(name, None)
    if given == ["time_limit"]:
        _refuse_schedule(config)
        defaults |= {"schedule": "constant", "warmup": 0.0}
    for name, value in defaults.items():
        if name in flat and flat[name] is None and name not in ("steps", "epochs"):
            flat[name] = value
    resolved = build(config.model, flat)
    _refuse_momentum(resolved.optimization)
    return resolved


def _refuse_momentum(chosen: Optimization) -> None:
    """Not every optimizer has a momentum, and Nesterov's needs one."""
    if chosen.nesterov and not (chosen.optimizer == "sgd" and chosen.momentum):
        raise InputError(
            f"--nesterov was given with --optimizer {chosen.optimizer} and --momentum "
            f"{chosen.momentum or 0:g}. Expected --optimizer sgd and a momentum such as 0.9."
        )
    if chosen.momentum is not None and chosen.optimizer == "adagrad":
        raise InputError(
            f"--momentum received {chosen.momentum:g} with --optimizer adagrad, which has none. "
            "Expected another optimizer, or no --momentum."
        )


def _refuse_schedule(config: Config) -> None:
    """A schedule is drawn over a known number of steps, which a time limit does not give."""
    if config.optimization.schedule not in (None, "constant") or config.optimization.warmup:
        raise InputError(
            "--time-limit was given with a schedule or a warm-up. Expected a length known in "
            "advance: use --epochs or --steps, or --schedule constant."
        )


LEARNING_RATES = {
    "sgd": 0.05, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "adagrad": 0.05, "lion": 2e-4,
}  # fmt: skip


def command_line(config: Config) -> str:
    """Return the command that asks for a configuration."""
    words, options = ["zoo", "train", config.model], config.options()
    for _, entry in all_options():
        value = options[entry.name]
        default = list(entry.default) if isinstance(entry.default, tuple) else entry.default
        if value == default:
            continue
        flag = "--" + entry.name.replace("_", "-")
        for item in value if isinstance(value, list) else [value]:
            words += [flag] if item is True else [flag, str(item)]
    return redacted(shlex.join(words))


def with_epochs(config: Config, steps_per_epoch: int, training: Mapping[str, Any]) -> Config:
    """Turn what is left open of the run's length into a number of epochs.

    Without --epochs, --steps or --time-limit a run lasts about `training["steps"]` steps (3,000
    unless the row says otherwise), in at least `training["epochs"]` (5) and at most 200 passes:
    a small table needs many, a large one few.
    """
    chosen = config.optimization
    if chosen.epochs is not None or chosen.steps is not None or chosen.time_limit is not None:
        return config
    epochs = math.ceil(training.get("steps", 3000) / steps_per_epoch)
    least = training.get("epochs", 5)
    return replace(config, optimization=replace(chosen, epochs=min(200, max(least, epochs))))
