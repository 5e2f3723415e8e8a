"""Runs that are ended at a chosen moment, and a small `zoo train` for every row and task."""

import signal

import drawn
import jobs
import numpy as np
from masked import write_masks
from PIL import Image

from zoo import registry
from zoo.registry.arguments import DICTATED

# Sends the signal of a test at the moment it names: after a step, within the file of a checkpoint,
# between its two files, after a validation.
ENDS = """
call, evaluate, write = Trainer._call, Trainer.evaluate, checkpoints.write_atomic


def send():
    os.kill(os.getpid(), number)


def one_step(trainer, order, last):
    trainer._per_call = 1
    logs = call(trainer, order, last)
    if kind in ("step", "twice") and trainer.position.step == when:
        send()
        if kind == "twice":
            send()
    return logs


def measured(trainer):
    row = evaluate(trainer)
    if kind == "validation" and trainer.position.epoch == when:
        send()
    return row


def halfway(path, content):
    if path.name.startswith(f"step-{when:09d}"):
        if kind == "between" and path.suffix == ".json":
            send()
        if kind == "writing" and path.suffix != ".json":
            with files._temporary(path) as (_, file):
                file.writelines(content[: len(content) // 2])
                file.flush()
                send()
    write(path, content)


Trainer._call, Trainer.evaluate, checkpoints.write_atomic = one_step, measured, halfway
"""

# Two logical devices and one strategy over them, as two GPUs would have.
REPLICAS = """
from zoo.training import distribution

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
distribution.strategy_for_device = lambda device: strategy
"""


# Pictures in files are read anew in every epoch, as those are that are too many to be kept.
STREAMED = """
from zoo.preprocessing import images

images.RESIDENT = 0
"""


LONG_TEXT = """
from zoo.preprocessing import text

text.LARGEST_KEPT = 0
"""


class Zoo(jobs.Jobs):
    """Runs `zoo` commands that end as a test asks; `setting` is source that runs before them."""

    setting = ""

    def __call__(self, *arguments, kind="", when=0, sent=signal.SIGKILL, **options):
        """Return exit code (negative for a signal), stdout and stderr."""
        ends = {"kind": kind, "when": when, "number": sent}
        return super().__call__(*arguments, inject=self.setting + ENDS, values=ends, **options)


def write_data(folder):
    """Write what the commands of `command` train on, beside data sets that are embedded."""
    lines = [f"To be, or not to be, that is question {i}. " * 8 for i in range(20)]
    (folder / "lines.txt").write_text("\n".join(lines))
    random = np.random.default_rng(0)
    words = [" ".join(random.choice(list("abcdef"), random.integers(2, 9))) for _ in range(80)]
    pairs = [f"{text}\t{text[::-1]}\t{text[0] < 'd'}" for text in words]
    (folder / "pairs.tsv").write_text("\n".join(["source\ttarget\tearly", *pairs]) + "\n")
    pictures = random.integers(256, size=(80, 8, 8, 1)).astype("uint8")
    np.savez(folder / "labels.npz", x=pictures, y=random.integers(2, size=(80, 3)))
    np.savez(folder / "numbers.npz", x=pictures, y=random.normal(size=(80, 2)))
    drawn.write_voc(folder / "boxes", 40, size=(48, 32))
    sequences = random.normal(size=(80, 6, 3)).astype("float32")
    targets = {
        "classes": random.integers(3, size=80),
        "tags": random.integers(2, size=(80, 3)),
        "values": random.normal(size=(80, 2)),
    }
    for name, y in targets.items():
        np.savez(folder / f"{name}.npz", x=sequences, y=y)
        np.savez(folder / f"large-{name}.npz", x=pictures.repeat(8, 1).repeat(8, 2), y=y)
    table = random.normal(size=(80, 3)).round(3)
    kinds, tags = random.choice(["ant", "bee", "cat"], 80), random.integers(2, size=(80, 2))
    rows = [
        ",".join(map(str, (*numbers, kind, *tag)))
        for numbers, kind, tag in zip(table, kinds, tags, strict=True)
    ]
    said = [f"{text},{row}" for text, row in zip(words, rows, strict=True)]
    (folder / "texts.csv").write_text("text,a,b,c,kind,big,old\n" + "\n".join(said) + "\n")
    (folder / "table.csv").write_text("a,b,c,kind,big,old\n" + "\n".join(rows) + "\n")
    for i, picture in enumerate(pictures):
        place = folder / "files" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(place / f"{i}.{'png' if i % 5 else 'bmp'}")
        for side, shown in (("A", picture), ("B", 255 - picture)):
            place = folder / "two" / side
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(shown[..., 0]).save(place / f"{i}.png")
    hours = np.arange(90)
    load = (np.sin(hours / 4) + random.normal(size=90)).round(3)
    rows = [f"2024-01-{1 + h // 24:02} {h % 24:02}:00,{h // 24 % 2},{load[h]}" for h in hours]
    (folder / "series.csv").write_text("hour,workday,load\n" + "\n".join(rows) + "\n")
    write_masks(folder / "masked", pictures[..., 0], pictures[..., 0] // 86)


PICTURES = {
    "classification": ("--data", "digits"),
    "multi-label": ("--data", "labels.npz"),
    "regression": ("--data", "numbers.npz"),
    "segmentation": ("--data", "masked"),
    "detection": ("--data", "boxes"),
    "image-synthesis": ("--data", "digits"),
    "image-to-image": ("--data", "two/A", "--data-b", "two/B"),
    "unpaired-image-to-image": ("--data", "two"),
}
LARGE = {
    "classification": ("--data", "large-classes.npz"),
    "multi-label": ("--data", "large-tags.npz"),
    "regression": ("--data", "large-values.npz"),
}
OF_LARGE = ("alexnet", "vgg11", "vgg13", "vgg16", "vgg19")  # 8x8 pixels are too few for them
SEQUENCES = {
    "language-modelling": ("--data", "lines.txt", "--sequence-length", "8"),
    **dict.fromkeys(
        ("sequence-to-sequence", "summarization", "sentence-embedding"),
        ("--data", "pairs.tsv", "--target", "target", "--drop", "early"),
    ),
    "classification": ("--data", "classes.npz"),
    "multi-label": ("--data", "tags.npz"),
    "regression": ("--data", "values.npz"),
}


def _texts(*targets):
    others = [name for name in ("a", "b", "c", "kind", "big", "old") if name not in targets]
    dropped = [word for name in others for word in ("--drop", name)]
    asked = [word for name in targets for word in ("--target", name)]
    return ("--data", "texts.csv", "--kind", "text", *dropped, *asked)


TEXTS = {
    "classification": _texts("kind"),
    "multi-label": _texts("big", "old"),
    "regression": _texts("a"),
}
TABLES = {
    "classification": ("--data", "table.csv", "--target", "kind"),
    "multi-label": ("--data", "table.csv", "--target", "big", "--target", "old"),
    "regression": ("--data", "table.csv", "--target", "a"),
    "reconstruction": ("--data", "table.csv", "--drop", "kind"),
}


SERIES = (
    "--data", "series.csv", "--time", "hour", "--horizon", "4", "--history", "8", "--known",
    "workday", "--target", "load", "--quantiles", "0.1,0.5,0.9",
)  # fmt: skip


def command(name, task):
    """Return the arguments of a `zoo train` of a few steps for a row and a task of it."""
    tiny = registry.get(name).tiny
    if "horizon" in tiny:
        data, size = SERIES, "16"
    elif "vocabulary_size" in tiny:
        of_tokens = "input_shape" not in {argument.name for argument in registry.arguments(name)}
        data, size = {**SEQUENCES, **(TEXTS if of_tokens else {})}[task], "16"
    elif len(tiny["input_shape"]) == 3:
        data = (LARGE if name in OF_LARGE else PICTURES)[task]
        size = "256" if "digits" in data else "16"
    else:
        data, size = TABLES[task], "16"
    options = {k: v for k, v in tiny.items() if k not in DICTATED}
    listed = {k: ",".join(map(str, v)) if isinstance(v, tuple) else v for k, v in options.items()}
    settings = [word for k, v in listed.items() for word in ("--set", f"{k}={v}")]
    length = ("--epochs", "3", "--batch-size", size, "--jit", "off")
    chosen = () if task == "image-synthesis" else ("--task", task)  # which would drop the classes
    return (name, *data, *chosen, *length, *settings)


def rows_and_tasks():
    """Return every row of the registry with each of its tasks.

    Those of keras.applications see no picture of 8x8 pixels and have no small build; their layers
    keep nothing that layers of others do not. Of rows whose small builds are equal one is enough.
    """
    names = [name for name in registry.list_models() if not name.startswith("keras-")]
    built = {}
    for row in map(registry.get, names):
        built.setdefault(repr((row.builder, {**row.options, **row.tiny}, row.tasks)), row)
    return [(row.name, task) for row in built.values() for task in row.tasks]


def covering():
    """Return rows with tasks, as few as show every family and every task."""
    chosen, seen = [], set()
    for name, task in rows_and_tasks():
        new = {registry.get(name).family, task} - seen
        if new:
            chosen.append((name, task))
            seen |= new
    return chosen
