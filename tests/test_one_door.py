"""Whatever writes to the disk goes through `zoo.files`, or is listed here with a reason."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Where something is written, moved or removed but by `zoo.files`, and why that is safe.
ALLOWED = {
    "zoo/runs.py locked open": "the lock: its content is only the name of a process",
    "zoo/runs.py locked truncate": "the same",
    "cli/__init__.py invoke open": "the null device, for what nobody reads any more",
    "zoo/training/checkpoints.py _clean unlink": "checkpoints beyond the last two, after the new",
    "zoo/startup.py quiet TemporaryFile": "a nameless file for what native code says",
    "zoo/preprocessing/text.py reader TemporaryFile": "tokens of a long text, without a name",
    "zoo/exporters/savedmodel.py write write_out": "TensorFlow, into the folder of `building`",
    "zoo/exporters/keras_file.py write save": "Keras, into the folder of `building`",
    "zoo/exporters/parity.py main savez": "into memory",
    "zoo/conformance/__init__.py _reloaded TemporaryDirectory": "models read back, then gone",
    "zoo/conformance/reloading.py reload write_text": "within that folder",
    "zoo/conformance/reloading.py _write write_text": "within that folder",
    "zoo/conformance/reloading.py _write savez": "within that folder",
    "zoo/conformance/reloading.py <lambda> save": "within that folder",
    "zoo/conformance/reloading.py <lambda> save_weights": "within that folder",
    "zoo/conformance/reloading.py <lambda> export": "within that folder",
    "zoo/conformance/reloading.py _child write_text": "within that folder",
    "zoo/conformance/reloading.py _child save": "within that folder",
    "cli/predict.py _from_stdin TemporaryDirectory": "stdin, for as long as it is read",
    "cli/predict.py _from_stdin open": "stdin, in that folder",
    "zoo/reports/style.py png savefig": "into memory",
    "zoo/pictures.py write savez_compressed": "into memory",
    "zoo/pictures.py animation save": "into memory",
    "zoo/pictures.py grid save": "into memory",
    "datasets/pictures.py upright save": "into memory",
    "datasets/videos.py frames open": "FFmpeg, which reads",
    "zoo/videos.py write open": "FFmpeg, a file of `building`",
    "datasets/fetch.py _download open": "a file of `building`",
}
WRITERS = {
    "write_text", "write_bytes", "touch", "unlink", "rmdir", "rename", "renames", "symlink",
    "symlink_to", "link", "hardlink_to", "truncate", "mkstemp", "mkdtemp", "TemporaryFile",
    "NamedTemporaryFile", "TemporaryDirectory", "SpooledTemporaryFile", "save", "save_file",
    "savez", "savez_compressed", "savetxt", "tofile", "save_weights", "save_model", "savefig",
    "imsave", "dump", "export", "write_out", "GFile", "write_file", "extractall", "extract",
    "urlretrieve", "FileHandler", "to_pickle", "to_feather",
}  # fmt: skip
OURS = {"reports", "weights", "checkpoints", "api"}  # whose `save` and `export` end in zoo.files
# Whose `open` takes the path before the mode; others open a path of their own.
PATH_FIRST = (
    "", "os", "gzip", "io", "zipfile", "bz2", "lzma", "archive", "tarfile", "Image",
)  # fmt: skip
# These write where they are given a path, else they return text.
TO_PATH = {"to_csv", "to_json", "to_parquet", "to_excel", "to_html", "to_string"}


def written(source):
    """Yield what in a source may write to the disk, as the function it is in and what it calls."""

    def visit(node, function):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and (name := writer(child)):
                yield f"{function} {name}"
            inner = getattr(child, "name", "<lambda>")
            is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from visit(child, inner if is_function else function)

    return visit(ast.parse(source), "<module>")


def writer(call):
    """Return the name under which a call may write to the disk, or nothing."""
    owner, _, name = ast.unparse(call.func).rpartition(".")
    owner = owner.rpartition(".")[2]
    if name == "open":
        return "" if reads(call, owner) else name
    if owner == "shutil" or (owner == "os" and name in ("remove", "replace", "removedirs")):
        return name
    if name == "replace" and owner:  # a path's; a string's takes two
        return name if len(call.args) == 1 and not call.keywords else ""
    if name in TO_PATH:
        constant = [a.value for a in call.args if isinstance(a, ast.Constant)]
        keyword = any(k.arg in ("path_or_buf", "path", "buf") for k in call.keywords)
        return name if len(constant) < len(call.args) or keyword else ""
    if name in ("save", "export") and (owner in OURS or not owner or not call.args):
        return ""
    return name if name in WRITERS else ""


def reads(call, owner):
    """Whether a call of some `open` says that it only reads."""
    if owner in ("Run", "tokenize"):  # one opens no file, the other none to write
        return True
    place = 1 if owner in PATH_FIRST else 0
    modes = [*call.args[place : place + 1], *(k.value for k in call.keywords if k.arg == "mode")]
    if owner == "os":
        return False
    return all(isinstance(m, ast.Constant) and not set(m.value) & set("wax+") for m in modes)


def test_what_writes_goes_through_one_door():
    found = set()
    for room in ("zoo", "cli", "datasets"):
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name != "zoo/files.py" and not path.parent.is_symlink():
                found |= {f"{name} {use}" for use in written(path.read_text())}
    assert found == ALLOWED.keys()


@pytest.mark.parametrize(
    "source",
    [
        "open(path, 'w')", "open(path, mode='ab')", "open(path, mode)", "path.open('x')",
        "os.open(path, flags)", "gzip.open(path, 'wt')", "zipfile.ZipFile.open(path, 'w')",
        "path.write_text(text)", "Path('a', 'b').write_bytes(data)", "os.replace(a, b)",
        "a.replace(b)", "a.rename(b)", "shutil.copytree(a, b)", "shutil.rmtree(a)", "a.unlink()",
        "np.savez(path, x=x)", "np.save(path, x)", "array.tofile(path)", "frame.to_csv(path)",
        "frame.to_csv(path_or_buf=path)", "frame.to_parquet(path)", "json.dump(value, file)",
        "pickle.dump(value, file)", "figure.savefig(path)", "model.save(path)",
        "model.export(str(path))", "tf.io.gfile.GFile(path, 'w')", "tf.io.write_file(path, data)",
        "tempfile.mkstemp()", "archive.extractall(folder)", "(lambda p: model.save(p))(path)",
    ],
)  # fmt: skip
def test_the_walk_sees_what_writes(source):
    assert [*written(f"def f():\n    {source}\n")]


@pytest.mark.parametrize(
    "source",
    [
        "open(path)", "open(path, 'rb')", "path.open(encoding='utf-8')", "gzip.open(path, 'rt')",
        "text.replace('a', 'b')", "dataclasses.replace(row, a=1)", "frame.to_csv(index=False)",
        "spec.to_json()", "reports.save(figure, path)", "items.remove(x)", "json.dumps(value)",
        "frame.to_json(orient='records')", "array.copy()", "Run.open(path)",
    ],
)  # fmt: skip
def test_the_walk_passes_over_what_does_not(source):
    assert not [*written(f"def f():\n    {source}\n")]
