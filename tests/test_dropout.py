"""The layer that drops: how much, how evenly, what it hands back, the same after a restart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers.dropout import Dropout

ONES = tf.ones((400, 500))


def dropped(layer, x=ONES):
    return np.asarray(layer(x, training=True)) == 0


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_is_dropped_and_the_mean_stays(rate):
    found = np.asarray(Dropout(rate, seed=3)(ONES, training=True))
    deviation = (rate * (1 - rate) / ONES.shape.num_elements()) ** 0.5
    assert abs((found == 0).mean() - rate) < 5 * deviation
    np.testing.assert_allclose(found[found != 0], 1 / (1 - rate), rtol=1e-6)


def test_masks_of_neighbours_calls_and_seeds_have_nothing_in_common():
    layer = Dropout(0.3, seed=1)
    first, second, other = dropped(layer), dropped(layer), dropped(Dropout(0.3, seed=2))
    aside, below = (first[:, 1:], first[:, :-1]), (first[1:], first[:-1])
    for one, another in ((first, second), (first, other), aside, below):
        assert abs(np.corrcoef(one.ravel(), another.ravel())[0, 1]) < 5 / one.size**0.5


def test_a_seed_gives_the_same_masks_compiled_or_not():
    found = [dropped(Dropout(0.4, seed=7))]
    for jit in (False, True):
        layer = Dropout(0.4, seed=7)
        found.append(dropped(tf.function(layer, jit_compile=jit, autograph=False)))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_slopes_are_those_of_what_was_kept():
    with tf.GradientTape() as tape:
        tape.watch(ONES)
        y = Dropout(0.5, seed=0)(ONES, training=True)
    np.testing.assert_array_equal(tape.gradient(y, ONES), y)


def test_nothing_is_dropped_once_trained_nor_kept_at_one():
    np.testing.assert_array_equal(Dropout(0.5)(ONES), ONES)
    assert dropped(Dropout(1.0)).all()


def test_numbers_are_of_the_computations_precision():
    layer = Dropout(0.25, dtype=keras.DTypePolicy("mixed_bfloat16"))
    assert layer(ONES, training=True).dtype == tf.bfloat16
