"""One registry of Keras 3 model builders, and everything to train, measure and export them.

Nothing heavy is imported until a name is used:

    model = zoo.create("mlp", input_shape=(64,), classes=10)
    run = zoo.train("mlp", data="digits")
    predictor = zoo.load(run)
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_EXPORTED = {
    "create": "zoo.registry",
    "list_models": "zoo.registry",
    "register": "zoo.registry",
    "train": "zoo.api",
    "resume": "zoo.api",
    "verify": "zoo.api",
    "evaluate": "zoo.api",
    "predict": "zoo.api",
    "export": "zoo.api",
    "load": "zoo.predictors",
}

__all__ = [
    "create", "evaluate", "export", "list_models", "load", "predict", "register", "resume", "train",
    "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _EXPORTED:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTED[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
