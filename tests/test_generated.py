"""Generated pictures measured: the mathematics, the extractors, and what a command says."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.linalg import sqrtm

from zoo import api
from zoo.errors import InputError
from zoo.metrics import generated
from zoo.metrics.frechet import frechet_distance
from zoo.metrics.generated import kernel_distance, nearest, precision_recall
from zoo.predictors import extractors
from zoo.reports import diagnosis
from zoo.training import synthetic

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(synthetic, "STEPS", 60)  # what is learned is no matter here


def test_the_frechet_distance_is_scipys():
    a, b = RANDOM.normal(size=(200, 6)), RANDOM.normal(size=(300, 6)) @ RANDOM.normal(size=(6, 6))
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(first @ second).real
    shift = a.mean(axis=0) - b.mean(axis=0)
    expected = shift @ shift + np.trace(first + second - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_the_frechet_distance_of_few_rows_is_the_same():
    random = np.random.default_rng(1)
    first, second = random.normal(size=(9, 20)), random.normal(1, 2, size=(12, 20))
    found = frechet_distance(first, second)
    wide = [np.vstack([x] * 3) for x in (first, second)]  # of more rows than features
    scale = [(3 * n - 1) / (3 * (n - 1)) for n in (9, 12)]  # what the covariances lost
    a, b = (np.cov(x, rowvar=False) * s for x, s in zip(wide, scale, strict=True))
    crossed = np.sqrt(np.clip(np.linalg.eigvals(a @ b).real, 0, None)).sum()
    shift = first.mean(axis=0) - second.mean(axis=0)
    expected = shift @ shift + np.trace(a + b) - 2 * crossed
    assert found == pytest.approx(expected, rel=1e-4)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_the_kernel_distance_is_that_of_its_definition():
    x, y = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(5, 3)) + 1
    kernel = lambda a, b: (a @ b / 3 + 1) ** 3  # noqa: E731
    within = [
        np.mean([kernel(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j])
        for z in (x, y)
    ]
    across = np.mean([kernel(a, b) for a in x for b in y])
    assert kernel_distance(x, y) == pytest.approx(sum(within) - 2 * across)


def test_the_kernel_distance_of_equal_distributions_is_about_zero(monkeypatch):
    monkeypatch.setattr(generated, "SUBSET", 200)  # of which there are several
    a, b, c = np.random.default_rng(0).normal(size=(3, 600, 8))
    assert abs(kernel_distance(a, b)) < 0.01
    assert kernel_distance(a, c + 1) > 0.5
    assert kernel_distance(a, b, seed=1) == kernel_distance(a, b, seed=1)


def test_precision_and_recall_are_those_of_their_definition():
    real, made = RANDOM.normal(size=(60, 2)), RANDOM.normal(size=(40, 2)) * 0.5 + 0.5

    def among(asked, others):
        gaps = np.linalg.norm(others[:, None] - others[None], axis=-1)
        radii = np.sort(gaps, axis=1)[:, 3]
        return np.mean([(np.linalg.norm(others - x, axis=1) <= radii).any() for x in asked])

    assert precision_recall(real, made) == pytest.approx((among(made, real), among(real, made)))
    assert precision_recall(real, real) == (1.0, 1.0)
    assert precision_recall(real, made + 100) == (0.0, 0.0)
    one_mode = np.concatenate([real[:1] + RANDOM.normal(size=(40, 2)) * 1e-3])
    precision, recall = precision_recall(real, one_mode)
    assert precision > 0.9 > 0.1 > recall


def test_the_nearest_are_found():
    real = np.array([[0.0], [1.0], [5.0]])
    assert nearest(np.array([[0.9], [4.0]]), real, 2).tolist() == [[1, 0], [2, 1]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    classifier = api.train("cnn-small", data="digits", epochs=3, run=folder / "reader")
    generator = api.train(
        "cgan", data="digits", steps=40, batch_size=64, run=folder / "maker",
        set={"units": (8, 16, 32), "discriminator_units": (8, 4, 8), "latent_dim": 4},
    )  # fmt: skip
    return classifier, generator


@pytest.mark.slow
def test_every_score_says_what_measured_it(runs, zoo):
    reader, maker = runs
    code, out, err = zoo("evaluate", maker, "--extractor", reader, "--json")
    assert code == 0, err
    assert "Training cnn-small on 1,257 generated pictures" in err
    scores = json.loads(out)["scores"]
    for name in ("fid", "kid", "precision", "recall"):
        assert scores[f"{name}[reader]"] is not None
        assert scores[f"{name}_real[reader]"] is not None
    assert scores["fid_real[reader]"] < scores["fid[reader]"]
    assert scores["precision_real[reader]"] > 0.5
    assert 0 <= scores["class_agreement[reader]"] <= 1
    assert 0 <= scores["train_on_synthetic[cnn-small]"] <= 1
    with Image.open(maker.plots / "nearest.png") as picture:
        assert min(picture.size) > 100
    assert "that are nearest" in maker.report_path.read_text()
    api_scores = api.evaluate(maker)["scores"]
    assert api_scores["train_on_synthetic[cnn-small]"] == pytest.approx(
        scores["train_on_synthetic[cnn-small]"]
    )
    assert not any("reader" in name for name in api_scores)


@pytest.mark.slow
def test_an_artifact_is_measured_as_its_run(runs, tmp_path):
    reader, maker = runs
    api.export(maker, "savedmodel", tmp_path / "out")
    expected = api.evaluate(maker, extractor=reader)["scores"]
    found = api.evaluate(tmp_path / "out", "digits", extractor=reader)["scores"]
    assert found["fid[reader]"] == pytest.approx(expected["fid[reader]"], rel=0.2)  # all of digits
    assert "fid_real[reader]" not in found  # its training split is not known


@pytest.mark.slow
def test_real_pictures_are_read_as_the_classifier_reads_them(runs):
    reader, _ = runs
    extractor = extractors.create(reader.path, (8, 8, 1))
    predictor = api.load(reader)
    pictures = RANDOM.integers(0, 256, size=(5, 8, 8, 1)).astype(np.uint8)
    features, codes = extractor(pictures)
    called = [extractor.classes[code] for code in codes]
    assert called == predictor({"image": pictures})["label"].tolist()
    assert features.shape[0] == 5


@pytest.mark.slow
def test_what_extracts_no_such_features(runs, trained, zoo, tmp_path):
    reader, maker = runs
    with pytest.raises(InputError, match="trained on pictures of shape"):
        extractors.create(reader.path, (28, 28, 1))
    with pytest.raises(InputError, match="Expected the run of a classifier of pictures"):
        api.evaluate(maker, extractor=trained("classes"))
    code, _, err = zoo("evaluate", reader, "--extractor", reader)
    assert code == 2
    assert "--extractor was given for classification" in err
    code, _, err = zoo("evaluate", maker, "--extractor", "nowhere")
    assert code == 2


@pytest.mark.slow
def test_an_evolution_is_drawn(runs):
    _, maker = runs
    epochs = len(maker.log)
    assert epochs >= 2
    files = sorted(path.name for path in (maker.plots / "evolution").iterdir())
    assert files == [f"{i:05d}.png" for i in range(1, epochs + 1)]
    with Image.open(maker.plots / "evolution.gif") as walk:
        assert walk.n_frames == epochs
        assert b"Synthetic" in walk.info["comment"]
    page = maker.report_path.read_text()
    assert "data:image/gif;base64," in page
    assert "What the same latents, or examples, became" in page


@pytest.mark.parametrize(
    ("diversity", "accuracy", "said"),
    [(0.1, 0.8, "Looks like mode collapse: generated pictures differ from each other 10% as"),
     (0.9, 0.9995, "The discriminator has won: it rates real pictures above generated ones 100"),
     (0.9, 0.8, "")],
)  # fmt: skip
def test_a_collapse_is_said_in_words(diversity, accuracy, said):
    row = {
        "step": 600, "diversity": diversity, "discriminator_accuracy": accuracy,
        "discriminator_loss": 1.0,
    }  # fmt: skip
    assert diagnosis.collapse([{**row, "step": 60}]) == ""  # no generator has learned anything yet
    found = diagnosis.collapse([row])
    assert found.startswith(said)
    assert bool(found) == bool(said)
    assert diagnosis.diagnose([row]) == (found or "Both networks still learn from each other.")
    wild = {**row, "discriminator_loss": 31.0}
    assert diagnosis.collapse([wild]).startswith("Both networks run away from each other")
    del row["diversity"]  # as of pictures that are turned into others
    assert diagnosis.diagnose([row]) == "Both networks still learn from each other."
    del wild["diversity"]
    assert diagnosis.diagnose([wild]).startswith("Both networks run away from each other")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "options", "found"),
    [
        ("gan", ("--set", "units=32,32"), "Both networks run away from each other"),
        ("dcgan", ("--schedule", "cosine", "--set", "filters=8"), "The discriminator has won"),
    ],
)
def test_a_broken_discriminator_is_noticed(model, options, found, zoo):
    code, _, err = zoo(
        "train", model, "--data", "digits", "--epochs", "3", "--batch-size", "6", *options,
        "--set", "discriminator_rate=100", "--run", Path("broken"),
    )  # fmt: skip
    assert code == 0, err
    assert f"Note: epoch 3: {found}" in err
