"""Pictures into others: two kinds of data, the models, and what is made from files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zoo import api, datasets, runs, tasks
from zoo.errors import InputError
from zoo.metrics.frechet import frechet_distance
from zoo.models import cyclegan, pix2pix
from zoo.models.faceswap import warped
from zoo.predictors import extractors
from zoo.tasks.image_to_image import MADE

RANDOM = np.random.default_rng(0)
FILTERS = ("filters=4",)


def write(folder, count, channels=1, size=8, start=0):
    """Write squares, brighter from file to file."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(start, start + count):
        picture = np.full((size, size, channels), 2 * i, "uint8")
        picture[2:5, 1 + i % 4 : 4 + i % 4] = 255 - 2 * i
        Image.fromarray(picture.squeeze(-1) if channels == 1 else picture).save(folder / f"{i}.png")
    return folder


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """A run that makes pictures of three channels of gray ones, and its data."""
    folder = tmp_path_factory.mktemp("paired")
    write(folder / "data" / "A", 30)
    write(folder / "data" / "B", 30, channels=3)
    run = api.train(
        "pix2pix", data=folder / "data", set=FILTERS, batch_size=8, epochs=2, run=folder / "run"
    )
    return str(run), folder / "data"


@pytest.fixture(scope="module")
def unpaired(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpaired")
    run = api.train(
        "faceswap", data="digits:3", data_b="digits:8", set=(*FILTERS, "units=8"), batch_size=64,
        epochs=1, run=folder / "run",
    )  # fmt: skip
    return str(run)


def test_two_folders_are_pairs_by_name(tmp_path):
    write(tmp_path / "A", 20)
    for path in write(tmp_path / "other", 20).iterdir():
        Image.open(path).save(tmp_path / "other" / f"{path.stem}.bmp")
        path.unlink()
    data = datasets.load(tmp_path / "A", data_b=tmp_path / "other", task="image-to-image")
    assert (data.spec.task, data.spec.classes) == ("image-to-image", ("A", "other"))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [14, 2, 4]
    task = tasks.TASKS["image-to-image"].fit(data.spec, data.train)
    given, wanted = task.both(data.train)
    np.testing.assert_array_equal(given, wanted)
    assert data.fingerprint == datasets.load(
        tmp_path / "A", data_b=tmp_path / "other", task="image-to-image"
    ).fingerprint  # fmt: skip


def test_folders_of_train_and_test_are_kept_apart(tmp_path):
    for name, count in (("trainA", 9), ("trainB", 5), ("testA", 2), ("testB", 3)):
        write(tmp_path / name, count)
    data = datasets.load(tmp_path, task="unpaired-image-to-image")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [8, 1, 3]
    held = [{path.parent.name for path in data.train.target.part(split.rows.tolist()).paths}
            for split in (data.train, data.test)]  # fmt: skip
    assert held == [{"trainB"}, {"testB"}]


def test_the_smaller_kind_is_repeated(tmp_path):
    data = datasets.load(write(tmp_path / "few", 10), data_b=write(tmp_path / "many", 40),
                         task="unpaired-image-to-image")  # fmt: skip
    assert len(data.train) == 28
    few = [path.name for path in data.train.arrays["image"].part(data.train.rows.tolist()).paths]
    assert (len(set(few)), min(map(few.count, few))) == (7, 4)


def test_a_folder_without_classes_is_pictures(tmp_path):
    data = datasets.load(write(tmp_path / "flat", 10))
    assert (data.spec.task, data.spec.targets) == ("image-synthesis", ())
    for name in ("train", "test"):
        write(tmp_path / "parts" / name, 10)
    assert len(datasets.load(tmp_path / "parts").test) == 10


def test_a_class_is_a_data_set():
    data = datasets.load("digits:7")
    assert (data.spec.task, data.name) == ("image-synthesis", "digits-7")
    assert sum(len(part) for part in (data.train, data.validation, data.test)) == 179


@pytest.mark.parametrize(
    ("a", "b", "task", "message"),
    [
        ((9, 1, 8), (8, 1, 8), "image-to-image", r"'a/8.png' has no partner in 'b'"),
        ((9, 1, 8), (9, 1, 12), "image-to-image", "8 x 8 pixels and 'b' of 12 x 12; expected one"),
        (
            (9, 1, 8),
            (9, 3, 8),
            "unpaired-image-to-image",
            "of 1 channel and 'b' of 3",
        ),
        ((1, 1, 8), (1, 1, 8), "image-to-image", "1 usable row"),
        ((1, 1, 8), (9, 1, 8), "unpaired-image-to-image", "'a' has 1 usable row"),
        ((0, 1, 8), (9, 1, 8), "unpaired-image-to-image", "'a' holds no pictures"),
    ],
)
def test_kinds_that_do_not_fit_are_refused(tmp_path, a, b, task, message):
    for name, (count, channels, size) in (("a", a), ("b", b)):
        write(tmp_path / name, count, channels, size)
    if a[2] != b[2]:  # both are resized alike where they are files
        pictures = np.zeros((9, b[2], b[2], 1), "uint8")
        np.savez("b.npz", x=pictures)
        with pytest.raises(InputError, match=r"8 x 8 pixels and 'b.npz' of 12 x 12; expected"):
            datasets.load("a", data_b="b.npz", task=task)
        return
    with pytest.raises(InputError, match=message):
        datasets.load("a", data_b="b", task=task)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("cyclegan", {"data": "digits"}, "holds pictures of one kind, or none"),
        ("dcgan", {"data": "digits", "data_b": "digits"}, "Model 'dcgan' does image-synthesis"),
        ("dcgan", {"data": "digits", "pairs": "gray"}, "--pairs received gray for image-synthesis"),
        ("cyclegan", {"data": "digits", "pairs": "gray"}, "--pairs received gray for unpaired"),
        ("pix2pix", {"data": "digits", "data_b": "digits", "pairs": "gray"}, "with --data-b"),
        ("faceswap", {"data": "digits:3", "data_b": "digits:12"}, "asks for the class '12'"),
        ("pix2pix", {"data": "iris", "data_b": "digits"}, "'iris' is of kind table"),
        ("pix2pix", {"data": "nowhere/", "data_b": "digits"}, "'nowhere/' does not exist"),
        ("dcgan", {"data": "iris:setosa"}, "'iris:setosa' asks for a class of what has none"),
        ("pix2pix", {"data": "digits", "pairs": "edges", "loss": "mse"}, "brings its own losses"),
        ("pix2pix", {"data": "digits", "pairs": "edges", "set": ("l1=-x",)}, "l1"),
        ("cyclegan", {"data": "digits:3", "data_b": "digits:8", "augment": "noise"}, "received"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused(model, options, message):
    with pytest.raises(InputError, match=message):
        api.train(model, steps=1, **options)


def test_pairs_are_seen_where_nobody_says(tmp_path):
    write(tmp_path / "A", 12)
    write(tmp_path / "B", 12, channels=3)
    assert datasets.load(tmp_path / "A", data_b=tmp_path / "B").spec.task == "image-to-image"
    write(tmp_path / "C", 13)
    data = datasets.load(tmp_path / "A", data_b=tmp_path / "C")
    assert data.spec.task == "unpaired-image-to-image"


def test_partners_may_be_missing_by_leave(tmp_path):
    write(tmp_path / "A", 12)
    write(tmp_path / "B", 11)
    data = datasets.load(
        tmp_path / "A", data_b=tmp_path / "B", task="image-to-image", on_bad_example="skip"
    )
    assert data.skipped == 1
    assert "11.png has no partner in" in data.notes[0]
    assert sum(len(part) for part in (data.train, data.validation, data.test)) == 11


@pytest.mark.parametrize("name", MADE)
def test_inputs_are_made_of_pictures(name):
    pictures = RANDOM.random((3, 12, 16, 3)).astype("float32")
    made = MADE[name](tf.constant(pictures)).numpy()
    assert made.shape == pictures.shape
    assert 0 <= made.min() < made.max() <= 1
    flat = np.full_like(pictures, 0.5)
    expected = np.ones_like(flat) if name == "edges" else flat
    np.testing.assert_allclose(MADE[name](tf.constant(flat)).numpy(), expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["edges", "gray", "downscale"])
def test_a_model_learns_from_pairs_that_are_made(name, trained, zoo):
    run = api.train("pix2pix", data="digits", pairs=name, set=FILTERS, batch_size=64, steps=20)
    predictor = api.load(run)
    digits = datasets.load("digits").test
    made = predictor.predict(digits)["image"]
    (shown,) = predictor.task.served(digits, predictor.preprocessor).batch(np.arange(8)).values()
    np.testing.assert_array_equal(made[:8], predictor({"image": shown})["image"])
    Image.fromarray(shown[0, ..., 0]).save("edges.png")
    assert zoo("generate", run, "--image", "edges.png", "--out", "digit.png")[0] == 0
    with Image.open("digit.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), made[0, ..., 0])
    scores = api.evaluate(run, extractor=trained("pictures"))["scores"]
    extractor = extractors.create(trained("pictures"), (8, 8, 1))
    expected = frechet_distance(extractor(made)[0], extractor(digits.batch(range(360))["image"])[0])
    assert scores[f"fid[{extractor.name}]"] == pytest.approx(expected, rel=1e-5)
    assert scores["mae"] == pytest.approx(
        np.abs(made / 255 - digits.arrays["image"][digits.rows] / 255).mean(), rel=1e-4
    )


@pytest.mark.slow
def test_a_pair_learned_by_heart():
    keras.utils.set_random_seed(0)
    model = pix2pix.pix2pix((8, 8, 1), filters=8, dropout=0.0)
    model.compile(keras.optimizers.Adam(2e-3, beta_1=0.5))
    x = RANDOM.random((4, 8, 8, 1)).astype("float32")
    first = model.evaluate(x, 1 - x, verbose=0, return_dict=True)["mae"]
    model.fit(x, 1 - x, epochs=60, verbose=0)
    assert model.evaluate(x, 1 - x, verbose=0, return_dict=True)["mae"] < 0.4 * first


def test_published_sizes():
    """Those of the authors' programs, in millions; both scale normalized maps here."""
    shape = (256, 256, 3)
    networks = {
        54.414: pix2pix.generator(shape, 3, 64, 0.5),
        2.769: pix2pix.discriminator([shape, shape], 64),
        11.378: cyclegan.generator(shape, 64, 9),
        2.765: pix2pix.discriminator([shape], 64),
    }
    for millions, network in networks.items():
        count = sum(np.prod(weight.shape) for weight in network.trainable_weights)
        assert count / 1e6 == pytest.approx(millions, rel=2e-3)


def test_a_pool_gives_earlier_pictures_half_of_the_time():
    pool = cyclegan.Pool(8)
    batches = np.arange(4 * 100, dtype="float32").reshape(100, 4, 1, 1, 1)
    given = np.stack([keras.ops.convert_to_numpy(pool(batch)) for batch in batches]).ravel()
    seen = batches.ravel()
    np.testing.assert_array_equal(given[:8], seen[:8])  # while it is filled
    assert 0.35 < (given[8:] == seen[8:]).mean() < 0.65
    assert set(given) <= set(seen)
    assert len(set(given)) + 8 >= len(set(seen[:392]))  # each is given once, or still kept


def test_a_pool_smaller_than_a_batch():
    pool = cyclegan.Pool(3)
    for _ in range(5):
        assert pool(RANDOM.random((5, 2, 2, 1)).astype("float32")).shape == (5, 2, 2, 1)


def test_bending_keeps_what_is_even_and_moves_what_is_not():
    seed = keras.random.SeedGenerator(0)
    even = np.full((2, 16, 12, 3), 0.25, "float32")
    np.testing.assert_allclose(warped(even, 0.1, seed), even, rtol=1e-6)
    odd = RANDOM.random((2, 16, 12, 3)).astype("float32")
    assert not np.allclose(warped(odd, 0.1, seed), odd, atol=0.05)
    np.testing.assert_allclose(warped(odd, 0.0, seed), odd, atol=1e-6)


def test_a_size_that_cannot_be_halved_is_refused(tmp_path):
    np.savez(tmp_path / "odd.npz", x=np.zeros((20, 10, 10, 1), "uint8"))
    for model in ("pix2pix", "cyclegan", "faceswap"):
        with pytest.raises(InputError, match=r"divisible by 4 and at least 8\. Received: 10x10"):
            api.train(model, data=tmp_path / "odd.npz", data_b=tmp_path / "odd.npz", steps=1)


@pytest.mark.slow
def test_runs_draw_what_they_turn(paired, unpaired):
    for run in (paired[0], unpaired):
        folder = runs.Run.open(run).plots
        assert {path.name for path in folder.iterdir()} >= {
            "translations.png", "evolution.gif", "evolution",
        }  # fmt: skip


@pytest.mark.slow
def test_scores_of_pairs_and_of_kinds(paired, unpaired, trained):
    scores = api.evaluate(paired[0])["scores"]
    assert 0 < scores["mae"] < 1
    assert set(scores) == {"mae", "psnr", "ssim"}
    again = api.evaluate(paired[0], data=paired[1])
    assert again["examples"] == 30
    with pytest.raises(InputError, match="'digits' holds pictures of one kind, or none"):
        api.evaluate(paired[0], data="digits")
    found = api.evaluate(unpaired, extractor=trained("pictures"))["scores"]
    assert 0 < found["cycle_mae"] < 1
    assert {name.partition("[")[0] for name in found} >= {"fid", "fid_back", "precision_real_back"}


@pytest.mark.slow
def test_files_become_files(paired, unpaired, zoo):
    run, data = paired
    code, printed, err = zoo("generate", run, "--image", data / "A" / "3.png", "--out", "three.png")
    assert (code, printed) == (0, "three.png\n"), err
    with Image.open("three.png") as picture:
        assert (picture.size, picture.mode) == ((8, 8), "RGB")
        assert "with pix2pix, run run" in picture.text["Description"]
    code, _, err = zoo("generate", run, "--image", data / "A", "--out", "all")
    assert code == 0, err
    expected = api.load(run)({"image": np.array([(data / "A" / "3.png").read_bytes()], object)})
    with Image.open("all/3.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected["image"][0])
    there, back = (
        zoo("generate", unpaired, "--image", data / "A" / "3.png", *way, "--out", f"{len(way)}.png")
        for way in ((), ("--back",))
    )
    assert (there[0], back[0]) == (0, 0)
    with Image.open("0.png") as first, Image.open("1.png") as second:
        assert not np.array_equal(np.asarray(first), np.asarray(second))


def test_what_cannot_be_turned_is_refused(paired, trained, zoo):
    run, data = paired
    (data.parent / "text.mp4").write_text("no video")
    picture = ("--image", data / "A" / "3.png")
    for arguments, message in (
        ((run,), "--image received nothing"),
        ((run, *picture, "--back"), "--back was given for 'pix2pix', which knows one way"),
        ((run, *picture, "--out", "a.gif"), "--out received 'a.gif' for a picture"),
        ((run, "--image", data / "A", "--out", "a.png"), "for 30 pictures. Expected a new folder"),
        ((run, *picture, "--class", "3"), "--class was given for a model that turns pictures"),
        ((run, *picture, "--count", "3"), "--count was given for a model that turns pictures"),
        ((run, "--image", "setup.cfg"), "is no picture, nor a folder of any, nor a video"),
        ((run, "--image", "gone.mp4"), "'gone.mp4' does not exist; expected a video"),
        ((run, "--image", data.parent / "text.mp4"), "cannot be read as a video"),
        ((run, "--image", "gone.mp4", "--out", "a.png"), "Expected a file ending in .mp4"),
        ((trained("synthesis"), *picture), "--image was given for a model that makes pictures"),
    ):
        code, _, err = zoo("generate", *arguments)
        assert (code, message in err) == (2, True), err
    code, _, err = zoo("predict", run, data / "A" / "3.png")
    assert (code, "Try `zoo generate" in err) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(("format", "name"), [("savedmodel", "model"), ("keras", "model.keras")])
def test_exports_keep_both_ways(format, name, unpaired, tmp_path):
    predictor = api.load(unpaired)
    raw = datasets.load("digits").test.batch(np.arange(5))
    assert api.export(unpaired, format, tmp_path / name)["largest_difference"] == 0
    loaded = api.load(tmp_path / name)
    for way in ("serving_default", "backward"):
        expected, found = predictor(raw, way), loaded(raw, way)
        np.testing.assert_array_equal(found["image"], expected["image"])
        assert (found["png"] == expected["png"]).all()


def test_a_video_becomes_another(paired, zoo):
    av = pytest.importorskip("av")
    run, _ = paired
    with av.open("film.mp4", "w") as film:
        stream = film.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for i in range(7):
            frame = np.full((24, 32, 3), 30 * i, "uint8")
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())
    code, printed, err = zoo("generate", run, "--image", "film.mp4", "--out", "made.mp4")
    assert (code, printed) == (0, "made.mp4\n"), err
    with av.open("made.mp4") as made:
        assert "Synthetic: made by keras-zoo with pix2pix" in made.metadata["comment"]
        frames = [frame.to_ndarray(format="rgb24") for frame in made.decode(video=0)]
    assert (len(frames), frames[0].shape) == (7, (24, 32, 3))
    data = datasets.load("film.mp4", image_size=8)
    assert data.train.arrays["image"].shape == (7, 8, 8, 3)


def test_a_video_without_frames_is_refused(paired, zoo):
    av = pytest.importorskip("av")
    with av.open("sound.mp4", "w") as film:
        stream = film.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4096), "float32"), "fltp", "mono")
        sound.sample_rate = 44100
        film.mux(stream.encode(sound))
        film.mux(stream.encode())
    code, _, err = zoo("generate", paired[0], "--image", "sound.mp4")
    assert (code, "'sound.mp4' is a video without frames" in err) == (2, True), err
    assert [path.name for path in _files()] == ["sound.mp4"]


def _files():
    from pathlib import Path

    return list(Path().iterdir())
