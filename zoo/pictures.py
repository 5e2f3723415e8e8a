"""Pictures that a model makes, written down: each says that it is synthetic."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.errors import InputError
from zoo.files import building, put, write_atomic, writing
from zoo.generation import latents, marks
from zoo.progress import Progress
from zoo.reports import draw
from zoo.reports.style import png

MOST = 1024  # in a grid, whose pictures would be too small
STEPS, MILLISECONDS = 12, 80  # of a walk: pictures from one to the next, and how long each is seen
USUAL = {".gif": 8}  # pictures, else 64


def usual(path: Path) -> int:
    """Return how many pictures are made where nobody says."""
    return USUAL.get(path.suffix.lower(), 64)


def write(predictor: Any, path: Path, count: int, seed: int, label: str = "") -> list[int]:
    """Make pictures and write them; return the height and width of each.

    Args:
        predictor: of a model that makes pictures.
        path: a `.png` is a grid of all, an `.npz` holds them as the arrays `image` and `label`, a
            `.gif` goes from each to the next and back to the first; else a folder to be made, with
            a file each.
        count: how many.
        seed: what they follow from.
        label: the class they are of, or "" for all in turn.
    """
    suffix = path.suffix.lower()
    if (suffix == ".png" and count > MOST) or (suffix == ".gif" and count < 2):
        expected = f"{MOST:,} at most in a grid" if count > MOST else "two at least in a walk"
        raise InputError(
            f"--count received {count:,} for '{path}'. Expected {expected}. Try a new folder, or "
            f"{path.with_suffix('.npz')}."
        )
    if suffix == ".gif":
        return _walk(predictor, path, count, seed, label)
    made = predictor.make(count, seed, label)
    labels = made.get("label")
    if suffix == ".png":
        captions = [] if labels is None else labels.tolist()
        grid = png(draw("samples", made["image"], captions))
        with writing(path):
            path.parent.mkdir(exist_ok=True)
        write_atomic(path, marks.marked(grid, predictor.task.origin))
    elif suffix == ".npz":
        content, named = io.BytesIO(), {} if labels is None else {"label": labels.astype(str)}
        said = np.array(marks.words(predictor.task.origin))
        np.savez_compressed(content, image=made["image"], synthetic=said, **named)
        write_atomic(path, content.getvalue())
    else:
        _folder(path, made["png"], labels)
    return list(made["image"].shape[1:3])


def refuse(path: Path) -> None:
    """Raise an InputError where a path says neither a kind of file nor a new folder."""
    if path.suffix and path.suffix.lower() not in (".png", ".npz", ".gif"):
        raise InputError(
            f"--out received '{path}'. Expected a grid ending in .png, a walk in .gif, arrays in "
            f".npz, or a folder. Try {path.with_suffix('.png')}."
        )
    if not path.suffix and path.exists():
        raise InputError(f"--out received '{path}', which is there. Expected a new folder.")


def _folder(path: Path, files: np.ndarray, labels: np.ndarray | None) -> None:
    width = len(str(len(files) - 1))
    with building(path) as folder, Progress("Writing", "files", len(files)) as progress:
        folder.mkdir()
        for i, content in enumerate(files):
            name = f"{i:0{width}}.png"
            place = folder / name if labels is None else folder / _spelled(labels[i]) / name
            place.parent.mkdir(exist_ok=True)
            write_atomic(place, content)
            progress.advance(1)
        put(folder, path)


def _spelled(label: str) -> str:
    """Return a class as the name of one folder; a class may be called anything, as "../a"."""
    return re.sub(r"[^\w.-]+", "_", label).strip(".") or "_"


def _walk(predictor: Any, path: Path, count: int, seed: int, label: str) -> list[int]:
    """Write pictures of latents between those of `count` pictures, along great circles."""
    predictor.make(1, seed, label)  # refuses what it cannot make
    dim = predictor.card["builder"]["latent_dim"]
    corners = latents.normal(count, dim, seed).numpy()
    shares = np.linspace(0, 1, STEPS, endpoint=False)
    frames = latents.between(corners, np.roll(corners, -1, axis=0), shares)
    inputs: Any = frames
    if "label" in predictor.card["inputs"]:
        names = list(predictor.task.classes)
        codes = np.arange(count) % len(names) if not label else np.full(count, names.index(label))
        inputs = {"latents": frames, "classes": np.repeat(codes, STEPS).astype(np.int32)}
    images = predictor.tensors(inputs)["image"]
    write_atomic(path, animation(images, predictor.task.origin))
    return list(images.shape[1:3])


def grid(images: np.ndarray, origin: str, columns: int | None = None) -> bytes:
    """Return pictures uint8 `(n, H, W, C)` side by side, as a PNG that says they are synthetic."""
    columns = columns or math.ceil(math.sqrt(len(images)))
    spare = -len(images) % columns
    tiles = np.pad(images, [(0, spare), (1, 1), (1, 1), (0, 0)], constant_values=255)
    height, width, channels = tiles.shape[1:]
    rows = tiles.reshape(-1, columns, height, width, channels).swapaxes(1, 2)
    (sheet,) = _larger(rows.reshape(1, -1, columns * width, channels), 512)
    content = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(content, "PNG")
    return marks.marked(content.getvalue(), origin)


def animation(images: np.ndarray, origin: str, milliseconds: int = MILLISECONDS) -> bytes:
    """Return pictures uint8 `(n, H, W, C)` as a GIF that says they are synthetic."""
    frames = [Image.fromarray(x[..., 0] if x.shape[-1] == 1 else x) for x in _larger(images)]
    content = io.BytesIO()
    frames[0].save(
        content, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0,
        comment=marks.words(origin).encode(),
    )  # fmt: skip
    return content.getvalue()


def _larger(images: np.ndarray, side: int = 128) -> np.ndarray:
    """Return small pictures with each pixel repeated, so that they can be seen."""
    times = max(1, side // max(images.shape[1:3]))
    return images.repeat(times, axis=1).repeat(times, axis=2)
