"""Weights of language models and translators, as Hugging Face has them: GPT-2, LLaMA, T5."""

import numpy as np
import pytest
from published import begin, drawn, linear, refusal, values, write

V, C, T = 11, 8, 6  # tokens, width, positions
GPT2 = {"vocabulary_size": V, "sequence_length": T, "layers": 2, "heads": 2, "width": C}
LLAMA = {"vocabulary_size": V, "layers": 2, "heads": 4, "key_heads": 2, "width": C, "hidden": 12}
T5 = {"vocabulary_size": V, "layers": 2, "heads": 2, "width": C, "hidden": 12}


def gpt2_shapes():
    shapes = {"wte.weight": (V, C), "wpe.weight": (T, C), **norm("ln_f")}
    for i in range(2):
        for name, inputs, outputs in (
            ("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C),
            ("mlp.c_fc", C, 4 * C), ("mlp.c_proj", 4 * C, C),
        ):  # fmt: skip
            at = f"h.{i}.{name}"
            shapes |= {f"{at}.weight": (inputs, outputs), f"{at}.bias": (outputs,)}
        shapes |= norm(f"h.{i}.ln_1") | norm(f"h.{i}.ln_2") | {f"h.{i}.attn.bias": (1, 1, T, T)}
    return shapes


def norm(name):
    return {f"{name}.weight": (C,), f"{name}.bias": (C,)}


def without_bias(*names):
    """Return shapes of layers, each a name, its inputs and its outputs."""
    shapes = {key: s for name in names for key, s in linear(*name).items()}
    return {name: shape for name, shape in shapes.items() if name.endswith("weight")}


def llama_shapes():
    shapes = {"model.embed_tokens.weight": (V, C), "model.norm.weight": (C,)}
    for i in range(2):
        at = f"model.layers.{i}"
        shapes |= without_bias(
            (f"{at}.self_attn.q_proj", C, C), (f"{at}.self_attn.k_proj", C, C // 2),
            (f"{at}.self_attn.v_proj", C, C // 2), (f"{at}.self_attn.o_proj", C, C),
            (f"{at}.mlp.gate_proj", C, 12), (f"{at}.mlp.up_proj", C, 12),
            (f"{at}.mlp.down_proj", 12, C),
        )  # fmt: skip
        shapes |= {f"{at}.input_layernorm.weight": (C,)}
        shapes |= {f"{at}.post_attention_layernorm.weight": (C,)}
    return shapes


def t5_shapes():
    shapes = {"shared.weight": (V, C)}
    for stack, layers in (("encoder", 2), ("decoder", 3)):
        attention = ("SelfAttention", "EncDecAttention")[: layers - 1]
        for i in range(2):
            at = f"{stack}.block.{i}.layer"
            for j, kind in enumerate(attention):
                shapes |= without_bias(*((f"{at}.{j}.{kind}.{part}", C, C) for part in "qkvo"))
            at_last = f"{at}.{layers - 1}.DenseReluDense"
            shapes |= without_bias((f"{at_last}.wi", C, 12), (f"{at_last}.wo", 12, C))
            shapes |= {f"{at}.{j}.layer_norm.weight": (C,) for j in range(layers)}
        bias = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        shapes |= {bias: (32, 2), f"{stack}.final_layer_norm.weight": (C,)}
    return shapes


SHAPES = {"gpt2": gpt2_shapes, "llama": llama_shapes, "t5": t5_shapes}
MODELS = {
    "gpt2": ("gpt2-small", GPT2), "llama": ("llama-nano", LLAMA), "t5": ("t5-tiny", T5),
}  # fmt: skip


def directory(folder, kind, more=None, **config):
    tensors = drawn(SHAPES[kind]()) | (more or {})
    said = {"tie_word_embeddings": True, **config}
    return tensors, write(folder, kind, tensors, **said)


@pytest.mark.parametrize("kind", SHAPES)
def test_every_weight_is_given(tmp_path, kind):
    _, folder = directory(tmp_path / kind, kind)
    name, arguments = MODELS[kind]
    model, said = begin(name, folder, **arguments)
    assert said == f"Weights: {len(model.weights)} arrays of '{folder}'"


def test_gpt2s_kernels_are_not_turned(tmp_path):
    tensors, folder = directory(tmp_path / "g", "gpt2")
    model, _ = begin("gpt2-small", folder, **GPT2)
    assert np.array_equal(values(model, "qkv/kernel"), tensors["h.0.attn.c_attn.weight"])
    prefixed = {f"transformer.{name}": value for name, value in tensors.items()}
    head = {"lm_head.weight": tensors["wte.weight"]}
    write(folder, "gpt2", prefixed | head)
    again, _ = begin("gpt2-small", folder, **GPT2)
    assert all(map(np.array_equal, model.get_weights(), again.get_weights()))


def test_the_gate_is_the_first_half_of_llamas_network(tmp_path):
    tensors, folder = directory(tmp_path / "l", "llama")
    model, _ = begin("llama-nano", folder, **LLAMA)
    at = "model.layers.0"
    parts = [tensors[f"{at}.mlp.{part}_proj.weight"].T for part in ("gate", "up")]
    assert np.array_equal(values(model, "inner/kernel"), np.concatenate(parts, axis=1))
    parts = [tensors[f"{at}.self_attn.{part}_proj.weight"].T for part in "qkv"]
    assert np.array_equal(values(model, "qkv/kernel"), np.concatenate(parts, axis=1))


def test_llamas_own_output_is_turned(tmp_path):
    head = {"lm_head.weight": np.random.default_rng(1).normal(size=(V, C)).astype("float32")}
    _, folder = directory(tmp_path / "l", "llama", head, tie_word_embeddings=False)
    model, said = begin("llama-nano", folder, **LLAMA, tied=False)
    assert "new" not in said
    found = values(model, "embedding/reverse_embeddings")
    assert np.array_equal(found, head["lm_head.weight"].T)


def test_both_vocabularies_of_a_pair_begin_with_t5s_one(tmp_path):
    tensors, folder = directory(tmp_path / "t", "t5")
    model, _ = begin("t5-tiny", folder, **T5, target_vocabulary_size=V)
    for stack in ("encoder", "decoder"):
        found = values(model, f"{stack}/embedding/embeddings")
        assert np.array_equal(found, tensors["shared.weight"])


@pytest.mark.parametrize(
    ("kind", "changed", "named"),
    [
        ("gpt2", {"n_head": 4}, "has n_head 4. Expected 2"),
        (
            "gpt2",
            {"activation_function": "relu"},
            "has activation_function relu. Expected gelu",
        ),
        ("gpt2", {"layer_norm_epsilon": 1e-6}, "has layer_norm_epsilon 1e-06"),
        ("gpt2", {"tie_word_embeddings": False}, "has tie_word_embeddings False. Expected True"),
        ("llama", {"num_key_value_heads": 4}, "has num_key_value_heads 4. Expected 2"),
        ("llama", {"rope_theta": 5e5}, "has rope_theta 500000.0. Expected 10000.0"),
        ("llama", {"rope_parameters": {"rope_theta": 5e5}}, "has rope_theta 500000.0"),
        ("llama", {"rope_parameters": {"rope_type": "yarn"}}, "has rope_type yarn"),
        ("llama", {"rope_scaling": {"type": "linear"}}, "has rope_scaling {'type': 'linear'}"),
        ("llama", {"rms_norm_eps": 1e-6}, "has rms_norm_eps 1e-06. Expected 1e-05"),
        ("llama", {"tie_word_embeddings": False}, "has tie_word_embeddings False. Expected True"),
        ("t5", {"num_heads": 4}, "has num_heads 4. Expected 2"),
        ("t5", {"feed_forward_proj": "gated-gelu"}, "has feed_forward_proj gated-gelu"),
    ],
)
def test_what_is_computed_otherwise_is_refused(tmp_path, kind, changed, named):
    _, folder = directory(tmp_path / kind, kind, **changed)
    name, arguments = MODELS[kind]
    assert named in refusal(name, folder, **arguments)


@pytest.mark.parametrize(
    ("kind", "changed", "named"),
    [
        ("gpt2", {"vocabulary_size": 12}, "has 'wte.weight' of shape (11, 8)"),
        ("llama", {"vocabulary_size": 12}, "has 'model.embed_tokens.weight' of shape (11, 8)"),
        ("t5", {"vocabulary_size": 12}, "has 'shared.weight' of shape (11, 8)"),
        (
            "t5",
            {"target_vocabulary_size": 12},
            "where this model has 'decoder/embedding/embeddings'",
        ),
        ("llama", {"layers": 1}, "has 'model.layers.1.input_layernorm.weight', for which"),
        ("t5", {"layers": 1}, "has 'decoder.block.1.layer.0.SelfAttention.k.weight', for which"),
        ("t5", {"layers": 3}, "has no 'encoder.block.2.layer.0.layer_norm.weight'"),
    ],
)
def test_another_size_is_refused_by_its_tensor(tmp_path, kind, changed, named):
    _, folder = directory(tmp_path / kind, kind)
    name, arguments = MODELS[kind]
    assert named in refusal(name, folder, **{**arguments, **changed})
