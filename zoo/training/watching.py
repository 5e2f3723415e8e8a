"""Watching pictures being learned: what fixed latents become from epoch to epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from zoo import pictures, predictors, translating
from zoo.files import write_atomic, writing
from zoo.reports import diagnosis
from zoo.runs import Run
from zoo.training import optimizers

COUNT, FRAMES, MILLISECONDS = 64, 100, 150
ROWS = 12  # of pictures that become others


class Watch:
    """Draws a grid of pictures an epoch, and says when generated ones all become alike.

    The grids are `plots/evolution/EPOCH.png`, and in the end `plots/evolution.gif`; a run that is
    taken up again draws on.

    Args:
        model: what is trained.
        state: what a predictor is made from, beside the model.
        run: where to.
        say: called with what a person should be told.
        split: examples of a model that turns pictures into others.
    """

    def __init__(
        self,
        model: Any,
        state: dict[str, Any],
        run: Run,
        say: Callable[[str], None],
        split: Any = None,
    ):
        self.model, self.run, self.say, self.split = model, run, say, split
        self.predictor = predictors.from_model(model, state)
        self.folder = run.plots / "evolution"
        self.said = ""

    def epoch(self, row: dict[str, Any]) -> None:
        """Draw the grid of an epoch; say what its numbers look like, once."""
        with optimizers.averaged(self.model):
            made, columns = self.pictures()
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        content = pictures.grid(made, self.predictor.task.origin, columns)
        write_atomic(self.folder / f"{row['epoch']:05d}.png", content)
        remark = diagnosis.collapse([row])
        if remark and remark.partition(":")[0] != self.said:
            self.said = remark.partition(":")[0]
            self.say(f"Note: epoch {row['epoch']}: {remark}")

    def pictures(self) -> tuple[np.ndarray, int | None]:
        """Return pictures of a grid, and how many stand side by side."""
        if self.split is None:
            return self.predictor.make(COUNT)["image"], None
        shown, names = translating.side_by_side(self.predictor, self.split, ROWS)
        return shown.reshape(-1, *shown.shape[2:]), len(names)

    def finish(self) -> None:
        """Put the grids together."""
        files = sorted(self.folder.glob("*.png"))
        if not files:
            return
        chosen = np.unique(np.linspace(0, len(files) - 1, min(len(files), FRAMES)).astype(int))
        frames = np.stack([np.asarray(Image.open(files[i]).convert("RGB")) for i in chosen])
        content = pictures.animation(frames, self.predictor.task.origin, MILLISECONDS)
        write_atomic(self.run.plots / "evolution.gif", content)
