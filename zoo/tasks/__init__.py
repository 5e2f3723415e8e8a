"""What a model is for: joins model, data, loss, metrics and decoding.

Every task has the shape of `zoo.tasks.common.Task`: `builder_arguments`, `loss`, `metrics`,
`targets` and `example` for training, `signatures` (with `decode`) for serving, `served`, `joined`
and `evaluate` for measuring.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.datasets.base import PAIRED, TRANSLATED, Spec
from zoo.errors import InputError
from zoo.tasks.classification import Classification
from zoo.tasks.common import Task
from zoo.tasks.detection import Detection
from zoo.tasks.forecasting import Forecasting
from zoo.tasks.image_synthesis import ImageSynthesis
from zoo.tasks.image_to_image import ImageToImage, UnpairedImageToImage
from zoo.tasks.language_modelling import LanguageModelling
from zoo.tasks.multi_label import MultiLabel
from zoo.tasks.reconstruction import Reconstruction
from zoo.tasks.regression import Regression
from zoo.tasks.segmentation import Segmentation
from zoo.tasks.sentence_embedding import SentenceEmbedding
from zoo.tasks.sequence_to_sequence import SequenceToSequence
from zoo.tasks.summarization import Summarization

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        Classification,
        MultiLabel,
        Regression,
        Segmentation,
        Detection,
        SequenceToSequence,
        Summarization,
        SentenceEmbedding,
        Reconstruction,
        LanguageModelling,
        ImageSynthesis,
        ImageToImage,
        UnpairedImageToImage,
        Forecasting,
    )
}

# Tasks that learn from inputs alone are possible on data of another natural task.
UNSUPERVISED = {
    "table": ("reconstruction",),
    "vector": ("reconstruction",),
    "image": ("reconstruction", "image-synthesis"),
    "text": ("language-modelling",),
    "series": (),
}


def possible(spec: Spec) -> tuple[str, ...]:
    """Return the tasks a data set allows, its natural one first."""
    if spec.task in TRANSLATED and spec.targets:  # one kind alone would be lost
        return (spec.task,)
    others = (*(PAIRED if spec.task in PAIRED else ()), *UNSUPERVISED[spec.kind])
    return tuple(dict.fromkeys((spec.task, *others)))


def choose(model: str, can: Sequence[str], spec: Spec, asked: str | None) -> str:
    """Return the task that model and data agree on.

    Raises:
        InputError: the model cannot do what the data is for, or what was asked.
    """
    common = [task for task in possible(spec) if task in can]
    if asked is not None and asked not in common:
        raise InputError(
            f"--task received '{asked}'. Model '{model}' does {', '.join(can)}; expected one that "
            f"does {asked}. Try one of `zoo list --task {asked}`."
        )
    if not common:
        raise InputError(
            f"Model '{model}' does {', '.join(can)}; expected one for what the data allows: "
            f"{', '.join(possible(spec))}. Try one of `zoo list --task {spec.task}`."
        )
    return asked or common[0]


def from_json(state: dict[str, Any], spec: Spec) -> Task:
    """Rebuild a task from what its `to_json` returned."""
    arguments = {name: value for name, value in state.items() if name != "name"}
    return TASKS[state["name"]](spec, **arguments)
