"""What is not finite ends training where it began: the step and the layer are named."""

import json
import re

import keras
import kills
import numpy as np
import pytest
import tensorflow as tf
from jobs import state
from safetensors.numpy import load_file

from zoo.errors import DivergenceError
from zoo.training import optimizers
from zoo.training.checkpoints import Checkpoints, Interval
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer
from zoo.training.order import epoch_order

ROWS, BATCH = 64, 8
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 5)).astype("float32")
Y = RANDOM.normal(size=(ROWS, 1)).astype("float32")
BAD_STEP = 13  # of the run, in its second epoch


class Fragile(keras.layers.Layer):
    """Returns what it takes, or something else where the first number is above 50."""

    def __init__(self, kind, **kwargs):
        super().__init__(**kwargs)
        self.kind = kind

    def call(self, x):
        bad = x[:, :1] > 50.0
        if self.kind == "output":
            return tf.where(bad, np.inf, x)

        @tf.custom_gradient
        def steep(x):
            return tf.identity(x), lambda change: tf.where(bad, np.inf, change)

        return steep(x)


def spoiled():
    """Return examples of which the one that step `BAD_STEP` alone sees is out of range."""
    x = X.copy()
    step = BAD_STEP - 1 - ROWS // BATCH
    second = epoch_order(ROWS, 0, 1).numpy()[step * BATCH :][:BATCH]
    x[second[0], 0] = 100.0
    return x


def trainer(folder, middle, x, optimizer="adam", loss="mse", **options):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((5,)), *middle, keras.layers.Dense(4, "tanh", name="after")]
    model = keras.Sequential([*layers, keras.layers.Dense(1, name="last")])
    model.compile(optimizers.controlled(optimizer)(1e-2), loss, jit_compile=False)
    folder.mkdir(exist_ok=True)
    checkpoints = Checkpoints(folder / "checkpoints")
    return Trainer(
        model, Resident(x, target=Y), batch_size=BATCH, checkpoints=checkpoints, **options
    )


def seen_first(x):
    """Return the first step that sees the example that is out of range."""
    orders = [epoch_order(ROWS, 0, epoch).numpy() for epoch in range(2)]
    seen = [i // BATCH for i, row in enumerate(np.concatenate(orders)) if x[row, 0] > 50]
    return seen[0] + 1


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("kind", ["output", "gradient"])
def test_the_step_and_the_layer_are_named(tmp_path, kind, jit):
    """A gradient that is not finite shows in no loss until a step later, when it is too late."""
    x = spoiled()
    first = [keras.layers.Dense(5, kernel_initializer="identity", name="before", trainable=True)]
    middle = [*first, Fragile(kind, name="fragile")]
    bad = seen_first(x)
    watched = trainer(tmp_path, middle, x, interval=Interval(2), jit=jit)
    said = []
    watched.say = said.append
    place = r"the output of layer '\S*fragile'"
    if kind == "gradient":
        place = r"the gradient of '\S*before/"
    with pytest.raises(DivergenceError) as caught:
        watched.fit(epochs=3)
    message = str(caught.value)
    assert f"at step {bad}. " in message
    assert re.search(f"It began in {place}", message)
    assert f"The state after step {bad - 1} was kept." in message
    assert len(said) == 1
    assert watched.position.step == bad - 1
    tensors, saved, _ = watched.checkpoints.load()
    assert saved["position"]["step"] == bad - 1
    assert all(np.isfinite(value).all() for value in tensors.values())


def test_what_is_kept_is_what_a_run_of_that_length_has(tmp_path):
    x = spoiled()
    bad = seen_first(x)
    middle = lambda: [Fragile("output", name="fragile")]  # noqa: E731
    watched = trainer(tmp_path / "a", middle(), x, interval=Interval(5))
    with pytest.raises(DivergenceError):
        watched.fit(epochs=3)
    plain = trainer(tmp_path / "b", middle(), x, interval=Interval(bad - 1))
    plain.fit(steps=bad - 1)
    expected, found = (sorted(t.checkpoints.load()[0].items()) for t in (plain, watched))
    assert [v.tobytes() for _, v in found] == [v.tobytes() for _, v in expected]


@pytest.mark.parametrize("name", ["sgd", "lion", "rmsprop"])
def test_a_bad_gradient_never_hides(tmp_path, name):
    """Lion takes the sign of a gradient: an infinite one leaves finite weights behind."""
    x = spoiled()
    first = keras.layers.Dense(5, kernel_initializer="identity", name="before")
    watched = trainer(tmp_path, [first, Fragile("gradient")], x, name, interval=Interval(2))
    with pytest.raises(
        DivergenceError, match=rf"at step {seen_first(x)}\. .*gradient of '\S*before/"
    ):
        watched.fit(epochs=3)


def test_the_loss_and_the_examples_can_be_where_it_began(tmp_path):
    class Square(keras.losses.Loss):
        def call(self, actual, predicted):
            return tf.where(actual > 50, np.inf, (actual - predicted) ** 2)

    y = Y.copy()
    y[3] = 100.0
    watched = trainer(tmp_path, [], X, loss=Square(), interval=Interval(2))
    watched = Trainer(
        watched.model, Resident(X, target=y), batch_size=BATCH,
        checkpoints=watched.checkpoints, interval=Interval(2),
    )  # fmt: skip
    with pytest.raises(DivergenceError, match="It began in the loss itself"):
        watched.fit(epochs=1)
    x = X.copy()
    x[3, 1] = np.nan
    with pytest.raises(DivergenceError, match="It began in the examples themselves"):
        trainer(tmp_path / "x", [], x, interval=Interval(2)).fit(epochs=1)


def test_two_networks(tmp_path):
    from zoo.models.dcgan import dcgan

    keras.utils.set_random_seed(0)
    model = dcgan((8, 8, 1), latent_dim=3, filters=1)
    model.compile(optimizers.controlled("sgd")(1e18))
    feed = Resident(RANDOM.random((16, 8, 8, 1)).astype("float32"), lambda x, _: (x,))
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    with pytest.raises(DivergenceError, match=r"It began in .*was kept"):
        Trainer(model, feed, batch_size=8, checkpoints=checkpoints).fit(epochs=20)
    assert all(np.isfinite(w.numpy()).all() for w in model.weights)


def test_the_command_ends_with_3_and_a_usable_run(server, tmp_path):
    zoo = kills.Zoo(server, tmp_path)
    code, out, err = zoo(
        "train", "mlp", "--data", "diabetes", "--optimizer", "sgd", "--learning-rate", "1e3",
        "--epochs", "50", "--schedule", "constant", "--run", "diverged", "--set", "units=8",
    )  # fmt: skip
    assert (code, out) == (3, "")
    message = err.splitlines()[-1]
    for said in ("became NaN or infinite at step", "It began in", "was kept", "--learning-rate"):
        assert said in message
    run = zoo.run("diverged")
    assert all(np.isfinite(v).all() for v in load_file(run.model_weights).values())
    code, out, _ = zoo("evaluate", "diverged", "--json")
    assert code == 0
    assert json.loads(out)["scores"]
    assert zoo("train", "mlp", "--data", "iris", "--learning-rate", "1e30", "--run", "far")[0] == 3
    code, _, err = zoo("evaluate", "far")
    assert code == 2
    assert "The model answers with NaN or infinity" in err
    assert zoo("report", "far")[0] == 0
    before = state(run)
    code, _, err = zoo("train", "--resume", "diverged")
    assert code == 3  # the same again: nothing was changed
    assert err.splitlines()[-1] == message
    tensors = state(run)[0]
    assert all(v.tobytes() == before[0][n].tobytes() for n, v in tensors.items())


def test_statistics_that_no_loss_shows_are_found(tmp_path):
    """Normalization in training looks at the batch alone, whatever its averages have become."""

    class Counts(keras.layers.Layer):
        def build(self, shape):
            self.largest = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.largest.assign(tf.maximum(self.largest.value, tf.reduce_max(x) * 1e37))
            return x

    x = spoiled()
    watched = trainer(tmp_path, [Counts()], x, interval=Interval(3))
    bad = seen_first(x)
    with pytest.raises(DivergenceError, match=rf"at step {bad}\. .*after step {bad - 1} was kept"):
        watched.fit(epochs=3)
