"""With the weights of Hugging Face's networks ours answer as transformers does."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.generation import engines
from zoo.preprocessing import wordpiece
from zoo.weights import huggingface
from zoo.weights.transfer import transfer

TOLERANCE = 1e-4
PEER = Path(__file__).parent / "peer_transformers.py"
TEXTS = ["A cat sleeps on the sofa.", "The kitten is napping on a couch.", "Interest rates rose."]
TINY = {"layers": 2, "heads": 2, "width": 16}


def tiny(**more):
    return {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "initializer_range": 0.2, **more,
    }  # fmt: skip


def peer(folder, network, inputs, **job):
    """Let transformers answer; return what it said, by name."""
    python = os.environ.get("ZOO_TRANSFORMERS_PYTHON")
    if not python:
        pytest.skip("ZOO_TRANSFORMERS_PYTHON names no interpreter with torch and transformers")
    job = {"network": network, "shard": "1GB", "noise": 0.05, **job}
    (folder / "job.json").write_text(json.dumps(job))
    np.savez(folder / "inputs.npz", **inputs)
    done = subprocess.run([python, PEER, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(np.load(folder / "outputs.npz"))


def ours(directory, name, **arguments):
    """Return a model of ours with the weights of a directory, all of them given."""
    model = zoo.create(name, **arguments)
    found = huggingface.read(Path(directory))
    given = transfer(model, huggingface.named(model, found), str(directory), head=True)
    assert given == len(model.weights)
    return model


def padded(vocabulary_size, shape=(4, 11)):
    """Return random ids, those at the ends of texts 0."""
    random = np.random.default_rng(0)
    ids = random.integers(1, vocabulary_size, shape, "int32")
    for row, length in enumerate((shape[1], 7, 1, 5)[: shape[0]]):
        ids[row, length:] = 0
    return ids


def close(found, expected):
    assert expected.std() > 0.1, "outputs are about zero"
    np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("shard", ["1GB", "4KB"])
def test_bert(tmp_path, shard):
    ids = padded(31)
    config = tiny(vocab_size=31, max_position_embeddings=12)
    expected = peer(tmp_path, "BertModel", {"ids": ids}, config=config, shard=shard)
    assert len([*(tmp_path / "model").glob("*.safetensors")]) == 1 or shard == "4KB"
    model = ours(
        tmp_path / "model",
        "bert-tiny", vocabulary_size=31, sequence_length=12, pooling="first", **TINY,
    )  # fmt: skip
    hidden, pooled = model(ids, training=False)
    close(hidden.numpy(), expected["last_hidden_state"])
    close(pooled.numpy(), expected["pooler_output"])


def test_bert_that_classifies(tmp_path):
    ids = padded(31)
    config = tiny(vocab_size=31, max_position_embeddings=12, num_labels=3)
    expected = peer(tmp_path, "BertForSequenceClassification", {"ids": ids}, config=config)
    arguments = {"vocabulary_size": 31, "sequence_length": 12, "classes": 3, **TINY}
    model = ours(tmp_path / "model", "bert-tiny", pooling="first", **arguments)
    close(model(ids, training=False).numpy(), expected["logits"])


def test_vit(tmp_path):
    pictures = np.random.default_rng(0).random((3, 8, 12, 3), "float32")
    config = tiny(image_size=[8, 12], patch_size=4, num_labels=3, layer_norm_eps=1e-6)
    expected = peer(tmp_path, "ViTForImageClassification", {"pictures": pictures}, config=config)
    arguments = {"input_shape": (8, 12, 3), "classes": 3, "patch": 4, **TINY}
    model = ours(tmp_path / "model", "vit-tiny-16", **arguments)
    close(model(pictures, training=False).numpy(), expected["logits"])


def tokens(vocabulary_size, shape=(3, 11)):
    """Return random ids without padding."""
    return np.random.default_rng(0).integers(1, vocabulary_size, shape, "int32")


def step_by_step(model, ids, beginning=3):
    """Return the logits after each token from a beginning's last, through the cache."""
    engine = engines.create(model, 16)
    assert isinstance(engine, engines.Cached)
    count = ids.shape[1] - beginning
    begun = tf.RaggedTensor.from_tensor(ids[:, :beginning])
    logits, state = engine.begin(begun, tf.constant(count))
    found = [logits]
    for i in range(beginning, ids.shape[1]):
        logits, state = engine.step(tf.constant(ids[:, i]), state)
        found.append(logits)
    return np.stack(found, axis=1)


def writes_alike(model, ids, expected):
    close(model(ids, training=False).numpy(), expected)
    close(step_by_step(model, ids), expected[:, 2:])


GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.2}
LLAMA = {"rms_norm_eps": 1e-5, "bos_token_id": None, "eos_token_id": None}


def test_gpt2(tmp_path):
    ids = tokens(31)
    config = {**GPT2, "vocab_size": 31, "n_positions": 16}
    expected = peer(tmp_path, "GPT2LMHeadModel", {"ids": ids}, config=config)
    model = ours(tmp_path / "model", "gpt2-small", vocabulary_size=31, sequence_length=12, **TINY)
    writes_alike(model, ids, expected["logits"])


@pytest.mark.parametrize("tied", [True, False])
def test_llama(tmp_path, tied):
    ids = tokens(31)
    more = {"num_key_value_heads": 2, "rope_theta": 500.0, "tie_word_embeddings": tied}
    config = tiny(vocab_size=31, **LLAMA, **more)
    config |= {"num_attention_heads": 4, "intermediate_size": 40}
    expected = peer(tmp_path, "LlamaForCausalLM", {"ids": ids}, config=config)
    model = ours(
        tmp_path / "model", "llama-nano", vocabulary_size=31, layers=2, heads=4, key_heads=2,
        width=16, hidden=40, rotary=500.0, tied=tied,
    )  # fmt: skip
    writes_alike(model, ids, expected["logits"])


def translates_alike(model, source, target, expected):
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    encoded = encoder(source, training=False)
    real = source != 0
    close(encoded[1].numpy()[real], expected["encoder_last_hidden_state"][real])
    logits = model({"source": source, "target": target}, training=False)
    close(logits.numpy(), expected["logits"])
    fixed, state = decoder.begin(encoded, target.shape[1])
    for i in range(target.shape[1]):
        logits, state = decoder.step(tf.constant(target[:, i]), fixed, state)
        close(logits.numpy(), expected["logits"][:, i])


def begun_with_padding(vocabulary_size, shape):
    """Return random ids of a target, which begins with 0 in T5."""
    return np.pad(tokens(vocabulary_size, shape), [(0, 0), (1, 0)])


def test_t5(tmp_path):
    source, target = padded(31, (3, 160)), begun_with_padding(31, (3, 9))
    config = {"vocab_size": 31, "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2}
    config |= {"num_heads": 2, "initializer_factor": 0.5}
    inputs = {"ids": source, "target": target}
    expected = peer(tmp_path, "T5ForConditionalGeneration", inputs, config=config)
    model = ours(tmp_path / "model", "t5-tiny", vocabulary_size=31, hidden=24, **TINY)
    translates_alike(model, source, target, expected)


@pytest.mark.slow
def test_t5_small(tmp_path):
    source, target = padded(32128, (2, 64)), begun_with_padding(32128, (2, 31))
    inputs = {"ids": source, "target": target}
    # More noise makes scores, which are not scaled, so large that rounding alone passes 1e-4.
    expected = peer(tmp_path, "T5ForConditionalGeneration", inputs, config={}, noise=0.005)
    model = ours(tmp_path / "model", "t5-small", vocabulary_size=32128)
    translates_alike(model, source, target, expected)


@pytest.mark.slow
def test_gpt2_small(tmp_path):
    ids = tokens(50257, (2, 14))
    expected = peer(tmp_path, "GPT2LMHeadModel", {"ids": ids}, config={})
    arguments = {"vocabulary_size": 50257, "sequence_length": 1024}
    writes_alike(ours(tmp_path / "model", "gpt2-small", **arguments), ids, expected["logits"])


@pytest.mark.slow
def test_smollm(tmp_path):
    ids = tokens(49152, (2, 14))
    config = {
        "vocab_size": 49152, "hidden_size": 576, "num_hidden_layers": 30, "intermediate_size": 1536,
        "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": True, **LLAMA,
    }  # fmt: skip
    expected = peer(tmp_path, "LlamaForCausalLM", {"ids": ids}, config=config)
    arguments, _ = zoo.registry.get("llama-nano").params
    writes_alike(ours(tmp_path / "model", "llama-nano", **arguments), ids, expected["logits"])


@pytest.mark.slow
def test_bert_base(tmp_path):
    ids = padded(30522, (2, 64))
    expected = peer(tmp_path, "BertModel", {"ids": ids}, config={"initializer_range": 0.02})
    model = ours(tmp_path / "model", "bert-base", vocabulary_size=30522, pooling="first")
    hidden, pooled = model(ids, training=False)
    close(hidden.numpy(), expected["last_hidden_state"])
    close(pooled.numpy(), expected["pooler_output"])


@pytest.mark.slow
def test_vit_base(tmp_path):
    pictures = np.random.default_rng(0).random((2, 224, 224, 3), "float32")
    config = {"num_labels": 1000, "layer_norm_eps": 1e-6}
    expected = peer(tmp_path, "ViTForImageClassification", {"pictures": pictures}, config=config)
    model = ours(tmp_path / "model", "vit-base-16", input_shape=(224, 224, 3), classes=1000)
    close(model(pictures, training=False).numpy(), expected["logits"])


def sentences(model, ids):
    """Return sentence embeddings of length one."""
    _, mean = model(ids, training=False)
    return mean.numpy() / np.linalg.norm(mean.numpy(), axis=1, keepdims=True)


def test_minilm(tmp_path):
    package = os.environ.get("ZOO_MINILM")
    if not package:
        pytest.skip("ZOO_MINILM names no directory of all-MiniLM-L6-v2")
    expected = peer(tmp_path, "BertModel", {"texts": np.array(TEXTS)}, directory=package)
    ids = expected["ids"]
    own = wordpiece.read(Path(package)).ids(tf.constant(TEXTS))
    assert own.to_list() == [row[row != 0].tolist() for row in ids]
    found = sentences(ours(package, "minilm", vocabulary_size=30522), ids)
    real = (ids != 0)[..., None]
    mean = (expected["last_hidden_state"] * real).sum(1) / real.sum(1)
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-4)
    assert found[0] @ found[1] > 0.5 > found[0] @ found[2] + 0.2
