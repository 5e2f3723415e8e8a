"""Every file of ours is whole or absent: each write of each command, cut in half by SIGKILL.

The writes are counted by a first run that is left alone, so a new file is killed the day it lands.
"""

import json
import os
import re
import shutil
import stat
import zipfile
from pathlib import Path

import jobs
import pytest
import yaml
from jobs import KILLED, same, state, strays

from zoo import files
from zoo.errors import WriteError
from zoo.runs import Run
from zoo.training.checkpoints import Checkpoints

MLP = ("mlp", "--data", "iris", "--set", "units=4", "--epochs", "2", "--checkpoint-every", "3")
COMMANDS = {
    "train": ("train", *MLP, "--run", "run"),
    "evaluate": ("evaluate", "run", "--csv", "scores.csv"),
    "report": ("report", "run"),
    "savedmodel": ("export", "run"),
    "savedmodel again": ("export", "run"),
    "keras": ("export", "run", "--format", "keras"),
    "keras again": ("export", "run", "--format", "keras"),
    "predict": ("predict", "run", "flowers.csv", "--out", "answers.csv"),
    "compare": ("runs", "compare", "run", "other"),
}
# What a kill in the middle of a write leaves: half of it.
KILL = """
if "data" in globals():
    file.write(data[: len(data) // 2])
    file.flush()
elif "artifact" in globals():
    artifact()
    largest = max((p for p in (place, *place.rglob("*")) if p.is_file()), key=os.path.getsize)
    os.truncate(largest, os.path.getsize(largest) // 2)
os.kill(os.getpid(), signal.SIGKILL)
"""
# Files that hold times, or that TensorFlow or Keras write a little differently each time.
VARYING = ("config.yaml", "log.csv", ".json", ".safetensors", ".html", ".keras", ".pb", ".lock")
VARYING += (".index", ".data-00000-of-00001")


class Zoo(jobs.Jobs):
    """Runs one of `COMMANDS`, and notes what it did to files."""

    def __call__(self, *arguments, when=0, **options):
        self.journal = self.folder / ".jobs" / "journal"
        self.journal.write_text("")
        return super().__call__(
            *arguments,
            inject=jobs.QUICK_EXPORT + jobs.ACTS,
            values={"journal": str(self.journal), "when": when, "fault": KILL},
            finish=True,
            **options,
        )

    def acts(self):
        return self.journal.read_text().splitlines()


@pytest.fixture(scope="module")
def undisturbed(server, tmp_path_factory):
    """Run all commands; return the folders before and after each, and what each did to files."""
    folder = tmp_path_factory.mktemp("undisturbed")
    zoo = Zoo(server, folder)
    flowers = "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n6,3,5,2\n"
    (folder / "flowers.csv").write_text(flowers)
    code, _, err = zoo("train", "linear", "--data", "iris", "--epochs", "1", "--run", "other")
    assert code == 0, err
    states = [copy(folder, tmp_path_factory.mktemp("state"))]
    acts = {}
    for name, arguments in COMMANDS.items():
        code, _, err = zoo(*arguments)
        assert code == 0, err
        acts[name] = zoo.acts()
        states.append(copy(folder, tmp_path_factory.mktemp("state")))
    return {name: (*states[i : i + 2], acts[name]) for i, name in enumerate(COMMANDS)}


def copy(folder, to):
    return Path(shutil.copytree(folder, to, ignore=lambda *_: [".jobs"], dirs_exist_ok=True))


def kill_and_repeat(undisturbed, server, folder, name, when):
    """Kill a command at an act, look at what is left, and repeat it."""
    before, after, _ = undisturbed[name]
    zoo = Zoo(server, copy(before, folder))
    code, _, err = zoo(*COMMANDS[name], when=when)
    assert code == KILLED, (name, when, err)
    left = contents(folder)
    assert contents(before).keys() <= left.keys()
    for path in left:
        check_whole(folder / path)
    code, _, err = zoo(*again(folder, name))
    assert code == 0, (name, when, err)
    assert strays(folder) == []
    check_equal(folder, after)


def again(folder, name):
    if name == "train" and (folder / "run").exists():
        return "train", "--resume", "run"
    return COMMANDS[name]


def contents(folder):
    """Return the bytes of every file that has its final name."""
    found = {}
    for path in folder.rglob("*"):
        place = path.relative_to(folder)
        if path.is_file() and place.parts[0] != ".jobs" and ".zoo-" not in str(place):
            found[str(place)] = path.read_bytes()
    return found


def check_whole(path):
    """Assert that a file is what its name says, all of it."""
    content, suffix = path.read_bytes(), path.suffix
    if path.name == "log.csv":
        assert all(isinstance(row["loss"], float) for row in Run(path.parent).log)
    elif path.parent.name == "checkpoints":
        if suffix == ".json":
            Checkpoints(path.parent).read(path.stem)
    elif path.name == "model.safetensors":
        from safetensors.numpy import load

        assert load(content)
    elif suffix == ".json":
        json.loads(content)
    elif suffix == ".yaml":
        assert yaml.safe_load(content)["environment"]
    elif suffix == ".png":
        assert content.endswith(b"IEND\xaeB`\x82")
    elif suffix == ".html":
        assert content.endswith(b"</body></html>\n")
    elif suffix == ".csv":
        assert content.endswith(b"\n")
        assert len({line.count(b",") for line in content.splitlines()}) == 1
    elif suffix == ".keras":
        assert zipfile.ZipFile(path).testzip() is None
    elif path.name == "saved_model.pb":
        check_saved_model(path)


def check_saved_model(path):
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    assert saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs
    variables = tf.train.load_checkpoint(str(path.parent / "variables" / "variables"))
    assert all(variables.get_tensor(n) is not None for n in variables.get_variable_to_shape_map())
    assets = {asset.name for asset in (path.parent / "assets").iterdir()}
    assert assets == {"zoo.json", "card.md", "parity.json"}


def check_equal(folder, expected):
    """Assert that a folder is as the one left alone, but for times and what TensorFlow varies."""
    found, wanted = contents(folder), contents(expected)
    assert {undigested(name) for name in found} == {undigested(name) for name in wanted}
    for name, content in wanted.items():
        if not name.endswith(VARYING) or name.endswith(("metrics.json", "preprocessor.json")):
            assert found[name] == content, name
    same(state(Run(folder / "run")), state(Run(expected / "run")))
    for path in found:
        check_whole(folder / path)


def undigested(name):
    return re.sub(r"-[0-9a-f]{8}\.safetensors", ".safetensors", name)


@pytest.mark.slow
def test_the_writes_are_those_known(undisturbed):
    """What was counted holds every file that a command leaves, or the kills would pass it by."""
    for name, (before, after, acts) in undisturbed.items():
        told = {undigested(line.split()[2]) for line in acts if line.split()[1] != "move"}
        new = {undigested(path) for path in contents(after).keys() - contents(before).keys()}
        untold = {path for path in new - told if "savedmodel" not in path}  # TensorFlow's own
        assert not untold, name
    assert sum(len(acts) for *_, acts in undisturbed.values()) > 60


SAMPLE = {
    "evaluate": ("move*scores.csv",),
    "report": ("write*confusion.png",),
    "savedmodel again": ("write*savedmodel", "move*savedmodel"),
    "keras": ("write*model.keras",),
    "predict": ("write*answers.csv",),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_a_command_that_is_killed_leaves_whole_files(
    undisturbed, server, tmp_path, name, record_property
):
    record_property("writes cut short by SIGKILL", len(SAMPLE[name]))
    for number, when in enumerate(SAMPLE[name]):
        kill_and_repeat(undisturbed, server, tmp_path / str(number), name, when)


# In the order in which a run comes to them: each resumes after the kill before.
TRAINED = (
    "write*config.yaml", "write*step-000000003*.safetensors", "write*step-000000003.json",
    "append*log.csv", "write*model.safetensors", "move*report.html",
)  # fmt: skip


@pytest.mark.slow
def test_training_that_is_killed_in_every_kind_of_file(
    undisturbed, server, tmp_path, record_property
):
    """One run, killed in one write after the other, ends as the run left alone."""
    before, after, _ = undisturbed["train"]
    zoo = Zoo(server, copy(before, tmp_path))
    record_property("writes cut short by SIGKILL", len(TRAINED))
    for when in TRAINED:
        code, _, err = zoo(*again(tmp_path, "train"), when=when)
        assert code == KILLED, (when, err)
        for path in contents(tmp_path):
            check_whole(tmp_path / path)
    code, _, err = zoo(*again(tmp_path, "train"))
    assert code == 0, err
    assert strays(tmp_path) == []
    check_equal(tmp_path, after)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_write_of_every_command_can_be_killed(
    undisturbed, server, tmp_path, name, record_property
):
    count = len(undisturbed[name][2])
    record_property("writes cut short by SIGKILL", count)
    for number in range(1, count + 1):
        kill_and_repeat(undisturbed, server, tmp_path / str(number), name, number)


@pytest.fixture(params=[True, False], ids=["exchanged", "in two steps"])
def _exchange(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(files, "_exchanged", lambda first, second: False)


@pytest.mark.usefixtures("_exchange")
def test_a_folder_takes_the_place_of_another(tmp_path):
    place = tmp_path / "made" / "artifact"
    for content in ("old", "new"):
        with files.building(place) as new:
            new.mkdir()
            (new / content).write_text(content)
            files.put(new, place)
    assert [path.name for path in place.iterdir()] == ["new"]
    assert [path.name for path in place.parent.iterdir()] == ["artifact"]


@pytest.mark.usefixtures("_exchange")
def test_two_steps_that_fail_are_taken_back(tmp_path, monkeypatch):
    place, replace = tmp_path / "artifact", os.replace
    place.mkdir()
    (place / "old").write_text("old")

    def refuse(first, second):
        if Path(first).name == "artifact" and Path(first) != place:
            raise PermissionError(13, "Permission denied")
        replace(first, second)

    monkeypatch.setattr(files, "_exchanged", lambda first, second: False)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(WriteError, match="Permission denied"):
        build(place)
    assert contents(tmp_path) == {"artifact/old": b"old"}
    assert strays(tmp_path) == []


def build(place):
    with files.building(place) as new:
        new.mkdir()
        files.put(new, place)


def test_a_folder_that_cannot_be_moved_leaves_the_old_one(tmp_path):
    place = tmp_path / "artifact"
    place.mkdir()
    (place / "old").write_text("old")
    with files.building(place) as new, pytest.raises(FileNotFoundError):
        files.put(new, place)  # nothing was built
    assert contents(tmp_path) == {"artifact/old": b"old"}
    assert strays(tmp_path) == []


def test_what_is_built_for_nothing_leaves_no_folders(tmp_path):
    with files.building(tmp_path / "a" / "b" / "c") as new:
        new.mkdir()
    assert not list(tmp_path.iterdir())


def test_content_reaches_the_disk_before_its_name_does(tmp_path, monkeypatch):
    acts, fsync, replace = [], os.fsync, os.replace

    def synced(descriptor):
        acts.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", lambda *paths: acts.append("name") or replace(*paths))
    files.write_atomic(tmp_path / "file", "content")
    assert acts == ["file", "name", "folder"]
    acts.clear()
    with files.building(tmp_path / "artifact") as new:
        new.mkdir()
        (new / "model").write_text("content")
        files.put(new, tmp_path / "artifact")
    assert acts == ["file", "folder", "name", "folder"]


def test_only_what_nobody_holds_is_swept(tmp_path):
    (tmp_path / ".other.0.zoo-tmp").write_text("half")
    (tmp_path / ".other.0.zoo-dir").mkdir()
    (tmp_path / ".other.0.zoo-dir" / "x").write_text("half")
    (tmp_path / ".mine.tmp").write_text("the user's")
    with files.building(tmp_path / "held") as new:
        new.mkdir()
        files.write_atomic(tmp_path / "file", "whole")
        held = {".held.0.zoo-tmp", ".held.0.zoo-dir"}
        assert {path.name for path in tmp_path.iterdir()} == {"file", ".mine.tmp", *held}
        with files.building(tmp_path / "held") as other:  # two at once have two folders
            assert other != new
            assert new.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"file", ".mine.tmp"}
