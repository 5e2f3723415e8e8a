"""From a configuration to everything training needs: data, task, preprocessor, model, feeds."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import zoo
from zoo import augmentation, config, datasets, options, registry, tasks
from zoo.datasets.base import Dataset
from zoo.errors import InputError
from zoo.registry import Row
from zoo.startup import processor
from zoo.training import beginning, carrying, choices, distribution, feeding, optimizers
from zoo.training.checkpoints import Checkpoints, Interval
from zoo.training.loop import Trainer
from zoo.training.steps import count_steps
from zoo.weights import transfer


@dataclass
class Session:
    """Everything of one run before it starts."""

    command: str
    config: config.Config
    row: Row
    dataset: Dataset
    task: Any
    preprocessor: Any
    builder: dict[str, Any]
    model: keras.Model
    trained: keras.Model
    feeds: dict[str, Any]
    device: str
    precision: str
    jit: bool
    strategy: tf.distribute.Strategy | None
    steps_per_epoch: int
    augment: Any

    @property
    def epochs(self) -> int | None:
        """How many epochs there will be at most; None when time decides."""
        chosen = self.config.optimization
        if chosen.steps is not None:
            return math.ceil(chosen.steps / self.steps_per_epoch)
        return chosen.epochs

    def trainer(
        self,
        checkpoints: Checkpoints | None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> Trainer:
        """Return the trainer; it traces the training step."""
        chosen, run = self.config.optimization, self.config.run
        return Trainer(
            self.trained,
            self.feeds["train"],
            batch_size=chosen.batch_size or 32,
            seed=run.seed,
            accumulate=chosen.accumulate,
            jit=self.jit,
            augment=self.augment,
            strategy=self.strategy,
            validation=self.feeds["validation"],
            patience=self.config.regularization.early_stopping or 0,
            callbacks=callbacks,
            constants=self.skipped(),
            checkpoints=checkpoints,
            interval=Interval(*options.interval(run.checkpoint_every)),
            record=self.record(callbacks),
        )

    def begin(self, say: Callable[[str], None]) -> None:
        """Give the model the weights to begin with, where some were asked for."""
        asked = self.config.network.weights
        if asked is not None:
            say(beginning.begin(self.model, self.row, asked, self.task, self.builder))

    def state(self) -> dict[str, Any]:
        """Return what a predictor is made from, beside the weights."""
        generative = self.task.name == "image-synthesis"
        made = ("count", "seed", *(("label",) if "classes" in self.builder else ()))
        inputs = made if generative else self.preprocessor.signature()
        return {
            "spec": self.dataset.spec.to_json(),
            "task": self.task.to_json(),
            "preprocessor": self.preprocessor.to_json(),
            "card": {
                "model": self.row.name,
                "builder": self.builder,
                "inputs": list(inputs),
                "paper": str(self.row.paper or ""),
                "data": self.data_card(),
                "version": zoo.__version__,
            },
        }

    def skipped(self) -> dict[str, int]:
        """Return how many bad examples were left out, where that was asked for."""
        skipped = self.dataset.skipped
        return {} if skipped is None else {"skipped": skipped}

    def data_card(self) -> dict[str, Any]:
        """Return what is known of the data."""
        data = self.dataset
        splits = {"train": data.train, "validation": data.validation, "test": data.test}
        return {
            "name": data.name,
            "reference": self.config.data.data,
            "sizes": {name: len(split) for name, split in splits.items()},
            **self.skipped(),
            "fingerprint": data.fingerprint,
            "provenance": data.provenance,
            "licence": data.licence,
            "notes": data.notes,
        }

    def record(self, callbacks: Sequence[keras.callbacks.Callback] = ()) -> dict[str, Any]:
        """Return what config.yaml says: all that is needed to run it again."""
        return {
            "version": zoo.__version__,
            "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "command": self.command,
            "model": self.row.name,
            "task": self.task.name,
            "options": self.config.options(),
            "builder": self.builder,
            "parameters": self.model.count_params(),
            "steps_per_epoch": self.steps_per_epoch,
            "data": self.data_card(),
            "device": self.device,
            "precision": self.precision,
            "jit": self.jit,
            "replicas": 1 if self.strategy is None else self.strategy.num_replicas_in_sync,
            "callbacks": [type(callback).__name__ for callback in callbacks],
            "plugins": {
                path: hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
                for path in self.config.run.plugin
            },
            "environment": {
                "python": platform.python_version(),
                "keras": keras.__version__,
                "tensorflow": tf.__version__,
                "platform": platform.platform(),
                "processor": processor(),
                "threads": tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count(),
            },
        }


def load_data(chosen: config.Config) -> Dataset:
    """Load the data set that options name."""
    data = chosen.data
    if not data.data:
        raise InputError("--data received nothing. Expected a name of `zoo data list`, or a file.")
    return datasets.load(
        data.data,
        kind=data.kind,
        target=data.target,
        task=choices.choose_task(chosen),
        drop=data.drop,
        validation=data.validation,
        test=data.test,
        split_column=data.split_column,
        validation_fraction=data.validation_fraction,
        test_fraction=data.test_fraction,
        split_seed=data.split_seed,
        on_bad_example=data.on_bad_example,
        image_size=data.image_size,
        time=data.time,
        horizon=data.horizon,
        history=data.history,
        group=data.group,
        known=data.known,
        season=data.season,
        data_b=data.data_b,
        pairs=data.pairs,
        covariates="known" in {argument.name for argument in registry.arguments(chosen.model)},
    )


def prepare(
    asked: config.Config, device: str, strategy: tf.distribute.Strategy | None = None
) -> Session:
    """Load, check and build everything; nothing is written.

    Raises:
        InputError: whatever of model, data and options does not fit together.
    """
    strategy = strategy or distribution.strategy_for_device(device)
    row = registry.get(asked.model)
    chosen = config.resolve(asked, row.training)
    turned = choices.builder_options(chosen)
    augmentations = options.augmentations(chosen.regularization.augment or "")
    dataset = load_data(chosen)
    name = tasks.choose(row.name, row.tasks, dataset.spec, chosen.data.task)
    augment = augmentation.create(augmentations, dataset.spec.kind, chosen.run.seed, name)
    task: Any = tasks.TASKS[name].fit(dataset.spec, dataset.train)
    if augment is not None and augment.mixes:
        task.mixed = True
    if chosen.data.pairs is not None:
        choices.ask_pairs(task, chosen.data.pairs)
    if chosen.optimization.quantiles is not None:
        choices.ask_quantiles(task, chosen.optimization.quantiles)
    known = {argument.name for argument in registry.arguments(row.name)}
    preprocessor = choices.fit_preprocessor(chosen, row, dataset, name, "cardinalities" in known)
    builder = {**preprocessor.builder_arguments(), **task.builder_arguments()}
    choices.refuse_unread(row, builder, known)
    builder = {k: v for k, v in builder.items() if k in known} | turned
    builder = registry.complete(row.name, builder)
    feeds = feeding.make_feeds(chosen, dataset, task, preprocessor)
    if feeds["validation"] is None or task.monitor is None:
        chosen = choices.without_early_stopping(asked, chosen)
    examples = (chosen.optimization.batch_size or 32) * chosen.optimization.accumulate
    if chosen.optimization.carry_state and name == "language-modelling":
        feeding.carry(feeds["train"], examples)
    steps_per_epoch = count_steps(len(feeds["train"]), examples, strategy)
    chosen = config.with_epochs(chosen, steps_per_epoch, row.training)
    precision = choices.choose_precision(chosen.run.precision, device)
    jit = choices.choose_jit(
        chosen.run.jit, row.family, dataset.spec.kind, feeds["train"], strategy
    )
    with strategy.scope() if strategy is not None else nullcontext():
        model, trained = build(chosen, row, builder, task, precision, steps_per_epoch, strategy)
    return Session(
        config.command_line(asked), chosen, row, dataset, task, preprocessor, builder, model,
        trained, feeds, device, precision, jit, strategy, steps_per_epoch, augment,
    )  # fmt: skip


def build(
    chosen: config.Config,
    row: Row,
    builder: dict[str, Any],
    task: Any,
    precision: str,
    steps: int,
    strategy: tf.distribute.Strategy | None,
) -> tuple[keras.Model, keras.Model]:
    """Build the model, its weights drawn from the run's seed; compile it, or what trains it."""
    keras.utils.set_random_seed(chosen.run.seed)
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        model = registry.create(row.name, **builder)
    except (ValueError, TypeError) as error:
        reason = str(error).rstrip(".")
        raise InputError(
            f"Model '{row.name}' cannot be built: {reason}. See `zoo show {row.name}`."
        ) from error
    finally:
        keras.config.set_dtype_policy("float32")
    if chosen.optimization.accumulate > 1 and getattr(model, "critic_steps", 1) > 1:
        raise InputError(
            f"--accumulate received {chosen.optimization.accumulate} for '{row.name}', whose "
            f"critic learns {model.critic_steps} times a step. Expected 1. Try a larger "
            "--batch-size."
        )
    if chosen.network.freeze is not None:
        transfer.freeze(model, chosen.network.freeze)
    if hasattr(task, "bind"):  # its loss follows from the model
        task.bind(model)
    smoothing = chosen.regularization.label_smoothing
    loss = task.loss(
        chosen.optimization.loss,
        label_smoothing=smoothing,
        huber_delta=chosen.optimization.huber_delta,
    )
    total = chosen.optimization.steps or (chosen.optimization.epochs or 0) * steps or None
    optimizer = optimizers.create(chosen.optimization, total)
    if chosen.optimization.backbone_rate != 1.0:
        backbone = {id(w) for layer in transfer.backbone(model) for w in layer.trainable_weights}
        slow = [i for i, w in enumerate(model.trainable_weights) if id(w) in backbone]
        optimizer.shares = dict.fromkeys(slow, chosen.optimization.backbone_rate)
    trained = task.trained(model)
    if chosen.optimization.carry_state:
        trained = carrying.create(model, chosen, task.name, strategy)
    if loss is None:
        trained.compile(optimizer=optimizer)
    else:
        trained.compile(optimizer=optimizer, loss=loss, metrics=task.metrics(), jit_compile=False)
    return model, trained
