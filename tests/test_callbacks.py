"""Callbacks are called as `fit` calls them, and go on where they were."""

import keras
import pytest
from small import BATCH, X, Y, build, cosine, equal

from zoo.errors import InputError
from zoo.training.checkpoints import Checkpoints
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer


class Counter(keras.callbacks.Callback):
    def __init__(self, stop_after=None):
        super().__init__()
        self.stop_after = stop_after
        self.epochs = []
        self.batches = []
        self.tests = 0

    def on_train_begin(self, logs=None):
        self.began_with = dict(self.params)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append([epoch, sorted(logs)])
        if epoch + 1 == self.stop_after:
            self.model.stop_training = True

    def on_test_end(self, logs=None):
        self.tests += 1


class StepCounter(Counter):
    def on_train_batch_end(self, batch, logs=None):
        self.batches.append((batch, sorted(logs)))


def test_callbacks_are_called_as_in_fit():
    names = ["accuracy", "loss", "val_accuracy", "val_loss"]
    counter = StepCounter(stop_after=2)
    held = Resident(X[:20], target=Y[:20])
    trainer = Trainer(
        build(), Resident(X, target=Y), batch_size=BATCH, validation=held, callbacks=[counter]
    )
    assert len(trainer.fit(epochs=9)) == 2
    assert counter.epochs == [[0, names], [1, names]]
    assert counter.batches == [(b, ["accuracy", "loss"]) for b in range(4)] * 2
    assert counter.tests == 2
    assert counter.began_with == {"epochs": 9, "steps": 4, "verbose": 0}


def test_a_step_can_end_training_at_once():
    def stop(batch, logs):
        callback.model.stop_training = batch == 1

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    log = Trainer(build(), Resident(X, target=Y), batch_size=BATCH, callbacks=[callback]).fit(
        epochs=3
    )
    assert [row["step"] for row in log] == [2]


def test_reduce_on_plateau_works_without_a_schedule_and_is_refused_with_one():
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10)
    log = Trainer(build(), Resident(X, target=Y), callbacks=[plateau]).fit(epochs=4)
    assert log[-1]["learning_rate"] < log[0]["learning_rate"]
    with pytest.raises(InputError, match=r"ReduceLROnPlateau.*schedule='constant'"):
        Trainer(build(optimizer=cosine), Resident(X, target=Y), callbacks=[plateau])


def test_a_callback_s_simple_state_survives(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")

    def trainer():
        return Trainer(
            build(), Resident(X, target=Y), callbacks=[Counter()], checkpoints=checkpoints
        )

    first = trainer()
    first.fit(epochs=2)
    second = trainer()
    second.restore()
    second.position.stopped = False
    second.fit(epochs=3)
    found = second.callbacks.list.callbacks[0]
    assert found.tests == 0
    assert [epoch for epoch, _ in found.epochs] == [0, 1, 2]


def test_keras_s_early_stopping_goes_on_where_it_was(tmp_path):
    def trained(folder, ends):
        for epochs in ends:
            stopping = keras.callbacks.EarlyStopping(
                "loss", min_delta=0.5, patience=4, restore_best_weights=True
            )
            trainer = Trainer(
                build(), Resident(X, target=Y), callbacks=[stopping],
                checkpoints=Checkpoints(tmp_path / folder),
            )  # fmt: skip
            if (tmp_path / folder).exists():
                trainer.restore()
                trainer.position.stopped = False
            trainer.fit(epochs=epochs)
        return trainer.model.get_weights(), len(trainer.log)

    found, epochs = trained("cut", (2, 3, 30))
    expected, its_epochs = trained("whole", (30,))
    assert epochs == its_epochs == 5
    equal(found, expected)
