"""Nothing the training step touches may be missing from what a checkpoint saves."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

# Random ops whose state lives in the process, not in a variable: they cannot be resumed.
UNSEEDED = {
    "Multinomial",
    "ParameterizedTruncatedNormal",
    "RandomGamma",
    "RandomPoissonV2",
    "RandomShuffle",
    "RandomStandardNormal",
    "RandomUniform",
    "RandomUniformInt",
    "TruncatedNormal",
}


def check(function: Any, saved: list[tf.Variable]) -> None:
    """Compare a traced function with the variables that are saved.

    Args:
        function: a concrete function.
        saved: every variable a checkpoint holds.

    Raises:
        RuntimeError: the function writes a variable that is not saved, or draws random numbers
            from a state that is not.
    """
    handles = {id(handle) for variable in saved for handle in _handles(variable)}
    extra = [
        variable.name
        for variable in function.graph.variables
        if not any(id(handle) in handles for handle in _handles(variable))
    ]
    if extra:
        raise RuntimeError(
            f"The training step uses variables that no checkpoint would hold: {', '.join(extra)}. "
            "Create them in layers of the model."
        )
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    random = sorted({node.op for node in nodes} & UNSEEDED)
    if random:
        raise RuntimeError(
            f"The training step draws unseeded random numbers ({', '.join(random)}), which cannot "
            "be resumed. Use keras.random with a SeedGenerator."
        )


def _handles(variable: Any) -> list[Any]:
    """Return the resource handles of a variable, one a replica where it is distributed."""
    parts = getattr(variable, "values", None) or (variable,)
    return [part.handle for part in parts]
