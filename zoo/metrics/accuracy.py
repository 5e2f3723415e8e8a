"""Accuracy where labels are shares, as mixed pictures have them."""

import keras

from zoo.layers import register


@register
class MixedBinaryAccuracy(keras.metrics.BinaryAccuracy):
    """Keras's binary accuracy, which counts a share above one half as one and else as zero."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = keras.ops.cast(keras.ops.cast(y_true, "float32") > 0.5, "float32")
        return super().update_state(y_true, y_pred, sample_weight)
