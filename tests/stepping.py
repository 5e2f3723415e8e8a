"""A decoder asked a token at a time, as beam search asks it."""

import numpy as np
import tensorflow as tf


def check(model, source, target):
    """Compare each step's logits with those of the whole target at once."""
    expected = model({"source": source, "target": target}, training=False)
    decoder = model.get_layer("decoder")
    fixed, state = decoder.begin(model.get_layer("encoder")(source), target.shape[1] + 3)
    for i, token in enumerate(target.T):
        logits, state = decoder.step(tf.constant(token), fixed, state)
        np.testing.assert_allclose(logits, expected[:, i], rtol=1e-4, atol=1e-5)
