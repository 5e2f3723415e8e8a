"""What pulls the vectors of a pair together and those of different pairs apart."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="zoo")
class InBatch(keras.losses.Loss):
    """Cross-entropy of each source's own target among all of its batch, by their cosines.

    Henderson and others, Efficient Natural Language Response Suggestion for Smart Reply, 2017,
    arXiv:1705.00652.

    Args:
        scale: of the cosines, the inverse of a temperature.
    """

    def __init__(self, scale: float = 20.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """Return the loss of each pair; vectors of length one, `(B, 2, C)`."""
        return tf.nn.sparse_softmax_cross_entropy_with_logits(*own(y_pred, self.scale))

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` takes."""
        return {**super().get_config(), "scale": self.scale}


def own(pairs: tf.Tensor, scale: float = 1.0) -> tuple[tf.Tensor, tf.Tensor]:
    """Return which target is each source's own, `(B,)`, and the scaled cosines `(B, B)`."""
    source, target = tf.unstack(tf.cast(pairs, tf.float32), axis=1)
    cosines = scale * tf.matmul(source, target, transpose_b=True)
    return tf.range(tf.shape(cosines)[0]), cosines
