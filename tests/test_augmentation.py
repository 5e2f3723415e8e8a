"""Augmentation: a function of seed and step, of training batches alone."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import augmentation, options
from zoo.errors import InputError
from zoo.training import guard
from zoo.training.checkpoints import Checkpoints
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.random((6, 8, 8, 3)).astype("float32")
LABELS = np.arange(250, 256).astype("int32")  # beyond what bfloat16 can count
ONE_HOT = np.eye(2, dtype="float32")[LABELS % 2]
EVERYTHING = ",".join(options.AUGMENTATIONS)


def create(text, kind="image", seed=0, task="classification"):
    return augmentation.create(options.augmentations(text), kind, seed, task)


def change(text, step=0, seed=0, replica=0, inputs=PICTURES, kind="image"):
    augment = create(text, kind, seed)
    labels = tf.one_hot(LABELS, 256) if augment.mixes else tf.constant(LABELS)
    batch = (keras.tree.map_structure(tf.constant, inputs), labels)
    inputs, changed = augment(batch, tf.constant(step), replica)
    assert np.array_equal(changed, labels) is not bool(augment.mixes)
    return keras.tree.map_structure(lambda x: x.numpy(), inputs)


@pytest.mark.parametrize("text", [*options.AUGMENTATIONS, EVERYTHING])
def test_a_change_is_a_function_of_seed_step_and_replica(text):
    first = change(text)
    assert first.shape == PICTURES.shape
    assert not np.array_equal(first, PICTURES)
    np.testing.assert_array_equal(first, change(text))
    for other in ({"step": 1}, {"seed": 1}, {"replica": 1}, {"step": 2**22}):
        assert not np.array_equal(first, change(text, **other)), other


@pytest.mark.parametrize("text", options.AUGMENTATIONS)
def test_a_change_keeps_no_state(text):
    augment = create(text)
    labels = tf.TensorSpec((None, 2) if augment.mixes else (None,))
    traced = tf.function(lambda *batch: augment(batch, tf.constant(1), 0), autograph=False)
    guard.check(traced.get_concrete_function(tf.TensorSpec((None, 8, 8, 3)), labels), saved=[])


def test_a_change_draws_the_same_whatever_others_there_are():
    _, alone = create("mixup")((PICTURES, tf.eye(6)), 1, 0)
    _, among = create("flip,noise,mixup")((PICTURES, tf.eye(6)), 1, 0)
    np.testing.assert_array_equal(alone, among)


def test_no_two_of_many_steps_are_alike():
    seeds = {
        tuple(augmentation.StepSeed(seed, kind, tf.constant(step), replica).next().numpy())
        for seed in (0, 1, 7919)
        for kind in (0, 1)
        for step in (*range(8), 2**31 - 1)
        for replica in (0, 1)
    }
    assert len(seeds) == 3 * 2 * 9 * 2


def test_strengths_are_respected():
    noise = change("noise:0.2") - PICTURES
    assert noise.std() == pytest.approx(0.2, rel=0.2)
    assert np.abs(change("noise:0.001") - PICTURES).max() < 0.01
    np.testing.assert_allclose(change("noise:0,brightness:0"), PICTURES, atol=1e-6)


def test_light_and_erasing_keep_to_the_range_of_pictures():
    for text in ("brightness:0.8", "contrast:0.9", "erase:1"):
        changed = change(text)
        assert changed.min() >= 0, text
        assert changed.max() <= 1, text
    lighter = change("brightness:0.05") - PICTURES
    assert np.abs(lighter).max() <= 0.05 + 1e-6
    large = np.full((40, 32, 32, 1), 0.25, "float32")
    shares = (change("erase:1", inputs=large) == 0.5).mean(axis=(1, 2, 3))
    assert (shares > 0).sum() > 35
    assert 0.02 < shares.mean() < shares.max() < 0.5
    some = (change("erase:0.3", inputs=large) == 0.5).any(axis=(1, 2, 3))
    assert 4 < some.sum() < 22


def test_color_changes_hue_and_saturation_alone():
    before, after = (tf.image.rgb_to_hsv(p).numpy() for p in (PICTURES, change("color:0.2")))
    np.testing.assert_allclose(after[..., 2], before[..., 2], atol=1e-6)
    turned = (after[..., 0] - before[..., 0] + 0.5) % 1 - 0.5
    assert 0.01 < np.abs(turned).max() <= 0.05 + 1e-5
    assert np.ptp(turned, axis=(1, 2)).max() < 1e-4  # a picture turns as a whole
    factor = after[..., 1] / before[..., 1]
    assert 0.8 - 1e-4 < factor.min() < 0.95
    assert 1.05 < factor.max() < 1.2 + 1e-4


def test_color_of_gray_pictures_is_refused():
    with pytest.raises(InputError, match=r"'color' for pictures of 1 channel\(s\)"):
        change("color", inputs=PICTURES[..., :1])


def test_noise_on_a_table_leaves_categories_and_works_on_vectors():
    codes = RANDOM.integers(5, size=(6, 2)).astype("int32")
    numbers = RANDOM.random((6, 3)).astype("float32")
    changed = change("noise", inputs={"numbers": numbers, "categories": codes}, kind="table")
    np.testing.assert_array_equal(changed["categories"], codes)
    assert not np.array_equal(changed["numbers"], numbers)
    assert change("noise", inputs=numbers, kind="vector").shape == (6, 3)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("flip", "table", "'flip' for data of kind 'table'. Expected one of: noise."),
        ("rotate", "vector", "'rotate' for data of kind 'vector'. Expected one of: noise."),
        ("noise", "text", "'noise' for data of kind 'text'. Expected one of: none."),
        ("flip:0.5", "image", "'flip:0.5'. Expected flip alone."),
        ("shift:1.5", "image", "'shift:1.5'. Expected a strength of at most 1."),
        ("rotate:270", "image", "'rotate:270'. Expected a strength of at most 180."),
        ("crop:0", "image", "'crop:0'. Expected a strength of at least 0.01."),
        ("cutmix:0", "image", "'cutmix:0'. Expected a strength of at least 0.1."),
        ("randaugment:11", "image", "'randaugment:11'. Expected a strength of at most 10."),
    ],
)
def test_changes_that_make_no_sense_are_refused(text, kind, message):
    with pytest.raises(InputError) as caught:
        create(text, kind)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("task", "refused"),
    [
        ("regression", "mixup"),
        ("reconstruction", "cutmix"),
        ("image-synthesis", "mixup"),
        ("segmentation", "augmix"),
        ("detection", "rotate"),
        ("detection", "randaugment"),
    ],
)
def test_changes_that_targets_cannot_follow_are_refused(task, refused):
    with pytest.raises(InputError, match=f"'{refused}' for {task}. Expected one of: flip, "):
        create(f"flip,{refused}", task=task)
    assert refused in create(refused).moves | create(refused).looks | create(refused).mixes


def test_nothing_chosen_is_nothing_done():
    assert create("") is None


def trainer(text, checkpoints=None, jit=False):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    feed = Resident(PICTURES, target=ONE_HOT)
    return Trainer(
        model, feed, batch_size=2, augment=create(text), jit=jit, checkpoints=checkpoints,
        validation=Resident(PICTURES, target=ONE_HOT),
    )  # fmt: skip


def weights(trainer):
    return [w.numpy() for w in trainer.model.weights]


def calls_of(trainer, steps):
    call = trainer._call

    def fixed(order, last):
        trainer._per_call = steps
        return call(order, last)

    trainer._call = fixed
    return trainer


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_many_steps_in_a_call_equal_single_ones(jit):
    # Within one call the step is a tensor of tf.while_loop.
    text = "crop,randaugment,noise,cutmix"
    single, many = (calls_of(trainer(text, jit=jit), steps) for steps in (1, 100))
    rows = [[{**row, "seconds": 0} for row in t.fit(epochs=2)] for t in (single, many)]
    assert rows[0] == rows[1]
    assert all(map(np.array_equal, weights(single), weights(many)))


@pytest.mark.slow
def test_a_resumed_run_repeats_its_changes(tmp_path):
    left_alone = trainer(EVERYTHING)
    left_alone.fit(epochs=2)
    stopped = trainer(EVERYTHING, Checkpoints(tmp_path / "checkpoints"))
    stopped.fit(epochs=1)
    resumed = trainer(EVERYTHING, Checkpoints(tmp_path / "checkpoints"))
    resumed.restore()
    resumed.position.stopped = False
    resumed.fit(epochs=2)
    assert all(map(np.array_equal, weights(left_alone), weights(resumed)))


def test_validation_sees_unchanged_examples():
    found = trainer("flip,mixup")
    row = found.fit(epochs=1)[0]
    logits = found.model(PICTURES)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)(ONE_HOT, logits)
    assert row["val_loss"] == pytest.approx(float(loss), rel=1e-6)


REPLICAS = """
import sys
from pathlib import Path

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

import keras
import numpy as np

from zoo import augmentation, options
from zoo.training.checkpoints import Checkpoints
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer

random = np.random.default_rng(0)
x, y = random.random((8, 8, 8, 3)).astype("float32"), np.eye(2, dtype="float32")[[0, 1] * 4]
augment = augmentation.create(dict.fromkeys(options.AUGMENTATIONS), "image", 0, "classification")
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def replica():
    which = tf.distribute.get_replica_context().replica_id_in_sync_group
    return augment((tf.constant(x), tf.constant(y)), tf.constant(5), which)[0]


found = strategy.experimental_local_results(tf.function(lambda: strategy.run(replica))())
for which in range(2):
    alone = augment((tf.constant(x), tf.constant(y)), tf.constant(5), which)[0]
    np.testing.assert_allclose(found[which], alone, atol=1e-5)
assert not np.allclose(*found)


def trainer(folder):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential(
            [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
        )
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss, jit_compile=False)
    return Trainer(
        model, Resident(x, target=y), batch_size=4, augment=augment, strategy=strategy,
        checkpoints=Checkpoints(Path(sys.argv[1]) / folder),
    )


whole = trainer("whole")
whole.fit(epochs=2)
trainer("cut").fit(epochs=1)
resumed = trainer("cut")
resumed.restore()
resumed.position.stopped = False
resumed.fit(epochs=2)
for first, second in zip(whole.model.weights, resumed.model.weights, strict=True):
    np.testing.assert_array_equal(first.numpy(), second.numpy())
"""


@pytest.mark.slow
def test_two_replicas_draw_apart_and_resume(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS, tmp_path], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
