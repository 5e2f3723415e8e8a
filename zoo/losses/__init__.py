"""Losses by name for each kind of output, and those that Keras lacks or gets wrong.

Keras 3.15 forgets Huber's delta when a model is saved, has no label smoothing for integer labels
and no focal loss for them. Focal loss is Lin's and others', Focal Loss for Dense Object Detection,
2017, arXiv:1708.02002; the soft Dice loss is Milletari's, Navab's and Ahmadi's, V-Net, 2016,
arXiv:1606.04797.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError, unknown
from zoo.layers import register
from zoo.losses.tokens import SparseCrossentropy

CLASS = ("categorical_crossentropy", "focal", "mse", "mae")
BINARY = ("binary_crossentropy", "focal", "mse", "mae")
POSSIBLE = {
    "class": CLASS,
    "shares": CLASS,
    "binary": BINARY,
    "multi": BINARY,
    "numbers": ("mse", "mae", "huber"),
    "tokens": CLASS,
    "pixels": ("categorical_crossentropy", "focal", "dice", "dice_crossentropy"),
}
NAMES = (
    "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy", "focal", "dice",
    "dice_crossentropy",
)  # fmt: skip
SMOOTHED = ("binary_crossentropy", "categorical_crossentropy")
UNKNOWN = 255  # the code of a pixel of which nothing is said


def create(
    name: str, outputs: str, label_smoothing: float = 0.0, huber_delta: float = 1.0
) -> keras.losses.Loss:
    """Return a loss for a kind of output.

    Args:
        name: one of `NAMES`.
        outputs: "class" (int codes `(B,)`, logits `(B, C)`), "shares" (of mixed labels, both
            `(B, C)`), "binary" (zeros and ones `(B,)` or `(B, 1)`, logits `(B, 1)`), "multi" (zeros
            and ones `(B, C)`, logits `(B, C)`), "numbers" (both `(B, T)`, or of any equal shape),
            "tokens" (int codes `(B, T)`, logits `(B, T, V)`) or "pixels" (int codes `(B, H, W)`,
            logits `(B, H, W, C)`). Zeros and ones may be mixed.
        label_smoothing: share of each label spread evenly over all classes.
        huber_delta: error at which Huber turns from square to linear.
    """
    if name not in NAMES:
        raise unknown("loss", name, NAMES)
    if name not in POSSIBLE[outputs]:
        raise InputError(
            f"Received the loss '{name}' for {_SAID[outputs]}. "
            f"Expected one of: {', '.join(POSSIBLE[outputs])}."
        )
    if label_smoothing and name not in SMOOTHED:
        raise InputError(
            f"Received label smoothing {label_smoothing} with the loss '{name}'. "
            f"Expected it with {' or '.join(SMOOTHED)} only. Try: without label smoothing."
        )
    return _CREATE[outputs](name, label_smoothing, huber_delta)


def _for_classes(name: str, label_smoothing: float, huber_delta: float) -> keras.losses.Loss:
    if name == "focal":
        return Focal("softmax")
    if name == "categorical_crossentropy":
        if label_smoothing:
            return SparseCrossentropy(label_smoothing)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return ProbabilityError(name, "softmax")


def _for_tokens(name: str, label_smoothing: float, huber_delta: float) -> keras.losses.Loss:
    if name == "categorical_crossentropy":
        return SparseCrossentropy(label_smoothing)
    return _for_classes(name, label_smoothing, huber_delta)


def _for_shares(name: str, label_smoothing: float, huber_delta: float) -> keras.losses.Loss:
    if name == "categorical_crossentropy":
        return keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=label_smoothing
        )
    return _for_classes(name, label_smoothing, huber_delta)


def _for_binary(name: str, label_smoothing: float, huber_delta: float) -> keras.losses.Loss:
    if name == "focal":
        return Focal("sigmoid")
    if name == "binary_crossentropy":
        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing)
    return ProbabilityError(name, "sigmoid")


def _for_numbers(name: str, label_smoothing: float, huber_delta: float) -> keras.losses.Loss:
    if name == "huber":
        return Huber(huber_delta)
    return keras.losses.MeanSquaredError() if name == "mse" else keras.losses.MeanAbsoluteError()


def _for_pixels(name: str, label_smoothing: float, huber_delta: float) -> keras.losses.Loss:
    if name == "dice":
        return Dice()
    if name == "dice_crossentropy":
        return Dice(crossentropy=1.0)
    return KnownPixels(_for_classes(name, label_smoothing, huber_delta))


_CREATE: dict[str, Callable[[str, float, float], keras.losses.Loss]] = {
    "class": _for_classes,
    "shares": _for_shares,
    "binary": _for_binary,
    "multi": _for_binary,
    "numbers": _for_numbers,
    "tokens": _for_tokens,
    "pixels": _for_pixels,
}
_SAID = {
    "class": "one class out of several",
    "shares": "one class out of several",
    "binary": "a class out of two",
    "multi": "several classes at once",
    "numbers": "numbers",
    "tokens": "tokens",
    "pixels": "a class of each pixel",
}


@register
class Huber(keras.losses.Huber):
    """Keras's Huber loss, whose delta survives saving."""

    def __init__(self, delta=1.0, **kwargs):
        super().__init__(delta=delta, **kwargs)
        self.delta = delta

    def get_config(self):
        return {**super().get_config(), "delta": self.delta}


@register
class Focal(keras.losses.Loss):
    """Focal loss `-(1 - p)^gamma log p`, p being the probability of what is right.

    With "softmax" labels are int codes `(...)` of logits `(..., C)`, or shares of the classes; with
    "sigmoid" they are zeros and ones of the shape of the logits, or mixed. A mixed label's loss is
    the mean of those of its classes. Keras's binary one clips p, so that it stops learning from
    logits that are very wrong.
    """

    def __init__(self, probability, gamma=2.0, name="focal", **kwargs):
        super().__init__(name=name, **kwargs)
        self.probability = probability
        self.gamma = gamma

    def call(self, y_true, y_pred):
        if self.probability == "softmax":
            if _are_shares(y_true, y_pred):
                losses = self._of(ops.log_softmax(y_pred))  # (..., C)
                return ops.sum(ops.cast(y_true, y_pred.dtype) * losses, axis=-1)
            return self._of(_log_probability(y_true, y_pred))  # (...)
        share = _like(y_true, y_pred)
        yes, no = (self._of(ops.log_sigmoid(right)) for right in (y_pred, -y_pred))
        return ops.mean(share * yes + (1.0 - share) * no, axis=-1)

    def _of(self, log_p):
        return -((1.0 - ops.exp(log_p)) ** self.gamma) * log_p

    def get_config(self):
        return {**super().get_config(), "probability": self.probability, "gamma": self.gamma}


@register
class ProbabilityError(keras.losses.Loss):
    """Squared ("mse") or absolute ("mae") error of the probabilities that logits stand for.

    With "softmax" labels are int codes `(...)` of logits `(..., C)`, or shares of the classes; with
    "sigmoid" they are zeros and ones of the shape of the logits, or mixed.
    """

    def __init__(self, error, probability, name="probability_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.error = error
        self.probability = probability

    def call(self, y_true, y_pred):
        if self.probability == "softmax":
            difference = ops.softmax(y_pred) - _shares(y_true, y_pred)  # (..., C)
        else:
            difference = ops.sigmoid(y_pred) - _like(y_true, y_pred)
        return ops.mean(ops.square(difference) if self.error == "mse" else ops.abs(difference), -1)

    def get_config(self):
        return {**super().get_config(), "error": self.error, "probability": self.probability}


@register
class KnownPixels(keras.losses.Loss):
    """A loss of int codes `(B, H, W)` and logits `(B, H, W, C)` where the code is not `UNKNOWN`.

    What each picture is charged, `(B,)`, is the mean over its known pixels.

    Args:
        loss: of one code and its logits, as cross-entropy.
    """

    def __init__(self, loss, name="known_pixels", **kwargs):
        super().__init__(name=name, **kwargs)
        self.loss = keras.losses.get(loss)

    def call(self, y_true, y_pred):
        known, codes = _known(y_true, y_pred)  # (B, H, W)
        losses = self.loss.call(codes, y_pred)
        return ops.sum(losses * known, (1, 2)) / ops.maximum(ops.sum(known, (1, 2)), 1)

    def get_config(self):
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss)}


@register
class Dice(keras.losses.Loss):
    """One minus the soft Dice coefficient, the mean over classes, of each picture, `(B,)`.

    Codes and logits are as in `KnownPixels`. For a class with probabilities p and truth g it is
    `(2 sum pg + 1) / (sum p^2 + sum g^2 + 1)`: the one pixel more makes a class right that is
    neither there nor predicted. Milletari and others have one class and no such pixel.

    Args:
        crossentropy: times cross-entropy to add.
    """

    def __init__(self, crossentropy=0.0, name="dice", **kwargs):
        super().__init__(name=name, **kwargs)
        self.crossentropy = crossentropy

    def call(self, y_true, y_pred):
        known, codes = _known(y_true, y_pred)  # (B, H, W)
        p = ops.softmax(y_pred) * known[..., None]  # (B, H, W, C)
        g = ops.one_hot(codes, y_pred.shape[-1], dtype=y_pred.dtype) * known[..., None]
        both, each = ops.sum(p * g, (1, 2)), ops.sum(ops.square(p) + ops.square(g), (1, 2))
        loss = 1.0 - ops.mean((2.0 * both + 1.0) / (each + 1.0), axis=-1)
        if not self.crossentropy:
            return loss
        entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return loss + self.crossentropy * KnownPixels(entropy).call(y_true, y_pred)

    def get_config(self):
        return {**super().get_config(), "crossentropy": self.crossentropy}


def _known(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return ones where a pixel's code is known, and the codes, those unknown as zero."""
    codes = _codes(y_true, y_pred)
    known = ops.not_equal(codes, UNKNOWN)
    return ops.cast(known, y_pred.dtype), ops.where(known, codes, 0)


def _codes(y_true: Any, y_pred: Any) -> Any:
    """Return labels as int32 codes `(...)` of logits `(..., C)`, given them so or as `(..., 1)`."""
    if len(y_true.shape) == len(y_pred.shape):
        y_true = ops.squeeze(y_true, axis=-1)
    return ops.cast(y_true, "int32")


def _are_shares(y_true: Any, y_pred: Any) -> bool:
    """Return whether labels are shares of the classes `(..., C)`, and not codes."""
    return len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == y_pred.shape[-1]


def _shares(y_true: Any, y_pred: Any) -> Any:
    """Return labels as shares of the classes, of the shape of the logits."""
    if _are_shares(y_true, y_pred):
        return ops.cast(y_true, y_pred.dtype)
    return ops.one_hot(_codes(y_true, y_pred), y_pred.shape[-1], dtype=y_pred.dtype)


def _like(y_true: Any, y_pred: Any) -> Any:
    """Return labels of the shape of the logits; `(B,)` would broadcast `(B, 1)` to `(B, B)`."""
    if len(y_true.shape) == len(y_pred.shape) - 1:
        y_true = ops.expand_dims(y_true, axis=-1)
    return ops.cast(y_true, y_pred.dtype)


def _log_probability(y_true: Any, y_pred: Any) -> Any:
    """Return the log-probability of each label, `(...)`, by the fused kernel of cross-entropy."""
    codes = _codes(y_true, y_pred)
    return -ops.sparse_categorical_crossentropy(codes, y_pred, from_logits=True)
