"""Changes that move pictures: where everything goes, and what goes with it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import augmentation, options
from zoo.augmentation import geometry

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.random((6, 8, 8, 1)).astype("float32")
MOVES = ("flip", "flip-vertical", "shift:0.3", "zoom:0.5", "crop:0.2")


def moved(text, pictures, target=None, task="regression", step=0):
    augment = augmentation.create(options.augmentations(text), "image", 0, task)
    target = tf.zeros(len(pictures)) if target is None else tf.constant(target)
    changed = augment((tf.constant(pictures), target), tf.constant(step), 0)
    return [part.numpy() for part in changed]


@pytest.mark.parametrize(("text", "axis"), [("flip", 2), ("flip-vertical", 1)])
def test_flips_mirror_some_pictures(text, axis):
    flipped, _ = moved(text, PICTURES, step=3)
    mirrored = np.flip(PICTURES, axis)
    which = [np.array_equal(f, m) for f, m in zip(flipped, mirrored, strict=True)]
    same = [np.array_equal(f, p) for f, p in zip(flipped, PICTURES, strict=True)]
    assert 0 < sum(which) < 6
    assert sum(which) + sum(same) == 6


def test_shift_is_a_share_of_the_sides():
    dot = np.zeros((64, 21, 21, 1), "float32")
    dot[:, 10, 10] = 1.0
    rows, columns = np.nonzero(moved("shift:0.1", dot)[0].sum(axis=(0, 3)) > 1e-6)
    assert {*rows, *columns} <= set(range(7, 14))  # 2.1 pixels, rounded
    assert len({*rows}) > 1
    np.testing.assert_allclose(moved("rotate:0,shift:0,zoom:0", PICTURES)[0], PICTURES, atol=1e-6)


def test_zoom_grows_and_shrinks():
    disc = np.zeros((64, 21, 21, 1), "float32")
    disc[:, 7:14, 7:14] = 1.0
    sizes = moved("zoom:0.4", disc)[0].sum(axis=(1, 2, 3)) / 49
    assert sizes.min() < 0.8
    assert sizes.max() > 1.3


def test_rotate_turns_about_the_middle():
    ray = np.zeros((64, 21, 21, 1), "float32")
    ray[:, 10, 10:] = 1.0
    turned = moved("rotate:30", ray)[0][..., 0]
    np.testing.assert_allclose(turned[:, 10, 10], 1.0, atol=1e-5)
    rows = turned[:, :, 18].argmax(axis=1)  # 8 from the middle: tan 30 degrees times 8 is 4.6
    assert 5 <= rows.min() < 8
    assert 12 < rows.max() <= 15


def test_crop_keeps_at_least_its_share_of_the_area():
    sides = np.linspace(0, 1, 32, dtype="float32")
    ramps = np.stack(np.meshgrid(sides, sides), axis=-1)[None].repeat(200, axis=0)
    cropped, _ = moved("crop:0.25", ramps)
    spans = cropped.max(axis=(1, 2)) - cropped.min(axis=(1, 2))  # (200, 2)
    areas = spans.prod(axis=1)
    assert 0.2 < areas.min() < 0.3
    assert 0.9 < areas.max() <= 1.0
    ratios = spans[:, 0] / spans[:, 1]
    assert 0.7 < ratios.min() < 0.8
    assert 1.25 < ratios.max() < 1.4
    assert cropped.min() < 0.05  # it is not always the middle
    assert cropped.max() > 0.95


@pytest.mark.parametrize("shape", [(3, 1, 1, 3), (2, 8, 8, 1), (1, 5, 9, 3)])
def test_small_pictures_are_moved(shape):
    pictures = RANDOM.random(shape).astype("float32")
    changed, _ = moved("crop:0.01,rotate,randaugment", pictures)
    assert changed.shape == shape
    assert np.isfinite(changed).all()


def test_several_moves_are_one_after_the_other():
    flip = geometry.matrices(6, xx=-1.0)
    shift = geometry.matrices(6, x=2.0)
    both = geometry.move_pictures(tf.constant(PICTURES), flip @ shift)
    after = geometry.move_pictures(geometry.move_pictures(tf.constant(PICTURES), flip), shift)
    np.testing.assert_array_equal(both[:, :, :6], after[:, :, :6])


def rectangles(count, height, width):
    """Return masks of one rectangle each, and the same as boxes `(count, 2, 5)`."""
    random = np.random.default_rng(0)
    masks, boxes = np.zeros((count, height, width), "uint8"), np.full((count, 2, 5), -1, "float32")
    for i in range(count):
        top, bottom = np.sort(random.choice(height + 1, 2, replace=False))
        left, right = np.sort(random.choice(width + 1, 2, replace=False))
        masks[i, top:bottom, left:right] = 7
        boxes[i, 0] = top / height, left / width, bottom / height, right / width, 7
    return masks, boxes


@pytest.mark.parametrize("text", [*MOVES, ",".join(MOVES)])
def test_pictures_masks_and_boxes_go_together(text):
    height, width = 48, 64
    grown = "zoom" in text or "crop" in text  # less than a quarter of a box may fill the picture
    masks, boxes = rectangles(60, height, width)
    pictures = (masks[..., None] / 7).astype("float32")
    seen, marked = moved(text, pictures, masks, "segmentation")
    _, found = moved(text, pictures, boxes, "detection")
    assert marked.dtype == np.uint8
    assert set(np.unique(marked)) <= {0, 7, 255}
    known = marked != 255
    assert ((seen[..., 0] > 0.5) == (marked == 7))[known].mean() > 0.99
    assert (found[:, 1] == -1).all()
    for mask, (top, left, bottom, right, code) in zip(marked == 7, found[:, 0], strict=True):
        if code == -1:
            assert grown or mask.mean() < 0.25 * 1.1
            continue
        rows, columns = np.nonzero(mask)
        if len(rows) < 20:
            continue
        around = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
        box = top * height, left * width, bottom * height, right * width
        np.testing.assert_allclose(box, around, atol=1.01)


def test_rotated_masks_follow_their_pictures():
    masks, _ = rectangles(30, 40, 40)
    seen, marked = moved(
        "rotate:90", (masks[..., None] / 7).astype("float32"), masks, "segmentation"
    )
    known = marked != 255
    assert 0.7 < known.mean() < 1
    assert ((seen[..., 0] > 0.5) == (marked == 7))[known].mean() > 0.98


def test_randaugment_moves_masks_and_never_their_codes():
    codes = RANDOM.integers(5, size=(40, 16, 16)).astype("uint8")
    pictures = RANDOM.random((40, 16, 16, 3)).astype("float32")
    _, marked = moved("randaugment", pictures, codes, "segmentation")
    assert set(np.unique(marked)) == {0, 1, 2, 3, 4, 255}
    untouched = (marked == codes).all(axis=(1, 2))
    assert 5 < untouched.sum() < 30  # both operations were of color: (9 / 14)^2 of the pictures


def test_boxes_that_are_mostly_gone_are_dropped():
    box = np.array([[[0.0, 0.0, 0.5, 0.5, 3], [0.6, 0.6, 0.9, 0.9, 4], [-1] * 5]], "float32")
    right = geometry.matrices(1, x=-40.0)  # pixels of 100
    found = geometry.move_boxes(tf.constant(box), right, 100, 100).numpy()
    np.testing.assert_allclose(found[0, 0], [0, 0.4, 0.5, 0.9, 3], atol=1e-6)
    np.testing.assert_array_equal(found[0, 1:], -1)
    left = geometry.matrices(1, x=37.0)
    found = geometry.move_boxes(tf.constant(box), left, 100, 100).numpy()
    np.testing.assert_allclose(found[0, 0], [0, 0, 0.5, 0.13, 3], atol=1e-6)
    gone = geometry.move_boxes(tf.constant(box), geometry.matrices(1, x=38.0), 100, 100).numpy()
    np.testing.assert_array_equal(gone[0, 0], -1)


def test_the_target_of_a_reconstruction_moves_along():
    changed, target = moved("flip,rotate,noise", PICTURES, PICTURES, "reconstruction")
    assert not np.allclose(target, PICTURES, atol=0.1)
    assert 0.02 < (changed - target).std() < 0.08  # the noise is not to be reproduced


@pytest.mark.parametrize("text", ["flip", "flip-vertical", "shift:0.3", "flip,shift:0.3"])
def test_moves_by_whole_pixels_are_what_interpolation_makes_of_them(text):
    """With a zoom by nothing among them, moves are interpolated."""
    for one, other in zip(
        moved(text, PICTURES, PICTURES, "reconstruction", 5),
        moved(f"{text},zoom:0", PICTURES, PICTURES, "reconstruction", 5),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_pictures_move_as_keras_moves_them():
    pictures = RANDOM.random((20, 13, 17, 3)).astype("float32")
    moves = np.concatenate(
        [np.eye(2, 3) + RANDOM.normal(0, 0.3, (20, 2, 3)), np.zeros((20, 1, 3))], 1
    )
    moves[:, :2, 2] *= 10
    ours = geometry.move_pictures(tf.constant(pictures), tf.constant(moves, tf.float32))
    middle = np.array([8.0, 6.0])
    origin = moves[:, :2, 2] + middle - moves[:, :2, :2] @ middle
    flat = np.concatenate([moves[:, :2, :2], origin[..., None]], axis=2).reshape(20, 6)
    theirs = keras.ops.image.affine_transform(
        pictures,
        np.pad(flat, [(0, 0), (0, 2)]).astype("float32"),
        fill_mode="nearest",
        data_format="channels_last",
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
