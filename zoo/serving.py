"""A trained model with everything around it as one Keras object, what `.keras` files hold."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from zoo import layers, preprocessing, registry, tasks, weights
from zoo.datasets.base import Spec
from zoo.errors import InputError
from zoo.untrusted import check_keys, check_members, check_state, parse_json

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
MOST_OBJECTS = 50_000  # layers, initializers and their like; ResNet-152 has 5,000
_MODULES = (
    "keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints",
    "keras.random", "keras.src.models.functional", "keras.src.models.sequential",
)  # fmt: skip
# They run what is written in the file, or read other files.
_REFUSED = (
    "Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "StringLookup",
    "IntegerLookup", "TextVectorization",
)  # fmt: skip
_PLAIN = ("__keras_tensor__", "__tuple__", "__tensor__")


@layers.register
class Served(keras.Model):
    """Answers raw batches: a dictionary of named columns in, named outputs out.

    Args:
        model: the trained model.
        state: `spec`, `task`, `preprocessor` and `card` as plain values.
    """

    def __init__(self, model: Any, state: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.model = model
        self._state = json.dumps(state)  # a string: Keras would wrap a dictionary
        spec = Spec.from_json(state["spec"])
        task = tasks.from_json(state["task"], spec)
        preprocessor = preprocessing.from_json(state["preprocessor"])
        self._signatures = task.signatures(model, preprocessor)
        self.built = True

    @property
    def state(self) -> dict[str, Any]:
        """Spec, task, preprocessor and card."""
        return json.loads(self._state)

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        serve, _ = self._signatures["serving_default"]
        return serve(**inputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "state": self.state,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Served:
        name = config["state"]["card"]["model"]
        if name in registry.list_models():  # a model of a user's plugin may be unknown here
            registry.builder(name)  # registers the model's own layers
        model = keras.saving.deserialize_keras_object(config.pop("model"))
        return cls(model=model, **config)


def load_served(path: Path) -> Served:
    """Load a `.keras` file that `zoo export` wrote, after a look at all it would do.

    Raises:
        InputError: it is damaged, another program's, or names classes that are not Keras's or ours.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(archive, path.stat().st_size)
            config = parse_json(archive.read(_CONFIG))
            _refuse_others(config, path)
            arrays, numbers = _size_of_weights(archive)
        with weights.at_most(arrays, numbers, str(path)):
            return keras.saving.load_model(path, compile=False)
    except InputError:
        raise
    except Exception as error:  # of many parsers; what they had to read is anybody's
        raise InputError(
            f"'{path}' could not be loaded: {' '.join(str(error).split())[:200]}. Expected a file "
            "that `zoo export RUN --format keras` wrote. Export it again."
        ) from error


def _refuse_others(config: Any, path: Path) -> None:
    """Refuse another program's model, and one with classes that are neither Keras's nor ours."""
    check_keys(config, {"class_name": str, "config": dict})
    if config.get("registered_name") != "zoo>Served":
        raise InputError(
            f"'{path}' holds {config['class_name'][:60]}. Expected a model that "
            "`zoo export RUN --format keras` wrote; others load with keras.saving.load_model."
        )
    check_state(config["config"].get("state"))
    name = config["config"]["state"]["card"]["model"]
    if name in registry.list_models():
        registry.builder(name)  # registers the model's own layers
    objects = list(_objects(config))
    if len(objects) > MOST_OBJECTS:
        raise ValueError(f"it would create {len(objects):,} objects")
    for node in objects:
        if not _ours(node):
            raise InputError(
                f"'{path}' would create {str(node.get('module'))[:60]}."
                f"{str(node['class_name'])[:60]}. Expected only classes and functions of Keras and "
                "zoo, and no Lambda layer."
            )


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every part of a Keras configuration that stands for an object."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and "class_name" in node:
        yield node
    for child in children:
        yield from _objects(child)


def _ours(node: dict[str, Any]) -> bool:
    """Return whether a configuration node names a class or function of Keras or zoo."""
    name, module = node["class_name"], node.get("module")
    if name in _PLAIN:
        return True
    if name == "function":  # Keras names no module for a registered function
        return _registered(node.get("config"))
    if module in _MODULES:
        return isinstance(name, str) and name not in _REFUSED
    return _registered(node.get("registered_name"))


def _registered(name: Any) -> bool:
    """Whether a name is one of ours and known, so that Keras looks for it nowhere else."""
    if not isinstance(name, str) or not name.startswith("zoo>"):
        return False
    return keras.saving.get_registered_object(name) is not None


def _size_of_weights(archive: zipfile.ZipFile) -> tuple[int, int]:
    """Return how many arrays and numbers the weights are, having looked at every part of them."""
    with archive.open(_WEIGHTS) as file, h5py.File(file, "r") as content:
        sizes = list(_sizes(content, set()))
    return len(sizes), sum(sizes)


def _sizes(group: Any, seen: set[int]) -> Iterator[int]:
    """Yield the numbers of each array; links and arrays that are elsewhere are refused."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"its weights '{name[:60]}' are a link")
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            raise ValueError(f"its weights '{name[:60]}' are there twice")
        seen.add(address)
        if isinstance(item, h5py.Group):
            yield from _sizes(item, seen)
            continue
        if item.dtype.kind not in "biuf" or item.chunks or item.external or item.is_virtual:
            raise ValueError(f"its weights '{name[:60]}' are no plain array")
        if item.id.get_storage_size() != item.size * item.dtype.itemsize:
            raise ValueError(f"its weights '{name[:60]}' promise {item.size:,} numbers, not there")
        yield item.size
