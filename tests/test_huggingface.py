"""Directories as Hugging Face has them: what is read of them, and what is refused by name."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from published import CONFIGS, begin, drawn, linear, refusal, values, write
from safetensors.numpy import save_file

import zoo
from zoo.errors import InputError

WIDTH, VOCABULARY, LENGTH = 8, 11, 6
SIZE = {"layers": 2, "heads": 2, "width": WIDTH}
CLASSES = ("dog", "cat", "fox")
BERT = {"vocabulary_size": VOCABULARY, "sequence_length": LENGTH, **SIZE}
VIT = {"input_shape": (8, 8, 3), "classes": 3, "patch": 4, **SIZE}


def norm(name):
    return {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}


def block(i, queries, norms, width=WIDTH):
    """Return shapes of one block, as both families have it."""
    at = f"encoder.layer.{i}"
    shapes = {}
    for part in ("query", "key", "value"):
        shapes |= linear(f"{at}.attention.{queries}.{part}", width, width)
    shapes |= linear(f"{at}.attention.output.dense", width, width)
    shapes |= linear(f"{at}.intermediate.dense", width, 4 * width)
    shapes |= linear(f"{at}.output.dense", 4 * width, width)
    return shapes | {name: s for end in norms for name, s in norm(f"{at}.{end}").items()}


def bert_shapes(layers=2):
    shapes = {
        "embeddings.word_embeddings.weight": (VOCABULARY, WIDTH),
        "embeddings.position_embeddings.weight": (LENGTH, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        **norm("embeddings.LayerNorm"),
        **linear("pooler.dense", WIDTH, WIDTH),
    }
    for i in range(layers):
        shapes |= block(i, "self", ("attention.output.LayerNorm", "output.LayerNorm"))
    return shapes


def vit_shapes():
    shapes = {
        "vit.embeddings.cls_token": (1, 1, WIDTH),
        "vit.embeddings.position_embeddings": (1, 5, WIDTH),
        "vit.embeddings.patch_embeddings.projection.weight": (WIDTH, 3, 4, 4),
        "vit.embeddings.patch_embeddings.projection.bias": (WIDTH,),
        **{f"vit.{name}": s for name, s in norm("layernorm").items()},
        **linear("classifier", WIDTH, 3),
    }
    for i in range(2):
        found = block(i, "attention", ("layernorm_before", "layernorm_after"))
        shapes |= {f"vit.{name}": shape for name, shape in found.items()}
    return shapes


def test_queries_keys_and_values_stand_side_by_side(tmp_path):
    tensors = drawn(bert_shapes())
    model, said = begin("bert-tiny", write(tmp_path / "b", "bert", tensors), **BERT)
    assert said == f"Weights: {len(model.weights)} arrays of '{tmp_path / 'b'}'"
    parts = [
        tensors[f"encoder.layer.1.attention.self.{part}.weight"].T
        for part in ("query", "key", "value")
    ]
    kernels = [w for w in model.weights if w.path.endswith("qkv/kernel")]
    assert np.array_equal(kernels[1].numpy(), np.concatenate(parts, axis=1))


def test_shards_prefixes_and_old_names_give_the_same(tmp_path):
    tensors = drawn(bert_shapes())
    other = {f"bert.{name}": value for name, value in tensors.items()}
    for end, old in (("weight", "gamma"), ("bias", "beta")):
        other[f"bert.embeddings.LayerNorm.{old}"] = other.pop(f"bert.embeddings.LayerNorm.{end}")
    other["cls.predictions.bias"] = np.zeros(VOCABULARY, "float32")
    first, _ = begin("bert-tiny", write(tmp_path / "one", "bert", tensors), **BERT)
    second, _ = begin("bert-tiny", write(tmp_path / "two", "bert", other, shards=3), **BERT)
    assert all(map(np.array_equal, first.get_weights(), second.get_weights()))


def test_a_model_of_shorter_texts_takes_the_first_positions(tmp_path):
    tensors = drawn(bert_shapes())
    arguments = {**BERT, "sequence_length": 4}
    model, _ = begin("bert-tiny", write(tmp_path / "b", "bert", tensors), **arguments)
    expected = tensors["embeddings.position_embeddings.weight"][:4]
    assert np.array_equal(values(model, "positions/positions"), expected)


def test_a_head_is_taken_for_the_same_classes_alone(tmp_path):
    labels = {str(i): name for i, name in enumerate(CLASSES)}
    folder = write(tmp_path / "v", "vit", drawn(vit_shapes()), id2label=labels)
    _, said = begin("vit-tiny-16", folder, CLASSES, **VIT)
    assert said.endswith(f"arrays of '{folder}'")
    _, said = begin("vit-tiny-16", folder, CLASSES[::-1], **VIT)
    assert said.endswith("; 2 others are new")


def test_berts_own_head_does_not_follow_on_a_mean(tmp_path):
    labels = {str(i): name for i, name in enumerate(CLASSES)}
    tensors = drawn(bert_shapes() | linear("classifier", WIDTH, 3))
    folder = write(tmp_path / "b", "bert", tensors, id2label=labels)
    _, said = begin("bert-tiny", folder, CLASSES, **BERT, classes=3)
    assert said.endswith("; 2 others are new")
    _, said = begin("bert-tiny", folder, CLASSES, **BERT, classes=3, pooling="first")
    assert "new" not in said


@pytest.mark.parametrize("said", [None, {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2] * 3}])
def test_pictures_in_0_to_1_are_seen_normalized(tmp_path, said):
    tensors = drawn(vit_shapes())
    folder = write(tmp_path / "v", "vit", tensors)
    if said:
        (folder / "preprocessor_config.json").write_text(json.dumps(said))
    model, _ = begin("vit-tiny-16", folder, **VIT)
    pictures = np.random.default_rng(1).random((2, 8, 8, 3), "float32")
    said = said or {"image_mean": 0.5, "image_std": 0.5}
    normalized = (pictures - np.array(said["image_mean"])) / np.array(said["image_std"])
    name = "vit.embeddings.patch_embeddings.projection"
    kernel = tensors[f"{name}.weight"].transpose(2, 3, 1, 0)
    expected = keras.ops.conv(normalized.astype("float32"), kernel, 4) + tensors[f"{name}.bias"]
    found = model.get_layer("patches")(pictures)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_damaged_preprocessor_is_refused(tmp_path):
    folder = write(tmp_path / "v", "vit", drawn(vit_shapes()))
    (folder / "preprocessor_config.json").write_text('{"image_std": [1, 0, 1]}')
    assert "says image_std [1, 0, 1]. Expected 3 numbers" in refusal("vit-tiny-16", folder, **VIT)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"vocabulary_size": 12}, "has 'embeddings.word_embeddings.weight' of shape (11, 8)"),
        ({"width": 16}, "has 'embeddings.word_embeddings.weight' of shape (11, 8)"),
        ({"sequence_length": 9}, "has 'embeddings.position_embeddings.weight' of shape (6, 8)"),
        ({"layers": 3}, "has no 'encoder.layer.2.attention.output.LayerNorm.weight'"),
        ({"layers": 1}, "has 'encoder.layer.1.attention.output.LayerNorm.bias', for which"),
        ({"hidden": 8}, "has 'encoder.layer.0.intermediate.dense.weight' of shape (8, 32)"),
        ({"heads": 4}, "has num_attention_heads 2. Expected 4"),
    ],
)
def test_another_size_is_refused_by_its_tensor(tmp_path, changed, named):
    folder = write(tmp_path / "b", "bert", drawn(bert_shapes()))
    assert named in refusal("bert-tiny", folder, **{**BERT, **changed})


def test_tensors_that_are_missing_or_too_many_are_named(tmp_path):
    tensors = drawn(bert_shapes())
    more = {**tensors, "encoder.rotary": np.zeros(3, "float32")}
    folder = write(tmp_path / "b", "bert", more)
    assert "has 'encoder.rotary', for which this model has no" in refusal(
        "bert-tiny", folder, **BERT
    )
    gone = "encoder.layer.1.output.dense.bias"
    write(folder, "bert", {name: v for name, v in tensors.items() if name != gone})
    assert f"has no '{gone}'" in refusal("bert-tiny", folder, **BERT)
    odd = {**tensors, "encoder.layer.0.attention.self.key.weight": np.zeros((8, 9), "float32")}
    write(folder, "bert", odd)
    assert "'encoder.layer.0.attention.self.query.weight' and its like" in refusal(
        "bert-tiny", folder, **BERT
    )


@pytest.mark.parametrize("shape", [(), (5,), (8, 9), (8, 3, 4), (1, 2, 8), (8, 2, 4, 4)])
@pytest.mark.parametrize(
    "name",
    [
        "vit.embeddings.position_embeddings",
        "vit.embeddings.patch_embeddings.projection.weight",
        "vit.embeddings.patch_embeddings.projection.bias",
        "vit.encoder.layer.0.attention.attention.query.weight",
    ],
)
def test_any_other_shape_is_refused_by_name(tmp_path, name, shape):
    tensors = {**drawn(vit_shapes()), name: np.ones(shape, "float32")}
    folder = write(tmp_path / "v", "vit", tensors)
    assert f"has '{name}'" in refusal("vit-tiny-16", folder, **VIT)


def test_another_architecture_is_refused(tmp_path):
    tensors = drawn(bert_shapes())
    folder = write(tmp_path / "b", "bert", tensors)
    assert "has no 'patches/kernel'" in refusal("vit-tiny-16", folder, **VIT)
    write(folder, "bert", tensors, hidden_act="relu")
    assert "has hidden_act relu. Expected gelu" in refusal("bert-tiny", folder, **BERT)
    write(folder, "bert", tensors, model_type="roberta")
    assert "model_type 'roberta'. Expected one of bert, vit" in refusal("bert-tiny", folder, **BERT)


def test_what_is_missing_of_shards_is_named(tmp_path):
    folder = write(tmp_path / "b", "bert", drawn(bert_shapes()), shards=3)
    shard = folder / "model-00002-of-00003.safetensors"
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2])
    assert f"Cannot read the weights '{shard}'" in refusal("bert-tiny", folder, **BERT)
    save_file({}, shard)
    assert re.search(
        r"00002-of-00003.safetensors' has no '\w+", refusal("bert-tiny", folder, **BERT)
    )
    shard.unlink()
    line = refusal("bert-tiny", folder, **BERT)
    assert re.search(r"has no 'model-00002-of-00003.safetensors', which holds '\w+", line)


@pytest.mark.parametrize("place", ["../other.safetensors", "/etc/passwd", "weights.bin", 3])
def test_an_index_leads_nowhere_else(tmp_path, place):
    folder = write(tmp_path / "b", "bert", drawn(bert_shapes()), shards=2)
    index = json.dumps({"weight_map": {"pooler.dense.bias": place}})
    (folder / "model.safetensors.index.json").write_text(index)
    assert "model.safetensors.index.json' has" in refusal("bert-tiny", folder, **BERT)


@pytest.mark.parametrize("file", ["pytorch_model.bin", "tf_model.h5", "model.pt"])
def test_pickles_are_refused(tmp_path, file):
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS["bert"]))
    (tmp_path / file).write_bytes(b"")
    line = refusal("bert-tiny", tmp_path, **BERT)
    assert f"has no model.safetensors; '{file}' is" in line


@pytest.mark.parametrize("content", ["[]", "{", "{}", '{"model_type": ["bert"]}', "[" * 9999])
def test_a_damaged_config_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    assert "config.json" in (line := refusal("bert-tiny", tmp_path, **BERT)) or "model_type" in line


def test_numbers_of_half_the_size_are_read(tmp_path):
    tensors = drawn(bert_shapes())
    half = {name: value.astype("float16") for name, value in tensors.items()}
    first, _ = begin("bert-tiny", write(tmp_path / "b", "bert", half), **BERT)
    expected = half["embeddings.word_embeddings.weight"].astype("float32")
    assert np.array_equal(values(first, "embedding/embeddings"), expected)


def test_bfloat16_is_read(tmp_path):
    tensors = {name: np.zeros(shape, "float32") for name, shape in bert_shapes().items()}
    tensors["embeddings.word_embeddings.weight"] += 1.5
    folder = write(tmp_path / "b", "bert", {})
    header, body = {}, b""
    for name, value in tensors.items():
        data = (value.view("uint32") >> 16).astype("uint16").tobytes()
        places = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "BF16", "shape": value.shape, "data_offsets": places}
        body += data
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + body
    (folder / "model.safetensors").write_bytes(content)
    model, _ = begin("bert-tiny", folder, **BERT)
    assert (values(model, "embedding/embeddings") == 1.5).all()


@pytest.mark.slow
def test_texts_are_cut_by_the_vocabulary_of_the_weights(tmp_path):
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "##s", "a", "b", "c"]
    folder = write(tmp_path / "b", "bert", drawn(bert_shapes()))
    (folder / "vocab.txt").write_text("\n".join(tokens))
    texts = "".join(f"{word} films {i},{word}\n" for i in range(20) for word in ("good", "bad"))
    (tmp_path / "texts.csv").write_text("text,opinion\n" + texts)
    said = []
    run = zoo.train(
        "bert-tiny", data=str(tmp_path / "texts.csv"), kind="text", target="opinion", steps=2,
        weights=str(folder), run=str(tmp_path / "run"), say=said.append, sequence_length=LENGTH,
        set=SIZE,
    )  # fmt: skip
    assert f"Weights: 29 arrays of '{folder}'; 2 others are new" in said
    with pytest.raises(InputError, match="come with 11 tokens"):
        zoo.train(
            "bert-tiny", data=str(tmp_path / "texts.csv"), kind="text", target="opinion",
            weights=str(folder), vocabulary_size=50, set=SIZE,
        )  # fmt: skip
    predictor = zoo.load(run)
    ids = predictor.preprocessor.encode({"text": tf.constant(["Good films"])})["ids"]
    assert ids.to_list() == [[2, 4, 6, 7, 3]]
