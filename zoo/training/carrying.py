"""States that go on from one window of a running text to the next, through which no gradient goes.

Truncated backpropagation through time: Williams and Peng, An Efficient Gradient-Based Algorithm for
On-Line Training of Recurrent Network Trajectories, 1990.
"""

from __future__ import annotations

from typing import Any

import keras

from zoo import config
from zoo.errors import InputError
from zoo.layers.recurrent import chain


class Carrying(keras.Model):
    """Trains a recurrent model from the states it had after the batch before.

    It shares the model's layers. Where it does not train it is that model, which starts anew.

    Args:
        model: has a chain of layers.
        batch_size: of each batch, row by row of which the states go on.
    """

    def __init__(self, model: keras.Model, batch_size: int):
        super().__init__(name="carrying")
        self.inner = model
        self.carried = [
            [
                self.add_weight(state.shape, initializer="zeros", trainable=False, name="carried")
                for state in layer.cell.get_initial_state(batch_size=batch_size)
            ]
            for layer in chain(model)
            if isinstance(layer, keras.layers.RNN)
        ]
        self.built = True

    def call(self, x: Any, training: bool = False) -> Any:
        if not training:
            return self.inner(x, training=False)
        carried = iter(self.carried)
        for layer in chain(self.inner):
            if isinstance(layer, keras.layers.RNN):
                x = self._read(layer, x, next(carried))
            elif isinstance(layer, keras.layers.Dropout):
                x = layer(x, training=True)
            else:
                x = layer(x)
        return x

    def _read(self, layer: Any, x: Any, carried: list[Any]) -> Any:
        layer.return_state = True
        try:
            x, *states = layer.call(x, initial_state=[v.value for v in carried], training=True)
        finally:
            layer.return_state = False
        for variable, state in zip(carried, states, strict=True):
            variable.assign(state)
        return x


def forget(model: keras.Model) -> None:
    """Let a model that carries states begin at zero again."""
    if isinstance(model, Carrying):
        for variable in keras.tree.flatten(model.carried):
            variable.assign(keras.ops.zeros_like(variable))


def create(model: keras.Model, chosen: config.Config, task: str, strategy: Any) -> keras.Model:
    """Return what is trained where states are to be carried.

    Raises:
        InputError: they cannot be.
    """
    if task != "language-modelling" or not chain(model):
        raise InputError(
            f"--carry-state was given for '{chosen.model}' and {task}. Expected a recurrent "
            "language model. Try char-rnn, or without it."
        )
    if strategy is not None or chosen.optimization.accumulate > 1:
        raise InputError(
            "--carry-state was given with several replicas or --accumulate. Expected neither."
        )
    return Carrying(model, chosen.optimization.batch_size or 32)
