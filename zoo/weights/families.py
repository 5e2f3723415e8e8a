"""How Hugging Face's transformers name the tensors of the networks that we have too.

One table a family. A layer of ours, by its name and that of a layer within it, is a module of
theirs, or several that ours has side by side; `#` is the number of a block. A variable that is
theirs without a module is named by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Names = str | tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """The networks of one `model_type`.

    Attributes:
        names: modules by layer, or tensors by variable.
        prefix: what a model with a head puts before all names but those of the head.
        spare: beginnings of names for which there may be no layer here.
        config: what must be so in config.json where it is said, the default first.
        transposed: whether kernels are `(out, in)`, as PyTorch's dense layers have them.
        cut: layers that may have fewer rows than theirs, of which the first are taken.
        pictures: the layer that sees pictures, which theirs sees normalized.
        pooler: the module before their head; a model without it has another head.
        heads: what config.json calls the number of attention heads, which no shape tells.
    """

    names: Mapping[str, Names]
    prefix: str = ""
    spare: tuple[str, ...] = ()
    config: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    transposed: bool = True
    cut: tuple[str, ...] = ()
    pictures: str = ""
    pooler: str = ""
    heads: str = "num_attention_heads"


def _queries_keys_values(module: str) -> tuple[str, ...]:
    return tuple(f"{module}.{part}" for part in ("query", "key", "value"))


BERT = Family(
    {
        "embedding": "embeddings.word_embeddings",
        "positions": "embeddings.position_embeddings",
        "kinds": "embeddings.token_type_embeddings",
        "embedded": "embeddings.LayerNorm",
        "attention_#/qkv": _queries_keys_values("encoder.layer.#.attention.self"),
        "attention_#/output": "encoder.layer.#.attention.output.dense",
        "attention_#/norm": "encoder.layer.#.attention.output.LayerNorm",
        "network_#/inner": "encoder.layer.#.intermediate.dense",
        "network_#/output": "encoder.layer.#.output.dense",
        "network_#/norm": "encoder.layer.#.output.LayerNorm",
        "pooler": "pooler.dense",
        "logits": "classifier",
    },
    prefix="bert.",
    spare=("pooler.", "cls.", "embeddings.position_ids"),
    config={
        "hidden_act": ("gelu",),
        "layer_norm_eps": (1e-12,),
        "position_embedding_type": ("absolute",),
        "is_decoder": (False,),
    },
    cut=("positions",),
    pooler="pooler.",
)
VIT = Family(
    {
        "patches": "embeddings.patch_embeddings.projection",
        "class_token/vector": "embeddings.cls_token",
        "positions/positions": "embeddings.position_embeddings",
        "attention_#/qkv": _queries_keys_values("encoder.layer.#.attention.attention"),
        "attention_#/output": "encoder.layer.#.attention.output.dense",
        "attention_#/norm": "encoder.layer.#.layernorm_before",
        "network_#/inner": "encoder.layer.#.intermediate.dense",
        "network_#/output": "encoder.layer.#.output.dense",
        "network_#/norm": "encoder.layer.#.layernorm_after",
        "normalized": "layernorm",
        "logits": "classifier",
    },
    prefix="vit.",
    spare=("pooler.",),
    # Some say 1e-12 where the original has 1e-6, which ours has: on real pictures no difference.
    config={"hidden_act": ("gelu",), "layer_norm_eps": (1e-12, 1e-6), "qkv_bias": (True,)},
    pictures="patches",
)
FAMILIES = {"bert": BERT, "vit": VIT}
