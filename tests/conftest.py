"""What several test files share: the command line in process, a messy table, small trained runs."""

import functools
import json

import drawn
import jobs
import numpy as np
import pandas as pd
import pytest
from masked import digits, write_masks
from refusals import frame, snapshot
from small import write_series

from zoo import cli

TINY = {"epochs": 2, "set": {"units": (8,)}}
# One run a task, and what is odd: two classes, categories that are embedded, several targets.
TRAINED = {
    "classes": ("mlp", {"data": "iris", **TINY}),
    "binary": ("mlp", {"data": "breast-cancer", **TINY}),
    "numbers": ("mlp", {"data": "diabetes", **TINY}),
    "table": ("wide-deep", {"data": "{table}", "target": ("kind of thing",), **TINY}),
    "cross": ("dcn-v2", {"data": "{table}", "target": ("kind of thing",), **TINY}),
    "targets": ("mlp", {"data": "{table}", "target": ("Höhe (m)", "y/z"), **TINY}),
    "labels": ("mlp", {"data": "{labels}", "target": ("tags",), **TINY}),
    "copies": ("autoencoder", {"data": "wine", "epochs": 2, "set": {"units": (8, 3)}}),
    "vectors": ("linear", {"data": "digits", "kind": "vector", "epochs": 1}),
    "pictures": ("lenet5", {"data": "digits", "epochs": 1}),
    "masks": (
        "unet-small",
        {"data": "{masks}", "epochs": 2, "set": {"filters": 4, "depth": 2}},
    ),
    "boxes": (
        "fcos",
        {
            "data": "{boxes}",
            "epochs": 2,
            "batch_size": 8,
            "set": {
                "backbone_options": {"filters": 4, "stages": 4, "depth": 1},
                "strides": (4, 8, 16),
                "width": 8,
                "depth": 1,
            },
        },
    ),
    "text": (
        "lstm",
        {"data": "{text}", "epochs": 1, "sequence_length": 16, "set": {"units": (8,)}},
    ),
    "series": (
        "lstm-forecaster",
        {
            "data": "{series}",
            "time": "hour",
            "group": "site",
            "known": ("temp",),
            "target": ("load (MW)",),
            "horizon": 4,
            "history": 12,
            "quantiles": "0.1,0.5,0.9",
            "epochs": 1,
            "set": {"units": (8,), "context": 2},
        },
    ),
    "synthesis": (
        "dcgan",
        {
            "data": "digits",
            "steps": 30,
            "learning_rate": 0.02,
            "set": {"filters": 4, "latent_dim": 4},
        },
    ),
}
SENTENCE = "The quick brown fox jumps over the lazy dog. "


@pytest.fixture
def zoo(capsys):
    """Run the command line in this process; return exit code, stdout and stderr."""

    def zoo(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            cli.main(list(map(str, arguments)))
        return caught.value.code, *capsys.readouterr()

    return zoo


@pytest.fixture(scope="session")
def server():
    """Start the process behind all jobs of `jobs.Jobs`, once a worker."""
    with jobs.start() as process:
        yield process
        process.stdin.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Write a table with all that is hard in one, rows of labels, and a text."""
    folder = tmp_path_factory.mktemp("files")
    random = np.random.default_rng(0)
    rows = 120
    frame = pd.DataFrame(
        {
            "mean radius": random.normal(size=rows).round(4),
            "Größe (cm)": random.normal(170, 10, size=rows).round(2),
            "a/b": random.normal(size=rows).round(4),
            "count": random.normal(size=rows).round(4),
            "a b": random.normal(size=rows).round(4),
            "1st": random.choice(["red", "blue", "a,b"], rows),
            "class": random.choice(["x", "y"], rows),
            "seen on": pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"),
            "kind of thing": random.choice(["ant", "bee", "cat"], rows),
            "Höhe (m)": random.normal(size=rows).round(4),
            "y/z": random.normal(3, 5, size=rows).round(4),
        }
    )
    frame.loc[3:9, "Größe (cm)"] = np.nan
    frame.loc[5:12, "1st"] = np.nan
    frame.loc[7, "seen on"] = np.nan
    frame.to_csv(folder / "table.csv", index=False)
    with open(folder / "labels.jsonl", "w", encoding="utf-8") as file:
        for _ in range(60):
            x, y = random.normal(size=2).round(4).tolist()
            tags = [t for t, on in (("big", x > 0), ("old", y > 0), ("new", y < 0.5)) if on]
            file.write(json.dumps({"x": x, "y": y, "tags": tags}) + "\n")
    text = "\n\n".join(f"{SENTENCE * 3}{i}" for i in range(12))
    (folder / "text.txt").write_text(text, encoding="utf-8")
    write_masks(folder / "masks", *digits(120))
    drawn.write_voc(folder / "boxes", 30)
    paths = {"masks": "masks", "boxes": "boxes", "table": "table.csv", "labels": "labels.jsonl"}
    paths["text"] = "text.txt"
    paths["series"] = "series.csv"
    write_series(folder / "series.csv", ahead=4)
    return {name: folder / path for name, path in paths.items()}


@pytest.fixture(scope="session")
def trained(tmp_path_factory, files):
    """Return the path of a small run by its name in `TRAINED`, trained when first asked for."""
    import zoo

    folder = tmp_path_factory.mktemp("trained")

    @functools.cache
    def train(name):
        model, options = TRAINED[name]
        options = {**options, "data": options["data"].format(**files)}
        return str(zoo.train(model, run=str(folder / name), **options))

    return train


@pytest.fixture(autouse=True)
def _only_our_models(monkeypatch):
    """Forget the models a test registers: the next may be about all there are."""
    from zoo.registry import catalog

    monkeypatch.setattr(catalog, "_registered", dict(catalog._registered))


def pytest_terminal_summary(terminalreporter):
    """Print what tests counted with `record_property`: kills, how many ended identical.

    Numbers of one name are added up, those of a name that begins with "longest" are not.
    """
    totals = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if getattr(report, "when", "") == "call":
                    before = totals.get(name, 0)
                    longest = name.startswith("longest")
                    totals[name] = max(before, value) if longest else before + value
    for name, value in totals.items():
        terminalreporter.write_line(f"{name}: {value:,.4g}")


@pytest.fixture
def refused(zoo, tmp_path, monkeypatch):
    """Run a command that must be refused, in a folder whose files must not change."""
    monkeypatch.chdir(tmp_path)

    def refused(*arguments, code=2):
        before = snapshot(tmp_path)
        received, out, err = zoo(*arguments)
        assert (received, out) == (code, ""), err
        assert err.startswith("Error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1, err
        assert "Traceback" not in err
        assert snapshot(tmp_path) == before
        return err

    return refused


@pytest.fixture
def table(tmp_path):
    """Write a good table with a few cells changed; return its path."""

    def write(name="t.csv", cells=(), **columns):
        data = frame().assign(**columns)
        for row, column, value in cells:
            data.loc[row, column] = value
        data.to_csv(tmp_path / name, index=False)
        return name

    return write
