"""Optimizers and schedules by name equal plain Keras ones of the same settings."""

import keras
import numpy as np
import pytest

from zoo.config import Optimization
from zoo.training import optimizers, schedules
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer
from zoo.training.order import epoch_order

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 4)).astype("float32")
Y = RANDOM.normal(size=(40, 2)).astype("float32")

PLAIN = {
    "sgd": ({"optimizer": "sgd"}, lambda k: k.SGD(0.01)),
    "momentum": ({"optimizer": "sgd", "momentum": 0.8}, lambda k: k.SGD(0.01, momentum=0.8)),
    "nesterov": (
        {"optimizer": "sgd", "momentum": 0.8, "nesterov": True},
        lambda k: k.SGD(0.01, momentum=0.8, nesterov=True),
    ),
    "adam": ({"optimizer": "adam"}, lambda k: k.Adam(0.01)),
    "adam, beta_1": ({"optimizer": "adam", "momentum": 0.5}, lambda k: k.Adam(0.01, beta_1=0.5)),
    "rmsprop": (
        {"optimizer": "rmsprop", "momentum": 0.3},
        lambda k: k.RMSprop(0.01, momentum=0.3),
    ),
    "adagrad": ({"optimizer": "adagrad"}, lambda k: k.Adagrad(0.01)),
}
DECAYED = {
    "adamw": lambda k: k.AdamW(0.01, weight_decay=0.1),
    "lion": lambda k: k.Lion(0.01, weight_decay=0.1),
    "sgd": lambda k: k.SGD(0.01, weight_decay=0.1),
}


def build(optimizer):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, "tanh", bias_initializer="ones"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(2),
        ]
    )
    model.compile(optimizer, "mse", jit_compile=False)
    return model


def ours(options):
    model = build(optimizers.create(Optimization(learning_rate=0.01, **options), None))
    Trainer(model, Resident(X, target=Y), batch_size=8, seed=1).fit(epochs=1)
    return [w.numpy() for w in model.weights]


def keras_own(optimizer):
    model = build(optimizer)
    order = epoch_order(40, 1, 0).numpy()
    model.fit(X[order], Y[order], batch_size=8, shuffle=False, verbose=0)
    return [w.numpy() for w in model.weights]


@pytest.mark.parametrize("name", PLAIN)
def test_optimizers_equal_keras_own(name):
    options, plain = PLAIN[name]
    for a, b in zip(ours(options), keras_own(plain(keras.optimizers)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", DECAYED)
def test_weight_decay_leaves_biases_and_normalization_alone(name):
    plain = DECAYED[name](keras.optimizers)
    plain.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    found = ours({"optimizer": name, "weight_decay": 0.1})
    for a, b in zip(found, keras_own(plain), strict=True):
        np.testing.assert_array_equal(a, b)
    undecayed = ours({"optimizer": name, "weight_decay": 0.0})
    assert not np.array_equal(found[0], undecayed[0])


def test_only_weights_shrink():
    model = build(
        optimizers.create(Optimization(optimizer="sgd", learning_rate=1.0, weight_decay=0.1), None)
    )
    zeros = [np.zeros(v.shape, "float32") for v in model.trainable_variables]
    before = {v.path: v.numpy() for v in model.trainable_variables}
    model.optimizer.build(model.trainable_variables)
    model.optimizer.apply(zeros)
    for variable in model.trainable_variables:
        factor = 0.9 if variable.name == "kernel" else 1.0
        np.testing.assert_allclose(variable.numpy(), factor * before[variable.path], rtol=1e-6)


def test_a_copy_of_an_optimizer_is_equal():
    chosen = Optimization(
        optimizer="adamw", learning_rate=0.01, weight_decay=0.1, clip_norm=0.5, ema=0.9,
        schedule="cosine", warmup=0.2,
    )  # fmt: skip
    first = optimizers.create(chosen, 10)
    second = first.from_config(first.get_config())
    assert second.clip_norm == 0.5
    a, b = build(first), build(second)
    for model in (a, b):
        model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    assert all(map(np.array_equal, a.get_weights(), b.get_weights()))


def rates(name, steps, warmup=0.0, rate=0.4):
    schedule = schedules.create(name, rate, steps, warmup)
    if not callable(schedule):
        return [schedule] * (steps + 1)
    return [float(schedule(step)) for step in range(steps + 1)]


def test_schedules_have_their_values():
    assert rates("constant", 8) == [0.4] * 9
    cosine = [0.2 * (1 + np.cos(np.pi * step / 8)) for step in range(9)]
    np.testing.assert_allclose(rates("cosine", 8), cosine, atol=1e-6)
    exponential = [0.4 * 0.01 ** (step / 8) for step in range(9)]
    np.testing.assert_allclose(rates("exponential", 8), exponential, rtol=1e-5)
    step = rates("step", 8)
    np.testing.assert_allclose(step[:5], 0.4)
    np.testing.assert_allclose(step[5:7], 0.04, rtol=1e-6)
    np.testing.assert_allclose(step[7:], 0.004, rtol=1e-6)


@pytest.mark.parametrize("name", ["constant", "cosine", "step", "exponential"])
def test_warm_up_rises_in_equal_parts_and_then_follows(name):
    plain, warm = rates(name, 20), rates(name, 20, warmup=0.25)
    np.testing.assert_allclose(warm[:5], [p * (i + 1) / 5 for i, p in enumerate(plain[:5])], 1e-6)
    np.testing.assert_allclose(warm[5:], plain[5:], rtol=1e-6)


def test_a_warm_up_of_no_step_is_none():
    assert schedules.create("constant", 0.1, 3, 0.1) == 0.1


def test_warm_up_survives_saving():
    for schedule in (0.4, keras.optimizers.schedules.CosineDecay(0.4, 20)):
        first = schedules.WarmUp(schedule, 5)
        second = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(first))
        assert [float(first(i)) for i in range(9)] == [float(second(i)) for i in range(9)]


def test_optimizers_of_a_model_are_found_once():
    from zoo.models.dcgan import dcgan

    model = dcgan((8, 8, 1), latent_dim=2, filters=1)
    model.compile(optimizers.create(Optimization(optimizer="adam", weight_decay=0.1), None))
    found = optimizers.of(model)
    assert found == [model.optimizer, model.discriminator_optimizer]
    ours, theirs = (optimizers.weights(optimizer, model) for optimizer in found)
    assert [v.path for v in ours] == [v.path for v in model.generator.trainable_variables]
    assert [v.path for v in theirs] == [v.path for v in model.discriminator.trainable_variables]
    bias = next(v for v in theirs if v.name == "bias")
    assert not found[1]._use_weight_decay(bias)
