"""Two networks in competition, and the variational autoencoder beside them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import registry
from zoo.layers.spectral import SpectralConv2D, SpectralDense, SpectralEmbedding
from zoo.models import adversarial, competition
from zoo.models.dcgan import stages_of

RANDOM = np.random.default_rng(0)
ROWS = registry.list_models(family="gan", task="image-synthesis")
PAIRS = [name for name in ROWS if name != "vae"]
FEW = ("dcgan", "cgan")  # trained in the fast tests
OF_CLASSES = ("cgan", "projection-sngan")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def value(x):
    return keras.ops.convert_to_numpy(x)


def pictures(count, *shape):
    return RANDOM.random((count, *(shape or (8, 8, 1)))).astype("float32")


def latents(model, count):
    drawn = RANDOM.normal(size=(count, model.latent_dim)).astype("float32")
    classes = getattr(model, "classes", 0)
    return {"latents": drawn, "classes": np.arange(count) % classes} if classes else drawn


def tiny(name, **options):
    keras.utils.set_random_seed(0)
    return zoo.create(name, **{**registry.get(name).tiny, **options})


@pytest.mark.parametrize("shape", [(8, 8, 1), (12, 20, 3), (28, 28, 1), (64, 64, 3)])
@pytest.mark.parametrize("name", ROWS)
def test_pictures_of_any_size_are_made_and_judged(name, shape):
    model = tiny(name, input_shape=shape)
    made = value(model(latents(model, 3)))
    assert made.shape == (3, *shape)
    assert made.min() >= 0
    assert made.max() <= 1
    if name == "vae":
        mean, log_variance = model.encoder(made)
        assert tuple(mean.shape) == tuple(log_variance.shape) == (3, 4)
        return
    shown = {"pictures": made, "classes": np.zeros(3)} if name in OF_CLASSES else made
    assert value(model.discriminator(shown)).shape == (3, 1)


def test_pictures_are_halved_as_in_the_paper():
    assert [stages_of((n, n, 1)) for n in (8, 12, 16, 28, 32, 64)] == [2, 2, 2, 2, 3, 4]
    with pytest.raises(ValueError, match="Received: 10x10"):
        stages_of((10, 10, 1))


def judged_by_weight(loss="wasserstein", **options):
    """Return an adversarial model whose discriminator is linear in the pictures, and its slope."""
    inputs = keras.Input((4,))
    generator = keras.Model(inputs, keras.layers.Reshape((2, 2, 1))(inputs))
    shown = keras.Input((2, 2, 1))
    layer = keras.layers.Dense(1, name="logits")
    discriminator = keras.Model(shown, layer(keras.layers.Flatten()(shown)))
    model = adversarial.Adversarial(generator, discriminator, loss=loss, **options)
    return model, float(np.linalg.norm(value(layer.kernel)))


def test_losses_are_those_of_their_definitions():
    real, fake = np.array([[2.0], [0.5]]), np.array([[-3.0], [0.2]])

    def found(name, smoothing=0.0):
        losses = adversarial.LOSSES[name](
            tf.constant(real, tf.float32), tf.constant(fake, tf.float32), smoothing
        )
        return [float(loss) for loss in losses]

    soft = lambda x: np.log1p(np.exp(x)).mean()  # noqa: E731
    assert found("non-saturating") == pytest.approx([soft(-fake), soft(-real) + soft(fake)])
    smooth = 0.9 * soft(-real) + 0.1 * soft(real) + soft(fake)
    assert found("non-saturating", 0.1) == pytest.approx([soft(-fake), smooth])
    assert found("wasserstein") == pytest.approx([1.4, -1.4 - 1.25])
    assert found("hinge") == pytest.approx([1.4, 0.5 / 2 + 1.2 / 2])


@pytest.mark.parametrize("name", OF_CLASSES)
def test_real_pictures_of_another_class_are_taught_as_generated_ones(name):
    plain, taught = tiny(name, classes=2), tiny(name, classes=2, mismatched=True)
    taught.set_weights(plain.get_weights())  # also of what draws the latents
    real, classes = tf.constant(pictures(6)), tf.constant([0, 1, 1, 0, 0, 1])
    (_, without, *_), _, _ = plain.measure(real, classes, training=False)
    (_, with_them, *_), _, _ = taught.measure(real, classes, training=False)
    distances = competition.LOSSES[plain.adversarial_loss]
    right, wrong = (plain.judge(real, kind, False) for kind in (classes, 1 - classes))
    none = keras.ops.full_like(wrong, -100.0)  # as surely generated: costs nothing
    of_real = value(distances(right, none, plain.label_smoothing)[1])
    of_wrong = value(distances(right, wrong, plain.label_smoothing)[1]) - of_real
    of_fake = value(without) - of_real
    assert value(with_them) == pytest.approx(of_real + (of_fake + of_wrong) / 2, rel=1e-5)
    assert value(with_them) != pytest.approx(value(without), rel=1e-5)


def test_another_class_is_each_of_the_others():
    model = tiny("cgan", classes=4, mismatched=True)
    classes = np.arange(400) % 4
    others = value(model._others(classes))
    assert {(a, b) for a, b in zip(classes, others, strict=True)} == {
        (a, b) for a in range(4) for b in range(4) if a != b
    }
    with pytest.raises(ValueError, match="two classes at least to mismatch"):
        tiny("cgan", classes=1, mismatched=True)


def test_penalties_are_those_of_a_linear_critic():
    real = pictures(5, 2, 2, 1)
    model, slope = judged_by_weight(gradient_penalty=10.0)
    fake = value(model(RANDOM.normal(size=(5, 4))))
    assert float(model.penalty(real, fake, None, True)) == pytest.approx(
        10 * (slope - 1) ** 2, rel=1e-4
    )
    model, slope = judged_by_weight(r1=3.0)
    assert float(model.penalty(tf.constant(real), fake, None, True)) == pytest.approx(
        1.5 * slope**2, rel=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("rows", [2, 12])
def test_the_critic_learns_so_many_times_a_step(rows):
    model, _ = judged_by_weight(critic_steps=3)
    model.compile(keras.optimizers.SGD(1e-3))
    model.train_on_batch(pictures(rows, 2, 2, 1))
    assert int(model.discriminator_optimizer.iterations) == 3
    assert int(model.optimizer.iterations) == 0  # a generator without weights has nothing to learn
    model = tiny("wgan-gp")
    model.compile(keras.optimizers.Adam(1e-3))
    logs = model.train_on_batch(pictures(rows), return_dict=True)
    assert int(model.discriminator_optimizer.iterations) == 5
    assert int(model.optimizer.iterations) == 1
    assert all(np.isfinite(v) for v in logs.values())


def test_diversity_is_one_for_real_pictures_and_zero_for_one_alone():
    inputs = keras.Input((4,))
    same = keras.Model(inputs, keras.layers.Reshape((2, 2, 1))(inputs * 0 + 0.5))
    as_real = keras.Model(inputs, keras.layers.Reshape((2, 2, 1))(inputs))
    shown = keras.Input((2, 2, 1))
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(shown))
    real = RANDOM.normal(size=(4000, 2, 2, 1)).astype("float32")
    for generator, expected in ((same, 0.0), (as_real, 1.0)):
        model = adversarial.Adversarial(generator, keras.Model(shown, logit))
        model.compile("sgd")
        found = model.test_on_batch(real, return_dict=True)["diversity"]
        assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("scheduled", [False, True])
def test_the_discriminator_has_a_rate_of_its_own(scheduled, tmp_path):
    rate = keras.optimizers.schedules.CosineDecay(1e-3, 10) if scheduled else 1e-3
    model = tiny("dcgan", discriminator_rate=4.0)
    model.compile(keras.optimizers.Adam(rate, beta_1=0.5))
    model.save(tmp_path / "m.keras")
    for found in (model, keras.models.load_model(tmp_path / "m.keras")):
        assert found.discriminator_optimizer.beta_1 == 0.5
        assert float(found.discriminator_optimizer.learning_rate) == pytest.approx(4e-3)
        assert float(found.optimizer.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("kind", "sizes", "shape"),
    [
        (SpectralDense, (5,), (3, 7)),
        (SpectralConv2D, (5, 3), (2, 6, 6, 2)),
        (SpectralEmbedding, (6, 5), (4,)),
    ],
)
def test_spectral_layers_have_norm_one(kind, sizes, shape):
    keras.utils.set_random_seed(0)  # two norms that are nearly the same would take longer
    layer = kind(*sizes)
    ids = isinstance(layer, SpectralEmbedding)
    x = np.arange(4) if ids else RANDOM.normal(size=shape).astype("float32")
    for _ in range(60):  # of power iteration
        layer(x, training=True)
    weights = value(layer.embeddings if ids else layer.kernel)
    norm = np.linalg.norm(weights.reshape(-1, weights.shape[-1]), ord=2)
    used = value(layer.normalized(tf.constant(weights), False))
    np.testing.assert_allclose(used, weights / norm, rtol=1e-3)
    plain = {
        SpectralDense: lambda: x @ used,
        SpectralConv2D: lambda: tf.nn.conv2d(x, used, 1, "VALID"),
        SpectralEmbedding: lambda: used[x],
    }[type(layer)]()
    np.testing.assert_allclose(layer(x, training=False), plain, rtol=1e-4, atol=1e-5)
    again = value(layer.vector)
    layer(x, training=False)
    np.testing.assert_array_equal(layer.vector, again)


def test_the_gradient_goes_through_the_spectral_norm():
    layer, x = SpectralDense(2), tf.constant(RANDOM.normal(size=(3, 4)), tf.float32)
    for _ in range(60):
        layer(x, training=True)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x, training=False) ** 2)
    found = value(tape.gradient(total, layer.kernel.value))

    def at(kernel):
        return float(((value(x) @ kernel / np.linalg.norm(kernel, ord=2)) ** 2).sum())

    kernel, step = value(layer.kernel).astype("float64"), 1e-5
    for place in np.ndindex(kernel.shape):
        moved = np.zeros_like(kernel)
        moved[place] = step
        slope = (at(kernel + moved) - at(kernel - moved)) / (2 * step)
        assert found[place] == pytest.approx(slope, rel=1e-2, abs=1e-3)


def test_the_divergence_of_a_vae_is_that_of_two_normal_distributions():
    model = tiny("vae")
    x = pictures(4)
    mean, log_variance = (value(part).astype("float64") for part in model.encoder(x))
    loss, reconstruction, divergence = (float(v) for v in model.losses_of(tf.constant(x), False))
    variance = np.exp(log_variance)
    expected = (np.log(1 / np.sqrt(variance)) + (variance + mean**2) / 2 - 0.5).sum(axis=1).mean()
    assert divergence == pytest.approx(expected, rel=1e-4)
    assert loss == pytest.approx(reconstruction + divergence)
    assert 64 * 0.5 < reconstruction < 64 * 1.0  # nats: near log 2 a pixel before any training


def test_a_critic_follows_the_schedule_of_its_generator():
    model = tiny("wgan-gp", critic_steps=2, discriminator_rate=0.5)
    schedule = keras.optimizers.schedules.PolynomialDecay(1e-3, 4)
    model.compile(keras.optimizers.Adam(schedule))
    model.fit(pictures(12), batch_size=4, verbose=0)
    rates = [float(o.learning_rate) for o in (model.optimizer, model.discriminator_optimizer)]
    assert [int(model.optimizer.iterations), int(model.discriminator_optimizer.iterations)] == [
        3,
        6,
    ]
    assert rates[1] == pytest.approx(rates[0] / 2, rel=1e-6)
    again = model.discriminator_optimizer.from_config(model.discriminator_optimizer.get_config())
    assert again.get_config() == model.discriminator_optimizer.get_config()


def optimizer_values(model):
    optimizers = (model.optimizer, model.discriminator_optimizer)
    return [value(v) for optimizer in optimizers for v in optimizer.variables]


@pytest.mark.parametrize("way", ["keras", "weights"])
def test_both_optimizers_survive_saving(tmp_path, way):
    model = tiny("dcgan", label_smoothing=0.1)
    model.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(2e-3))
    model.fit(pictures(8), batch_size=4, verbose=0)
    if way == "keras":
        model.save(tmp_path / "m.keras")
        loaded = keras.models.load_model(tmp_path / "m.keras")
    else:
        model.save_weights(tmp_path / "m.weights.h5")
        loaded = tiny("dcgan", label_smoothing=0.1)
        loaded.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(2e-3))
        loaded.load_weights(tmp_path / "m.weights.h5")
    assert loaded.label_smoothing == 0.1
    assert loaded.optimizer.beta_1 == 0.5
    assert float(loaded.discriminator_optimizer.learning_rate) == pytest.approx(2e-3)
    assert int(loaded.optimizer.iterations) == 2
    for a, b in zip(optimizer_values(model), optimizer_values(loaded), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FEW else [pytest.mark.slow]) for n in PAIRS]
)
def test_what_is_measured(name):
    model = tiny(name)
    model.compile(keras.optimizers.Adam(1e-3, beta_1=0.5))
    assert model.discriminator_optimizer is not model.optimizer
    assert model.discriminator_optimizer.beta_1 == 0.5
    x, y = pictures(8), np.arange(8) % 3
    history = model.fit(x, y, batch_size=4, verbose=0, validation_data=(x, y)).history
    names = {*competition.METRICS, "diversity"}
    assert set(history) == names | {f"val_{name}" for name in names}
    assert 0 <= history["discriminator_accuracy"][0] <= 1
    assert history["generator_gradient"][0] > 0 < history["discriminator_gradient"][0]
