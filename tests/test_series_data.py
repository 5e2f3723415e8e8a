"""Time series: times read, windows found, splits made by time, and what is refused or told."""

import json

import numpy as np
import pandas as pd
import pytest
from small import write_series

from zoo import datasets
from zoo.datasets import times
from zoo.datasets.frames import canonical
from zoo.errors import InputError

ASKED = {"time": "hour", "horizon": 4, "history": 12}


def clock_of(values):
    series = canonical(pd.Series(values, name="t"))
    clock, _ = times.find(series)
    return times.with_step(clock, series, np.zeros(len(series), int)), series


@pytest.mark.parametrize(
    ("frequency", "form", "step", "season"),
    [
        ("h", "%Y-%m-%d %H:%M:%S", "1 hour", 24),
        ("15min", "%m/%d/%Y %I:%M %p", "15 minutes", 96),
        ("D", "%d.%m.%Y", "1 day", 7),
        ("D", "%Y%m%d", "1 day", 7),
        ("W", "%Y-%m-%d", "7 days", 52),
        ("ME", "%Y-%m-%d", "1 month", 12),
        ("MS", "%b %Y", "1 month", 12),
        ("QS", "%Y-%m", "3 months", 4),
        ("YS", "%Y-%m-%d", "1 year", 1),
        ("10s", "%Y-%m-%dT%H:%M:%S%z", "10 seconds", 6),
    ],
)
def test_times_are_read_and_written_alike(frequency, form, step, season):
    moments = pd.date_range("2019-12-31", periods=60, freq=frequency, tz="UTC")
    texts = moments.strftime(form)
    clock, series = clock_of(texts if form != "%Y%m%d" else texts.astype(int))
    read = clock.read(series)
    assert (clock.span(clock.step), clock.season) == (step, season)
    assert times.follow(read, clock.step).all()
    assert list(clock.write(read[:1] + clock.step * np.arange(60))) == list(texts)


def test_numbers_may_be_times():
    clock, series = clock_of(np.arange(1950, 2000))
    assert (clock.unit, clock.step, clock.season) == ("number", 1.0, 1)
    assert list(clock.write(clock.read(series)[-1:] + clock.step)) == ["2000"]
    assert clock_of(np.arange(50) * 0.1)[0].step == 0.1


def test_splits_follow_each_other_and_histories_reach_back(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("one",), hours=200)
    data = datasets.load(tmp_path / "s.csv", target="load (MW)", drop=("site",), **ASKED)
    rows = {name: getattr(data, name).rows for name in ("train", "validation", "test")}
    assert [len(r) for r in rows.values()] == [140, 20, 40]
    for name, split in (("validation", data.validation), ("test", data.test)):
        forecast = split.starts[:, None] + 12 + np.arange(4)
        assert np.array_equal(np.unique(forecast), rows[name])  # all of them, and no other
        assert split.starts[0] + 12 == rows[name][0]  # it looks back on the split before
    assert (data.train.starts + 16 <= 140).all()
    assert len(data.train) == 140 - 16 + 1
    load = frame["load (MW)"].to_numpy()
    raw = data.test.batch([0, 3])
    assert list(raw) == ["load (MW)", "temp"]
    assert np.array_equal(raw["load (MW)"][1], load[151:163])
    assert np.array_equal(data.test.future([3])[0, :, 0], load[163:167])
    assert list(data.test.moments([3])["hour"][0]) == frame["hour"][163:167].tolist()
    assert data.spec.from_json(json.loads(json.dumps(data.spec.to_json()))) == data.spec


def test_groups_are_cut_at_the_same_times(tmp_path):
    frame = write_series(tmp_path / "s.csv")
    late = frame.drop(frame.index[120:160])  # the second series begins later
    late.to_csv(tmp_path / "late.csv", index=False)
    data = datasets.load(tmp_path / "late.csv", group="site", target="load (MW)", **ASKED)
    moments, owners = data.test.table.times[data.test.rows], data.test.table.owners[data.test.rows]
    assert set(moments[owners == 0]) == set(moments[owners == 1])
    assert data.test.table.times[data.train.rows].max() < moments.min()
    ends = data.train.table.owners[data.train.starts + 15]
    assert np.array_equal(data.train.table.owners[data.train.starts], ends)
    assert set(data.test.moments(np.arange(len(data.test)))["site"]) == {"north", "south"}


def test_gaps_and_missing_values_cost_their_windows(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("one",), hours=200)
    frame.loc[50, "load (MW)"] = np.nan
    frame.drop(index=[100, 101]).to_csv(tmp_path / "s.csv", index=False)
    data = datasets.load(tmp_path / "s.csv", drop=("site", "temp"), **ASKED)
    assert "the step is 1 hour, but for 1 gap; the longest lasts 3 hours" in data.notes[0]
    assert data.notes[1] == "31 of 183 windows are left out: 15 cross a gap, 16 lack a value"
    for split in (data.train, data.validation, data.test):
        assert not np.isnan(split.future(np.arange(len(split)))).any()
        times_of = split.table.times[split.starts[:, None] + np.arange(16)]
        assert (np.diff(times_of, axis=1) == 3600).all()


def test_a_missing_covariate_ahead_costs_nothing_unless_it_is_known(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("one",), hours=200)
    frame.loc[199, "temp"] = np.nan
    frame.to_csv(tmp_path / "s.csv", index=False)
    asked = {**ASKED, "target": "load (MW)", "drop": ("site",)}
    past = datasets.load(tmp_path / "s.csv", **asked)
    known = datasets.load(tmp_path / "s.csv", known=("temp",), **asked)
    assert len(past.test) == len(known.test) + 1
    assert known.test.batch([0])["temp"].shape == (1, 16)
    assert past.test.batch([0])["temp"].shape == (1, 12)


def test_a_model_without_covariates_is_shown_none(tmp_path):
    write_series(tmp_path / "s.csv")
    data = datasets.load(
        tmp_path / "s.csv", group="site", target="load (MW)", covariates=False, **ASKED
    )
    assert [column.name for column in data.spec.inputs] == ["load (MW)"]
    assert "temp: not used, as the model sees nothing but each target's own past" in data.notes


def test_what_is_left_open_follows_from_the_step(tmp_path):
    write_series(tmp_path / "s.csv", sites=("one",), hours=1000)
    data = datasets.load(tmp_path / "s.csv", time="hour", drop=("site",))
    series = data.spec.series
    assert (series.horizon, series.history, series.season) == (24, 84, 24)
    assert data.spec.targets == ("load (MW)", "temp")
    short = write_series(tmp_path / "short.csv", sites=("one",), hours=100)
    data = datasets.load(tmp_path / "short.csv", time="hour", horizon=20, drop=("site",))
    assert data.spec.series.history == (60 - 20) // 2  # of 60 rows that train
    assert len(short) == 100


def test_unsorted_times_are_sorted_and_told(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("one",))
    sorted_data = datasets.load(tmp_path / "s.csv", drop=("site",), **ASKED)
    frame.iloc[::-1].to_csv(tmp_path / "r.csv", index=False)
    data = datasets.load(tmp_path / "r.csv", drop=("site",), **ASKED)
    assert data.notes == ["column 'hour' goes back 119 times: the rows are sorted by it"]
    assert np.array_equal(data.train.table.values, sorted_data.train.table.values)


def test_a_split_column_and_files_are_honored(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("one",))
    frame["part"] = ["train"] * 80 + ["val"] * 15 + ["test"] * 25
    frame.to_csv(tmp_path / "s.csv", index=False)
    asked = {**ASKED, "drop": ("site",)}
    data = datasets.load(tmp_path / "s.csv", split_column="part", **asked)
    assert [len(s.rows) for s in (data.train, data.validation, data.test)] == [80, 15, 25]
    for name, part in (("train", "train"), ("validation", "val"), ("test", "test")):
        rows = frame[frame["part"] == part].drop(columns="part")
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    of_files = datasets.load(
        tmp_path / "train.csv", validation=tmp_path / "validation.csv",
        test=tmp_path / "test.csv", **asked,
    )  # fmt: skip
    assert len(of_files.test) == len(data.test) == 22
    frame["part"] = ["test"] * 25 + ["train"] * 95
    frame.to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(InputError, match="expected training before validation before test"):
        datasets.load(tmp_path / "b.csv", split_column="part", **asked)


def test_a_short_group_is_left_out_and_told(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("long", "tiny"))
    frame.iloc[:130].to_csv(tmp_path / "s.csv", index=False)
    data = datasets.load(tmp_path / "s.csv", group="site", **ASKED)
    assert any(
        "1 of 2 series are left out" in note and "'tiny' (10)" in note for note in data.notes
    )


def test_a_constant_series_is_data(tmp_path):
    write_series(tmp_path / "s.csv", sites=("one",), **{"load (MW)": 5.0})
    data = datasets.load(tmp_path / "s.csv", target="load (MW)", drop=("site",), **ASKED)
    assert (data.train.future([0]) == 5.0).all()


def without(column):
    return lambda frame: frame.drop(columns=column)


def cell(row, column, value):
    def change(frame):
        frame = frame.astype({column: object})
        frame.loc[row, column] = value
        return frame

    return change


REFUSED = {
    "twice": (lambda f: pd.concat([f, f.iloc[:2]]), {}, "has the time 2024-01-01 00:00 twice"),
    "no time": (cell(7, "hour", "soon"), {}, "line 9 has 'soon' in column 'hour'; expected times"),
    "no times": (lambda f: f.assign(hour="soon"), {}, "column 'hour' holds 'soon'; expected times"),
    "too long": (lambda f: f, {"horizon": 500}, "expected 12 rows of history and 500 of horizon"),
    "too far back": (lambda f: f, {"history": 100}, "expected 100 rows of history and 4 of"),
    "one row": (lambda f: f.iloc[:1], {}, "has 1 rows and no two times of one series"),
    "no number": (without(["load (MW)", "temp"]), {}, "has no column of numbers to forecast"),
    "no column": (without("hour"), {}, "Unknown column for --time 'hour'"),
    "no target": (lambda f: f, {"target": "lod (MW)"}, "Did you mean 'load (MW)'"),
    "a text": (cell(3, "temp", "cold"), {"target": "temp"}, "column 'temp' holds"),
    "empty": (lambda f: f.assign(temp=np.nan), {"target": "temp"}, "column 'temp' is empty"),
    "all gaps": (lambda f: f.iloc[::5], {"history": 30}, "has 15 training rows at most"),
    "holes": (
        lambda f: f.assign(temp=[np.nan if i % 9 == 0 else 1.0 * i for i in range(len(f))]),
        {"target": "temp"},
        "has no window of 16 rows with all values",
    ),
    "both": (lambda f: f, {"target": "temp", "known": ("temp",)}, "given for --target and --known"),
    "alone": (lambda f: f, {"time": None}, "--horizon received 4 without --time"),
    "series without": (
        lambda f: f,
        {"time": None, "kind": "series"},
        "was given as series without --time",
    ),
    "another task": (lambda f: f, {"task": "regression"}, "cannot do regression"),
    "infinite": (lambda f: f.assign(temp=np.inf), {"target": "temp"}, "infinite values"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path, name):
    change, asked, message = REFUSED[name]
    frame = change(write_series(tmp_path / "s.csv", sites=("one",)).drop(columns="site"))
    frame.to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")) as caught:
        datasets.load(tmp_path / "s.csv", **{**ASKED, **asked})
    assert "\n" not in str(caught.value)


def test_rows_without_a_time_may_be_skipped(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("one",)).astype({"hour": object})
    frame.loc[7, "hour"] = "soon"
    frame.to_csv(tmp_path / "s.csv", index=False)
    data = datasets.load(tmp_path / "s.csv", drop=("site",), on_bad_example="skip", **ASKED)
    assert data.skipped == 1
    assert len(data.train.table) == 119


def test_new_rows_are_read_as_those_before(tmp_path):
    frame = write_series(tmp_path / "s.csv")
    asked = {**ASKED, "group": "site", "target": "load (MW)", "known": ("temp",)}
    spec = datasets.load(tmp_path / "s.csv", **asked).spec
    everything = datasets.read(tmp_path / "s.csv", spec)
    assert len(everything) == 2 * (120 - 16 + 1)
    with pytest.raises(InputError, match="lacks temp of the 4 steps ahead"):
        datasets.read(tmp_path / "s.csv", spec, targets=False)
    frame.loc[frame["hour"] >= "2024-01-05 20:00", "load (MW)"] = np.nan
    frame.iloc[:-1].to_csv(tmp_path / "recent.csv", index=False)
    recent = datasets.read(tmp_path / "recent.csv", spec, targets=False)
    assert list(recent.moments([0])["hour"][0]) == frame["hour"][116:120].tolist()
    assert recent.notes == ["series 'south' lacks temp of the 4 steps ahead, and is left out"]
    with pytest.raises(InputError, match="has no column 'temp'"):
        datasets.read(write_and_name(frame.drop(columns="temp"), tmp_path), spec)


def test_steps_of_another_length_are_refused(tmp_path):
    frame = write_series(tmp_path / "s.csv", sites=("one",))
    spec = datasets.load(tmp_path / "s.csv", drop=("site",), **ASKED).spec
    frame.iloc[::2].to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(InputError, match="has a row each 2 hours; expected one each 1 hour"):
        datasets.read(tmp_path / "less.csv", spec)


def write_and_name(frame, folder):
    frame.to_csv(folder / "less.csv", index=False)
    return folder / "less.csv"
