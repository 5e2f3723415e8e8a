"""What a classifier learns from generated pictures alone.

Ravuri and Vinyals, Classification Accuracy Score for Conditional Generative Models, 2019,
arXiv:1905.10887.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo import registry
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer

CLASSIFIER = "cnn-small"
STEPS, BATCH = 1500, 64
EPOCHS = 200  # at most, of a few pictures
SEED = 1  # of the pictures, which are others than those that are compared


def accuracy(predictor: Any, count: int, test: Any, say: Callable[[str], None]) -> dict[str, float]:
    """Train a classifier on generated pictures, and return its accuracy on real ones, by its name.

    Args:
        predictor: of a model that makes pictures of classes.
        count: how many are made.
        test: the split of real pictures, with their classes.
        say: called with what a person should be told.
    """
    say(f"Training {CLASSIFIER} on {count:,} generated pictures")
    made = predictor.make(count, SEED)
    codes = np.arange(count) % len(predictor.task.classes)
    keras.utils.set_random_seed(SEED)
    shape = made["image"].shape[1:]
    model = registry.create(CLASSIFIER, input_shape=shape, classes=len(predictor.task.classes))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    steps = min(STEPS, EPOCHS * -(-count // BATCH))
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    accuracies = [keras.metrics.SparseCategoricalAccuracy("accuracy")]
    model.compile(keras.optimizers.Adam(rate), loss, metrics=accuracies)

    def prepared(split: Any, target: Any) -> Resident:
        return Resident(
            split, lambda x, y: (predictor.preprocessor.tensors(x), y), target.astype(np.int32)
        )

    real = prepared(predictor.preprocessor.encode_split(test), test.targets())
    trainer = Trainer(
        model, prepared(made["image"], codes), batch_size=BATCH, seed=SEED, validation=real
    )
    trainer.fit(steps=steps)
    found = trainer.log[-1]["val_accuracy"]
    return {f"train_on_synthetic[{CLASSIFIER}]": float(found)}
