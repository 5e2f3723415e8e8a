"""What a data set is: named raw examples, their splits, and a spec of what is in them.

Nothing here is encoded: numbers are in their own units, categories are strings, pictures are
uint8. Turning raw examples into tensors is the work of `zoo.preprocessing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LABELLED = ("classification", "multi-label", "regression")  # tasks of data with targets
ANNOTATED = ("segmentation", "detection")  # tasks of pictures with masks or boxes
TRANSLATED = ("image-to-image", "unpaired-image-to-image")  # tasks of two kinds of pictures
PAIRS, UNPAIRED = TRANSLATED
PAIRED = ("sequence-to-sequence", "summarization", "sentence-embedding")  # tasks of pairs of texts
TASKS = (
    *LABELLED,
    *ANNOTATED,
    *PAIRED,
    "reconstruction",
    "language-modelling",
    "image-synthesis",
    *TRANSLATED,
    "forecasting",
)


UNKNOWN = 255  # the code of a mask's pixels of which nothing is said


@dataclass(frozen=True)
class Column:
    """One named input of a raw example.

    Attributes:
        name: the column's, or array's, name.
        kind: "number" (float64, NaN when missing), "category" (a string, "" when missing),
            "date" (a string, "" when missing), "vector" (float32 array), "image" (uint8 array of
            height, width, channels), "text" (a string) or "series" (float64 array of values one
            step after the other, NaN when missing).
        shape: shape of one example; () for a scalar; None steps where series differ in length.
        format: of a date, its `strptime` format.
    """

    name: str
    kind: str
    shape: tuple[Any, ...] = ()
    format: str = ""


@dataclass(frozen=True)
class Series:
    """What there is to know of time series beside their columns.

    Attributes:
        time, group: the columns of times and of series' names; no group means one series.
        horizon, history: steps to forecast, and to look back on; 0 where that is yet to be said.
        season: steps after which they repeat; 0 where that is yet to be said.
        unit, step, format, day: see `zoo.datasets.times.Clock`.
    """

    time: str
    group: str = ""
    horizon: int = 0
    history: int = 0
    season: int = 0
    unit: str = ""
    step: float = 0.0
    format: str = ""
    day: int = 0


@dataclass(frozen=True)
class Spec:
    """What is in a data set.

    Attributes:
        kind: "table", "vector", "image", "text" or "series".
        inputs: the columns a model may see.
        targets: names of what is to be predicted; empty when there is nothing to.
        task: the natural task, one of `TASKS`.
        classes: class names in code order, of all tasks that have classes.
        values: what stands for each class in the files of masks, in code order: a gray level, a
            place in a palette, or red, green and blue as one number.
        series: of time series, their times.
    """

    kind: str
    inputs: tuple[Column, ...]
    targets: tuple[str, ...] = ()
    task: str = "classification"
    classes: tuple[str, ...] = ()
    values: tuple[int, ...] = ()
    series: Series | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the spec as plain lists, strings and dictionaries."""
        return {
            "kind": self.kind,
            "inputs": [
                {"name": c.name, "kind": c.kind, "shape": list(c.shape), "format": c.format}
                for c in self.inputs
            ],
            "targets": list(self.targets),
            "task": self.task,
            "classes": list(self.classes),
            "values": list(self.values),
            **({"series": asdict(self.series)} if self.series else {}),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Spec:
        """Rebuild a spec from what `to_json` returned.

        Raises:
            ValueError: it names something by no string or twice, or a task that is none.
        """
        columns = tuple(
            Column(c["name"], c["kind"], tuple(c["shape"]), c["format"]) for c in state["inputs"]
        )
        spec = cls(
            kind=state["kind"],
            inputs=columns,
            targets=tuple(state["targets"]),
            task=state["task"],
            classes=tuple(state["classes"]),
            values=tuple(state.get("values", ())),  # older runs have none
            series=_series(state["series"]) if "series" in state else None,
        )
        named = [text for c in columns for text in (c.name, c.kind, c.format)]
        words = [spec.kind, *named, *spec.targets, *spec.classes]
        if spec.task not in TASKS or not all(isinstance(word, str) for word in words):
            raise ValueError("its data are described otherwise")
        if spec.values and len(spec.values) != len(spec.classes):
            raise ValueError("it has more values than classes, or fewer")
        if not all(isinstance(value, int) and 0 <= value < 1 << 24 for value in spec.values):
            raise ValueError("it has values that are in no mask")
        names = [c.name for c in columns]
        if any(len(set(w)) < len(w) for w in (names, spec.targets, spec.classes, spec.values)):
            raise ValueError("it has two columns or classes of one name or value")
        return spec


def _series(state: Mapping[str, Any]) -> Series:
    """Rebuild what is known of time series, or raise a ValueError."""
    series = Series(**state)
    counts = (series.horizon, series.history, series.season)
    words = (series.time, series.group, series.unit, series.format)
    if not all(isinstance(count, int) and 0 < count < 1 << 24 for count in counts):
        raise ValueError("its series have no horizon, history and season")
    if not all(isinstance(word, str) for word in words) or not series.step > 0:
        raise ValueError("the times of its series are described otherwise")
    return series


class Split(Protocol):
    """Random access to raw examples; the only thing training asks of data."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return raw inputs by column name, each with `len(indices)` rows."""
        ...

    def targets(self) -> np.ndarray | None:
        """Return all targets, or None when the split has none.

        int32 codes `(rows,)` into `Spec.classes` for classification, float32 zeros and ones
        `(rows, classes)` for multi-label, float64 `(rows, targets)` for regression, `(rows,
        horizon, targets)` for forecasting, strings `(rows,)` for sequence to sequence, and as
        `Annotation` says for segmentation and detection.
        """
        ...


@dataclass
class TableSplit:
    """Rows of a data frame that several splits share without copying it."""

    frame: pd.DataFrame
    rows: np.ndarray
    inputs: tuple[Column, ...]
    target: np.ndarray | None = None  # one entry a row of `frame`

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> pd.Series:
        """Return one column of this split, categories kept as pandas categories."""
        return self.frame[name].iloc[self.rows]

    def batch(self, indices: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        rows = self.rows[indices]
        return {c.name: raw_values(self.frame[c.name].iloc[rows], c) for c in self.inputs}

    def targets(self) -> np.ndarray | None:
        return None if self.target is None else self.target[self.rows]


@dataclass
class ArraySplit:
    """Rows of arrays that several splits share without copying them."""

    arrays: dict[str, np.ndarray]
    rows: np.ndarray
    target: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        rows = self.rows[indices]
        return {name: array[rows] for name, array in self.arrays.items()}

    def targets(self) -> np.ndarray | None:
        return None if self.target is None else self.target[self.rows]


@dataclass(frozen=True)
class Annotation:
    """What each picture shows, and where.

    Attributes:
        task: "segmentation" or "detection".
        classes: in code order.
        values: one entry a picture, indexed as an array is. For segmentation uint8 codes `(rows,
            height, width)` at the size the model sees, 255 where nothing is said. For detection
            float32 `(rows, most, 5)`: top, left, bottom and right of each box as shares of the
            picture's height and width, and the code of its class; -1 throughout where there is no
            further box.
    """

    task: str
    classes: tuple[str, ...]
    values: Any


@dataclass
class Raw:
    """What a loader returns: everything there is, before targets are chosen and splits are made.

    Attributes:
        kind: "table", "vector", "image", "text" or "series".
        frame: one row an example. Of a table all columns, of arrays only the targets; numbers are
            float64, anything else is a pandas category of strings, or lists of strings.
        array: of vectors and images, the examples.
        documents: of text, the examples: strings, or what makes one with `str`.
        column: of text, the name of the input.
        annotation: of images, what masks or boxes say; then there is no frame.
        target: the columns to predict unless the user names others.
        task: what it is for, where that cannot be seen from the targets.
        given: rows of the splits that exist already, by "train", "validation", "test".
        notes: what a user should be told.
        places: what a message calls some rows, as a pair of the file and "line 17" each.
        uneven: whether vectors are series of different lengths, NaN after the end of the shorter.
        series: of time series, what is known of their times.
    """

    kind: str
    frame: pd.DataFrame | None = None
    array: np.ndarray | None = None
    documents: Sequence[Any] = ()
    column: str = "text"
    annotation: Annotation | None = None
    target: tuple[str, ...] = ()
    task: str | None = None
    given: dict[str, np.ndarray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    places: Callable[[Sequence[int]], list[tuple[str, str]]] | None = None
    series: Series | None = None
    uneven: bool = False

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Shape of one example of an array; None steps where series differ in length."""
        shape = () if self.array is None else self.array.shape[1:]
        return (None, *shape[1:]) if self.uneven else shape

    def __len__(self) -> int:
        if self.kind == "text":
            return len(self.documents)
        examples = self.array if self.array is not None else self.frame
        return 0 if examples is None else len(examples)


@dataclass
class Dataset:
    """Raw examples in three splits.

    Attributes:
        name: the catalogue's name, or the file's stem.
        spec: what is in it.
        train, validation, test: the splits; validation and test may be empty, never None.
        fingerprint: sha256 of content and split, in hexadecimal.
        provenance: where it comes from, in one line.
        licence: its licence, or "unknown".
        notes: one line each for what a user should be told (rows dropped, a column ignored).
        skipped: how many bad examples were left out; None where one would have been an error.
    """

    name: str
    spec: Spec
    train: Any
    validation: Any
    test: Any
    fingerprint: str
    provenance: str = ""
    licence: str = "unknown"
    notes: list[str] = field(default_factory=list)
    skipped: int | None = None


def raw_values(series: pd.Series, column: Column) -> np.ndarray:
    """Return a series as the raw array its column kind promises.

    Shape `(rows,)`: float64 with NaN for a number, strings with "" for anything else.
    """
    import numpy as np

    if column.kind == "number":
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    categories = series.astype("category").cat
    names = np.array([*categories.categories.astype(str), ""], dtype=object)
    return names[categories.codes]  # a missing value has code -1: the last name
