"""The page of a run: one HTML file with everything in it, pictures too, that asks for nothing.

Names of classes, columns and files are other people's text; all text is escaped, and the page
forbids itself scripts and requests.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from zoo.reports import FROM_TABLES
from zoo.reports.diagnosis import diagnose
from zoo.reports.summary import data_name, flatten, main_score
from zoo.runs import Run, write_atomic

ORDER = (
    "curves", "boundary", "samples", "translations", "evolution", "nearest", "masks", "detections",
    "worst_mistakes", "confusion", "roc",
    "precision_recall", "calibration", "residuals", "forecasts", "error_by_step",
)  # fmt: skip
CAPTIONS = {
    "curves": "Learning curves",
    "boundary": "Decision boundary",
    "samples": "Samples",
    "translations": "Pictures of the test, and what they become",
    "nearest": "Generated pictures, and the real ones of training that are nearest",
    "evolution": "What the same latents, or examples, became, epoch by epoch",
    "masks": "Masks: what is there, and what the model sees",
    "detections": "Boxes found, and dashed those that are there",
    "precision_recall": "Precision and recall of each class",
    "confusion": "Confusion matrix: counts, shaded by share of the actual class",
    "roc": "ROC curve",
    "calibration": "Calibration: how often predictions of a given confidence are right",
    "residuals": "Residuals",
    "anomaly_scores": "Anomaly scores",
    "forecasts": "Forecasts, what came, and the season before",
    "error_by_step": "Error by how far ahead",
}
CSS = """
:root { color-scheme: light dark; --ink: #1c1f23; --soft: #626a73; --line: #dfe3e8;
  --paper: #fff; --tint: #f5f7f9; --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --soft: #9aa3ad; --line: #343a41;
  --paper: #16191c; --tint: #1f2429; --accent: #6cb8e6; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto 4rem; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
.soft { color: var(--soft); } .verdict { font-size: 1.15rem; margin: .8rem 0 1.2rem; }
.verdict b { color: var(--accent); font-size: 1.5rem; }
pre { background: var(--tint); padding: .7rem .9rem; border-radius: 6px; margin: .3rem 0 .9rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--soft); } th[scope] { font-weight: 400; }
.number { text-align: right;
  font-variant-numeric: tabular-nums; }
figure { margin: 0 0 1.4rem; } figcaption { color: var(--soft); margin-bottom: .3rem; }
img { max-width: 100%; background: #fff; border: 1px solid var(--line); border-radius: 6px; }
details summary { cursor: pointer; color: var(--soft); margin: .4rem 0; }
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write(run: Run) -> Path:
    """Write `report.html` from what is in the run directory, and return its path."""
    write_atomic(run.report_path, page(run))
    return run.report_path


def page(run: Run) -> str:
    """Return the page of a run as HTML."""
    config, metrics = run.config, run.metrics or {}
    title = f"{config.get('model', 'model')} on {data_name(config) or 'data'}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<div class="soft">{escape(str(run))}</div>',
        _verdict(run, metrics),
        _commands(run, config),
        _scores(metrics),
        *(_table_section(name, rows) for name, rows in _listed(metrics)),
        _pictures(run, config),
        _data(config),
        _configuration(config),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{CSS}</style></head>\n<body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )


def _verdict(run: Run, metrics: Mapping[str, Any]) -> str:
    score = main_score(metrics)
    if score is None:
        return (
            '<p class="verdict">Not evaluated yet. '
            f"Try: <code>{escape(_command('evaluate', run))}</code></p>"
        )
    name, value = score
    where = f"on the {metrics.get('split', 'given')} split"
    examples = metrics.get("examples")
    count = f" ({examples:,} examples)" if isinstance(examples, int) else ""
    return (
        f'<p class="verdict">{escape(_spaced(name))} <b>{escape(_cell(value))}</b> '
        f"{escape(where + count)}</p>"
    )


def _commands(run: Run, config: Mapping[str, Any]) -> str:
    made = config.get("command")
    lines = []
    if made:
        text = made if isinstance(made, str) else shlex.join(map(str, made))
        lines.append(f'<div class="soft">Made by</div><pre>{escape(text)}</pre>')
    again = f"zoo train --config {shlex.quote(str(run.config_path))}"
    lines.append(f'<div class="soft">To repeat it</div><pre>{escape(again)}</pre>')
    return "\n".join(lines)


def _scores(metrics: Mapping[str, Any]) -> str:
    scores = metrics.get("scores") or {}
    rows = [(_spaced(name), value) for name, value in scores.items()]
    return _section("Scores", _table(("score", "value"), rows)) if rows else ""


def _listed(metrics: Mapping[str, Any]) -> Iterable[tuple[str, list[Mapping[str, Any]]]]:
    """Yield the tables that are read rather than drawn: lists of rows without a picture."""
    for name, rows in (metrics.get("tables") or {}).items():
        if (
            name not in FROM_TABLES
            and isinstance(rows, list)
            and rows
            and isinstance(rows[0], dict)
        ):
            yield name, rows


def _table_section(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    header = list(rows[0])
    body = _table(header, [[row.get(key) for key in header] for row in rows])
    return _section(_spaced(name).capitalize(), _folded(body, len(rows), "rows"))


def _pictures(run: Run, config: Mapping[str, Any]) -> str:
    files = sorted(path for path in run.plots.glob("*") if path.suffix in (".png", ".gif"))
    found = {path.stem: path for path in files if not path.is_symlink()}
    names = [name for name in ORDER if name in found]
    names += [name for name in found if name not in names]
    remarks = {"curves": diagnose(run.log, _stops_early(config))} if "curves" in found else {}
    figures = [_figure(found[name], remarks.get(name, "")) for name in names]
    return _section("Pictures", "\n".join(figures)) if figures else ""


def _stops_early(config: Mapping[str, Any]) -> bool:
    options = config.get("options")
    patience: Any = options.get("early_stopping") if isinstance(options, Mapping) else 0
    return _is_number(patience) and bool(patience > 0)


def _figure(path: Path, remark: str) -> str:
    caption = escape(CAPTIONS.get(path.stem, _spaced(path.stem)))
    image = base64.b64encode(path.read_bytes()).decode()
    note = f"<p>{escape(remark)}</p>" if remark else ""
    return (
        f"<figure><figcaption>{caption}</figcaption>{note}"
        f'<img alt="{caption}" src="data:image/{path.suffix[1:]};base64,{image}"></figure>'
    )


def _data(config: Mapping[str, Any]) -> str:
    data = config.get("data")
    known = dict(data) if isinstance(data, Mapping) else {"name": data}
    notes = known.pop("notes", None) or []
    rows = {**flatten(known), "fingerprint": config.get("fingerprint")}
    body = _pairs({key: value for key, value in rows.items() if value is not None})
    items = "".join(f"<li>{escape(str(note))}</li>" for note in notes)
    return _section("Data", body + (f"<ul>{items}</ul>" if items else ""))


def _configuration(config: Mapping[str, Any]) -> str:
    shown = {k: v for k, v in config.items() if k not in ("data", "command", "fingerprint")}
    environment = flatten({k: shown.pop(k) for k in ("version", "environment") if k in shown})
    rows = flatten(shown)
    chosen = {key: value for key, value in rows.items() if value not in (None, [], "")}
    chosen = _unprefixed(chosen)
    body = _folded(_pairs(chosen), len(chosen), "settings")
    machine = {key.removeprefix("environment."): value for key, value in environment.items()}
    return _section("Configuration", body) + (
        _section("Environment", _pairs(machine)) if machine else ""
    )


def _unprefixed(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by their own names; what was asked for, where it became something else."""
    named: dict[str, Any] = {}
    for key, value in rows.items():
        name = key.removeprefix("options.")
        became = name != key and name in rows and rows[name] != value
        named[f"{name} (asked for)" if became else name] = value
    return named


def _section(title: str, body: str) -> str:
    return f"\n<h2>{escape(title)}</h2>\n{body}"


def _folded(body: str, count: int, noun: str) -> str:
    if count <= 30:
        return body
    return f"<details><summary>{count} {noun}</summary>{body}</details>"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows under their header, numbers to the right."""
    sides = [' class="number"' if _is_number(value) else "" for value in rows[0]]
    lines = [[f"<th{s}>{escape(_spaced(h))}</th>" for h, s in zip(header, sides, strict=True)]]
    for row in rows:
        cells = zip(row, sides, strict=True)
        lines.append([f"<td{side}>{escape(_cell(value))}</td>" for value, side in cells])
    return _wide(lines)


def _pairs(rows: Mapping[str, Any]) -> str:
    """Return names and what they are set to, written as in the configuration."""
    return _wide(
        [f'<th scope="row">{escape(name)}</th>', f"<td>{escape(_setting(value))}</td>"]
        for name, value in rows.items()
    )


def _wide(lines: Iterable[Sequence[str]]) -> str:
    body = "\n".join(f"<tr>{''.join(line)}</tr>" for line in lines)
    return f'<div class="wide"><table>{body}</table></div>'


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if 0 < abs(value) < 1e-3 or abs(value) >= 1e5 else f"{value:.4f}"
    if isinstance(value, int) and value >= 10_000:
        return f"{value:,}"
    return str(value)


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(_setting, value))
    return str(value)


def _spaced(name: object) -> str:
    return str(name).replace("_", " ")


def _command(verb: str, run: Run) -> str:
    return f"zoo {verb} {shlex.quote(str(run))}"
