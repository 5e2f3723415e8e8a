"""Training that begins with the weights of another run, frozen or slower where that is asked."""

import shutil

import drawn
import keras
import numpy as np
import pytest
from masked import write_masks
from safetensors.numpy import load_file

import zoo
from zoo.errors import InputError
from zoo.registry import create
from zoo.training import beginning
from zoo.weights import imagenet, transfer

CNN = {"filters": 4, "stages": 2, "depth": 1}
SHORT = {"steps": 3, "batch_size": 16, "set": CNN}


def digits(folder, classes):
    """Write digits of some classes as an NPZ file; return its path."""
    from sklearn.datasets import load_digits

    found = load_digits()
    rows = np.flatnonzero(np.isin(found.target, classes))[:200]
    path = folder / f"digits-{len(classes)}.npz"
    np.savez(path, x=(found.images[rows, ..., None] * 15).astype("uint8"), y=found.target[rows])
    return str(path)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    data = digits(folder, [0, 1, 2, 3])
    return zoo.train("cnn-small", data=data, run=str(folder / "run"), epochs=2, set=CNN)


@pytest.fixture
def three(tmp_path):
    return digits(tmp_path, [0, 1, 2])


def arrays(run):
    """Return the weights in their order; their names hold counters of the process."""
    tensors = load_file(run.model_weights)
    return [tensors[name] for name in sorted(tensors)]


def train(tmp_path, data, name="run", **options):
    said = []
    run = zoo.train(
        "cnn-small", data=data, run=str(tmp_path / name), say=said.append, **{**SHORT, **options}
    )
    return run, said


def test_the_head_is_new_where_classes_differ(source, three, tmp_path):
    run, said = train(tmp_path, three, weights=str(source), freeze="backbone")
    assert f"Weights: 10 arrays of '{source}'; 2 others are new" in said
    assert all(map(np.array_equal, arrays(run)[:-2], arrays(source)[:-2]))
    assert arrays(run)[-1].shape == (3,)


def test_the_head_is_kept_for_the_same_classes(source, tmp_path):
    data = digits(tmp_path, [0, 1, 2, 3])
    run, said = train(tmp_path, data, weights=str(source), learning_rate=1e-9, steps=1)
    assert f"Weights: 12 arrays of '{source}'" in said
    assert np.allclose(arrays(run)[-2], arrays(source)[-2], atol=1e-6)


def test_a_file_of_weights_will_do(source, tmp_path, three):
    run, _ = train(tmp_path, three, weights=str(source.model_weights), freeze="backbone")
    assert all(map(np.array_equal, arrays(run)[:-2], arrays(source)[:-2]))


def test_what_is_frozen_stays_and_the_rest_moves(source, three, tmp_path):
    run, _ = train(tmp_path, three, weights=str(source), freeze="2")
    moved = [not np.array_equal(a, b) for a, b in zip(arrays(run), arrays(source), strict=False)]
    assert moved[:5] == [False] * 5  # a kernel, and the four arrays of its normalization
    assert any(moved[5:10])


@pytest.mark.slow
def test_a_share_of_the_learning_rate(source, three, tmp_path):
    distance = {}
    for share in (1.0, 0.1, 0.0):
        run, _ = train(
            tmp_path, three, f"run-{share}", weights=str(source), backbone_rate=share, steps=1,
            optimizer="sgd", learning_rate=0.1, schedule="constant",
        )  # fmt: skip
        distance[share] = np.abs(arrays(run)[0] - arrays(source)[0]).max()
    assert distance[0.0] == 0
    assert distance[0.1] == pytest.approx(distance[1.0] / 10, rel=1e-3)


@pytest.mark.slow
def test_a_run_that_began_with_weights_goes_on_without_them(source, three, tmp_path):
    constant = {"schedule": "constant"}
    whole, _ = train(tmp_path, three, "whole", weights=str(source), steps=4, **constant)
    assert zoo.api.verify(whole)["identical"]  # from the beginning, where the weights are read
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(source.model_weights.read_bytes())
    part, _ = train(tmp_path, three, "part", weights=str(copy), steps=2, **constant)
    copy.unlink()
    longer = zoo.api.resume(part, steps=4)
    assert all(map(np.array_equal, arrays(longer), arrays(whole)))


@pytest.mark.slow
def test_what_is_worth_more_is_learned_faster(source, three, tmp_path):
    losses = {}
    for name, options in {"scratch": {}, "transfer": {"weights": str(source)}}.items():
        run, _ = train(tmp_path, three, name, steps=12, **options)
        losses[name] = run.log[-1]["loss"]
    assert losses["transfer"] < losses["scratch"]


WRONG = {
    "another width": ({"set": {**CNN, "filters": 8}}, r"of shape \(3, 3, 1, 4\)' where|where this"),
    "deeper": ({"set": {**CNN, "depth": 2}}, "where this model has"),
    "shallower": ({"set": {**CNN, "stages": 1}}, "for which this model has no layer"),
}


@pytest.mark.parametrize("case", WRONG)
def test_weights_of_another_architecture_say_which_layer(source, three, tmp_path, case):
    options, message = WRONG[case]
    with pytest.raises(InputError, match=message):
        train(tmp_path, three, weights=str(source), **options)
    assert not (tmp_path / "run").exists()


REFUSED = {
    "nothing there": ({"weights": "runs/none"}, "--weights received 'runs/none'"),
    "more layers than there are": ({"freeze": "9"}, "the model has 5 layers with weights"),
    "no number": ({"freeze": "head"}, "--freeze received 'head'. Expected backbone"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_line_for_what_cannot_be(three, tmp_path, case):
    options, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        train(tmp_path, three, **options)


def test_a_damaged_run_is_said_in_one_line_before_training(source, three, tmp_path):
    copy = shutil.copytree(source, tmp_path / "copy")
    (copy / "preprocessor.json").write_text('{"spec": ')
    for ask in (train, plan):
        with pytest.raises(InputError, match=r"Cannot read .*preprocessor\.json"):
            ask(tmp_path, three, weights=str(copy))


def plan(tmp_path, data, **options):
    return zoo.api.plan("cnn-small", data=data, **{**SHORT, **options})


def test_the_backbone_of_a_model_within_a_model():
    inputs = keras.Input((8, 8, 1))
    inner = create("cnn-small", input_shape=(8, 8, 1), classes=1, features_only=True, **CNN)
    outer = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inner(inputs)[-1]))
    assert transfer.backbone(outer) == inner.layers
    transfer.freeze(outer, "backbone")
    assert len(outer.trainable_weights) == 2


def test_imagenet_weights_are_keras_own(three, tmp_path, monkeypatch):
    """Keras fetches and checks the file; here it gives random weights in place of those."""
    made = []

    def network(weights, **options):
        if weights != "imagenet":
            return keras_network(weights=weights, **options)
        made.append(keras_network(weights=None))
        return made[-1]

    keras_network = keras.applications.MobileNetV3Small
    monkeypatch.setattr(keras.applications, "MobileNetV3Small", network)
    model = create("keras-mobilenet-v3-small", input_shape=(32, 32, 3), classes=4)
    row = zoo.registry.get("keras-mobilenet-v3-small")
    said = beginning.begin(model, row, "imagenet", None, {})
    assert said.endswith("arrays of 'imagenet'; 2 others are new")
    theirs = made[0].get_weights()[:-2]
    assert all(map(np.array_equal, model.get_weights()[:-2], theirs))


PICTURES = np.random.default_rng(0).integers(256, size=(10, 32, 32, 3)).astype("uint8")
WITH_BACKBONES = {
    "unet-small": lambda folder: write_masks(folder, PICTURES, PICTURES[..., 0] // 128),
    "fcos": lambda folder: drawn.write_voc(folder, 10),
}


@pytest.mark.slow
@pytest.mark.parametrize("model", WITH_BACKBONES)
def test_imagenet_weights_of_a_backbone(tmp_path, monkeypatch, model):
    """A file of random weights stands for the one that Keras fetches."""
    theirs = keras.applications.MobileNetV3Small(weights=None)
    theirs.save_weights(tmp_path / "own.weights.h5")
    fetch = "keras.src.applications.mobilenet_v3.file_utils.get_file"
    monkeypatch.setattr(fetch, lambda *a, **k: str(tmp_path / "own.weights.h5"))
    WITH_BACKBONES[model](tmp_path / "data")
    said = []
    run = zoo.train(
        model, data=str(tmp_path / "data"), image_size=64, weights="imagenet", freeze="backbone",
        set={"backbone": "keras-mobilenet-v3-small"}, steps=1, batch_size=2, say=said.append,
        run=str(tmp_path / "run"),
    )  # fmt: skip
    assert any(line.startswith("Weights: 206 arrays of 'imagenet'; ") for line in said)
    assert all(map(np.array_equal, arrays(run)[:206], theirs.get_weights()))


@pytest.mark.slow
def test_efficientnets_with_imagenet_weights_answer_as_keras_own(monkeypatch):
    """Keras rescales once more where the weights are those; random ones stand for them here."""
    fetched = []

    def load_weights(network, path):
        random = np.random.default_rng(0)
        for weight in network.weights:
            shape = tuple(weight.shape)
            if len(shape) > 1:
                fan_in = np.prod(shape[:-1]) if "depthwise" not in weight.path else 9
                weight.assign(random.normal(0, np.sqrt(2 / fan_in), shape))
            elif shape:
                weight.assign(random.uniform(0.5, 1.5, shape))
        fetched.append(network)

    module = "keras.src.applications.efficientnet.file_utils.get_file"
    monkeypatch.setattr(module, lambda *a, **k: "efficientnetb0.h5")
    monkeypatch.setattr(keras.Model, "load_weights", load_weights)
    model = create("keras-efficientnet-b0", input_shape=(224, 224, 3), classes=1000)
    tensors = imagenet.read("keras-efficientnet-b0", "EfficientNetB0")
    transfer.transfer(model, tensors, "imagenet", head=True)
    picture = np.random.default_rng(1).random((1, 224, 224, 3)).astype("float32")
    expected, answer = (
        keras.Model(net.input, net.get_layer("stem_bn").output)(x, training=False)
        for net, x in ((fetched[0], picture * 255), (model, picture))
    )  # later on random weights answer every picture alike
    assert np.std(expected) > 0.1
    np.testing.assert_allclose(answer, expected, rtol=1e-3, atol=1e-3)


def test_imagenet_weights_that_cannot_be_had(three, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="imagenet for 'cnn-small', for which keras"):
        train(tmp_path, three, weights="imagenet")

    def offline(weights):
        raise OSError("no route")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", offline)
    with pytest.raises(InputError, match="MobileNetV3Small could not be fetched: no route"):
        imagenet.read("keras-mobilenet-v3-small", "MobileNetV3Small")


def test_a_detectors_backbone_takes_a_classifiers_weights(source):
    options = {"backbone": "cnn-small", "backbone_options": CNN, "width": 8, "depth": 1}
    model = create("fcos", input_shape=(8, 8, 1), classes=2, strides=(1, 2), **options)
    tensors = load_file(source.model_weights)
    given = transfer.transfer(model, tensors, "source", head=False)
    assert given == 10
    inner = transfer.nested(model)
    assert all(map(np.array_equal, inner.get_weights(), arrays(source)[:-2]))
