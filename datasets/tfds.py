"""Data sets of TensorFlow Datasets (TFDS), by their names there and from its own folder.

Source: https://www.tensorflow.org/datasets. TFDS fetches and prepares what is not there yet. What
is prepared is read without a connection, always in the order of its files.
"""

from __future__ import annotations

import logging
import math
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from zoo.errors import InputError, missing_extra, nearest
from zoo.progress import Progress
from zoo.untrusted import memory

from .bad import BadExamples
from .base import Raw
from .build import Origin
from .catalog import TFDS
from .frames import canonical
from .pictures import RESIDENT, look_at
from .splits import NAMES, consecutive

CHUNK = 256  # examples read together
_READ = "pictures of 8 bits, a vector or single values as inputs, and one class or number as target"


def read(reference: str, shape: tuple[int, ...] | None, bad: BadExamples) -> tuple[Raw, Origin]:
    """Return all examples of a data set, and where they come from.

    Pictures of one size are uint8 `(rows, height, width, channels)`; where they differ in size,
    are to be seen in another one, or are too many, they stay encoded.

    Args:
        reference: as "tfds:mnist", "tfds:imagenette/160px-v2" or "tfds:cifar10:3.0.2".
        shape: height and width, and maybe channels, that the model is to see of pictures.
        bad: told of pictures that cannot be read.

    Raises:
        InputError: TFDS is not installed, it cannot find or prepare the data set, or the data set
            holds what cannot be trained on.
    """
    _require(reference)
    builder = _find(reference)
    kind, inputs, target = _features(builder.info, reference)
    _prepare(builder, reference)
    sizes = _sizes(builder, reference)
    if kind == "image" and _stay_encoded(inputs, shape, sum(sizes.values())):
        raw = _encoded(builder, sizes, shape, bad, reference)
    else:
        raw = _decoded(builder, sizes, kind, inputs, reference)
    assert raw.frame is not None
    name = builder.info.supervised_keys[1]
    raw.frame[name] = _column(raw.frame[name].to_numpy(), target)
    raw.target = (name,)
    if others := sorted(set(builder.info.splits) - set(sizes)):
        raw.notes.append(f"not read: {', '.join(others)} (only train, validation and test are)")
    return raw, _origin(builder.info, reference)


def _require(reference: str) -> None:
    try:
        import tensorflow_datasets  # noqa: F401
    except ImportError as error:
        raise missing_extra("tensorflow-datasets", "tfds", f"'{reference}'") from error


def _find(reference: str) -> Any:
    """Return the builder of a name: of TFDS's own code, or of what is prepared in its folder."""
    import tensorflow_datasets as tfds

    name = reference.removeprefix(TFDS)
    try:
        with _quiet():
            return tfds.builder(name)
    except tfds.core.DatasetNotFoundError as error:
        near = nearest(name, tfds.list_builders(with_community_datasets=False))
        raise InputError(
            f"TFDS has no data set '{name}'.{near} Expected one of its names, or what is prepared "
            f"in {tfds.core.constants.DATA_DIR}; try one of tensorflow.org/datasets/catalog"
        ) from error
    except Exception as error:  # whatever the code of a data set raises
        reason = _reason(error).split(". ")[0].rstrip(".")
        near = nearest(name, _configurations(name))
        raise InputError(
            f"TFDS cannot open '{name}': {reason}.{near} Expected "
            "NAME[/CONFIG][:VERSION]; try one of tensorflow.org/datasets/catalog"
        ) from error


def _configurations(name: str) -> list[str]:
    """Return all configurations of a data set, where a name asks for one."""
    import tensorflow_datasets as tfds

    base, asked, _ = name.partition("/")
    if not asked or base not in tfds.list_builders(with_community_datasets=False):
        return []
    return [f"{base}/{config}" for config in tfds.builder_cls(base).builder_configs]


def _features(info: Any, reference: str) -> tuple[str, Any, Any]:
    """Return the kind of the inputs, their features, and the feature of the target.

    The inputs are one feature, or several by their names.
    """
    keys: tuple[Any, ...] = info.supervised_keys or ()
    if len(keys) == 2 and isinstance(keys[1], str):
        whole, key = info.features, keys[0]
        inputs = {n: whole[k] for n, k in key.items()} if isinstance(key, dict) else whole[key]
        if hasattr(inputs, "items"):
            inputs = dict(sorted(inputs.items()))  # what is prepared has them in any order
        kind, target = _kind(inputs), whole[keys[1]]
        if kind and _is_single(target):
            return kind, inputs, target
    held = ", ".join(f"{name} ({type(f).__name__})" for name, f in sorted(info.features.items()))
    raise InputError(
        f"'{reference}' holds {held}, with the supervised keys {keys or 'none'}; expected {_READ}; "
        "try another data set"
    )


def _kind(inputs: Any) -> str:
    """Return the kind of some inputs, "" where they cannot be trained on."""
    import tensorflow_datasets as tfds

    if isinstance(inputs, Mapping):
        return "table" if all(map(_is_single, inputs.values())) else ""
    if isinstance(inputs, tfds.features.Image):
        return "image" if inputs.np_dtype == np.uint8 and inputs.shape[-1] in (1, 3, 4) else ""
    numbers = type(inputs) is tfds.features.Tensor and np.dtype(inputs.np_dtype).kind in "iuf"
    return "vector" if numbers and inputs.shape and None not in inputs.shape else ""


def _is_single(feature: Any) -> bool:
    """Tell a feature of one number or string an example, or one class."""
    return not hasattr(feature, "items") and feature.shape == ()


def _prepare(builder: Any, reference: str) -> None:
    try:
        with _quiet():
            builder.download_and_prepare()
    except Exception as error:  # whatever servers, disks and the code of a data set raise
        raise InputError(
            f"TFDS cannot prepare '{reference}': {_reason(error)}; expected a connection, or the "
            f"prepared data in {builder.data_dir}; try again, or copy them from another machine"
        ) from error


def _sizes(builder: Any, reference: str) -> dict[str, int]:
    """Return how many examples each split has, once it is known that they fit into memory."""
    found = builder.info.splits
    if "train" not in found:
        raise InputError(
            f"'{reference}' has the splits {', '.join(found) or 'none'}; expected train, and maybe "
            "validation and test; try another data set"
        )
    splits = [name for name in NAMES if name in found]
    size, most = sum(found[name].num_bytes for name in splits), memory() // 2
    if size > most:
        raise InputError(
            f"'{reference}' takes {size:,} bytes; expected {most:,} at most, half of the memory of "
            "this machine, where it is kept; try a smaller configuration of it"
        )
    return {name: found[name].num_examples for name in splits}


def _stay_encoded(feature: Any, shape: tuple[int, ...] | None, rows: int) -> bool:
    own = feature.shape
    return None in own or shape not in (None, own) or rows * math.prod(own) > RESIDENT


def _encoded(
    builder: Any,
    sizes: dict[str, int],
    shape: tuple[int, ...] | None,
    bad: BadExamples,
    reference: str,
) -> Raw:
    """Return pictures as they are encoded, with codes of classes."""
    import tensorflow_datasets as tfds

    key, target = builder.info.supervised_keys
    decoders = {key: tfds.decode.SkipDecoding()}
    batches = list(_batches(builder, sizes, reference, decoders))
    contents = [data for pictures, _ in batches for data in pictures]
    names = [Path(f"{reference}/{split}/{i}") for split in sizes for i in range(sizes[split])]
    pictures, good = look_at(names, shape, bad, reference, contents)
    of = np.repeat(list(sizes), list(sizes.values()))[good]
    given = {split: np.flatnonzero(of == split) for split in sizes} if len(sizes) > 1 else {}
    values = np.concatenate([values for _, values in batches])[good]
    return Raw("image", pd.DataFrame({target: values}), cast(Any, pictures), given=given)


def _decoded(builder: Any, sizes: dict[str, int], kind: str, inputs: Any, reference: str) -> Raw:
    """Return pictures, vectors or rows of a table, with targets as TFDS has them."""
    batches = list(_batches(builder, sizes, reference))
    target = pd.DataFrame(
        {builder.info.supervised_keys[1]: np.concatenate([y for _, y in batches])}
    )
    given = consecutive(sizes) if len(sizes) > 1 else {}
    if kind == "table":
        columns = {
            key: _column(np.concatenate([x[key] for x, _ in batches]), feature)
            for key, feature in inputs.items()
        }
        return Raw(kind, pd.DataFrame({**columns, **target}), given=given)
    array = np.concatenate([x for x, _ in batches])
    if kind == "vector":
        array = _finite(array.astype(np.float32), reference)
    return Raw(kind, target, array, given=given)


def _finite(array: np.ndarray, reference: str) -> np.ndarray:
    if not np.isfinite(array).all():
        raise InputError(
            f"'{reference}' holds vectors with NaN or infinite values; expected finite numbers, as "
            "vectors have no missing ones; try another data set"
        )
    return array


def _batches(
    builder: Any, splits: Mapping[str, int], reference: str, decoders: Any = None
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield inputs and targets, some at a time, of one split after the other."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    order = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    how = {"as_supervised": True, "shuffle_files": False, "read_config": order}
    try:
        with Progress(f"Reading {reference}", "examples") as progress:
            for split in splits:
                examples = builder.as_dataset(split=split, decoders=decoders, **how)
                for x, y in examples.batch(CHUNK).prefetch(1).as_numpy_iterator():
                    yield x, y
                    progress.advance(len(y))
    except tf.errors.OpError as error:
        raise InputError(
            f"'{reference}' cannot be read from {builder.data_dir}: {_reason(error)}; expected "
            "what TFDS prepared; try removing that folder, and it is prepared again"
        ) from error


def _column(values: np.ndarray, feature: Any) -> pd.Series:
    """Return a column of numbers, or of names of classes; a code below 0 is a missing one."""
    if getattr(feature, "num_classes", None):
        known = np.array([*feature.names, None], dtype=object)
        return canonical(pd.Series(known[np.maximum(values, -1)]))
    if values.dtype == object:
        values = np.array([value.decode(errors="replace") for value in values], dtype=object)
    return canonical(pd.Series(values))


def _origin(info: Any, reference: str) -> Origin:
    licence = " ".join((info.redistribution_info.license or "unknown").split())[:100]
    source = f"TensorFlow Datasets {info.full_name}, {info.homepage}".rstrip(", ")
    return Origin(info.name, reference, source, licence)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep stdout for results, and untold how often urllib3 tried."""
    logger = logging.getLogger("urllib3.connectionpool")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        logger.setLevel(level)


def _reason(error: Exception) -> str:
    """Return what went wrong in one line, the beginning of it where it is a long story."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r'^Failed to construct dataset .*?}": ', "", text)
    return text if len(text) <= 200 else f"{text[:200]} ..."
