"""Pictures that a model turns into others: side by side, and from files to files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo import photos
from zoo import videos as videos_out
from zoo.datasets import videos
from zoo.errors import InputError
from zoo.files import building, put, write_atomic
from zoo.predictors import BACKWARD, Predictor
from zoo.preprocessing.images import to_png
from zoo.progress import Progress

FRAMES = 64  # turned together


def batched(frames: Iterable[np.ndarray], count: int) -> Iterator[list[np.ndarray]]:
    """Yield so many frames at a time, and in the end those that are left."""
    every = iter(frames)
    while part := list(islice(every, count)):
        yield part


def direction(predictor: Predictor, back: bool) -> str:
    """Return the signature that turns pictures into others, or others into pictures.

    Raises:
        InputError: the model turns nothing into anything, or knows no way back.
    """
    if not predictor.translates:
        raise predictor.cannot("turns no pictures into others", "image-to-image")
    if back and BACKWARD not in predictor.functions:
        raise InputError(
            f"--back was given for '{predictor.card['model']}', which knows one way. Expected a "
            "model of two kinds without pairs. Try without it, or train cyclegan."
        )
    return BACKWARD if back else "serving_default"


def side_by_side(
    predictor: Predictor, split: Any, count: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return examples of a split with what they become, uint8 `(rows, columns, H, W, C)`.

    Columns are what is given, made and wanted; of two kinds without pairs each kind and what it
    becomes. They come with what is in each.
    """
    few = np.unique(np.linspace(0, len(split) - 1, min(count, len(split))).astype(int))
    part = dataclasses.replace(split, rows=split.rows[few])
    given, wanted = predictor.task.both(part)
    made = predictor.predict(part)["image"]
    columns: list[np.ndarray] = [given, made, wanted]
    names: tuple[str, ...] = ("given", "made", "wanted")
    if BACKWARD in predictor.functions:
        back = predictor({predictor.spec.inputs[0].name: wanted}, BACKWARD)["image"]
        a, b = predictor.task.kinds
        columns, names = [given, made, wanted, back], (a, f"as {b}", b, f"as {a}")
    deep = max(pictures.shape[-1] for pictures in columns)
    alike = [np.broadcast_to(p, (*p.shape[:3], deep)) for p in columns]
    return np.stack(alike, axis=1), names


def write(
    predictor: Predictor, given: Sequence[str], out: Path, back: bool
) -> tuple[list[int], int]:
    """Turn pictures or a video into others; return height and width, and how many there are.

    Args:
        predictor: of a model that turns pictures into others.
        given: picture files and folders of them, or one video.
        out: a `.png` for one picture, an `.mp4` for a video, else a folder to be made, with a file
            of each picture's name.
        back: take the way back.
    """
    signature = direction(predictor, back)
    if not given:
        raise InputError("--image received nothing. Expected a picture, a folder, or a video.")
    if videos.is_video(given[0]):
        if len(given) > 1:
            raise InputError(
                f"--image received '{given[0]}' and others. Expected a video alone. Try one by one."
            )
        _refuse(out, ".mp4", "a video")
        return _video(predictor, Path(given[0]), out, signature)
    paths = photos.find(given)
    if not paths:
        raise InputError(
            f"--image received '{given[0]}', which is no picture, nor a folder of any, nor a video."
            " Expected one of them. Try another path."
        )
    if out.suffix or len(paths) == 1:
        _refuse(out, ".png", f"{len(paths):,} pictures" if len(paths) > 1 else "a picture")
    if out.suffix and len(paths) > 1:
        raise InputError(
            f"--out received '{out}' for {len(paths):,} pictures. Expected a new folder. Try "
            f"{out.with_suffix('')}."
        )
    return _pictures(predictor, paths, out, signature)


def _refuse(out: Path, suffix: str, what: str) -> None:
    """Raise an InputError where a path says neither the kind of file nor a new folder."""
    if out.suffix.lower() not in ("", suffix) or (suffix == ".mp4" and not out.suffix):
        raise InputError(
            f"--out received '{out}' for {what}. Expected a file ending in {suffix}. Try "
            f"{out.with_suffix(suffix)}."
        )


def _pictures(
    predictor: Predictor, paths: Sequence[Path], out: Path, signature: str
) -> tuple[list[int], int]:
    if not out.suffix and out.exists():
        raise InputError(f"--out received '{out}', which is there. Expected a new folder.")
    made = predictor.answers(photos.read(predictor, paths), signature=signature)
    size = list(made["image"].shape[1:3])
    if out.suffix:
        write_atomic(out, made["png"][0])
        return size, 1
    with building(out) as folder, Progress("Writing", "files", len(paths)) as progress:
        folder.mkdir()
        for name, content in zip(photos.names(paths), made["png"], strict=True):
            write_atomic(folder / f"{name}.png", content)
            progress.advance(1)
        put(folder, out)
    return size, len(paths)


def _video(predictor: Predictor, path: Path, out: Path, signature: str) -> tuple[list[int], int]:
    """Turn every frame into another of its own size."""
    frames = videos.frames(path)
    first, rate = next(frames)
    height, width = first.shape[:2]

    def made() -> Iterator[np.ndarray]:
        every = chain([first], (frame for frame, _ in frames))
        with Progress("Turning frames", "frames") as progress:
            for part in batched(every, FRAMES):
                raw = {predictor.spec.inputs[0].name: to_png(np.stack(part))}
                for picture in predictor(raw, signature)["image"]:
                    seen = picture[..., 0] if picture.shape[-1] == 1 else picture
                    whole = Image.fromarray(seen).convert("RGB")
                    yield np.asarray(whole.resize((width, height), Image.Resampling.LANCZOS))
                progress.advance(len(part))

    return [height, width], videos_out.write(made(), rate, out, predictor.task.origin)
