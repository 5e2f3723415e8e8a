"""Augmentation: a function of seed and step, of training batches alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import augmentation, options
from zoo.errors import InputError
from zoo.training.checkpoints import Checkpoints
from zoo.training.feeds import Resident
from zoo.training.loop import Trainer

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.random((6, 8, 8, 1)).astype("float32")
LABELS = np.arange(250, 256).astype("int32")  # beyond what bfloat16 can count
EVERYTHING = "flip,shift:0.2,zoom,rotate:20,brightness,contrast,erase,noise:0.1"


def create(text, kind="image", seed=0):
    return augmentation.create(options.augmentations(text), kind, seed)


def change(text, step=0, seed=0, replica=0, inputs=PICTURES, kind="image"):
    batch = (keras.tree.map_structure(tf.constant, inputs), tf.constant(LABELS))
    inputs, labels = create(text, kind, seed)(batch, tf.constant(step), replica)
    np.testing.assert_array_equal(labels, LABELS)
    return keras.tree.map_structure(lambda x: x.numpy(), inputs)


@pytest.mark.parametrize("text", [*options.AUGMENTATIONS, EVERYTHING])
def test_a_change_is_a_function_of_seed_step_and_replica(text):
    first = change(text)
    assert first.shape == PICTURES.shape
    assert not np.array_equal(first, PICTURES)
    np.testing.assert_array_equal(first, change(text))
    for other in ({"step": 1}, {"seed": 1}, {"replica": 1}, {"step": 2**22}):
        assert not np.array_equal(first, change(text, **other)), other


def test_no_two_of_many_steps_are_alike():
    seeds = {
        tuple(augmentation.StepSeed(seed, kind, tf.constant(step), replica).next().numpy())
        for seed in (0, 1, 7919)
        for kind in (0, 1)
        for step in (*range(8), 2**31 - 1)
        for replica in (0, 1)
    }
    assert len(seeds) == 3 * 2 * 9 * 2


def test_flip_is_left_to_right_of_some_pictures():
    flipped = change("flip", step=3)
    mirrored = PICTURES[:, :, ::-1]
    which = [np.array_equal(f, m) for f, m in zip(flipped, mirrored, strict=True)]
    same = [np.array_equal(f, p) for f, p in zip(flipped, PICTURES, strict=True)]
    assert 0 < sum(which) < 6
    assert sum(which) + sum(same) == 6


def test_strengths_are_respected():
    noise = change("noise:0.2") - PICTURES
    assert noise.std() == pytest.approx(0.2, rel=0.2)
    assert np.abs(change("noise:0.001") - PICTURES).max() < 0.01
    dot = np.zeros((64, 21, 21, 1), "float32")
    dot[:, 10, 10] = 1.0
    layer = create("shift:0.1")
    moved, _ = layer((tf.constant(dot), 0), tf.constant(0), 0)
    rows, columns = np.nonzero(moved.numpy().sum(axis=(0, 3)) > 1e-6)
    assert {*rows, *columns} <= set(range(7, 14))  # 2.1 pixels, interpolated
    assert len({*rows}) > 1
    np.testing.assert_allclose(change("rotate:0"), PICTURES, atol=1e-6)
    np.testing.assert_allclose(change("shift:0,noise:0"), PICTURES, atol=1e-6)


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


def test_zoom_grows_and_shrinks():
    disc = np.zeros((64, 21, 21, 1), "float32")
    disc[:, 7:14, 7:14] = 1.0
    zoomed, _ = create("zoom:0.4")((tf.constant(disc), 0), tf.constant(0), 0)
    sizes = zoomed.numpy().sum(axis=(1, 2, 3)) / 49
    assert sizes.min() < 0.8
    assert sizes.max() > 1.3


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
    ],
)
def test_changes_that_make_no_sense_are_refused(text, kind, message):
    with pytest.raises(InputError) as caught:
        create(text, kind)
    assert message in str(caught.value)


def test_nothing_chosen_is_nothing_done():
    assert create("") is None


def trainer(checkpoints=None, jit=False):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    feed = Resident(PICTURES, target=LABELS % 2)
    return Trainer(
        model, feed, batch_size=2, augment=create(EVERYTHING), jit=jit, checkpoints=checkpoints,
        validation=Resident(PICTURES, target=LABELS % 2),
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


@pytest.mark.parametrize("jit", [False, True])
def test_many_steps_in_a_call_equal_single_ones(jit):
    # Within one call the step is a tensor of tf.while_loop.
    single, many = calls_of(trainer(jit=jit), 1), calls_of(trainer(jit=jit), 100)
    rows = [[{**row, "seconds": 0} for row in t.fit(epochs=2)] for t in (single, many)]
    assert rows[0] == rows[1]
    assert all(map(np.array_equal, weights(single), weights(many)))


def test_a_resumed_run_repeats_its_changes(tmp_path):
    left_alone = trainer()
    left_alone.fit(epochs=2)
    stopped = trainer(Checkpoints(tmp_path / "checkpoints"))
    stopped.fit(epochs=1)
    resumed = trainer(Checkpoints(tmp_path / "checkpoints"))
    resumed.restore()
    resumed.position.stopped = False
    resumed.fit(epochs=2)
    assert all(map(np.array_equal, weights(left_alone), weights(resumed)))


def test_validation_sees_unchanged_examples():
    found = trainer()
    row = found.fit(epochs=1)[0]
    logits = found.model(PICTURES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS % 2, logits)
    assert row["val_loss"] == pytest.approx(float(loss), rel=1e-6)
