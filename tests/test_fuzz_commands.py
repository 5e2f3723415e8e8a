"""Random words on the command line and random options in files: answered, or refused in a line."""

import fuzz
import pytest
import yaml
from hypothesis import strategies as st

from zoo import config
from zoo.errors import InputError

OPTIONS = [entry.name for _, entry in config.all_options()]
FLAGS = ["--" + name.replace("_", "-") for name in OPTIONS]
WORDS = st.sampled_from(
    [
        "train", "evaluate", "predict", "generate", "export", "list", "show", "check", "data",
        "runs", "compare", "report", "mlp", "iris", "digits", "t.csv", "run", ".", "..", "-", "--",
        "-h", "--help", "--json", "--version", "--data", "--set", "--config", "--resume", "--out",
        "--split", "--family", "--task", "--plugin", "c.yaml", "0", "-1", "1e9", "nan", "units=4",
        "units=", "=", "classification", "", "hf://a/b", "t.pkl", "none.csv", "/", "~", "*", "'",
        '"', "\\", "%s", "{}", "$HOME", "\N{SNOWMAN}", "\udc80", "\x1b[31m", "\n", "a" * 300,
    ]
)  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-2, 9), st.floats(), fuzz.TEXT,
    st.lists(fuzz.TEXT, max_size=3), st.dictionaries(fuzz.TEXT, st.integers(), max_size=2),
    st.sampled_from(
        ["iris", "digits", "t.csv", "adam", "1s", "10m", "flip", "shift:0.1", "cosine", "auto",
         "units=4", "a=b", "1,2", "label", "x", "table", "https://a/b", "2020-01-01", "1_0", "0x1F"]
    ),
)  # fmt: skip


class Reached(InputError):
    """Everything that was asked for has been checked: what follows is training."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a folder with some files; nothing is trained and nothing may be written."""
    from zoo.training import session

    def prepare(chosen, *_):
        session.load_data(chosen)
        raise Reached("reached")

    monkeypatch.setattr(session, "prepare", prepare)
    monkeypatch.setattr("zoo.conformance.check", lambda *_: {"mlp": []})
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(30))
    (tmp_path / "t.csv").write_text("x,z,label\n" + rows)
    (tmp_path / "t.pkl").write_bytes(b"\x80\x04.")
    (tmp_path / "c.yaml").write_text("model: mlp\ndata: iris\n")
    return tmp_path


def names(folder):
    return sorted(str(path) for path in folder.rglob("*"))


@fuzz.cases(400, 6000)
def test_words(folder, cases, record_property):
    before = names(folder)

    def promise(words):
        fuzz.run(*words)
        assert names(folder) == before

    first = ["train", "data", "list", "show", "runs", "evaluate", "predict", "export"]
    rest = st.lists(WORDS | fuzz.TEXT, max_size=6)
    words = rest | st.tuples(st.sampled_from(first), rest).map(lambda pair: [pair[0], *pair[1]])
    fuzz.check(promise, words, cases, record_property)


@fuzz.cases(400, 6000)
def test_options_of_train(folder, cases, record_property):
    before = names(folder)
    flag = st.tuples(st.sampled_from(FLAGS), (VALUES.map(str) | fuzz.TEXT).map(lambda v: v or "x"))

    def promise(flags):
        words = [f"{name}={value}" for name, value in flags]
        code, _, err = fuzz.run("train", "mlp", "--data", "t.csv", *words)
        assert code == 2, err
        assert names(folder) == before

    fuzz.check(promise, st.lists(flag, max_size=4), cases, record_property)


@st.composite
def configurations(draw):
    """Draw YAML that is nearly a file of options."""
    options = draw(st.dictionaries(st.sampled_from(OPTIONS), VALUES, max_size=4))
    options = {"model": "mlp", "data": "iris", **options}
    if draw(st.booleans()):
        options |= draw(st.dictionaries(st.sampled_from(["model", "options"]) | fuzz.TEXT, VALUES))
    if draw(st.integers(0, 3)) == 0:
        options = {"model": "mlp", "options": options}
    text = yaml.safe_dump(options, allow_unicode=True).encode("utf-8", "surrogatepass")
    return draw(st.just(text) | fuzz.mutated([text]))


YAML = st.lists(
    st.sampled_from(
        ["model", ": ", "mlp", "\n", "  ", "- ", "[", "]", "{", "}", "&a", "*a",
         "!!python/name:os.x", "!!binary", "!!set", "!!omap", "!!timestamp", "2020-99-99",
         "? ", "|", ">", "<<", "data",
         "%YAML 1.1", "---", "...", "'", '"', "#", "\t", "0o9", "1:60:99", "\x00", "\ufeff", "é"]
    ),
    max_size=20,
).map(lambda parts: "".join(parts).encode())  # fmt: skip


@fuzz.cases(400, 6000)
def test_configuration_files(folder, cases, record_property):
    before = names(folder)

    def promise(content):
        (folder / "c.yaml").write_bytes(content)
        code, _, err = fuzz.run("train", "--config", "c.yaml")
        assert code == 2, err
        assert names(folder) == before

    strategy = configurations() | YAML | st.binary(max_size=60)
    fuzz.check(promise, strategy, cases, record_property)


def test_good_options_get_through(folder):
    """Without it every case could be refused for something else than its own."""
    _, _, err = fuzz.run("train", "--config", "c.yaml")
    assert err == "Error: reached\n"
    _, _, err = fuzz.run("train", "mlp", "--data", "t.csv", "--epochs=3", "--set=units=4")
    assert err == "Error: reached\n"
