"""The loop against `Model.fit`, bit for bit, and what it promises beyond."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small import BATCH, EPOCHS, RANDOM, ROWS, WEIGHT, X, Y, build, cosine, equal, values

from zoo import config, losses, weights
from zoo.config import Optimization
from zoo.errors import DivergenceError, InputError
from zoo.training import optimizers
from zoo.training.checkpoints import Checkpoints, Interval
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer
from zoo.training.order import by_length, epoch_order
from zoo.training.session import prepare


def fitted(weight=None, jit=False, seed=3, **kwargs):
    """Train with Keras's own loop in the order of ours; return values and a history a epoch."""
    model = build(**kwargs)
    model.jit_compile = jit
    history = []
    for epoch in range(EPOCHS):
        order = epoch_order(ROWS, seed, epoch).numpy()
        rows = None if weight is None else weight[order]
        found = model.fit(
            X[order], Y[order], BATCH, sample_weight=rows, shuffle=False, verbose=0
        ).history
        history.append({name: value[0] for name, value in found.items()})
    return values(model), history


def trained(weight=None, jit=False, seed=3, per_call=None, validation=None, **kwargs):
    model = build(**kwargs)
    trainer = Trainer(
        model, Resident(X, target=Y, weight=weight), batch_size=BATCH, seed=seed, jit=jit,
        validation=validation,
    )  # fmt: skip
    if per_call is not None:
        fix_calls(trainer, per_call)
    log = trainer.fit(epochs=EPOCHS)
    assert int(model.optimizer.iterations.numpy()) == trainer.position.step == 4 * EPOCHS
    return values(model), [{k: row[k] for k in ("loss", "accuracy")} for row in log]


def fix_calls(trainer, per_call):
    call = trainer._call

    def fixed(order, last):
        trainer._per_call = per_call
        return call(order, last)

    trainer._call = fixed


def normalized():
    return keras.layers.BatchNormalization()


def dropped():
    return keras.layers.Dropout(0.3)


def smoothed():
    return losses.create("categorical_crossentropy", "class", label_smoothing=0.1)


CASES = {
    "plain": {},
    "weights": {"weight": WEIGHT},
    "smoothing": {"loss": smoothed()},
    "cosine": {"optimizer": cosine},
    "dropout": {"middle": (dropped, dropped)},
    "normalization": {"middle": (normalized,)},
    "bfloat16": {"dtype": "mixed_bfloat16", "middle": (dropped,)},
    "xla": {"jit": True, "middle": (dropped,)},
}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.slow] * (c == "xla")) for c in CASES]
)
def test_equals_fit_bit_for_bit(case):
    expected, history = fitted(**CASES[case])
    found, log = trained(**CASES[case])
    equal(found, expected)
    assert log == history


def test_moving_average_equals_fit():
    def averaged():
        return keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.9)

    model, keeper = build(optimizer=averaged), Keeper()
    keeper.values = weights.snapshot(model.trainable_variables)
    for epoch in range(EPOCHS):
        order = epoch_order(ROWS, 3, epoch).numpy()
        weights.assign(model.trainable_variables, keeper.values)
        model.fit(X[order], Y[order], BATCH, shuffle=False, verbose=0, callbacks=[keeper])
    equal(trained(optimizer=averaged)[0], values(model))


class Keeper(keras.callbacks.Callback):
    """Remembers the weights after the last step, which `fit` then replaces by averages."""

    def on_train_batch_end(self, batch, logs=None):
        self.values = weights.snapshot(self.model.trainable_variables)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_steps_per_call_change_nothing(jit):
    case = {"middle": (dropped,), "jit": jit}
    first, log = trained(per_call=1, **case)
    for per_call in (3,) if jit else (2, 3, 100):
        found, its_log = trained(per_call=per_call, **case)
        equal(found, first)
        assert its_log == log


def test_validation_has_no_effect_on_training():
    case = {"middle": (dropped, normalized)}
    alone, log = trained(**case)
    watched, its_log = trained(validation=Resident(X[:20], target=Y[:20]), **case)
    equal(alone, watched)
    assert its_log == log


@pytest.mark.slow
def test_validation_draws_no_random_numbers_of_training():
    from zoo.models.competition import METRICS
    from zoo.models.dcgan import dcgan

    def final(validation):
        keras.utils.set_random_seed(0)
        model = dcgan((8, 8, 1), latent_dim=3, filters=1)
        model.compile(keras.optimizers.Adam(1e-3))
        trainer = Trainer(model, feed, batch_size=8, validation=validation)
        trainer.fit(epochs=2)
        return [
            v.numpy()
            for v in trainer.variables
            if not {*v.path.split("/")} & {*METRICS, "diversity"}
        ]

    pictures = RANDOM.random((16, 8, 8, 1)).astype("float32")
    feed = Resident(pictures, lambda x, _: (x,))
    equal(final(None), final(Resident(pictures[:4], lambda x, _: (x,))))


def test_validation_equals_evaluate():
    model = build(middle=(dropped, normalized))
    held = Resident(X[:23], target=Y[:23])
    row = Trainer(model, Resident(X, target=Y), validation=held).fit(epochs=1)[0]
    loss, accuracy = model.evaluate(X[:23], Y[:23], batch_size=256, verbose=0)
    assert (row["val_loss"], row["val_accuracy"]) == (loss, accuracy)


def test_order_is_a_permutation_of_seed_and_epoch():
    orders = {(s, e): epoch_order(100, s, e).numpy() for s in (0, 1) for e in (0, 1)}
    assert all((np.sort(order) == np.arange(100)).all() for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) == 4
    assert (epoch_order(100, 1, 1).numpy() == orders[1, 1]).all()


def test_batches_are_of_sequences_about_as_long_whichever_of_two_is_the_longer():
    draws = np.random.RandomState(0)
    long, short = draws.randint(1, 500, 320), draws.randint(1, 20, 320)
    for lengths in (np.stack([long, short], axis=1), np.stack([short, long], axis=1)):
        order = by_length(epoch_order(320, 0, 0).numpy(), lengths, 32, 0, 0).numpy()
        batches = lengths[order].reshape(10, 32, 2)
        padded = batches.max(axis=1).sum() * 32
        assert np.sort(order).tolist() == [*range(320)]
        assert 1 - lengths.sum() / padded < 0.15


def float64(batch, accumulate=1, rows=44, schedule=None, **options):
    """Train a float64 model; return its weights and how many steps were counted."""
    keras.utils.set_random_seed(2)
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        model = keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(2)]
        )
        chosen = Optimization(
            optimizer="adam",
            learning_rate=1e-2,
            accumulate=accumulate,
            schedule=schedule,
            **options,
        )
        optimizer = optimizers.create(chosen, 6 if schedule else None)
        model.compile(optimizer, keras.losses.MeanSquaredError(), jit_compile=False)
        feed = Resident(X[:rows].astype("float64"), target=X[:rows, :2].astype("float64"))
        trainer = Trainer(model, feed, batch_size=batch, accumulate=accumulate)
        log = trainer.fit(epochs=3)
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
    steps = int(model.optimizer.iterations.numpy())
    return [w.numpy() for w in model.weights], steps, [row["learning_rate"] for row in log]


@pytest.mark.parametrize(
    "options", [{}, {"clip_norm": 1e-3}, {"schedule": "cosine", "warmup": 0.5}, {"ema": 0.9}]
)
def test_accumulated_batches_equal_one_large_one(options):
    # 44 rows: a step of 32, then one of 12, whose last batch has 4
    expected, steps, rates = float64(32, **options)
    found, its_steps, its_rates = float64(8, accumulate=4, **options)
    assert steps == its_steps == 6
    assert rates == its_rates
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


def test_accumulation_works_under_xla():
    def final(jit):
        model = build(
            optimizer=lambda: optimizers.create(Optimization(optimizer="sgd", accumulate=3), None)
        )
        Trainer(model, Resident(X, target=Y), batch_size=8, accumulate=3, jit=jit).fit(epochs=2)
        return values(model)

    for a, b in zip(final(False), final(True), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_clipping_acts_on_the_whole_gradient():
    keras.utils.set_random_seed(0)
    model = build(
        optimizer=lambda: optimizers.create(
            Optimization(optimizer="sgd", learning_rate=1.0, clip_norm=0.01), None
        )
    )
    before = [w.numpy() for w in model.trainable_weights]
    Trainer(model, Resident(X, target=Y)).fit(steps=1)
    moved = [b - w.numpy() for b, w in zip(before, model.trainable_weights, strict=True)]
    norm = np.sqrt(sum((m**2).sum() for m in moved))
    assert norm == pytest.approx(0.01, rel=1e-4)


def test_early_stopping_keeps_the_best_weights():
    model = build(optimizer=lambda: keras.optimizers.SGD(2.0))  # far too fast: it gets worse
    held = Resident(X[:20], target=RANDOM.integers(3, size=20).astype("int32"))
    trainer = Trainer(model, Resident(X, target=Y), validation=held, patience=3)
    log = trainer.fit(epochs=200)
    assert len(log) < 200
    losses_seen = [row["val_loss"] for row in log]
    assert trainer.evaluate()["loss"] == min(losses_seen)
    assert trainer.stopping.best_epoch == losses_seen.index(min(losses_seen)) + 1
    assert len(log) == trainer.stopping.best_epoch + 3


def test_averages_are_validated_and_kept():
    model = build(optimizer=lambda: keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.9))
    trainer = Trainer(model, Resident(X, target=Y), validation=Resident(X[:20], target=Y[:20]))
    log = trainer.fit(epochs=2)
    averages = model.optimizer._model_variables_moving_average
    equal([w.numpy() for w in model.trainable_weights], [a.numpy() for a in averages])
    assert trainer.evaluate()["loss"] == log[-1]["val_loss"]


def test_automatic_class_weights_make_classes_weigh_the_same():
    options = {"data": "breast-cancer", "class_weight": "auto", "epochs": 1, "set": ["units=2"]}
    session = prepare(config.build("mlp", options), "CPU")
    feed = session.feeds["train"]
    codes, weight = (array.numpy().ravel() for array in feed.arrays[1:])
    assert weight.mean() == pytest.approx(1)
    assert weight[codes == 0].sum() == pytest.approx(weight[codes == 1].sum(), rel=1e-5)
    assert len(feed.batch(tf.range(3))) == 3
    assert session.feeds["validation"].arrays[2] is None


def test_early_stopping_without_validation_is_refused_if_asked_for():
    options = {"data": "iris", "validation_fraction": 0.0, "epochs": 1, "set": ["units=2"]}
    session = prepare(config.build("mlp", options), "CPU")
    assert session.config.regularization.early_stopping == 0
    with pytest.raises(InputError, match="there is no validation loss to watch"):
        prepare(config.build("mlp", {**options, "early_stopping": 3}), "CPU")


def test_steps_end_within_an_epoch_and_time_ends_training():
    trainer = Trainer(build(), Resident(X, target=Y), batch_size=BATCH)
    assert [row["step"] for row in trainer.fit(steps=6)] == [4, 6]
    trainer = Trainer(build(), Resident(X, target=Y), batch_size=BATCH)
    log = trainer.fit(seconds=0.2)
    assert log[-1]["seconds"] >= 0.2


def diverging(tmp_path, x, rate=1e-2, **options):
    model = build(optimizer=lambda: keras.optimizers.SGD(rate))
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    trainer = Trainer(
        model, Resident(x, target=Y), batch_size=BATCH, checkpoints=checkpoints, **options
    )
    return model, trainer


def test_divergence_names_the_step_and_keeps_the_last_state(tmp_path):
    x = X.copy()
    row = epoch_order(ROWS, 0, 0).numpy()[2 * BATCH + 1]  # seen in the third step
    x[row] = np.nan
    model, trainer = diverging(tmp_path, x, interval=Interval(1))
    with pytest.raises(DivergenceError, match=r"at step 3.*state after step 2 was kept"):
        trainer.fit(epochs=5)
    assert trainer.position.step == 2
    assert all(np.isfinite(value).all() for value in values(model))


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    model, trainer = diverging(tmp_path, X, interval=Interval(1))
    call = trainer._call

    def poisoned(order, last):
        logs = call(order, last)
        if trainer.position.step == 3:
            model.weights[0].assign(model.weights[0] * np.nan)
        return logs

    trainer._call = poisoned
    with pytest.raises(DivergenceError, match=r"A weight became NaN.*after step 2 was kept"):
        trainer.fit(epochs=5)
    assert all(np.isfinite(value).all() for value in values(model))


class Hidden(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.kept = [tf.Variable(0.0, name="hidden")]

    def call(self, x):
        self.kept[0].assign_add(1.0)
        return x


class Unseeded(keras.layers.Layer):
    def call(self, x):
        return x + tf.random.normal(tf.shape(x))


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    ("layer", "message"),
    [(Hidden, "no checkpoint would hold: hidden"), (Unseeded, "RandomStandardNormal")],
)
def test_what_cannot_be_resumed_is_refused(layer, message, jit):
    with pytest.raises(RuntimeError, match=message):
        Trainer(build(middle=(layer,)), Resident(X, target=Y), jit=jit)
