"""Data sets: named ones and users' own files, as raw examples in three splits.

    data = zoo.datasets.load("digits")
    data = zoo.datasets.load("train.csv", target="price")

Nothing heavy is imported until something is loaded.
"""

from .base import Column, Dataset, Raw, Spec
from .catalog import Row, names, register
from .load import load, read

__all__ = ["Column", "Dataset", "Raw", "Row", "Spec", "load", "names", "read", "register"]
