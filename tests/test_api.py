"""The package as a library: as short as the commands, and light until it is used."""

import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo.errors import InputError


def test_what_there_is():
    assert set(zoo.__all__) <= set(dir(zoo))
    for name in zoo.__all__:
        assert callable(getattr(zoo, name))
        assert getattr(zoo, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'trane'"):
        zoo.trane  # noqa: B018


def test_importing_is_light():
    code = (
        "import sys, zoo; zoo.list_models(); zoo.register('mine', 'somewhere:build')\n"
        "heavy = {'keras', 'tensorflow', 'numpy', 'pandas', 'sklearn', 'matplotlib', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"


def test_create_is_a_plain_keras_model():
    model = zoo.create("mlp", input_shape=(64,), classes=10, units=(8,))
    model.compile("adam", "mse")
    model.fit(np.zeros((4, 64), np.float32), np.zeros((4, 10), np.float32), verbose=0)
    assert model.count_params() == 64 * 8 + 8 + 8 * 10 + 10
    with pytest.raises(InputError, match=r"Try: zoo.create\('mlp', input_shape=..., classes=...\)"):
        zoo.create("mlp")
    with pytest.raises(InputError, match="Did you mean 'mlp'"):
        zoo.create("mpl")


def test_from_training_to_prediction(tmp_path, capfd):
    said = []
    run = zoo.train(
        "mlp", data="iris", epochs=1, set={"units": (16, 8), "activation": "tanh"},
        learning_rate=3e-3, run=tmp_path / "run", say=said.append,
    )  # fmt: skip
    assert run.path == tmp_path / "run"
    assert said[0] == "Device: CPU"
    assert capfd.readouterr().out == ""
    assert run.config["builder"]["units"] == [16, 8]
    assert run.config["options"]["learning_rate"] == 3e-3
    predictor = zoo.load(run)
    layers = predictor.model.layers
    assert [layer.units for layer in layers if hasattr(layer, "units")] == [16, 8, 3]
    result = zoo.evaluate(run)
    assert {**result, "step": 4} == run.metrics
    assert zoo.evaluate(predictor, "iris")["scores"] == result["scores"]
    assert zoo.evaluate(str(run), split="train")["examples"] == 105
    raw = {column.name: np.array([5.0, 6.0]) for column in predictor.spec.inputs}
    answers = [zoo.predict(source, raw)["probabilities"] for source in (run, str(run), predictor)]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_a_registered_model_is_trained_and_loaded(tmp_path):
    import keras

    def narrow(input_shape, classes, width=4):
        inputs = keras.Input(input_shape)
        hidden = keras.layers.Dense(width, "relu")(keras.layers.Flatten()(inputs))
        return keras.Model(inputs, keras.layers.Dense(classes)(hidden))

    zoo.register("narrow", narrow, summary="For a test.")
    assert "narrow" in zoo.list_models()
    run = zoo.train("narrow", data="moons", epochs=1, set={"width": 5}, run=str(tmp_path / "run"))
    assert zoo.load(run).model.layers[2].units == 5


def test_a_training_default_of_a_row_can_be_an_option_of_its_builder(tmp_path):
    zoo.register("decayed", "zoo.models.mlp:mlp", training={"l2": 0.25})
    run = zoo.train("decayed", data="iris", epochs=1, run=str(tmp_path / "run"))
    record = zoo.runs.Run(run).record
    assert record["builder"]["l2"] == record["options"]["l2"] == 0.25
    assert zoo.load(run).model.losses
    assert zoo.resume(run, epochs=2) == run  # as the record says what was done
    plain = zoo.train("decayed", data="iris", epochs=1, l2=0.0, run=str(tmp_path / "plain"))
    assert zoo.load(plain).model.losses == []


def test_later_defaults_of_a_builder_change_no_run(tmp_path):
    from zoo.models.mlp import mlp

    def ours(input_shape, classes, *, units=(5,)):
        return mlp(input_shape, classes, units=units)

    def theirs(input_shape, classes, *, units=(7,)):
        return mlp(input_shape, classes, units=units)

    zoo.register("ours", ours)
    run = zoo.train("ours", data="iris", epochs=1, run=str(tmp_path / "run"))
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    flowers = {name: [1.0, 5.0] for name in names}
    before = zoo.predict(run, flowers)
    zoo.register("ours", theirs)
    for name, values in zoo.predict(run, flowers).items():
        np.testing.assert_array_equal(values, before[name])


def test_options_are_those_of_the_command(tmp_path):
    import keras

    class Count(keras.callbacks.Callback):
        epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1
            assert "val_loss" in logs

    count = Count()
    zoo.train(
        "linear", data="iris", epochs=3, callbacks=[count], target="species", drop=("sepal_width",),
        run=str(tmp_path / "run"),
    )  # fmt: skip
    assert count.epochs == 3
    assert len(zoo.load(tmp_path / "run").spec.inputs) == 3


def test_a_path_object_is_data(tmp_path, files):
    run = zoo.train("linear", data=files["table"], target="class", epochs=1, run=tmp_path / "run")
    assert zoo.evaluate(run, files["table"])["examples"] == 120
