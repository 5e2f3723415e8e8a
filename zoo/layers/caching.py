"""How a Transformer reads a text a token at a time, without reading again what came before.

Attention is the only layer that looks at other tokens. Inside `Reading` it keeps its keys and
values in a cache, and looks at those; whatever depends on a token's place asks for `position`. So
every model that is built of such layers can be called on one more token, as on a whole text:

    with Reading(position, room=64) as reading:
        logits = model(ids)                      # a beginning
    with Reading(next, states=reading.states, slot=slot) as reading:
        logits = model(token[:, None])           # and each token after it
"""

from contextvars import ContextVar
from typing import Any

from keras import ops

_current: ContextVar[Any] = ContextVar("reading", default=None)


def current():
    """Return the reading that is going on, or None."""
    return _current.get()


class Reading:
    """The caches of one call of a model, in the order in which its layers are called.

    Args:
        position: each token's place in its own text, int32 `(B, T)`; negative where a beginning is
            padded, on its left.
        room: how many tokens caches made for a beginning have room for.
        states: the caches so far, keys and values `(B, G, room, D)` of each layer; none before a
            beginning.
        slot: which place of the caches the next token takes; None for a beginning.

    Afterwards `states` holds the caches, and `weights` by what each layer looked, `(B, H, T, S)`.
    """

    def __init__(self, position, room=None, states=(), slot=None):
        self.position, self.room, self.slot = position, room, slot
        self._before, self.states, self.weights = iter(states), [], []

    def __enter__(self):
        self._token = _current.set(self)
        return self

    def __exit__(self, *_):
        _current.reset(self._token)

    def extend(self, k, v):
        """Return all keys and values, and which of them each token may look at, `(B, 1, T, S)`."""
        if self.slot is None:
            return self._begin(k, v)
        before = next(self._before)
        room = ops.shape(before[0])[2]
        slots = ops.arange(room)
        here = ops.equal(slots, self.slot)[:, None]  # (S, 1)
        k, v = (
            ops.where(here, new, ops.reshape(old, (-1, new.shape[1], room, new.shape[3])))
            for new, old in zip((k, v), before, strict=True)
        )  # in a loop, the sizes of what was kept are not known
        self.states.append((k, v))
        back = self.slot - slots  # how many tokens ago
        visible = ops.logical_and(back >= 0, back <= self.position)  # (B, S)
        return k, v, visible[:, None, None]

    def _begin(self, k, v):
        length = ops.shape(k)[2]
        rest = [(0, 0), (0, 0), (0, self.room - length), (0, 0)]
        self.states.append((ops.pad(k, rest), ops.pad(v, rest)))
        place = ops.arange(length)
        visible = (self.position >= 0)[:, None, None]
        return k, v, ops.logical_and(visible, (place[:, None] >= place)[None, None])
