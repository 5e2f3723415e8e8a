"""A trained model with everything around it as one Keras object, what `.keras` files hold."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from zoo import layers, preprocessing, registry, tasks
from zoo.datasets.base import Spec
from zoo.errors import InputError


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
    """Load a `.keras` file that `zoo export` wrote, after a look at what it would create.

    Raises:
        InputError: it is damaged, another program's, or names classes that are not Keras's or ours.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"'{path}' is not a .keras file: {' '.join(str(error).split())[:200]}. "
            "Expected one that `zoo export RUN --format keras` wrote."
        ) from error
    if config.get("registered_name") != "zoo>Served":
        raise InputError(
            f"'{path}' holds {config.get('class_name')}. Expected a model that "
            "`zoo export RUN --format keras` wrote; others load with keras.saving.load_model."
        )
    _refuse_foreign(config, path)
    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"'{path}' could not be loaded: {' '.join(str(error).split())[:200]}. "
            "Export it again with `zoo export RUN --format keras`."
        ) from error


def _refuse_foreign(node: Any, path: Path) -> None:
    """Walk a Keras configuration and refuse classes from anywhere but Keras and this package."""
    if isinstance(node, list):
        for item in node:
            _refuse_foreign(item, path)
    if not isinstance(node, dict):
        return
    if "class_name" in node and "config" in node and not _ours(node):
        raise InputError(
            f"'{path}' would create {node.get('module')}.{node['class_name']}. Expected only "
            "classes and functions of Keras and zoo, and no Lambda layer."
        )
    for item in node.values():
        _refuse_foreign(item, path)


def _ours(node: dict[str, Any]) -> bool:
    """Return whether a configuration node names a class or function of Keras or zoo."""
    if node["class_name"] in ("Lambda", "TFSMLayer"):
        return False
    if node["class_name"] == "__keras_tensor__":  # a call argument, plain data
        return True
    if node["class_name"] == "function":  # Keras names no module for a registered function
        return str(node["config"]).startswith("zoo>")
    registered = str(node.get("registered_name"))
    return registered.startswith("zoo>") or str(node.get("module")).split(".")[0] == "keras"
