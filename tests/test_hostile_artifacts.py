"""Hostile .keras files, what lies beside a SavedModel, and hostile pictures."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from hostile import ALLOWED, MEGABYTE, PICKLE, Watched, archive, jpeg, nested, png, sparse

from zoo import api
from zoo.errors import InputError


@pytest.fixture
def zoo(server, tmp_path):
    return Watched(server, tmp_path)


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """Return the members of a good .keras file, and the folder of a good SavedModel."""
    from zoo import api

    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.exporters.parity._in_fresh_process", answered_here)
        api.export(trained("classes"), "keras", folder / "m.keras")
        api.export(trained("classes"), "savedmodel", folder / "saved")
    with zipfile.ZipFile(folder / "m.keras") as file:
        return {name: file.read(name) for name in file.namelist()}, folder / "saved"


def answered_here(path, raw):
    from zoo import predictors
    from zoo.exporters import parity

    return parity.answer(predictors.load(path), raw)


def members(exported, change=None, weights=None, **others):
    """Return the members of a .keras file with its configuration or its weights changed."""
    content = dict(exported[0])
    if change:
        config = json.loads(content["config.json"])
        changed = change(config)
        content["config.json"] = json.dumps(changed or config).encode()
    if weights:
        content["model.weights.h5"] = weights(content["model.weights.h5"])
    return [*content.items(), *others.items()]


def layer(node):
    """Return a change that puts an object in place of a layer of the model."""

    def change(config):
        config["config"]["model"]["config"]["layers"][1] = {
            **config["config"]["model"]["config"]["layers"][1], "registered_name": None, **node,
        }  # fmt: skip

    return change


def initializer(node):
    """Return a change that puts an object where an initializer was."""

    def change(config):
        layers = config["config"]["model"]["config"]["layers"]
        dense = next(one for one in layers if one["class_name"] == "Dense")
        dense["config"]["kernel_initializer"] = node

    return change


def width(config):
    layers = config["config"]["model"]["config"]["layers"]
    next(one for one in layers if one["class_name"] == "Dense")["config"]["units"] = 10**9


def hdf5(edit):
    """Return a change of weights by h5py."""

    def change(content):
        import h5py

        file = io.BytesIO(content)
        with h5py.File(file, "r+") as opened:
            edit(opened, opened.visititems(array_name), h5py)
        return file.getvalue()

    return change


def array_name(name, item):
    return name if hasattr(item, "shape") else None


def replaced(make):
    """Return a change of weights that makes something else of the first array."""

    def edit(file, name, h5py):
        shape, kind = file[name].shape, file[name].dtype
        del file[name]
        make(file, name, shape, kind, h5py)

    return hdf5(edit)


def virtual(file, name, shape, kind, h5py):
    layout = h5py.VirtualLayout(shape, kind)
    layout[:] = h5py.VirtualSource("../outside.h5", "x", shape)
    file.create_virtual_dataset(name, layout)


def lambda_layer(module="keras.layers"):
    """Return a change that puts Python bytecode in place of a layer."""

    def change(config):
        import keras

        function = keras.layers.Lambda(lambda x: __import__("pathlib").Path("canary").touch())
        node = keras.saving.serialize_keras_object(function)
        assert node["config"]["function"]["class_name"] == "__lambda__"
        layer({**node, "module": module})(config)

    return change


def system(**names):
    config = {"command": "touch canary"}
    return initializer({"class_name": "system", "module": "os", "config": config, **names})


HUGE = {"shape": (10**6, 10**6), "dtype": "f4", "chunks": (1000, 1000), "compression": "gzip"}
KERAS = {
    "Lambda": (lambda_layer(), "keras.layers.Lambda"),
    "Lambda by its path": (lambda_layer("keras.src.layers.core.lambda_layer"), "lambda_layer"),
    "SavedModel in a layer": (
        layer({"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "x"}}),
        "TFSMLayer",
    ),
    "PyTorch in a layer": (
        layer({"class_name": "TorchModuleWrapper", "module": "keras.layers", "config": {}}),
        "TorchModuleWrapper",
    ),
    "a file of words": (
        layer({
            "class_name": "StringLookup", "module": "keras.layers",
            "config": {"vocabulary": "../outside.txt"},
        }),
        "StringLookup",
    ),
    "system": (system(), "os.system"),
    "system called ours": (system(registered_name="zoo>system"), "os.system"),
    "download": (
        initializer({"class_name": "get_file", "module": "keras.utils", "config": {"origin": "x"}}),
        "keras.utils.get_file",
    ),
    "function": (
        initializer({"class_name": "function", "module": "builtins", "config": "eval"}),
        "builtins.function",
    ),
    "function called ours": (
        initializer({"class_name": "function", "module": "os", "config": "zoo>system"}),
        "os.function",
    ),
    "lambda": (
        initializer({"class_name": "__lambda__", "config": {"value": ["x", None, None]}}),
        "__lambda__",
    ),
    "type": (
        initializer({"class_name": "__typespec__", "module": "os", "config": {}}), "__typespec__",
    ),
    "a class that is a list": (initializer({"class_name": ["os"], "config": {}}), "['os']"),
    "no state": (lambda config: config["config"].pop("state") and None, "could not be loaded"),
    "another program's": (lambda config: {**config, "registered_name": "x>Served"}, "others load"),
    "a layer without end": (width, "the model it describes is larger"),
    "layers without end": (
        lambda config: config["config"].update(
            x=[{"class_name": "Dense", "module": "keras.layers", "config": {}}] * 60_000
        ),
        "objects",
    ),
    "a list": (lambda config: [config], "holds a list"),
}  # fmt: skip


@pytest.mark.parametrize("case", KERAS)
def test_what_a_keras_file_would_create(zoo, exported, case):
    change, said = KERAS[case]
    archive(zoo.folder / "m.keras", members(exported, change))
    message = zoo.refused("evaluate", "m.keras", "--data", "iris")
    assert said in message, message


WEIGHTS = {
    "external link": (
        replaced(lambda f, n, s, k, h5py: f.__setitem__(n, h5py.ExternalLink("../o.h5", "x"))),
        "are a link",
    ),
    "soft link": (
        replaced(lambda f, name, s, k, h5py: f.__setitem__(name, h5py.SoftLink("/x"))),
        "are a link",
    ),
    "numbers in another file": (
        replaced(
            lambda f, name, s, k, h5py: f.create_dataset(
                name, s, k, external=[("../outside.txt", 0, 1 << 20)]
            )
        ),
        "no plain array",
    ),
    "numbers of other files": (replaced(virtual), "no plain array"),
    "shape bomb": (
        replaced(lambda f, name, s, k, h5py: f.create_dataset(name, **HUGE)), "no plain array",
    ),
    "shape bomb of one piece": (
        replaced(lambda f, name, s, k, h5py: f.create_dataset(name, (10**6, 10**6), "f4")),
        "not there",
    ),
    "objects": (
        replaced(
            lambda f, n, s, k, h5py: f.create_dataset(n, data=["a"], dtype=h5py.string_dtype())
        ),
        "no plain array",
    ),
    "itself": (hdf5(lambda f, name, h5py: f.__setitem__("layers/again", f["layers"])), "twice"),
    "pickle": (lambda content: PICKLE, "could not be loaded"),
    "half of it": (lambda content: content[: len(content) // 2], "could not be loaded"),
}  # fmt: skip


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_of_a_keras_file(zoo, exported, case):
    change, said = WEIGHTS[case]
    archive(zoo.folder / "m.keras", members(exported, weights=change))
    message = zoo.refused("evaluate", "m.keras", "--data", "iris")
    assert said in message, message


def test_archives_called_keras(zoo, exported):
    path, good = zoo.folder / "m.keras", members(exported)
    command = ("predict", "m.keras", "x.csv")
    archive(path, [*good, ("../outside.txt", "hurt")])
    assert "leads out of it" in zoo.refused(*command)
    archive(path, [*good, ("assets/../../outside.txt", "hurt")])
    assert "leads out of it" in zoo.refused(*command)
    archive(path, [*good, ("/tmp/outside.txt", "hurt")])
    assert "leads out of it" in zoo.refused(*command)
    archive(path, good, link="assets/x")
    assert "is a link" in zoo.refused(*command)
    archive(path, [*good, ("assets/zeros", bytes(256 * MEGABYTE))])
    assert "expand to more than" in zoo.refused(*command)
    archive(path, [("config.json", bytes(256 * MEGABYTE))])
    assert "expand to more than" in zoo.refused(*command)
    archive(path, [("config.json", nested())])
    assert "nested" in zoo.refused(*command)
    archive(path, [("config.json", "[" + "{}," * (12 * MEGABYTE) + "{}]")])
    assert "holds more than" in zoo.refused(*command)
    archive(path, [("metadata.json", "{}")])
    assert "could not be loaded" in zoo.refused(*command)
    with pytest.warns(UserWarning, match="Duplicate"):
        archive(path, [*good, ("config.json", nested())])
    assert "two members" in zoo.refused(*command)
    path.write_bytes(PICKLE)
    assert "neither a run nor an artifact" in zoo.refused(*command)


def test_a_good_keras_file_is_read(zoo, exported):
    archive(zoo.folder / "m.keras", members(exported))
    code, out, err = zoo("evaluate", "m.keras", "--data", "iris")
    assert code == 0, err
    assert "accuracy" in out
    assert zoo.grown < ALLOWED


def test_the_bytecode_would_run(tmp_path, monkeypatch):
    import keras

    config = {"config": {"model": {"config": {"layers": [{}, {}]}}}}
    lambda_layer()(config)
    monkeypatch.chdir(tmp_path)
    node = config["config"]["model"]["config"]["layers"][1]
    keras.saving.deserialize_keras_object(node, safe_mode=False).function(1)
    assert (tmp_path / "canary").exists()


STATES = {
    "nested": (nested(), "nested"),
    "no outputs": (lambda state: state.pop("outputs"), "'outputs'"),
    "a signature that is none": (lambda s: s.update(outputs={"os": ["x"]}), "fit together"),
    "an output that is none": (
        lambda s: s["outputs"].update(serving_default=["x"]), "fit together",
    ),
    "arguments that are none": (lambda s: s.update(arguments=["x"]), "'arguments'"),
    "another kind": (lambda s: s["preprocessor"].update(kind="os"), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("case", STATES)
def test_what_lies_beside_a_savedmodel(zoo, exported, case):
    change, said = STATES[case]
    folder = shutil.copytree(exported[1], zoo.folder / "saved")
    path = folder / "assets" / "zoo.json"
    if callable(change):
        state = json.loads(path.read_text())
        change(state)
    path.write_text(json.dumps(state) if callable(change) else change)
    message = zoo.refused("evaluate", "saved", "--data", "iris")
    assert said in message, message


PICTURES = {
    "thirty thousand squared": (lambda: png(30_000, 30_000), "30000 x 30000 pixels"),
    "a line of pixels": (lambda: png(89_478_486, 1), "89478486 x 1 pixels"),
    "JPEG that promises": (lambda: jpeg(65_500, 65_500), "65500 x 65500 pixels"),
    "cut off": (lambda: png(30_000, 30_000)[:20], "input"),
    "GIF": (lambda: b"GIF89a\xff\xff\xff\xff", "neither PNG nor JPEG"),
    "BMP": (lambda: b"BM" + bytes(60), "neither PNG nor JPEG"),
    "pickle": (PICKLE, "neither PNG nor JPEG"),
    "nothing": (b"", "neither PNG nor JPEG"),
}


@pytest.mark.parametrize("case", PICTURES)
def test_pictures(zoo, trained, case):
    content, said = PICTURES[case]
    content = content() if callable(content) else content
    assert len(content) < MEGABYTE
    (zoo.folder / "p.png").write_bytes(content)
    message = zoo.refused("predict", trained("pictures"), "p.png")
    assert "'p.png' cannot be read as a picture" in message or "'p.png' is empty" in message
    with pytest.raises(InputError, match=said):  # as an artifact is asked, without a look before
        api.predict(trained("pictures"), {"image": np.array([content], object)})


def test_large_and_remote_pictures(zoo, trained):
    sparse(zoo.folder / "p.png", png(8, 8), 300 * MEGABYTE)
    assert "more than" in zoo.refused("predict", trained("pictures"), "p.png")
    assert "Download" in zoo.refused("predict", trained("pictures"), "https://a/p.png")
    (zoo.folder / "p.png").write_bytes(png(9000, 9000))  # large, and within the limit
    code, _, err = zoo("predict", trained("pictures"), "p.png")
    assert code == 0, err
    print(f"{zoo.grown / MEGABYTE:6,.0f} MB  81 million pixels")
    assert zoo.grown < ALLOWED


def test_arrays_of_pictures_without_end(zoo, trained):
    np.savez(zoo.folder / "p.npz", x=np.zeros((2, 4000, 4000, 1), np.uint8))
    assert "examples of shape" in zoo.refused("predict", trained("pictures"), "p.npz")
