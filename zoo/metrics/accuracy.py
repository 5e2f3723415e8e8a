"""Accuracy where labels are shares, as mixed pictures have them, and of tokens."""

import keras

from zoo.layers import register


@register
class MixedBinaryAccuracy(keras.metrics.BinaryAccuracy):
    """Keras's binary accuracy, which counts a share above one half as one and else as zero."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = keras.ops.cast(keras.ops.cast(y_true, "float32") > 0.5, "float32")
        return super().update_state(y_true, y_pred, sample_weight)


@register
class TokenAccuracy(keras.metrics.Mean):
    """The share of real tokens, those that are not padding, whose logits are highest."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        real = keras.ops.cast(keras.ops.not_equal(y_true, 0), "float32")
        right = keras.ops.equal(keras.ops.argmax(y_pred, axis=-1), keras.ops.cast(y_true, "int32"))
        return super().update_state(keras.ops.cast(right, "float32"), real)
