"""Files of the UCR and UEA archives: read, trained on, and refused where they are broken."""

import json
import re

import numpy as np
import pytest
import small_series

from zoo import datasets, preprocessing, registry
from zoo.datasets.audit import audit
from zoo.datasets.base import Spec
from zoo.errors import InputError

HEADER = """# a comment
@problemName Gestures
@timeStamps false
@missing false
@univariate false
@dimensions 2
@equalLength true
@seriesLength 3
@classLabel true up down
@data
"""
LINE = "1,2,3:4,5,6:up\n"
GOOD = HEADER + (LINE + "3,2,1:1,1,1:down\n") * 6


@pytest.fixture
def written(tmp_path):
    def written(text, name="gestures.ts"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def test_a_file_is_read_as_its_header_says(written):
    data = datasets.load(written(GOOD), test_fraction=0.0, validation_fraction=0.0)
    assert data.spec.kind == "vector"
    assert data.spec.task == "classification"
    assert data.spec.classes == ("down", "up")
    assert data.spec.inputs[0].shape == (3, 2)
    (array,) = data.train.batch([0, 1]).values()
    assert array.dtype == np.float32
    assert array.tolist() == [[[1, 4], [2, 5], [3, 6]], [[3, 1], [2, 1], [1, 1]]]
    assert data.train.targets()[:2].tolist() == [1, 0]
    assert data.notes == []


def test_what_is_not_said_follows_from_the_examples(written):
    text = "@CLASSLABEL TRUE\n@data\n\n% a comment\n" + "1,-2.5e3: a\n 3,4:b\n" * 8
    data = datasets.load(written(text.replace("TRUE", "true")))
    assert data.spec.inputs[0].shape == (2, 1)
    assert data.spec.classes == ("a", "b")


def test_a_folder_holds_both_files_of_a_problem(written, tmp_path):
    written(GOOD, "Gestures_TRAIN.ts")
    test = written(HEADER + LINE * 3, "Gestures_TEST.ts")
    data = datasets.load(tmp_path, validation_fraction=0.0)
    assert (len(data.train), len(data.test)) == (12, 3)
    named = datasets.load(tmp_path / "Gestures_TRAIN.ts", test=test, validation_fraction=0.0)
    assert named.fingerprint == data.fingerprint
    split = datasets.read(test, data.spec)
    assert split.targets().tolist() == [1, 1, 1]


def test_numbers_are_targets_of_regression(written):
    lines = "".join(f"1,2,{i}:{i / 7}\n" for i in range(20))
    data = datasets.load(written("@univariate true\n@targetLabel true\n@data\n" + lines))
    assert data.spec.task == "regression"
    assert data.spec.targets == ("target",)


def test_without_labels_there_is_nothing_to_predict(written):
    path = written("@univariate true\n@classLabel false\n@data\n" + "1,2,3\n3,2,1\n" * 5)
    assert datasets.load(path).spec.task == "reconstruction"


UNEVEN = "@univariate true\n@equalLength false\n@classLabel true a b\n@data\n"


def test_series_of_different_lengths_are_padded(written, tmp_path):
    written(UNEVEN + "1,2,3:a\n4,5:b\n" * 10, "x_TRAIN.ts")
    test = written(UNEVEN + "1,2,3,4,5:a\n1:b\n", "x_TEST.ts")
    data = datasets.load(tmp_path)
    assert data.spec.inputs[0].shape == (None, 1)
    assert Spec.from_json(json.loads(json.dumps(data.spec.to_json()))) == data.spec
    (array,) = data.train.batch(range(len(data.train))).values()
    assert array.shape[1:] == (5, 1)
    steps = 5 - np.isnan(array).sum(axis=(1, 2))
    assert steps.tolist() == (3 - data.train.targets()).tolist()
    assert np.isfinite(array[:, :2]).all()
    assert "series have 2 to 3 steps" in data.notes[0]
    assert len(datasets.read(test, data.spec)) == 2
    report = audit(data)["arrays"][0]
    assert (report["minimum"], report["maximum"]) == (1, 5)


def test_equal_lengths_stay_so(written, tmp_path):
    data = datasets.load(written(UNEVEN + "1,2,3:a\n4,5,6:b\n" * 10))
    assert data.spec.inputs[0].shape == (3, 1)
    longer = written(UNEVEN + "1,2,3,4:a\n4,5,6:b\n", "longer.ts")
    with pytest.raises(InputError, match=r"shape \(None, 1\); expected \(3, 1\)"):
        datasets.read(longer, data.spec)


def test_missing_values_become_the_mean_and_padding_stays(written):
    text = UNEVEN + "1,?,3:a\n4,5,6,8:b\n" * 10
    data = datasets.load(written(text), test_fraction=0.0, validation_fraction=0.0)
    assert "10 values are missing: each counts as its dimension's mean" in data.notes[1]
    preprocessor = preprocessing.fit(data, "classification", embeddings=False)
    known = np.array([1, 3, 4, 5, 6, 8])
    assert preprocessor.mean == pytest.approx(known.mean())
    restored = preprocessing.from_json(json.loads(json.dumps(preprocessor.to_json())))
    encoded = restored.encode_split(data.train)[0, :, 0]
    expected = (np.array([1, known.mean(), 3, np.nan]) - known.mean()) / known.std()
    np.testing.assert_allclose(encoded, expected, atol=1e-6)


BROKEN = {
    "empty": ("", "is empty; expected data"),
    "binary": (b"\x47\x40\x11\x10\0\0", "zero bytes"),
    "not text": (b"\x47\xff\xfe\xfa", "not UTF-8"),
    "another file": (
        "import { a } from 'b';\n",
        "line 1 is \"import { a } from 'b';\"; expected f",
    ),
    "no data": (HEADER.replace("@data\n", ""), "has no line @data"),
    "only a header": (HEADER, "has no examples after @data"),
    "data before @data": (LINE + HEADER, "line 1 is '1,2,3:4,5,6:up'; expected fields"),
    "too few dimensions": (GOOD + "1,2,3:up\n", "line 23 has 1 dimension; expected 2 as all have"),
    "too many dimensions": (GOOD + "1,2,3:1,2,3:1,2,3:up\n", "line 23 has 3 dimensions"),
    "no label": (GOOD + "1,2,3\n", "line 23 has no ':' and class at its end"),
    "two labels": (GOOD + "1,2,3:1,2,3:up:up\n", "line 23 has 3 dimensions; expected 2"),
    "cut off in a value": (GOOD + "1,2,3:4,5", "line 23 has 1 dimension"),
    "cut off in a label": (GOOD + "1,2,3:4,5,6:u", "has the class 'u'; expected one of up, down"),
    "empty label": (GOOD + "1,2,3:4,5,6:\n", "has the class ''; expected one of up, down"),
    "too few values": (GOOD + "1,2,3:4,5:up\n", "has 2 values in a dimension; expected 3 in each"),
    "uneven dimensions": (
        GOOD.replace("@equalLength true", "@equalLength false") + "1,2,3,4:4,5,6:up\n",
        "line 23 has 3 values in a dimension; expected 4 in each",
    ),
    "text": (GOOD + "1,two,3:4,5,6:up\n", "line 23 holds 'two'; expected numbers, or ?"),
    "nothing": (GOOD + "1,,3:4,5,6:up\n", "line 23 holds ''; expected numbers"),
    "infinite": (GOOD + "1,inf,3:4,5,6:up\n", "line 23 holds inf; expected numbers up to"),
    "time stamps": (HEADER.replace("Stamps false", "Stamps true"), "has time stamps"),
    "no flag": (GOOD.replace("Length true", "Length"), "says nothing after @equallength"),
    "bad flag": (GOOD.replace("Length true", "Length yes"), "says 'yes' after @equallength"),
    "bad count": (GOOD.replace("dimensions 2", "dimensions 0"), "says '0' after @dimensions"),
    "bad length": (GOOD.replace("Length 3", "Length 2 3"), "says '2 3' after @serieslength"),
    "contradiction": (GOOD.replace("univariate false", "univariate true"), "and @dimensions 2"),
    "target of text": (
        "@targetLabel true\n@data\n" + "1,2:3.5\n" * 9 + "1,2:high\n",
        "line 12 has the target 'high'; expected a number",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_line(written, case):
    text, pattern = BROKEN[case]
    with pytest.raises(InputError) as caught:
        datasets.load(written(text))
    message = str(caught.value)
    assert re.search(pattern, message), message
    assert "\n" not in message
    assert "expected" in message
    assert "try" in message


def test_broken_lines_can_be_left_out(written):
    path = written(GOOD + "1,two,3:4,5,6:up\n1,2:3,4:up\n")
    data = datasets.load(path, on_bad_example="skip")
    assert data.skipped == 2
    assert "gestures.ts line 23 holds 'two' (expected numbers, or ? where" in data.notes[0]


def test_files_of_a_problem_agree(written, tmp_path):
    written(GOOD, "x_TRAIN.ts")
    written("@classLabel true up down\n@data\n1,2,3:up\n", "x_TEST.ts")
    with pytest.raises(InputError, match=r"shape|arrays of \(3, 1\).*expected.*\(3, 2\)"):
        datasets.load(tmp_path)


def test_one_long_series_does_not_fill_the_memory(written, monkeypatch):
    monkeypatch.setattr("zoo.datasets.ts.memory", lambda: 10_000)
    text = UNEVEN + "1:a\n1:b\n" * 50 + ",".join("1" * 100) + ":a\n"
    with pytest.raises(InputError, match="101 series, the longest of 100 steps"):
        datasets.load(written(text))


SIZES = {"tcn": ("--set", "filters=8", "--set", "depth=3"), "bigru": ("--set", "units=8")}


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_series_of_any_length_are_learned_and_exported(zoo, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    small_series.write(tmp_path / "waves")
    assert registry.get(name).tasks
    settings = (*SIZES[name], "--epochs", 15, "--run", "run", "--learning-rate", 0.01)
    code, _, err = zoo("train", name, "--data", "waves", *settings)
    assert code == 0, err
    assert "which recurrent networks and tcn do not read" in err
    code, out, err = zoo("evaluate", "run", "--data", "waves/Waves_TEST.ts", "--json")
    assert code == 0, err
    assert json.loads(out)["scores"]["accuracy"] > 0.8
    code, out, err = zoo("export", "run")
    assert code == 0, err
    artifact = out.strip()
    longer = small_series.lines(6, longest=60)
    header = (tmp_path / "waves" / "Waves_TEST.ts").read_text().partition("@data\n")[0]
    (tmp_path / "longer.ts").write_text(f"{header}@data\n{longer}")
    answers = [zoo("predict", place, "longer.ts")[1] for place in ("run", artifact)]
    assert answers[0] == answers[1]
    assert len(answers[0].splitlines()) == 7


def test_mistakes_are_drawn_as_lines(zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_series.write(tmp_path / "waves")
    code, _, err = zoo("train", "gru", "--data", "waves", "--epochs", 1, "--set", "units=2",
                       "--run", "run")  # fmt: skip
    assert code == 0, err
    assert (tmp_path / "run" / "plots" / "worst_mistakes.png").stat().st_size > 5000
    assert "Worst mistakes" in (tmp_path / "run" / "report.html").read_text()
