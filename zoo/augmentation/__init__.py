"""What happens to a training batch and never to an exported model.

Every change is drawn from (seed, step, replica), so that a resumed run repeats it and nothing has
to be saved. All of it runs outside the XLA-compiled step, where some operations have no kernel.

Keras's own layers are used where they draw from the seed they are given, for each picture anew.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import tensorflow as tf

from zoo.augmentation import geometry, looks, mixing, policies
from zoo.augmentation.seeds import StepSeed
from zoo.errors import InputError

# The usual strength of each change, in the order in which they are applied; the limits of some.
STRENGTHS = {
    "flip": None, "flip-vertical": None, "shift": 0.1, "zoom": 0.1, "crop": 0.3, "rotate": 10.0,
    "randaugment": 9.0, "augmix": 3.0, "brightness": 0.2, "contrast": 0.2, "color": 0.4,
    "erase": 0.5, "noise": 0.05, "mixup": 0.2, "cutmix": 1.0,
}  # fmt: skip
LARGEST = {
    "shift": 1.0, "zoom": 0.9, "crop": 1.0, "rotate": 180.0, "randaugment": policies.MOST,
    "augmix": policies.MOST, "brightness": 1.0, "contrast": 0.99, "color": 1.0, "erase": 1.0,
}  # fmt: skip
SMALLEST = {"crop": 0.01, "mixup": 0.1, "cutmix": 0.1}
# What makes each change of its strength. RandAugment moves some pictures and colors others.
MOVES: dict[str, Any] = {
    "flip": geometry.flip, "flip-vertical": geometry.flip_vertical, "shift": geometry.shift,
    "zoom": geometry.zoom, "crop": geometry.crop, "rotate": geometry.rotate,
    "randaugment": policies.randaugment_moves,
}  # fmt: skip
LOOKS: dict[str, Any] = {
    "randaugment": policies.randaugment_looks, "augmix": policies.augmix,
    "brightness": looks.brightness, "contrast": looks.contrast, "color": looks.color,
    "erase": looks.erase, "noise": looks.noise,
}  # fmt: skip
WHOLE = {"flip", "flip-vertical", "shift"}  # by whole pixels
MIXES: dict[str, Any] = {"mixup": mixing.mixup, "cutmix": mixing.cutmix}
# Boxes that turn would no longer fit what they hold, and masks cannot be averaged.
IMPOSSIBLE = {
    "classification": (),
    "multi-label": (),
    "segmentation": ("augmix", *MIXES),
    "detection": ("rotate", "randaugment", "augmix", *MIXES),
    "unpaired-image-to-image": (*LOOKS, *MIXES),  # of which one kind alone would get the looks
}

OF_PICTURES = ("reconstruction", "image-to-image", "unpaired-image-to-image")  # as targets


class Augmentation:
    """Changes a batch at random; `(batch, step, replica) -> batch`.

    Targets change with their pictures: class codes of pixels uint8 `(B, H, W)` for "segmentation",
    boxes float32 `(B, most, 5)` for "detection", the pictures of `OF_PICTURES`, and
    with `mixes` float labels `(B, C)`, along with the weights of the examples.

    Args:
        chosen: strengths by name: `flip` (left and right), `flip-vertical`, `shift` (share of
            height and width, in whole pixels), `zoom` (share by which a picture grows or shrinks),
            `crop` (least share of the area that is kept), `rotate` (degrees), `randaugment` and
            `augmix` (magnitude, 10 the strongest), `brightness` (share of the range of values),
            `contrast` (share of the distance from the mean), `color` (share of saturation, and a
            quarter of it of the circle of hues), `erase` (share of pictures a rectangle of which
            becomes gray), `noise` (standard deviation, in the model's units), `mixup` and `cutmix`
            (alpha; with both, each picture takes one of them). None means the usual strength.
        seed: of the draws.
        task: name of the task, which says what the targets are.
    """

    def __init__(self, chosen: dict[str, float | None], seed: int, task: str):
        self.seed = seed
        self.task = task
        strengths = {
            name: usual if chosen[name] is None else chosen[name]
            for name, usual in STRENGTHS.items()
            if name in chosen
        }
        self.moves, self.looks, self.mixes = (
            {name: made[name](strength) for name, strength in strengths.items() if name in made}
            for made in (MOVES, LOOKS, MIXES)
        )

    def __call__(self, batch: tuple[Any, ...], step: Any, replica: Any) -> tuple[Any, ...]:
        def seed(name: str) -> StepSeed:
            return StepSeed(self.seed, list(STRENGTHS).index(name), step, replica)

        inputs, *rest = batch
        if self.moves:
            size = geometry.Size(tf.shape(inputs)[0], *inputs.shape[1:3])
            moves = reduce(tf.matmul, [move(size, seed(n)) for n, move in self.moves.items()])
            inputs = self._warp(inputs, moves)
            rest[:1] = [self._moved(target, moves, size) for target in rest[:1]]
        for name, look in self.looks.items():
            inputs = look(inputs, seed(name))
        if self.mixes:
            mix = mixing.either(list(self.mixes.values()))
            inputs, share = mix(inputs, seed(next(iter(self.mixes))))
            rest = list(mixing.mix_targets(*rest, share=share))
        return (inputs, *rest)

    def _moved(self, target: Any, moves: tf.Tensor, size: geometry.Size) -> Any:
        """Move what the targets of the task say of places."""
        if self.task == "segmentation":
            return geometry.move_masks(target, moves)
        if self.task == "detection":
            return geometry.move_boxes(target, moves, size.height, size.width)
        return self._warp(target, moves) if self.task in OF_PICTURES else target

    def _warp(self, pictures: Any, moves: tf.Tensor) -> Any:
        return geometry.move_pictures(pictures, moves, interpolated=not set(self.moves) <= WHOLE)


def create(chosen: dict[str, float | None], kind: str, seed: int, task: str) -> Augmentation | None:
    """Return the augmentation for data of a kind and a task, or None when nothing was chosen.

    Raises:
        InputError: a change makes no sense for the kind or the task, or its strength is out of
            range.
    """
    of_kind = {"image": tuple(STRENGTHS), "text": ()}.get(kind, ("noise",))
    impossible = IMPOSSIBLE.get(task, tuple(MIXES))
    of_task = tuple(name for name in of_kind if name not in impossible)
    for name, strength in chosen.items():
        _check_name(name, f"data of kind '{kind}'", of_kind)
        _check_name(name, task, of_task)
        if strength is not None:
            _check_strength(name, strength)
    return Augmentation(chosen, seed, task) if chosen else None


def _check_name(name: str, of: str, possible: tuple[str, ...]) -> None:
    if name not in possible:
        raise InputError(
            f"--augment received '{name}' for {of}. "
            f"Expected one of: {', '.join(possible) or 'none'}."
        )


def _check_strength(name: str, strength: float) -> None:
    received = f"--augment received '{name}:{strength:g}'. Expected"
    if STRENGTHS[name] is None:
        raise InputError(f"{received} {name} alone.")
    if strength < SMALLEST.get(name, 0.0):
        raise InputError(f"{received} a strength of at least {SMALLEST[name]:g}.")
    if strength > LARGEST.get(name, strength):
        raise InputError(f"{received} a strength of at most {LARGEST[name]:g}.")
