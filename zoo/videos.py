"""Videos whose every frame was turned into another, which say that they are synthetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from zoo.datasets.videos import library
from zoo.files import building, put
from zoo.generation import marks

CODEC, QUALITY = "libx264", "18"  # of H.264; 18 looks like what it was made of


def write(frames: Iterable[np.ndarray], rate: Fraction, path: Path, origin: str) -> int:
    """Write frames uint8 `(height, width, 3)` as an MP4 file, whole or not at all; return how many.

    Args:
        frames: of one size; sides of odd length lose a pixel, which H.264 cannot have.
        rate: frames a second.
        path: where to.
        origin: what made them.
    """
    av, count = library(), 0
    with building(path) as place:
        with av.open(str(place), "w", format="mp4") as container:
            container.metadata["comment"] = marks.words(origin)
            stream = container.add_stream(CODEC, rate=rate, options={"crf": QUALITY})
            stream.pix_fmt = "yuv420p"
            for frame in _even(frames):
                if not count:
                    stream.height, stream.width = frame.shape[:2]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
                count += 1
            container.mux(stream.encode())
        put(place, path)
    return count


def _even(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for frame in frames:
        height, width = (side - side % 2 for side in frame.shape[:2])
        yield np.ascontiguousarray(frame[:height, :width])
