"""What follows: all steps of a horizon, of one or several targets, from the steps before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import losses
from zoo.datasets.base import Spec
from zoo.datasets.windows import SeriesSplit
from zoo.errors import InputError
from zoo.losses.quantiles import Pinball
from zoo.metrics.forecasting import Errors, Quantiles
from zoo.preprocessing.tables import mean_and_scale
from zoo.tasks import common

CHUNK = 1 << 20  # numbers of the forecasts measured at once
DRAWN, DRAWN_EACH = 4, 2  # windows of a picture, of one target and of each of several
DRAWN_TARGETS = 3
BASELINES = ("naive", "seasonal-naive")


class Forecasting(common.Task):
    """Answers with `(B, horizon)` a target in its own units, and one a quantile but the median.

    Those are called `load_q10` and so on. Quantiles that cross are put in order: Chernozhukov,
    Fernandez-Val and Galichon, Quantile and Probability Curves without Crossing, 2010.

    Args:
        spec: what the data set holds.
        mean, scale: the training rows' statistics of every target.
        naive: mean absolute error of the seasonal naive forecast among them, by target.
        quantiles: what is forecast, the median among it; nothing for a point.
    """

    name = "forecasting"
    score = "mse"

    def __init__(
        self,
        spec: Spec,
        mean: Sequence[float],
        scale: Sequence[float],
        naive: Sequence[float],
        quantiles: Sequence[float] = (),
    ):
        if spec.series is None or not len(spec.targets) == len(mean) == len(scale) == len(naive):
            raise ValueError("its series or their statistics are missing")
        self.names = spec.targets
        self.horizon = spec.series.horizon
        self.mean, self.scale, self.naive = (
            np.asarray(v, np.float64) for v in (mean, scale, naive)
        )
        self.quantiles = tuple(quantiles)

    @classmethod
    def fit(cls, spec: Spec, train: SeriesSplit) -> Forecasting:
        """Compute the statistics of the training rows' targets."""
        values = train.table.values[:, : len(spec.targets)]
        mean, scale = mean_and_scale(values[train.rows])
        rows = train.rows
        before = rows - train.series.season
        joined = (before >= train.table.begins[rows]) & (before >= rows.min())
        steps = np.abs(values[rows[joined]] - values[before[joined]])
        known = ~np.isnan(steps)
        naive = np.where(known, steps, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return cls(spec, mean.tolist(), scale.tolist(), naive.tolist())

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain lists of numbers."""
        arrays = {name: getattr(self, name).tolist() for name in ("mean", "scale", "naive")}
        return {"name": self.name, **arrays, "quantiles": list(self.quantiles)}

    def builder_arguments(self) -> dict[str, Any]:
        """Return what is to be forecast."""
        return {"targets": len(self.names), "quantiles": max(len(self.quantiles), 1)}

    @property
    def median(self) -> int:
        """Which of the quantiles is the median."""
        return self.quantiles.index(0.5)

    def loss(self, name: str | None, **options: Any) -> keras.losses.Loss:
        """Return the loss of quantiles, or that called `name`, by default mse."""
        usual = losses.create(name or "mse", "numbers", **options)
        if self.quantiles:
            if name is not None:
                raise InputError(
                    f"--loss received '{name}' with --quantiles, which have a loss of their own. "
                    "Expected one of the two. Try without --loss."
                )
            return Pinball(self.quantiles)
        return usual

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return what is measured while training, in standardized units: mse and mae."""

        def error(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
            point = y_pred[..., self.median] if self.quantiles else y_pred
            return tf.cast(y_true, point.dtype) - point

        def mse(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(tf.square(error(y_true, y_pred)), axis=-1)

        def mae(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(tf.abs(error(y_true, y_pred)), axis=-1)

        return [keras.metrics.MeanMetricWrapper(f, f.__name__) for f in (mse, mae)]

    def following(self, rows: tf.Tensor) -> tf.Tensor:
        """Return the targets among standardized columns `(B, horizon, columns)`."""
        return rows[..., : len(self.names)]

    def decode(self, outputs: tf.Tensor, inputs: Any) -> dict[str, tf.Tensor]:
        """Turn standardized forecasts into named ones in the targets' units, float32."""
        values = tf.cast(outputs, tf.float64)
        if not self.quantiles:
            values = values[..., None]
        values = tf.sort(values * self.scale[:, None] + self.mean[:, None], axis=-1)
        values = tf.cast(values, tf.float32)
        named = {}
        for i, name in enumerate(self.names):
            for j, output in enumerate(self.outputs(name)):
                named[output] = values[:, :, i, j]
        return {name: named[name] for name in sorted(named, key=self._place)}

    def outputs(self, target: str) -> list[str]:
        """Return what the forecasts of a target are called, in the order of the quantiles."""
        if not self.quantiles:
            return [target]
        return [target if q == 0.5 else f"{target}_q{100 * q:g}" for q in self.quantiles]

    def _place(self, output: str) -> tuple[int, int]:
        """Return where an output belongs: the point before the quantiles of its target."""
        for i, name in enumerate(self.names):
            if output in (names := self.outputs(name)):
                return i, -1 if output == name else names.index(output)
        raise KeyError(output)

    def evaluate(self, predict: Callable[[Any], dict], split: SeriesSplit) -> dict[str, Any]:
        """Measure a predictor on all windows of a split, beside two forecasts that learn nothing.

        `naive` repeats the last value, `seasonal-naive` the season before.
        """
        found = {name: Errors(self.scale, self.naive) for name in ("model", *BASELINES)}
        spread = Quantiles(self.quantiles, self.scale) if self.quantiles else None
        size = max(1, CHUNK // (self.horizon * len(self.names) * max(len(self.quantiles), 1)))
        for start in range(0, len(split), size):
            rows = np.arange(start, min(start + size, len(split)))
            actual, values = split.future(rows), self._forecasts(predict(split.part(rows)))
            found["model"].add(actual, values[..., self.median if spread else 0])
            found["naive"].add(actual, split.last(rows))
            found["seasonal-naive"].add(actual, split.seasonal(rows))
            if spread:
                spread.add(actual, values)
        per_target = found["model"].per_target()
        tables = {
            "baselines": [{"forecast": name, **errors.scores()} for name, errors in found.items()],
            "per_target": [
                {"target": name, **row} for name, row in zip(self.names, per_target, strict=True)
            ],
            **({"quantiles": spread.rows()} if spread else {}),
            "error_by_step": {name: errors.by_step() for name, errors in found.items()},
            "forecasts": self._drawn(predict, split),
        }
        scores = {**found["model"].scores(), **(spread.scores() if spread else {})}
        return {"scores": scores, "tables": tables, "notes": split.notes}

    def _forecasts(self, outputs: dict[str, np.ndarray]) -> np.ndarray:
        """Return named forecasts as one array, `(B, horizon, targets, quantiles)`."""
        targets = [np.stack([outputs[n] for n in self.outputs(name)], -1) for name in self.names]
        return np.stack(targets, axis=2).astype(np.float64)

    def _drawn(self, predict: Callable[[Any], dict], split: SeriesSplit) -> list[dict[str, Any]]:
        """Return some windows for a picture, spread over the split."""
        count = DRAWN if len(self.names) == 1 else DRAWN_EACH
        rows = np.unique(np.linspace(0, len(split) - 1, count + 2)[1:-1].astype(int))
        few = split.part(rows)
        outputs, all_rows = predict(few), np.arange(len(few))
        past, moments = few.batch(all_rows), few.moments(all_rows)
        actual, seasonal = few.future(all_rows), few.seasonal(all_rows)
        series = split.series
        shown = min(series.history, 2 * self.horizon)
        low, high = (self.outputs("")[i] for i in (0, -1))
        windows = [
            {
                "target": name,
                "group": str(moments[series.group][row]) if series.group else "",
                "from": str(moments[series.time][row, 0]),
                "history": past[name][row, series.history - shown : series.history],
                "truth": actual[row, :, i],
                "forecast": outputs[name][row],
                "seasonal": seasonal[row, :, i],
                **(
                    {
                        "low": outputs[name + low][row],
                        "high": outputs[name + high][row],
                        "band": [self.quantiles[0], self.quantiles[-1]],
                    }
                    if self.quantiles
                    else {}
                ),
            }
            for i, name in enumerate(self.names[:DRAWN_TARGETS])
            for row in all_rows
        ]
        return [{name: _short(value) for name, value in window.items()} for window in windows]


def _short(value: Any) -> Any:
    """Return an array as a list of numbers with six digits, anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    return [float(f"{number:.6g}") for number in value]
