"""Directories as Hugging Face has them, made of random numbers, and models that read them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

import zoo
from zoo.errors import InputError
from zoo.registry import get
from zoo.training import beginning

CONFIGS = {
    "bert": {"model_type": "bert", "num_attention_heads": 2, "hidden_act": "gelu"},
    "vit": {"model_type": "vit", "num_attention_heads": 2, "layer_norm_eps": 1e-12},
    "gpt2": {"model_type": "gpt2", "n_head": 2, "activation_function": "gelu_new"},
    "llama": {
        "model_type": "llama",
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "rope_scaling": None,
    },
    "t5": {"model_type": "t5", "num_heads": 2, "is_encoder_decoder": True},
}


def linear(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def drawn(shapes):
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype("float32") for name, shape in shapes.items()}


def write(folder, kind, tensors, shards=0, **config):
    """Write a directory of one file, or of so many and an index; return it."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIGS[kind], **config}))
    if not shards:
        save_file(tensors, folder / "model.safetensors")
        return folder
    names = sorted(tensors)
    places = {}
    for i in range(shards):
        file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        save_file({name: tensors[name] for name in names[i::shards]}, folder / file)
        places |= dict.fromkeys(names[i::shards], file)
    index = json.dumps({"metadata": {}, "weight_map": places})
    (folder / "model.safetensors.index.json").write_text(index)
    return folder


def begin(name, folder, labels=(), **arguments):
    """Give a new model the weights of a directory, as `zoo train --weights` does."""
    model = zoo.create(name, **arguments)
    task = SimpleNamespace(classes=labels)
    return model, beginning.begin(model, get(name), str(folder), task, {})


def refusal(name, folder, **arguments):
    """Return the one line for which a directory is refused; nothing may have been given."""
    model = zoo.create(name, **arguments)
    before = [w.numpy() for w in model.weights]
    with pytest.raises(InputError) as caught:
        beginning.begin(model, get(name), str(folder), SimpleNamespace(classes=()), {})
    assert all(map(np.array_equal, before, [w.numpy() for w in model.weights]))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def values(model, end):
    return next(w.numpy() for w in model.weights if w.path.endswith(end))
