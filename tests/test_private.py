"""Nothing leaves the machine, and no secret of an address or the environment reaches a file."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import jobs
import pytest

from zoo import config
from zoo.errors import InputError, redacted

# Every Python process that starts notes itself, and whatever it does to reach another.
WATCH = """
import json, os, sys

WATCHED = (
    "socket.connect", "socket.gethost", "socket.getaddrinfo", "socket.getnameinfo", "socket.send",
    "subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.startfile",
    "urllib.", "http.client.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "telnetlib.",
    "webbrowser.", "pty.",
)

def note(event, arguments):
    if event.startswith(WATCHED) or event == "started":
        with open(os.environ["ZOO_BOOK"], "a") as book:
            book.write(json.dumps([event, [repr(argument) for argument in arguments]]) + "\\n")

note("started", sys.orig_argv)
sys.addaudithook(note)
"""
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "s3cret-1",
    "HF_TOKEN": "s3cret-2",
    "HTTPS_PROXY": "http://me:s3cret-3@127.0.0.1:9",
    "MY_PASSWORD": "s3cret-4",
}
COMMANDS = (
    ("train", "mlp", "--data", "iris", "--set", "units=4", "--epochs", "2", "--run", "run"),
    ("train", "gpt-nano", "--data", "words.txt", "--sequence-length", "8", "--epochs", "1",
     "--set", "layers=1", "--set", "heads=1", "--set", "width=8", "--jit", "off", "--run", "text"),
    ("evaluate", "run"),
    ("predict", "run", "flowers.csv", "--out", "answers.csv"),
    ("generate", "text", "--tokens", "3"),
    ("export", "run"),
    ("report", "run"),
    ("runs", "list", "."),
    ("runs", "compare", "run", "text"),
    ("list",),
    ("show", "mlp", "--layers"),
    ("data", "list"),
    ("data", "show", "iris"),
    ("runs", "verify", "run"),
)  # fmt: skip


def watched(folder):
    """Return variables under which every Python process is watched, and where that is noted."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(WATCH)
    book = folder / "book"
    path = os.pathsep.join(filter(None, (str(folder / "site"), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "ZOO_BOOK": str(book), **SECRETS}, book


def noted(book):
    return [json.loads(line) for line in book.read_text().splitlines()]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Run commands, watched from the start of the interpreter; return folder, texts, notes."""
    import matplotlib.font_manager  # noqa: F401  its first import ever asks `fc-list` for fonts

    environment, book = watched(tmp_path_factory.mktemp("watch"))
    folder = tmp_path_factory.mktemp("work")
    (folder / "words.txt").write_text("\n\n".join(["To be, or not to be? " * 3] * 20))
    (folder / "flowers.csv").write_text(
        "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n"
    )
    texts = []
    with jobs.start(environment) as server:
        zoo = jobs.Jobs(server, folder)
        for arguments in COMMANDS:
            code, out, err = zoo(*arguments, finish=True)
            assert code == 0, (arguments, err)
            texts += [out, err]
        before = noted(book)
        calls = "import socket, urllib.request\nsocket.getaddrinfo('127.0.0.1', 9)\n"
        zoo("list", inject=calls)
        server.stdin.close()
    return folder, texts, before, noted(book)[len(before) :]


@pytest.mark.slow
def test_no_command_connects_or_runs_anything_but_itself(done):
    _, _, notes, proof = done
    assert [event for event, _ in proof] == ["socket.getaddrinfo"]  # it would have been seen
    started = [arguments for event, arguments in notes if event == "started"]
    assert len(started) == 2, started  # the fresh process of the export is watched too
    others = [note for note in notes if note[0] != "started"]
    assert {event for event, _ in others} <= {"subprocess.Popen"}
    programs = [arguments[:2] for _, arguments in others if arguments[0] != "'uname'"]
    [[program, arguments]] = programs  # Python's own `platform` asks `uname` for its name
    assert program == repr(sys.executable)
    assert "'-m', 'zoo.exporters.parity'" in arguments


@pytest.mark.slow
def test_no_secret_of_the_environment_is_kept(done):
    folder, texts, *_ = done
    kept = [text for text in texts if "s3cret" in text]
    for path in folder.rglob("*"):
        if path.is_file():
            contents = [path.read_bytes()]
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    contents += [archive.read(name) for name in archive.namelist()]
            kept += [str(path) for content in contents if b"s3cret" in content]
    assert kept == []


@pytest.mark.slow
def test_no_system_call_reaches_the_network(tmp_path):
    """What native code does is not seen from Python: the system is asked."""
    if shutil.which("strace") is None:
        pytest.skip("there is no strace to watch system calls with")
    code = "import sys; from zoo.cli import main; main(sys.argv[1:])"
    for arguments in (COMMANDS[0], ("export", "run"), ("evaluate", "run"), ("check", "mlp")):
        trace = tmp_path / "trace"
        process = subprocess.run(
            ["strace", "-f", "-qq", "-e", "trace=network,execve", "-o", trace, sys.executable,
             "-c", code, *arguments],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        if "ptrace" in process.stderr and process.returncode:
            pytest.skip("processes may not be traced here")
        assert process.returncode == 0, process.stderr
        text = trace.read_text()
        assert re.findall(r".*\b(?:connect|send|sendto|sendmsg|sendmmsg)\(.*", text) == []
        programs = re.findall(r'execve\("([^"]+)".* = 0', text)
        assert len([path for path in programs if Path(path).name != "uname"]) == 1 + (
            arguments[0] in ("export", "check")
        )


URL = "https://me:s3cret@host.example/x.csv?token=s3cret&page=2"
REFUSED = {
    "data": ("train", "mlp", "--data", URL),
    "validation": ("train", "mlp", "--data", "t.csv", "--validation", URL),
    "run": ("train", "mlp", "--data", "iris", "--run", URL),
    "plugin": ("train", "mlp", "--data", "iris", "--plugin", URL),
    "plugin that fails": ("train", "mlp", "--data", "iris", "--plugin", "mine.py"),
    "set": ("train", "mlp", "--data", "iris", "--set", f"units={URL}"),
    "config": ("train", "--config", URL),
    "resume": ("train", "--resume", URL),
    "evaluate": ("evaluate", URL),
    "evaluate on": ("evaluate", "{run}", "--data", URL),
    "csv": ("evaluate", "{run}", "--csv", URL),
    "predict": ("predict", "{run}", URL),
    "out": ("predict", "{run}", "flowers.csv", "--out", URL),
    "export": ("export", URL),
    "export to": ("export", "{run}", "--format", "keras", "--out", f"{URL}.keras"),
    "report": ("report", URL),
    "list": ("runs", "list", URL),
    "compare": ("runs", "compare", "{run}", URL),
    "compare to": ("runs", "compare", "{run}", "other", "--out", f"{URL}.png"),
    "show": ("show", URL),
    "data show": ("data", "show", URL),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_address_is_refused_without_its_secrets(zoo, trained, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    run = trained("classes")
    shutil.copytree(run, "other")
    Path("t.csv").write_text("x,label\n" + "1,a\n2,b\n" * 20)
    Path("mine.py").write_text(f"raise OSError('no answer from {URL}')\n")
    Path("flowers.csv").write_text(
        "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n"
    )
    before = sorted(tmp_path.rglob("*"))
    code, out, err = zoo(*(word.format(run=run) for word in REFUSED[name]))
    assert (code, out) == (2, ""), err
    assert err.splitlines()[-1].startswith("Error: ")
    assert "s3cret" not in err
    assert "host.example" in err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'https://me:pass@host/x'", "'https://***@host/x'"),
        ("https://token@host", "https://***@host"),
        ("s3://me:p@ss:word@bucket/a?b=1", "s3://***@bucket/a?b=1"),
        ("https:/me:pass@host/x as a path", "https:/***@host/x as a path"),
        ("x?token=abc&page=2", "x?token=***&page=2"),
        ("?X-Amz-Signature=a%20b#access_token=d e", "?X-Amz-Signature=***#access_token=*** e"),
        ("x?api_key=a%20b;PASSWORD=c", "x?api_key=***;PASSWORD=***"),
        ("me@host, or https://host/a?page=2", "me@host, or https://host/a?page=2"),
        ("C:/a/b@c and tokens=3", "C:/a/b@c and tokens=3"),
    ],
)  # fmt: skip
def test_redacted(text, expected):
    assert redacted(text) == expected
    assert str(InputError(text)) == expected


def test_the_record_of_a_command_holds_no_secrets():
    asked = config.build("mlp", {"data": "iris", "target": (URL,)})
    line = config.command_line(asked)
    assert "s3cret" not in line
    assert "https://***@host.example/x.csv?token=***&page=2" in line
