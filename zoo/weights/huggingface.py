"""Published weights out of a directory as Hugging Face has it, in our networks.

It holds `config.json` and `model.safetensors`, or an index of several such files. JSON and
safetensors are all that is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from zoo import untrusted, weights
from zoo.errors import InputError
from zoo.weights.families import FAMILIES, Family
from zoo.weights.transfer import HEAD, leaves

CONFIG, ONE_FILE, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PREPROCESSOR = "preprocessor_config.json"
# What PyTorch calls a variable of ours, by the last part of its path.
PARTS = {
    "kernel": "weight", "embeddings": "weight", "positions": "weight", "vectors": "weight",
    "gamma": "weight", "scale": "weight", "bias": "bias", "beta": "bias",
}  # fmt: skip
KERNELS = ("kernel", "reverse_embeddings")  # whose axes are the other way round
Tensors = dict[str, np.ndarray]


class Published(NamedTuple):
    """What a directory holds, and the classes of its head, () where nobody says."""

    path: Path
    family: Family
    config: Mapping[str, Any]
    tensors: Tensors
    classes: tuple[str, ...]


def is_directory(path: Path) -> bool:
    """Return whether this is a directory of Hugging Face's kind."""
    return (path / CONFIG).is_file()


def read(path: Path) -> Published:
    """Read a directory.

    Raises:
        InputError: a file is missing or damaged, or the network is of no family known here.
    """
    config = _json(path / CONFIG)
    kind = str(config.get("model_type"))
    if kind not in FAMILIES:
        raise InputError(
            f"--weights '{path}' says model_type {kind[:60]!r}. Expected one of "
            f"{', '.join(FAMILIES)}."
        )
    family = FAMILIES[kind]
    labels, rope = (config.get(x) for x in ("id2label", "rope_parameters"))
    labels = labels if isinstance(labels, dict) and HEAD in family.names else {}
    classes = tuple(str(labels.get(str(i))) for i in range(len(labels)))
    config |= rope if isinstance(rope, dict) else {}  # where newer files have them
    return Published(path, family, config, _tensors(path), classes)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = untrusted.parse_json(untrusted.read_bytes(path, untrusted.LARGEST_JSON))
        untrusted.check_keys(found, {})
        return dict(found)
    except (OSError, ValueError) as error:
        raise InputError(
            f"Cannot read '{path}': {' '.join(str(error).split())[:200]}. Expected a directory as "
            "Hugging Face has it. Try downloading it again."
        ) from error


def _tensors(path: Path) -> Tensors:
    """Return all tensors of one file, or of those that the index names."""
    if (path / ONE_FILE).is_file():
        return weights.read(path / ONE_FILE)
    if not (path / INDEX).is_file():
        raise _without_tensors(path)
    places = _json(path / INDEX).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(x, str) for x in places.values()):
        raise InputError(f"'{path / INDEX}' has no 'weight_map'. Expected a file for each tensor.")
    shards = {name: _shard(path, tensor, name) for tensor, name in places.items()}
    held: dict[str, Tensors] = {name: weights.read(shard) for name, shard in shards.items()}
    for tensor, name in places.items():
        if tensor not in held[name]:
            raise InputError(
                f"'{path / name}' has no '{tensor}'. Expected it, as {INDEX} says. Try downloading "
                "it again."
            )
    return {tensor: held[name][tensor] for tensor, name in places.items()}


def _shard(path: Path, tensor: str, name: str) -> Path:
    if Path(name).name != name or not name.endswith(".safetensors"):
        raise InputError(
            f"'{path / INDEX}' has '{tensor}' in '{name[:60]}'. Expected a .safetensors file "
            "beside it."
        )
    if not (path / name).is_file():
        raise InputError(
            f"'{path}' has no '{name}', which holds '{tensor}'. Expected all files that {INDEX} "
            "names. Download it too."
        )
    return path / name


def _without_tensors(path: Path) -> InputError:
    kinds = {p.name: untrusted.refused_kind(p)[0] for p in sorted(path.iterdir())}
    other = next((f"; '{name}' is {kind}" for name, kind in kinds.items() if kind), "")
    return InputError(
        f"'{path}' has no {ONE_FILE}{other}. Expected that or {INDEX}. Try the safetensors of the "
        "same model, or save_pretrained() where it was made."
    )


def named(model: keras.Model, found: Published) -> Tensors:
    """Return what a directory holds as `zoo.weights.named` would: for `transfer`.

    Tensors that nothing here is made of come last, for `transfer` to refuse.

    Raises:
        InputError: it is another network: not a tensor for a variable, or computed otherwise.
    """
    check_config(model, found)
    held = {_plain(name, found.family): name for name in found.tensors}
    used, given = set[str](), Tensors()
    for variable in _body(model):
        names = _names(found, variable)
        _refuse_missing(found, variable, [name for name in names if name not in held])
        used.update(names)
        _give(given, found, variable, [held[name] for name in names])
    left = {name: held[name] for name in held if name not in used}
    for variable in _head(model, left, found.family):
        names = [left[name] for name in _names(found, variable) if name in left]
        if names:
            _give(given, found, variable, names, f"{HEAD}/")
    others = [left[name] for name in left if not _spare(name, found.family)]
    given |= {f"{len(given) + i:05d}/{name}": found.tensors[name] for i, name in enumerate(others)}
    return _of_pictures(given, found)


def _spare(name: str, family: Family) -> bool:
    beginnings = (*family.spare, f"{family.names.get(HEAD, HEAD)}.")
    return re.sub(r"\.\d+\.", ".#.", name, count=1).startswith(beginnings)


def _body(model: keras.Model) -> list[Any]:
    """Return the variables of all layers but the head, each once."""
    head = {id(v) for layer in model.layers if layer.name == HEAD for v in layer.weights}
    return [variable for variable in model.weights if id(variable) not in head]


def _head(model: keras.Model, left: Mapping[str, str], family: Family) -> list[Any]:
    """Return the variables of the head, none where theirs follows on what is not here."""
    if family.pooler and any(name.startswith(family.pooler) for name in left):
        return []
    return [v for layer in model.layers if layer.name == HEAD for v in layer.weights]


def _give(
    given: Tensors, found: Published, variable: Any, names: Sequence[str], label: str = ""
) -> None:
    given[f"{len(given):05d}/{label}{names[0]}"] = _value(found, names, variable)


def check_config(model: keras.Model, found: Published) -> None:
    """Raise an InputError where equal shapes would be computed with otherwise."""
    family = found.family
    ours = {name: _attributes(model, ours) for name, ours in family.same.items()}
    for name, values in {**family.config, **ours}.items():
        default = family.absent.get(name, values[0] if values else None)
        held = found.config.get(name, default)
        if held not in values:
            raise InputError(
                f"--weights '{found.path}', a {found.config['model_type']}, has {name} "
                f"{str(held)[:60]}. Expected "
                f"{' or '.join(map(str, values)) or 'none'}, as this model has. Try another model "
                "of `zoo list --family transformer`."
            )


def _attributes(model: keras.Model, name: str) -> tuple[Any, ...]:
    """Return what layers, or those within a sublayer, have under a name."""
    parts = [getattr(layer, "body", layer) for layer in leaves(model)]
    return tuple({getattr(part, name) for part in parts if hasattr(part, name)})


def _plain(name: str, family: Family) -> str:
    """Return a tensor's name without what a head makes of it; TensorFlow's names were others."""
    name = name.removeprefix(family.prefix)
    return re.sub(r"\.beta$", ".bias", re.sub(r"\.gamma$", ".weight", name))


def _names(found: Published, variable: Any) -> list[str]:
    """Return which tensors make a variable, by their plain names."""
    parts = variable.path.split("/")
    place = re.match(r".*?_(\d+)(?=/)|[^/]+", variable.path)  # a block, or the first layer
    number = place.group(1) if place else None
    block = re.sub(r"_\d+$", "_#", place.group()) if place else ""
    itself, *modules = f"{block}/{parts[-1]}", f"{block}/{parts[-2]}", block
    table = found.family.names
    names = next((table[key] for key in (itself, *modules) if key in table), ())
    end = "" if itself in table else f".{PARTS.get(parts[-1], parts[-1])}"
    return [
        name.replace("#", number or "") + end
        for name in ((names,) if isinstance(names, str) else names)
    ] or [variable.path]


def _refuse_missing(found: Published, variable: Any, missing: Sequence[str]) -> None:
    if missing:
        raise InputError(
            f"--weights '{found.path}' has no '{missing[0]}' where this model has "
            f"'{variable.path}' of shape {tuple(variable.shape)}. Expected weights of the same "
            "architecture, but for its head. Try the model and the --set options that they were "
            "trained with."
        )


def _value(found: Published, names: Sequence[str], variable: Any) -> np.ndarray:
    """Return tensors side by side, with their axes as Keras has them."""
    kernel = variable.name in KERNELS and found.family.transposed
    values = [_turned(np.asarray(found.tensors[n], "float32"), kernel) for n in names]
    others = {value.shape[:-1] for value in values}
    if len(others) > 1 or not all(value.ndim for value in values):
        shapes = ", ".join(str(found.tensors[name].shape) for name in names)
        raise InputError(
            f"--weights '{found.path}' has '{names[0]}' and its like of shapes {shapes}. Expected "
            "tensors that fit side by side. Try downloading it again."
        )
    value = np.concatenate(values, axis=-1) if len(values) > 1 else values[0]
    shape = tuple(variable.shape)
    if value.ndim == len(shape) + 1 and value.shape[0] == 1:  # one for a whole batch
        value = value[0]
    if variable.path.split("/")[0] in found.family.cut and value.shape[1:] == shape[1:]:
        value = value[: shape[0]]
    return value


def _turned(value: np.ndarray, kernel: bool) -> np.ndarray:
    if not kernel:
        return value
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _of_pictures(given: Tensors, found: Published) -> Tensors:
    """Let the first layer see pictures in [0, 1] as it saw normalized ones."""
    module = found.family.names.get(found.family.pictures)
    kernel, bias = (
        next((name for name in given if name.endswith(f"{module}.{part}")), "")
        for part in ("weight", "bias")
    )
    if (
        kernel not in given
        or given[kernel].ndim != 4
        or given[bias].shape != given[kernel].shape[3:]
    ):
        return given  # `transfer` refuses other shapes
    said = _json(found.path / PREPROCESSOR) if (found.path / PREPROCESSOR).is_file() else {}
    channels = given[kernel].shape[2]
    mean, deviation = (_numbers(found, said, key, channels) for key in ("image_mean", "image_std"))
    scaled = given[kernel] / deviation[:, None]  # (h, w, channels, out)
    moved = given[bias] - np.einsum("hwco,c->o", scaled, mean)
    return {**given, kernel: scaled, bias: moved}


def _numbers(found: Published, said: Mapping[str, Any], key: str, channels: int) -> np.ndarray:
    """Return a number for each channel; 0.5 where nothing is said, as ViT's authors have it."""
    values = said.get(key, [0.5] * channels)
    numbers = isinstance(values, list) and all(isinstance(v, int | float) for v in values)
    if not numbers or len(values) != channels or (key == "image_std" and min(values) <= 0):
        raise InputError(
            f"'{found.path / PREPROCESSOR}' says {key} {str(values)[:60]}. Expected {channels} "
            "numbers, above zero where they divide."
        )
    return np.asarray(values, "float32")
