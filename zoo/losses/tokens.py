"""Cross-entropy of one class out of thousands, in few passes over the logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="zoo")
class SparseCrossentropy(keras.losses.Loss):
    """Cross-entropy of int codes `(...)` and logits `(..., C)`.

    Loss and gradient come from the same exponentials, which takes a third of the time of Keras's
    where C is large.

    Args:
        label_smoothing: share of each label spread evenly over all C classes.
    """

    def __init__(
        self, label_smoothing: float = 0.0, name: str = "categorical_crossentropy", **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """Return the loss of each code, `(...)`."""
        shape = tf.shape(y_pred)
        codes = tf.reshape(tf.cast(y_true, tf.int32), (-1,))
        logits = tf.reshape(y_pred, (-1, y_pred.shape[-1]))
        return tf.reshape(crossentropy(codes, logits, self.label_smoothing), shape[:-1])

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` takes."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def crossentropy(codes: tf.Tensor, logits: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Return the cross-entropy of codes `(N,)` and logits `(N, C)`, `(N,)`."""
    rows, classes = tf.range(tf.shape(logits)[0]), logits.shape[-1]
    own, each = 1.0 - smoothing, smoothing / classes  # what is expected of a code, and of others

    @tf.custom_gradient
    def loss(logits: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        highest = tf.reduce_max(logits, axis=-1, keepdims=True)
        powers = tf.exp(logits - highest)  # (N, C)
        total = tf.reduce_sum(powers, axis=-1, keepdims=True)
        entropy = tf.squeeze(highest + tf.math.log(total), axis=-1)
        entropy -= own * tf.gather(logits, codes, batch_dims=1)
        if smoothing:
            entropy -= smoothing * tf.reduce_mean(logits, axis=-1)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            column = upstream[:, None]
            slopes = powers * (column / total)
            slopes = slopes - each * column if smoothing else slopes
            return tf.tensor_scatter_nd_sub(slopes, tf.stack([rows, codes], 1), own * upstream)

        return entropy, gradient

    return loss(logits)
