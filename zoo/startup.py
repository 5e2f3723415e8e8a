"""Bringing TensorFlow up quietly on the device that was asked for."""

from __future__ import annotations

import logging
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from zoo.errors import InputError, ZooError


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what native code writes to stderr from the user; shown after all if it ends badly."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except (ZooError, KeyboardInterrupt):
            raise
        except BaseException:
            os.dup2(saved, 2)
            sink.seek(0)
            sys.stderr.write(sink.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def start(device: str = "auto") -> str:
    """Import TensorFlow and Keras and choose a device.

    Args:
        device: "auto" (a GPU if there is one), "cpu" or "gpu".

    Returns:
        The device in words, as "CPU" or "GPU (1 x NVIDIA H200)".

    Raises:
        InputError: a GPU was asked for and TensorFlow sees none.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with quiet():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        import keras
    tf.get_logger().addFilter(_is_news)
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras runs on the backend '{keras.backend.backend()}'. Expected 'tensorflow'. "
            "Try: unset KERAS_BACKEND"
        )
    if device == "gpu" and not gpus:
        raise InputError(
            "--device gpu received a machine on which TensorFlow sees no GPU. Expected a GPU. "
            "Try --device cpu, or install the driver and 'keras-zoo[gpu]'."
        )
    if not gpus or device == "cpu":
        _hide_gpus(gpus)
        return "CPU"
    for gpu in gpus:
        _grow_memory(gpu)
    names = {tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus}
    return f"GPU ({len(gpus)} x {', '.join(sorted(filter(None, names))) or 'unknown'})"


def _is_news(record: logging.LogRecord) -> bool:
    """Tell what a user can do something about from what TensorFlow says of its own work.

    Preprocessing is traced once for each data set of a process, which it counts as too often.
    """
    return "triggered tf.function retracing" not in record.getMessage()


def _hide_gpus(gpus: list) -> None:
    import tensorflow as tf

    if not gpus:
        return
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:  # TensorFlow is already up in this process, as under the Python API
        if tf.config.get_visible_devices("GPU"):
            raise InputError(
                "--device cpu received a process whose GPU is already in use. "
                "Expected to be called before anything ran on it."
            ) from None


def _grow_memory(gpu: object) -> None:
    import tensorflow as tf

    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:  # already up: the process decided before us
        return


def processor() -> str:
    """Return the name of the processor, whose kernels decide the last bits of a result."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
