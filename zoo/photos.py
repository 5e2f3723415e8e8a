"""Pictures of one's own: found in folders, answered, and drawn with their answers."""

from __future__ import annotations

import io
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from zoo import reports
from zoo.datasets.bad import BadExamples
from zoo.datasets.base import ArraySplit
from zoo.datasets.masks import SIDES
from zoo.datasets.pictures import SUFFIXES, Pictures, eight_bits, look_at
from zoo.errors import InputError
from zoo.files import write_atomic, writing
from zoo.predictors import gradcam
from zoo.progress import Progress

DRAWN = ("classification", "segmentation", "detection")  # tasks whose answers can be drawn


def find(paths: Sequence[str]) -> list[Path]:
    """Return the picture files among paths and, at any depth, within folders; none for others.

    Of a folder of masks they are the pictures alone.

    Raises:
        InputError: some paths lead to pictures, and others do not.
    """
    found = [_at(Path(path)) for path in paths]
    others = [path for path, files in zip(paths, found, strict=True) if not files]
    if others and len(others) < len(found):
        raise InputError(
            f"Received '{others[0]}', which is no picture, nor a folder of any. Expected nothing "
            "else among pictures. Try it alone."
        )
    return [file for files in found for file in files]


def _at(path: Path) -> list[Path]:
    """Return a picture file, or those within a folder, hidden ones left out."""
    if not path.is_dir():
        return [path] if path.suffix.lower() in SUFFIXES else []
    return sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and file.is_file()
        and not _is_mask(file)
    )


def _is_mask(file: Path) -> bool:
    """Tell a mask, which is in a folder beside that of its picture."""
    folder = file.parent
    return any(
        folder.name == masks and (folder.parent / pictures).is_dir() for pictures, masks in SIDES
    )


def read(predictor: Any, paths: Sequence[Path]) -> ArraySplit:
    """Return pictures as a split that a predictor answers.

    Raises:
        InputError: the predictor takes something else, or a file is no picture.
    """
    spec = predictor.spec
    if spec.kind != "image":
        raise InputError(
            f"Received the picture '{paths[0]}' for a model of data of kind '{spec.kind}'. "
            f"Expected {', '.join(c.name for c in spec.inputs)}. Try a file with these."
        )
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise InputError(f"'{missing[0]}' does not exist. Expected a picture. Try another path.")
    pictures, _ = look_at(paths, spec.inputs[0].shape, BadExamples(), str(paths[0]))
    arrays: Any = {spec.inputs[0].name: pictures}
    return ArraySplit(arrays, np.arange(len(paths)))


def draw(
    predictor: Any, split: ArraySplit, outputs: dict[str, Any], folder: str, grad_cam: bool
) -> None:
    """Draw every picture with what was answered; of masks there is a file beside it, too.

    Args:
        predictor: what answered.
        split: what `read` returned.
        outputs: the answers, a row a picture.
        folder: to be made.
        grad_cam: show where a classifier looked.

    Raises:
        InputError: answers of this task cannot be drawn.
    """
    task = predictor.task.name
    if task not in DRAWN:
        raise InputError(f"--draw was given for {task}. Expected one of: {', '.join(DRAWN)}.")
    (pictures,) = split.arrays.values()
    assert isinstance(pictures, Pictures)
    heat = gradcam.create(predictor) if grad_cam else None
    with writing(Path(folder)):
        os.makedirs(folder)
    with Progress("Drawing", "files") as progress:
        for row, name in enumerate(names(pictures.paths)):
            where = None if heat is None else heat(_encoded(predictor, split, row))[0]
            figure = FIGURES[task](predictor, _pixels(pictures[row][0]), outputs, row, where)
            reports.save(figure, Path(folder, f"{name}.png"))
            if task == "segmentation":
                write_atomic(Path(folder, f"{name}.mask.png"), outputs["png"][row])
            progress.advance(1)


def _encoded(predictor: Any, split: ArraySplit, row: int) -> np.ndarray:
    import tensorflow as tf

    raw = {name: tf.constant(values) for name, values in split.batch([row]).items()}
    return predictor.preprocessor.encode(raw).numpy()


def names(paths: Sequence[Path]) -> list[str]:
    """Return a file name a picture: its own, numbered where two have one."""
    names: dict[str, None] = {}
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for path in paths:
        name = path.stem
        while name in names:
            name = f"{path.stem}-{next(numbers[path.stem])}"
        names[name] = None
    return list(names)


def _pixels(content: bytes) -> np.ndarray:
    """Return a picture of its own size, uint8 `(height, width, 1 or 3)`."""
    from PIL import Image

    pixels = np.asarray(eight_bits(Image.open(io.BytesIO(content))))
    return pixels.reshape(*pixels.shape[:2], -1)


def _classified(predictor: Any, picture: Any, outputs: Any, row: int, heat: Any) -> Any:
    return reports.draw(
        "answer", picture, predictor.spec.classes, outputs["probabilities"][row], heat
    )


def _segmented(predictor: Any, picture: Any, outputs: Any, row: int, heat: Any) -> Any:
    mask = _pixels(outputs["png"][row])[..., 0]
    return reports.draw("masks", picture[None], None, mask[None], predictor.spec.classes)


def _detected(predictor: Any, picture: Any, outputs: Any, row: int, heat: Any) -> Any:
    found = predictor.task.found({name: values[row : row + 1] for name, values in outputs.items()})
    example = {"picture": picture, "truth": (), "found": found[0]}
    return reports.draw("detections", [example], predictor.spec.classes)


FIGURES = {"classification": _classified, "segmentation": _segmented, "detection": _detected}
