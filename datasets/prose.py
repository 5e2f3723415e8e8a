"""Text that is no file of its own: a column of a table, a folder of files, files side by side."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zoo.errors import InputError
from zoo.untrusted import read_bytes

from .bad import BadExamples
from .base import PAIRED, Raw, Spec
from .columns import useless
from .delimited import reported
from .files import files_in, require_columns
from .frames import is_text, keep_rows
from .splits import NAMES, consecutive, split_name
from .targets import USUAL, refuse_unknown
from .text import read_text

if TYPE_CHECKING:
    from .build import Request

OF_TEXT = ("language-modelling", *PAIRED)  # tasks that only texts can do
NAMED = ("text", "document", "sentence", "content", "body")  # columns that usually hold it
LARGEST = 1 << 32  # bytes of one of two files side by side


def from_table(raw: Raw, request: Request, source: str, bad: BadExamples) -> Raw:
    """Return the texts of a column, where that is what a table is for; else the table.

    It is when that is asked for, or when its only column of any use beside the target holds prose.

    Raises:
        InputError: text is asked for, and no column holds it, or several do.
    """
    assert raw.frame is not None
    asked = request.kind == "text" or request.task in OF_TEXT
    if request.kind not in (None, "text") or request.series.time or raw.frame.empty:
        return raw
    targets = (
        request.target
        or raw.target
        or tuple(n for n in map(str, raw.frame) if n.lower() in USUAL)[:1]
    )
    if asked:
        refuse_unknown(request.target, [*raw.frame.columns], source)
    if request.task in PAIRED and not targets:
        names = [name for name in raw.frame.columns if is_text(raw.frame[name])]
        raise InputError(
            f"'{source}' does not say which text is to be written; expected a target; try --target "
            f"with one of: {', '.join(names)}"
        )
    aside = {*request.drop, request.split_column, *targets}
    others = [name for name in raw.frame.columns if name not in aside]
    texts = [name for name in others if is_text(raw.frame[name])]
    if not asked:
        texts = [name for name in texts if _is_prose(raw.frame[name])]
        if len(texts) != 1 or not all(useless(raw.frame[name], name) for name in others):
            return raw
    name = _chosen(texts, source)
    return _from_column(raw, name, source, bad, note=not asked)


def texts_of(raw: Raw, rows: np.ndarray, spec: Spec, source: str) -> tuple[Raw, np.ndarray]:
    """Return texts as an earlier data set had them, and which rows were asked for.

    They are in the column of its name; of a file of text, but for a language model, each line is
    one, so that answers line up with lines; blank ones at the end are not.
    """
    name = spec.inputs[0].name
    if raw.kind == "table" and raw.frame is not None:
        require_columns(raw.frame, [name], source)
        texts = raw.frame[name].astype(object).map(lambda text: "" if text != text else str(text))
        return replace(raw, kind="text", documents=texts.tolist(), column=name), rows
    if raw.kind != "text" or spec.task == "language-modelling" or raw.frame is not None:
        return replace(raw, column=name), rows
    lines = [line for row in rows for line in str(raw.documents[row]).rstrip().split("\n")]
    return replace(raw, documents=lines, column=name, given={}), np.arange(len(lines))


def longer(documents: Sequence[Any], summaries: np.ndarray, rows: np.ndarray) -> list[str]:
    """Say of how many texts the summary has more words than they have."""
    count = sum(len(str(summaries[i]).split()) > len(str(documents[i]).split()) for i in rows)
    return [f"{count:,} of {len(rows):,} summaries are longer than their texts"] * bool(count)


def _is_prose(series: pd.Series) -> bool:
    """Tell a column of which a table could make nothing, as each text has words of its own."""
    if not useless(series, "") or series.isna().all():
        return False
    names = series.cat.categories
    return bool(np.mean([" " in name.strip() for name in names[:1000]]) > 0.5)


def _chosen(texts: Sequence[str], source: str) -> str:
    usual = [name for word in NAMED for name in texts if name.lower() == word]
    if len(texts) == 1 or usual:
        return (usual or texts)[0]
    if not texts:
        raise InputError(f"'{source}' has no column of text; expected one; try another file")
    raise InputError(
        f"'{source}' has several columns of text: {', '.join(texts)}; expected one as the input; "
        "try --drop for the others"
    )


def _from_column(raw: Raw, name: str, source: str, bad: BadExamples, note: bool) -> Raw:
    assert raw.frame is not None
    good = raw.frame[name].notna().to_numpy(copy=True)
    good &= raw.frame[name].astype(object).map(lambda text: bool(str(text).strip())).to_numpy()
    missing = np.flatnonzero(~good).tolist()
    places = raw.places(missing[:5]) if raw.places else []
    places += [(source, f"row {row + 1}") for row in missing[len(places) :]]
    for file, where in places:
        bad.found(file, where, (f"has nothing in '{name}'", "a text", "adding it"))
    if missing:
        bad.finished(source, int(good.sum()))
    kept, named = np.flatnonzero(good), raw.places
    places_of = named and (lambda rows: named(kept[list(rows)].tolist()))
    documents = raw.frame[name][good].astype(object).tolist()
    frame, given = keep_rows(raw.frame.drop(columns=name), raw.given, good)
    said = [f"the text in column '{name}' is the input; --kind table reads a table"] if note else []
    return Raw(
        "text", frame, documents=documents, column=name, target=raw.target, given=given,
        notes=[*raw.notes, *said],
        places=places_of,
    )  # fmt: skip


def texts_in(folder: Path) -> list[Path]:
    """Return the text files in a folder."""
    return [p for p in files_in(folder) if p.suffix.lower() == ".txt" and p.is_file()]


def read_folder(paths: Sequence[Path]) -> Raw:
    """Return a document a file."""
    raws = [read_text(path) for path in paths]
    note = f"{len(paths):,} documents, one a file"
    return Raw("text", documents=[raw.documents[0] for raw in raws], notes=[note])


def read_labelled(found: dict[str, dict[str, list[Path]]]) -> Raw:
    """Return documents in folders, one a class, by split; the split is "all" without splits."""
    files = [
        (split, name, path)
        for split in ("all", *NAMES)
        if split in found
        for name, members in sorted(found[split].items())
        for path in members
    ]
    of = np.array([split for split, *_ in files])
    documents = [read_text(path).documents[0] for *_, path in files]
    frame = pd.DataFrame({"label": pd.Categorical([name for _, name, _ in files])})
    given = {split: np.flatnonzero(of == split) for split in NAMES if (of == split).any()}
    return Raw("text", frame, documents=documents, target=("label",), given=given)


def find_parallel(folder: Path) -> dict[str, dict[str, Path]]:
    """Return files side by side by split and suffix, as train.en and train.de; else nothing.

    Two files of one name and no split are "all".
    """
    by_stem: dict[str, dict[str, Path]] = {}
    for path in files_in(folder):
        stem, _, suffix = path.name.removesuffix(".gz").rpartition(".")
        if stem and path.is_file() and suffix.isalpha():
            by_stem.setdefault(stem, {})[suffix] = path
    found: dict[str, dict[str, Path]] = {}
    for stem, files in by_stem.items():
        split = split_name(stem.replace("_", ".").replace("-", ".").partition(".")[0])
        if len(files) == 2 and split not in found:
            found[split or "all"] = files
    alike = len({tuple(sorted(files)) for files in found.values()}) == 1
    return found if alike and ("train" in found or list(found) == ["all"]) else {}


def read_parallel(found: dict[str, dict[str, Path]], bad: BadExamples) -> Raw:
    """Return lines side by side as a table of two columns, called as the suffixes are.

    Raises:
        InputError: one file has more lines than the other, or a line is empty on one side.
    """
    columns: dict[str, list[str]] = {}
    sizes, places = {}, []
    for split in (name for name in ("all", *NAMES) if name in found):
        lines = {suffix: _lines(path) for suffix, path in sorted(found[split].items())}
        (first, a), (second, b) = lines.items()
        paths = found[split]
        if len(a) != len(b):
            raise InputError(
                f"'{paths[first]}' has {len(a):,} lines and '{paths[second].name}' {len(b):,}; "
                "expected as many, each the other's translation; try getting them again"
            )
        good = [bool(x.strip()) == bool(y.strip()) for x, y in zip(a, b, strict=True)]
        for number, fine in enumerate(good, start=1):
            if not fine:
                empty = first if not a[number - 1].strip() else second
                why = (f"is empty in {paths[empty].name} only", "a text on both sides", "adding it")
                bad.found(paths[empty], f"line {number:,}", why)
        kept = [i for i, fine in enumerate(good) if fine and a[i].strip()]
        for suffix, texts in lines.items():
            columns.setdefault(suffix, []).extend(texts[i] for i in kept)
        sizes[split] = len(kept)
        places += [(str(paths[first]), f"line {i + 1:,}") for i in kept]
    given = {} if "all" in sizes else consecutive(sizes)
    frame = pd.DataFrame({name: pd.Categorical(texts) for name, texts in columns.items()})
    return Raw(
        "table", frame, task="sequence-to-sequence", given=given,
        places=lambda rows: [places[row] for row in rows],
    )  # fmt: skip


def _lines(path: Path) -> list[str]:
    with reported(path):
        content = packed = read_bytes(path, LARGEST)
        if path.suffix == ".gz":
            content = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(LARGEST)
        text = content.decode("utf-8-sig")
    return text.removesuffix("\n").split("\n")
