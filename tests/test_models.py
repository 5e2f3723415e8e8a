import itertools

import keras
import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.models.gpt import gpt
from zoo.models.lenet5 import lenet5
from zoo.models.linear import linear
from zoo.models.lstm import lstm
from zoo.models.mlp import mlp
from zoo.models.perceptron import perceptron

RANDOM = np.random.default_rng(0)
TABLE_ROWS = ("tabular-resnet", "wide-deep", "dcn-v2", "ft-transformer")
DENSE_ROWS = ("linear", "perceptron", "mlp", "maxout-mlp", *TABLE_ROWS)


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def normal(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def test_the_courses_perceptron():
    model = perceptron((2,), classifier_activation="sigmoid")
    model.set_weights([np.array([[0.2], [0.4]]), np.array([0.1])])
    assert float(model(np.array([[0.5, 0.8]]))[0, 0]) == pytest.approx(0.6271, abs=5e-5)


def test_a_perceptron_returns_the_sum_unless_told():
    model = perceptron((2,))
    model.set_weights([np.array([[0.2], [0.4]]), np.array([0.1])])
    assert float(model(np.array([[0.5, 0.8]]))[0, 0]) == pytest.approx(0.52)


def test_a_perceptron_may_have_several_outputs():
    model = perceptron((3,), 2, classifier_activation="tanh")
    x, (w, b) = normal(4, 3), (value(v) for v in model.weights)
    np.testing.assert_allclose(value(model(x)), np.tanh(x @ w + b), rtol=1e-5, atol=1e-6)


def test_parameter_counts_follow_from_the_widths():
    assert linear((64,), 10).count_params() == 64 * 10 + 10
    assert perceptron((64,), 1).count_params() == 64 + 1
    expected = 65 * 128 + 129 * 128 + 129 * 10
    assert mlp((64,), 10).count_params() == expected
    assert mlp((8, 8, 1), 10).count_params() == expected
    assert lenet5((32, 32, 1), 10).count_params() == 61_706
    units, d, v = 16, 5, 7
    cell = 4 * units * (d + units + 1)
    assert lstm((3, d), 2, units=(units,)).count_params() == cell + 2 * (units + 1)
    cell = 4 * units * (units + units + 1)
    expected = v * units + cell + v * (units + 1)
    assert lstm(vocabulary_size=v, units=(units,)).count_params() == expected


def test_parameter_counts_of_the_papers_networks():
    units, pieces, d = 6, 3, 4
    expected = (d + 1) * units * pieces + (units + 1) * units * pieces + (units + 1) * 2
    model = zoo.create("maxout-mlp", input_shape=(d,), classes=2, units=(6, 6), pieces=3)
    assert model.count_params() == expected

    width, hidden = 8, 16
    block = 4 * width + (width + 1) * hidden + (hidden + 1) * width
    expected = (d + 1) * width + 2 * block + 4 * width + (width + 1) * 2
    model = zoo.create("tabular-resnet", input_shape=(d,), classes=2, width=8, blocks=2)
    assert model.count_params() == expected

    d = 4 + 2 * 5  # numbers, and two categories of five numbers each
    expected = (3 + 6) * 5 + 2 * (d * d + d) + (d + 1) * 8 + 9 * 2
    data = {"input_shape": (4,), "classes": 2, "cardinalities": (3, 6), "embedding_width": 5}
    assert zoo.create("dcn-v2", **data, units=8).count_params() == expected
    expected += d * 2  # the output sees the crosses, too
    model = zoo.create("dcn-v2", **data, units=8, structure="parallel")
    assert model.count_params() == expected

    deep = (3 + 6) * 5 + (d + 1) * 8 + 9 * 2
    wide = (4 + 3 + 6 + 3 * 6) * 2
    assert zoo.create("wide-deep", **data, units=8).count_params() == deep + wide


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt2-small", "llama-nano"])
def test_decoders_at_a_published_size_have_its_parameters(name):
    arguments, count = registry.get(name).params
    assert zoo.create(name, **arguments).count_params() == count


def xor_accuracy(model):
    keras.utils.set_random_seed(0)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    y = np.array([0, 1, 1, 0], "float32")
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["binary_accuracy"])
    model.fit(np.repeat(x, 200, axis=0), np.repeat(y, 200), batch_size=32, epochs=4, verbose=0)
    return np.mean((value(model(x))[:, 0] > 0) == y)


def test_xor_is_solved_by_an_mlp_and_by_no_linear_model():
    keras.utils.set_random_seed(0)
    assert xor_accuracy(mlp((2,), 1, units=(16,))) == 1.0
    assert xor_accuracy(linear((2,), 1)) <= 0.75


@pytest.mark.parametrize("name", DENSE_ROWS)
@pytest.mark.parametrize("shape", [(5,), (2, 3, 1), ()])
def test_dense_models_take_any_shape_and_give_logits(name, shape):
    model = zoo.create(name, input_shape=shape, classes=3)
    assert value(model(normal(4, *shape))).shape == (4, 3)


@pytest.mark.parametrize("name", TABLE_ROWS)
@pytest.mark.parametrize("numbers", [0, 2])
@pytest.mark.parametrize("cardinalities", [(4,), (4, 3, 2)])
def test_table_models_take_categories(name, numbers, cardinalities):
    model = zoo.create(name, input_shape=(numbers,), classes=3, cardinalities=cardinalities)
    codes = RANDOM.integers(cardinalities, size=(5, len(cardinalities))).astype("int32")
    x = {"numbers": normal(5, numbers), "categories": codes}
    found = value(model(x))
    assert found.shape == (5, 3)
    other = {**x, "categories": (codes + 1) % np.array(cardinalities, "int32")}
    if name != "wide-deep":  # its wide part starts at zero, its deep part is moved by embeddings
        assert not np.allclose(found, value(model(other)))
    with pytest.raises(ValueError, match="at least one input"):
        registry.create(name, input_shape=(0,), classes=3)


def test_wide_deep_adds_a_linear_model_of_numbers_and_pairs():
    model = zoo.create("wide-deep", input_shape=(1,), classes=1, cardinalities=(2, 2), units=4)
    crosses = model.get_layer("crosses")
    x = {"numbers": np.zeros((4, 1), "float32")}
    x["categories"] = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "int32")
    before = value(model(x))[:, 0]
    weights = np.zeros(crosses.kernel.shape, "float32")
    weights[-2] = 5.0  # the pair (1, 0)
    crosses.kernel.assign(weights)
    np.testing.assert_allclose(value(model(x))[:, 0] - before, [0, 0, 5, 0], atol=1e-6)


def test_dropout_acts_in_training_only_and_penalties_reach_all_kernels():
    x = normal(4, 6)
    for name in ("mlp", "maxout-mlp", "tabular-resnet", "wide-deep", "dcn-v2"):
        model = zoo.create(name, input_shape=(6,), classes=3, dropout=0.5, l1=0.1, l2=0.01)
        np.testing.assert_array_equal(value(model(x)), value(model(x)))
        assert not np.allclose(value(model(x, training=True)), value(model(x, training=True)))
        kernels = [value(w) for w in model.trainable_weights if w.name == "kernel"]
        expected = sum(0.1 * np.abs(k).sum() + 0.01 * np.square(k).sum() for k in kernels)
        assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-4), name


def test_batch_normalization_is_an_option_of_the_mlp():
    kinds = [type(layer).__name__ for layer in mlp((4,), 2, batch_normalization=True).layers]
    assert kinds.count("FusedBatchNormalization") == 2


def test_maxout_keeps_the_norm_of_each_column():
    model = zoo.create("maxout-mlp", input_shape=(6,), classes=3, units=8, max_norm=0.5)
    model.compile("sgd", "mse")
    model.fit(normal(8, 6), normal(8, 3), verbose=0)
    for weight in model.trainable_weights:
        if weight.name == "kernel":
            assert np.linalg.norm(value(weight), axis=0).max() <= 0.5 + 1e-5


def test_activation_softmax_gives_probabilities():
    for name in DENSE_ROWS:
        model = zoo.create(name, input_shape=(6,), classes=3, classifier_activation="softmax")
        np.testing.assert_allclose(value(model(normal(4, 6))).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (4, 4, 1)])
def test_an_autoencoder_mirrors_its_encoder(shape):
    model = zoo.create("autoencoder", input_shape=shape, units=(8, 3))
    assert value(model(normal(2, *shape))).shape == (2, *shape)
    widths = [la.units for la in model.layers if isinstance(la, keras.layers.Dense)]
    assert widths == [8, 3, 8, np.prod(shape)]


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (30, 31, 3), (40, 20, 1)])
def test_lenet_has_the_same_layers_for_every_picture(shape):
    model = lenet5(shape, 10)
    assert value(model(normal(2, *shape))).shape == (2, 10)
    assert model.count_params() == 61_706 + (shape[-1] - 1) * 150


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 8, 1), (28, 28, 1), (31, 40, 3)])
def test_a_small_cnn_takes_pictures_of_any_size(shape):
    """Its parameters: 3x3 kernels, scale and shift and two statistics a filter, one dense layer."""
    model = zoo.create("cnn-small", input_shape=shape, classes=10)
    assert value(model(normal(2, *shape))).shape == (2, 10)
    widths = [shape[-1], 32, 32, 64, 64, 128, 128]
    kernels = sum(9 * a * b for a, b in itertools.pairwise(widths))
    assert model.count_params() == kernels + 4 * sum(widths[1:]) + 128 * 10 + 10


def test_lstm_reads_what_it_is_given():
    tokens = RANDOM.integers(7, size=(2, 5)).astype("int32")
    assert lstm(vocabulary_size=7)(tokens).shape == (2, 5, 7)
    assert lstm(vocabulary_size=7, sequence_length=9)(tokens).shape == (2, 5, 7)
    assert lstm(vocabulary_size=7, classes=3)(tokens).shape == (2, 3)
    assert lstm((6, 4), 3)(normal(2, 6, 4)).shape == (2, 3)
    assert lstm((6,), 1)(normal(2, 6)).shape == (2, 1)
    assert lstm((8, 8, 3), 10, units=(8, 8), dropout=0.1)(normal(2, 8, 8, 3)).shape == (2, 10)


@pytest.mark.parametrize("name", ["gpt-nano", "llama-nano", "simple-rnn", "lstm", "gru", "tcn"])
def test_language_models_see_no_future(name):
    model = zoo.create(name, **{**registry.get(name).tiny, "sequence_length": 8})
    tokens = RANDOM.integers(11, size=(1, 8)).astype("int32")
    changed = tokens.copy()
    changed[0, 5] = (changed[0, 5] + 1) % 11
    before, after = value(model(tokens)), value(model(changed))
    np.testing.assert_array_equal(before[:, :5], after[:, :5])
    assert not np.allclose(before[:, 5], after[:, 5])
    shorter = value(model(tokens[:, :3]))
    np.testing.assert_allclose(shorter, before[:, :3], rtol=1e-5, atol=1e-6)


def test_attention_is_the_papers_formula():
    from zoo.layers.attention import attend

    q, k, v = (normal(1, 2, 4, 3) for _ in range(3))
    visible = np.tri(4, dtype=bool)[None, None]
    found, weights = attend(q, k, v, visible)
    for head in range(2):
        scores = np.where(np.tri(4) > 0, q[0, head] @ k[0, head].T / np.sqrt(3), -np.inf)
        expected = np.exp(scores - scores.max(axis=1, keepdims=True))
        expected /= expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(value(weights)[0, head], expected, rtol=1e-4, atol=1e-6)
        seen = value(found)[0, :, 3 * head : 3 * head + 3]
        np.testing.assert_allclose(seen, expected @ v[0, head], rtol=1e-4, atol=1e-6)


def test_gpt_shares_its_embedding_with_its_output():
    model = gpt(11, 8, layers=1, heads=2, width=8)
    shapes = [tuple(w.shape) for w in model.trainable_weights]
    assert shapes.count((11, 8)) == 1
    assert (8, 11) not in shapes
    embedding = model.get_layer("embedding").embeddings
    embedding.assign(np.zeros((11, 8)))
    assert not value(model(np.zeros((1, 4), "int32"))).any()


def test_gpt_starts_close_to_an_even_guess():
    keras.utils.set_random_seed(0)
    tokens = RANDOM.integers(50, size=(4, 16)).astype("int32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    logits = gpt(50, 16, layers=2, heads=2, width=32)(tokens)
    found = float(loss(np.roll(tokens, -1, axis=1), logits))
    assert found == pytest.approx(np.log(50), abs=0.2)


def test_gpt_refuses_more_tokens_than_it_has_positions():
    with pytest.raises(ValueError, match="at most 8 tokens"):
        gpt(11, 8, layers=1, heads=2, width=8)(np.zeros((1, 9), "int32"))


def test_bad_arguments_say_what_was_received():
    for build, message in (
        (lambda: mlp((4,), 2, units=()), r"Received: units=\(\)"),
        (lambda: mlp((4,), 2, activation="gelo"), "Did you mean 'gelu'"),
        (lambda: mlp((4,), 2, dropout=2), "Received: rate=2"),
        (lambda: lenet5((64,), 10), r"Received: input_shape=\(64,\)"),
        (lambda: zoo.create("cnn-small", input_shape=(3, 8, 1), classes=2), r"at least 4 pixels"),
        (lambda: lstm(input_shape=(5,)), "Expected `classes` or `vocabulary_size`"),
        (lambda: lstm(classes=2), "Expected `vocabulary_size`, or the `input_shape`"),
        (lambda: gpt(5, 5, heads=3), "Received: heads=3, width=128"),
        (lambda: zoo.create("dcn-v2", input_shape=(4,), classes=2, structure="x"), "structure='x'"),
        (lambda: zoo.create("dcgan", input_shape=(8, 8)), r"Received: input_shape=\(8, 8\)"),
    ):
        with pytest.raises(ValueError, match=message):
            build()
