"""Videos, frame by frame; PyAV, which bundles FFmpeg, decodes them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import InputError, missing_extra
from zoo.progress import Progress
from zoo.untrusted import MOST_PIXELS, refuse_remote

from .base import Raw
from .pictures import RESIDENT, USUAL

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")


def is_video(reference: str | Path) -> bool:
    """Tell a video by its suffix."""
    return Path(reference).suffix.lower() in SUFFIXES


def library() -> Any:
    """Return PyAV.

    Raises:
        InputError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise missing_extra("av", "video", "A video") from error
    return av


def frames(path: Path) -> Iterator[tuple[np.ndarray, Fraction]]:
    """Yield every frame, uint8 `(height, width, 3)`, and how many there are a second.

    Raises:
        InputError: it is no video, or has no frames.
    """
    av, seen = library(), 0
    refuse_remote(str(path))
    try:
        with av.open(str(path)) as container:
            stream: Any = next(iter(container.streams.video), None)
            for frame in () if stream is None else container.decode(stream):
                if frame.width * frame.height > MOST_PIXELS:
                    raise ValueError(f"frames of {frame.width:,} x {frame.height:,} pixels")
                seen += 1
                yield frame.to_ndarray(format="rgb24"), stream.average_rate or Fraction(25)
    except FileNotFoundError:
        raise InputError(f"'{path}' does not exist; expected a video; try another path") from None
    except (av.error.FFmpegError, ValueError, OSError) as error:
        reason = " ".join(str(getattr(error, "strerror", "") or error).split())[:100]
        raise InputError(
            f"'{path}' cannot be read as a video: {reason}; expected a whole one; try another file"
        ) from error
    if not seen:
        raise InputError(f"'{path}' is a video without frames; expected one at least; try another")


def read(path: Path, shape: tuple[int, ...] | None) -> Raw:
    """Return the frames of a video as pictures.

    Args:
        path: the file.
        shape: height and width of what a model is to see; by default the video's own, where neither
            is above `USUAL` pixels, else as much of both.
    """
    from PIL import Image

    pictures, size = list[np.ndarray](), None if shape is None else (shape[0], shape[1])
    with Progress("Reading the video", "frames") as progress:
        for frame, _ in frames(path):
            height, width = frame.shape[:2]
            size = size or ((height, width) if max(height, width) <= USUAL else (USUAL, USUAL))
            if frame.shape[:2] != size:
                small = Image.fromarray(frame).resize(size[::-1], Image.Resampling.LANCZOS)
                frame = np.asarray(small)
            pictures.append(frame)
            if len(pictures) * frame.size > RESIDENT:
                raise InputError(
                    f"'{path}' has more than {len(pictures):,} frames of {size[0]} x {size[1]} "
                    "pixels, which are kept in memory; expected fewer; try a shorter part, or a "
                    "smaller --image-size"
                )
            progress.advance(1)
    return Raw("image", array=np.stack(pictures))
