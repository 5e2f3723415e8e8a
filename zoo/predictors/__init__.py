"""A run or an exported artifact, all called the same way: raw batch in, named outputs out."""

from zoo.predictors.loading import load
from zoo.predictors.predictor import BACKWARD, BATCH, Predictor, from_model

__all__ = ["BACKWARD", "BATCH", "Predictor", "from_model", "load"]
