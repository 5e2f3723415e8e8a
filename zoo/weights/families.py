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
        same: what config.json calls an attribute of our layers, which no shape tells.
        absent: what is so where config.json does not say.
        transposed: whether kernels are `(out, in)`, as PyTorch's dense layers have them.
        cut: layers that may have fewer rows than theirs, of which the first are taken.
        pictures: the layer that sees pictures, which theirs sees normalized.
        pooler: the module before their head; a model without it has another head.
    """

    names: Mapping[str, Names]
    prefix: str = ""
    spare: tuple[str, ...] = ()
    config: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=lambda: {"num_attention_heads": "heads"})
    absent: Mapping[str, Any] = field(default_factory=dict)
    transposed: bool = True
    cut: tuple[str, ...] = ()
    pictures: str = ""
    pooler: str = ""


def _each(module: str, *parts: str) -> tuple[str, ...]:
    return tuple(f"{module}.{part}" for part in parts)


BERT = Family(
    {
        "embedding": "embeddings.word_embeddings",
        "positions": "embeddings.position_embeddings",
        "kinds": "embeddings.token_type_embeddings",
        "embedded": "embeddings.LayerNorm",
        "attention_#/qkv": _each("encoder.layer.#.attention.self", "query", "key", "value"),
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
        "attention_#/qkv": _each("encoder.layer.#.attention.attention", "query", "key", "value"),
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
GPT2 = Family(
    {
        "embedding": "wte",
        "positions": "wpe",
        "attention_#/qkv": "h.#.attn.c_attn",
        "attention_#/output": "h.#.attn.c_proj",
        "attention_#/norm": "h.#.ln_1",
        "network_#/inner": "h.#.mlp.c_fc",
        "network_#/output": "h.#.mlp.c_proj",
        "network_#/norm": "h.#.ln_2",
        "normalized": "ln_f",
    },
    prefix="transformer.",
    spare=("lm_head.", "h.#.attn.bias", "h.#.attn.masked_bias"),  # the latter hide the future
    config={
        "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
        "layer_norm_epsilon": (1e-5,),
        "scale_attn_weights": (True,),
        "scale_attn_by_inverse_layer_idx": (False,),
        "add_cross_attention": (False,),
    },
    same={"n_head": "heads", "tie_word_embeddings": "tie_weights"},
    absent={"n_head": 12, "tie_word_embeddings": True},
    transposed=False,
    cut=("positions",),
)
LLAMA = Family(
    {
        "embedding": "embed_tokens",
        "embedding/reverse_embeddings": "lm_head.weight",
        "attention_#/qkv": _each("layers.#.self_attn", "q_proj", "k_proj", "v_proj"),
        "attention_#/output": "layers.#.self_attn.o_proj",
        "attention_#/norm": "layers.#.input_layernorm",
        "network_#/inner": _each("layers.#.mlp", "gate_proj", "up_proj"),
        "network_#/output": "layers.#.mlp.down_proj",
        "network_#/norm": "layers.#.post_attention_layernorm",
        "normalized": "norm",
    },
    prefix="model.",
    spare=("lm_head.", "layers.#.self_attn.rotary_emb.inv_freq"),
    config={
        "hidden_act": ("silu",),
        "rms_norm_eps": (1e-5,),
        "rope_type": ("default",),
        "rope_scaling": (None,),
        "partial_rotary_factor": (1.0,),
        "attention_bias": (False,),
        "mlp_bias": (False,),
    },
    same={
        "num_attention_heads": "heads",
        "num_key_value_heads": "key_heads",
        "rope_theta": "rotary",
        "tie_word_embeddings": "tie_weights",
    },
    absent={"rms_norm_eps": 1e-6, "rope_theta": 10_000.0, "tie_word_embeddings": False},
)


def _t5(stack: str, network: int) -> dict[str, Names]:
    """Return the layers that both stacks have, whose network is a block's last layer."""
    block = f"{stack}.block.#.layer"
    return {
        f"{stack}/embedding": "shared",
        f"{stack}/relative": f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias",
        f"{stack}/attention_#/qkv": _each(f"{block}.0.SelfAttention", "q", "k", "v"),
        f"{stack}/attention_#/output": f"{block}.0.SelfAttention.o",
        f"{stack}/attention_#/norm": f"{block}.0.layer_norm",
        f"{stack}/network_#/inner": f"{block}.{network}.DenseReluDense.wi",
        f"{stack}/network_#/output": f"{block}.{network}.DenseReluDense.wo",
        f"{stack}/network_#/norm": f"{block}.{network}.layer_norm",
        f"{stack}/normalized": f"{stack}.final_layer_norm",
    }


T5 = Family(
    {
        **_t5("encoder", 1),
        **_t5("decoder", 2),
        "decoder/look_#/query": "decoder.block.#.layer.1.EncDecAttention.q",
        "decoder/look_#/keys_values": _each("decoder.block.#.layer.1.EncDecAttention", "k", "v"),
        "decoder/look_#/output": "decoder.block.#.layer.1.EncDecAttention.o",
        "decoder/look_#/norm": "decoder.block.#.layer.1.layer_norm",
    },
    spare=(
        "lm_head.",
        "encoder.embed_tokens.",
        "decoder.embed_tokens.",
        "decoder.block.#.layer.1.EncDecAttention.relative_attention_bias.",  # they use it nowhere
    ),
    config={
        "feed_forward_proj": ("relu",),
        "layer_norm_epsilon": (1e-6,),
        "relative_attention_max_distance": (128,),
        "tie_word_embeddings": (True,),
    },
    same={"num_heads": "heads"},
    absent={"num_heads": 8},
)
FAMILIES = {"bert": BERT, "vit": VIT, "gpt2": GPT2, "llama": LLAMA, "t5": T5}
