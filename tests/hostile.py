"""Files made to harm, and `zoo` on them in a process whose memory is measured.

The memory a command may take beside an honest one is `ALLOWED`; address space and seconds have a
hard stop, so that a bomb that goes off fails a test and not the machine.
"""

import io
import json
import os
import pickle
import struct
import sys
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
from jobs import Jobs

MEGABYTE = 1 << 20
ALLOWED = 400 * MEGABYTE
WATCH = """
import resource

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(name))

def watched(arguments, main=zoo.cli.main):
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # forgets the peak
    resource.setrlimit(resource.RLIMIT_AS, 2 * (status("VmSize") + address_space,))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    began = status("VmHWM")
    try:
        main(arguments)
    finally:
        with open(measured, "w") as file:
            file.write(str(status("VmHWM") - began))

zoo.cli.main = watched
"""


class Watched(Jobs):
    """Runs commands in `folder/work`; nothing beside it may change.

    Attributes:
        grown: bytes by which the last command's memory grew.
    """

    def __init__(self, server, folder):
        if sys.platform != "linux":
            pytest.skip("memory is measured through /proc, which only Linux has")
        self.outside = folder
        (folder / "work").mkdir()
        super().__init__(server, folder / "work")
        (folder / "outside.txt").write_text("mine")

    def __call__(self, *arguments, seconds=60, **options):
        measured = self.folder / ".jobs" / "measured"
        values = {"measured": str(measured), "seconds": seconds, "address_space": 4096 * MEGABYTE}
        answer = super().__call__(*arguments, inject=WATCH, values=values, **options)
        self.grown = int(measured.read_text()) if measured.exists() else None
        return answer

    def refused(self, *arguments, allowed=ALLOWED, after=()):
        """Run a command that must end with one line, 2, and nothing done; return the line.

        Args:
            allowed: bytes by which its memory may grow.
            after: lines that may come before the error, by their first words.
        """
        before = self.snapshot()
        code, out, err = self(*arguments)
        *said, error = err.splitlines() or [""]
        assert (code, out) == (2, ""), err[-2000:]
        assert error.startswith("Error: "), err
        assert all(line.startswith(("Reading ", *after)) for line in said), err
        assert self.snapshot() == before, "something was written"
        print(f"{self.grown / MEGABYTE:6,.0f} MB  {error[:300]}")  # shown by -rP
        assert self.grown <= allowed, f"took {self.grown / MEGABYTE:,.0f} MB"
        return error

    def snapshot(self):
        """Return what there is, here and around; a payload that ran would have left a canary."""
        return {
            str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
            for path in self.outside.rglob("*")
            if ".jobs" not in path.parts and path.name != ".lock" and not path.is_dir()
        }


class Payload:
    """Leaves a canary in the working directory when it is unpickled."""

    def __reduce__(self):
        return open, ("canary", "w")


PICKLE = pickle.dumps(Payload(), protocol=2)
YAML_CALL = "!!python/object/apply:builtins.open ['canary', 'w']"


def alias_bomb(levels=20):
    """Return the billion laughs: some lines of YAML that stand for 10 ** 20 words."""
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines)


def nested(depth=100_000):
    """Return JSON, and YAML, that is nested deeper than any parser's stack."""
    return "[" * depth + "]" * depth


def archive(path, members, link=None):
    """Write a zip of names and bytes; `link` is the name of a symbolic link in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = 0o120777 << 16
            file.writestr(info, "../outside.txt")
    return path


def tar(path):
    """Write a tar with a path upwards, an absolute one and a link."""
    with tarfile.open(path, "w:gz" if path.suffix in (".tgz", ".gz") else "w") as file:
        for name in ("../outside.txt", "/tmp/outside.txt"):
            info = tarfile.TarInfo(name)
            info.size = 4
            file.addfile(info, io.BytesIO(b"hurt"))
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "../outside.txt"
        file.addfile(info)
    return path


def npy(array):
    """Return an array as a .npy file holds it."""
    content = io.BytesIO()
    np.lib.format.write_array(content, np.asarray(array), allow_pickle=True)
    return content.getvalue()


def npy_header(shape, kind="<f4"):
    """Return a .npy file that is only a header, promising an array."""
    content = io.BytesIO()
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, header)
    return content.getvalue()


def packed(pattern, size):
    """Return gzip data of very many times the same bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = pattern * (MEGABYTE // len(pattern))
    return b"".join([*(packer.compress(block) for _ in range(size // MEGABYTE)), packer.flush()])


def png(width, height):
    """Return a black PNG of one bit a pixel."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def jpeg(width, height):
    """Return a JPEG of a few pixels whose header promises more."""
    import tensorflow as tf

    data = bytearray(tf.io.encode_jpeg(np.zeros((16, 16, 1), np.uint8)).numpy())
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def safetensors(tensors, body=b"", length=None):
    """Return a safetensors file with this header, be it true or not."""
    header = tensors if isinstance(tensors, bytes) else json.dumps(tensors).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + body


def sparse(path, start, size):
    """Write a file that begins with some bytes and goes on with a hole up to `size`."""
    path.write_bytes(start)
    os.truncate(path, size)
    return path
