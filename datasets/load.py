"""The two doors: a data set by name or path, and a file read as an earlier data set was."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import InputError, nearest
from zoo.options import picture_size

from . import catalog

if TYPE_CHECKING:
    from .bad import BadExamples
    from .base import Dataset, Raw, Spec, Split
    from .build import Origin


def load(
    reference: str | Path,
    *,
    kind: str | None = None,
    target: str | Iterable[str] = (),
    task: str | None = None,
    drop: Iterable[str] = (),
    validation: str | Path | None = None,
    test: str | Path | None = None,
    split_column: str | None = None,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    on_bad_example: str = "fail",
    image_size: int | str | None = None,
    time: str | None = None,
    horizon: int | None = None,
    history: int | None = None,
    group: str | None = None,
    known: Iterable[str] = (),
    season: int | None = None,
    covariates: bool = True,
    data_b: str | Path | None = None,
    pairs: str | None = None,
) -> Dataset:
    """Load a data set in three splits; those that do not exist are made.

    Args:
        reference: a name of the catalog, "tfds:NAME" of TensorFlow Datasets, a file, or a folder
            with train, validation, test files.
        kind: "table", "vector", "image", "text" or "series", where the file leaves it open.
        target: the column or columns to predict.
        task: what to do with it, where several tasks fit.
        drop: columns to leave out.
        validation, test: files with those splits.
        split_column: the column that names each row's split.
        validation_fraction, test_fraction: shares of all rows to hold out.
        split_seed: which rows are held out.
        on_bad_example: "fail" for an error, "skip" to leave out rows that cannot be read or used.
        image_size: pixels a side of pictures in files, as 96, or height x width, as "240x320";
            by default their own size where all have one, at most 224, else 224.
        time, group: the columns of times and of series' names; with a time it is series.
        horizon, history, season: steps to forecast, to look back on, and of a season.
        known: columns known ahead of their time.
        covariates: whether a model looks at more than each target's own past.
        data_b: of two kinds of pictures, what those of `reference` are to become.
        pairs: how a model makes pairs of pictures alone, where it does.

    Raises:
        InputError: whatever is wrong with the data or the request, in one line.
    """
    from . import sides, videos
    from .bad import BadExamples
    from .base import PAIRS
    from .build import Request, build
    from .folders import from_table
    from .pictures import Pictures
    from .series_rows import Asked
    from .splits import Splitting

    if pairs is not None and task is None:
        task = PAIRS
    bad = BadExamples(on_bad_example)
    request = Request(
        kind=kind,
        target=(target,) if isinstance(target, str) else tuple(target),
        task=task,
        drop=tuple(drop),
        split_column=split_column,
        splitting=Splitting(validation_fraction, test_fraction, split_seed),
        series=Asked(
            time or "",
            group or "",
            horizon or 0,
            history or 0,
            season or 0,
            tuple(known),
            covariates,
        ),
    )
    reference = str(reference)
    shape = None if image_size is None else picture_size(str(image_size), "--image-size")
    two = sides.asked(reference, None if data_b is None else str(data_b), task, pairs)
    if two:
        data = sides.load(two, task, shape, bad, request.splitting)
        data.skipped = bad.skipped if on_bad_example == "skip" else None
        return data
    named = {"validation": validation, "test": test}
    files = {name: Path(path) for name, path in named.items() if path}
    if is_name(reference):
        if files:
            raise InputError(
                f"Received the file '{next(iter(files.values()))}' for the data set '{reference}'; "
                "expected files with a file; try without --validation and --test"
            )
        raw, origin = _read_named(reference, shape, bad)
    else:
        raw = _read_path(reference, files, split_column, bad, shape, task)
        if raw.kind == "table" and kind in (None, "image") and not time:
            folder = Path(reference)
            folder = folder if folder.is_dir() else folder.parent
            raw = from_table(raw, folder, shape, bad, reference)
        origin = _origin(reference)
    sized = isinstance(raw.array, Pictures) or videos.is_video(reference)
    if image_size is not None and not sized:
        raise InputError(
            f"--image-size received {image_size} for '{reference}', which holds no picture files; "
            "expected a folder of pictures, or a table that names some; try without it"
        )
    if image_size is None and isinstance(raw.array, Pictures):
        raw.notes += raw.array.resized()
    total = len(raw) + bad.skipped
    data = build(raw, request, origin, bad)
    data.notes = bad.notes(total) + data.notes
    data.skipped = bad.skipped if on_bad_example == "skip" else None
    return data


def read(reference: str | Path, spec: Spec, *, targets: bool = True) -> Split:
    """Read examples as an earlier data set was read, to evaluate or predict.

    Args:
        reference: a file, used whole unless it says which part is its test split; a folder, or a
            name of the catalog, of which it is the test split.
        spec: of the data set that the run was trained on.
        targets: whether targets are needed; without them their columns may be absent.

    Raises:
        InputError: a column is missing or of another kind, a class is unknown.
    """
    import numpy as np

    from . import sides
    from .bad import BadExamples
    from .base import TRANSLATED
    from .build import Request, as_before, build
    from .files import find_parts, suffix_of
    from .matching import match, read_matching
    from .series import read as read_series
    from .text import read_text, running

    reference = str(reference)
    shape = spec.inputs[0].shape if spec.kind == "image" else None
    if spec.task in TRANSLATED and spec.targets and targets:
        return sides.read_again(reference, spec)
    if is_name(reference):
        raw, origin = _read_named(reference, shape, BadExamples())
        if raw.kind == "text" and raw.frame is None:
            raw = running(raw, Request().splitting, reference)
        if raw.kind == spec.kind == "series" and raw.frame is not None:
            if not targets:  # it is continued
                return read_series(raw.frame, spec, reference, targets)
            return build(raw, as_before(spec), origin).test
        test = build(raw, Request(), origin).test
        return match(raw, test.rows, spec, reference, targets)
    folder = _read_folder(reference, shape, BadExamples(), spec.task, spec.classes, spec.values)
    if folder is not None:
        rows = folder.given.get("test", np.arange(len(folder)))
        return match(folder, rows, spec, reference, targets)
    path = Path(reference)
    if spec.kind == "text" and path.is_file() and suffix_of(path) is None:  # as train.en
        raw = read_text(path)
        return match(raw, np.arange(len(raw)), spec, reference, targets)
    parts = find_parts(reference)
    return read_matching(parts.get("all") or parts.get("test") or parts["train"], spec, targets)


def is_name(reference: str) -> bool:
    """Tell a name from a path; raise the error for what is neither."""
    from .files import suffix_of

    if catalog.known(reference.partition(":")[0]) or reference.startswith(catalog.TFDS):
        return True
    path = Path(reference)
    if (
        os.path.exists(path)
        or suffix_of(path)
        or "/" in reference
        or "\\" in reference
        or path.suffix
    ):
        return False
    raise InputError(
        f"Unknown data set '{reference}'.{nearest(reference, catalog.names())} "
        "Expected a name of `zoo data list`, or the path of a file or folder."
    )


def _read_named(
    reference: str, shape: tuple[int, ...] | None, bad: BadExamples
) -> tuple[Raw, Origin]:
    from .build import Origin

    if reference.startswith(catalog.TFDS):
        from . import tfds

        return tfds.read(reference, shape, bad)
    name, _, label = reference.partition(":")
    row = catalog.find(name)
    raw = row.read()
    if label:
        from .sides import of_class

        name, raw = reference.replace(":", "-").replace(" ", "-"), of_class(raw, label, reference)
    return raw, Origin(name, row.name, row.source, row.licence)


def _read_path(
    reference: str,
    files: dict[str, Path],
    split_column: str | None,
    bad: BadExamples,
    shape: tuple[int, ...] | None,
    task: str | None,
) -> Raw:
    from . import videos
    from .files import read_raw

    if videos.is_video(reference):
        return videos.read(Path(reference), shape)
    raw = _read_folder(reference, shape, bad, task)
    if raw is None:
        return read_raw(_with_files(reference, files, split_column), bad)
    if files or split_column:
        raise InputError(
            f"'{reference}' is a folder, which says itself what is for test; expected "
            "no other splits; try without --validation, --test and --split-column"
        )
    return raw


def _read_folder(
    reference: str,
    shape: tuple[int, ...] | None,
    bad: BadExamples,
    task: str | None,
    classes: tuple[str, ...] = (),
    values: tuple[int, ...] = (),
) -> Raw | None:
    """Return what a folder of pictures or texts holds; None where the path is anything else.

    Pascal VOC has boxes and masks in one folder, of which `task` says which; boxes by default.
    `classes` are those of an earlier data set, which masks may not name again, and of which folders
    may have one alone; `values` stood for them in its masks.
    """
    from . import coco, prose, voc
    from .files import has_parts
    from .folders import find_classes, find_flat, pictures_in, read_classes, read_flat
    from .idx import find_idx, read_idx_files
    from .masks import find_masks, read_masks

    folder = Path(reference)
    if task != "segmentation" and voc.is_one(folder):
        return voc.read(folder, shape, bad, reference)
    if task != "segmentation" and (parts := coco.find(folder)):
        return coco.read(parts, shape, bad, reference)
    if not folder.is_dir() or has_parts(folder):
        return None
    if found := find_idx(folder):
        return read_idx_files(found, reference)
    if pairs := find_masks(folder):
        return read_masks(pairs, shape, bad, reference, classes, values)
    if flat := find_flat(folder):
        return read_flat(flat, shape, bad, reference)
    members, texts = (find_classes(folder, files_of) for files_of in (pictures_in, prose.texts_in))
    if any(texts.values()) and not any(members.values()):
        return prose.read_labelled(texts)
    if members:
        return read_classes(members, shape, bad, reference, least=1 if classes else 2)
    if parallel := prose.find_parallel(folder):
        return prose.read_parallel(parallel, bad)
    if documents := prose.texts_in(folder):
        return prose.read_folder(documents)
    return None


def _with_files(reference: str, files: dict[str, Path], column: str | None) -> dict[str, Path]:
    from .files import find_parts

    parts = find_parts(reference)
    if column and (files or len(parts) > 1):
        raise InputError(
            f"Received --split-column {column} and separate files for the splits; expected one of "
            "the two; try without one"
        )
    double = sorted(set(files) & set(parts))
    if double:
        raise InputError(
            f"'{reference}' has its own {double[0]} file; expected one {double[0]} split; "
            f"try without --{double[0]}"
        )
    return {**parts, **files}  # training rows first, as in a folder


def _origin(reference: str) -> Origin:
    from .build import Origin

    path = Path(reference)
    name = path.resolve().name.partition(".")[0]
    kind = "folder" if path.is_dir() else "file"
    return Origin(name, reference, f"the user's {kind} {path.name}")
