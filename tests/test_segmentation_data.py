"""Folders of pictures and masks: layouts, kinds of masks, names of classes, and what is wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest
from masked import digits, write_masks
from PIL import Image

from zoo import cli, datasets, losses
from zoo.datasets.base import UNKNOWN, Spec
from zoo.datasets.masks import Masks, resized
from zoo.errors import InputError

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(256, size=(6, 8, 3)).astype("uint8") for _ in range(10)]
CODES = [RNG.integers(3, size=(6, 8)).astype("uint8") for _ in range(10)]
PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0]
COLORS = np.array([[0, 0, 0], [200, 30, 30], [0, 90, 255]], np.uint8)


def palette(codes):
    image = Image.fromarray(codes).convert("P")
    image.putdata(codes.ravel().tolist())
    image.putpalette(PALETTE)
    return image


def all_masks(data):
    """Return the masks in the order of their files."""
    parts = [(s.rows, s.targets()) for s in (data.train, data.validation, data.test)]
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    return np.concatenate([masks for _, masks in parts])[order]


def refused(*arguments, **options):
    with pytest.raises(InputError) as caught:
        datasets.load(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


KINDS = {
    "gray": (CODES, "class_0 class_1 class_2"),
    "gray with gaps": ([c * 100 for c in CODES], "class_0 class_100 class_200"),
    "palette": ([palette(c) for c in CODES], "class_0 class_1 class_2"),
    "color": ([COLORS[c] for c in CODES], "#000000 #c81e1e #005aff"),
    "gray as color": ([np.stack([c] * 3, axis=-1) for c in CODES], "class_0 class_1 class_2"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_masks(tmp_path, kind):
    masks, classes = KINDS[kind]
    data = datasets.load(write_masks(tmp_path / "own", PICTURES, masks))
    assert (data.spec.task, data.spec.targets) == ("segmentation", ("mask",))
    assert set(data.spec.classes) == set(classes.split())
    order = [data.spec.classes.index(name) for name in classes.split()]
    expected = np.array(order, np.uint8)[np.array(CODES)]
    found = all_masks(data)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_black_and_white_is_background_and_foreground(tmp_path):
    for kind, scale in (("bits", None), ("bytes", 255)):
        masks = [
            Image.fromarray(c > 1) if scale is None else (c > 1) * np.uint8(255) for c in CODES
        ]
        data = datasets.load(write_masks(tmp_path / kind, PICTURES, masks))
        assert data.spec.classes == ("background", "foreground")
        np.testing.assert_array_equal(all_masks(data), np.array(CODES) > 1)


def test_a_border_of_255_is_ignored(tmp_path):
    masks = [np.where(RNG.random(c.shape) < 0.2, 255, c).astype("uint8") for c in CODES]
    data = datasets.load(write_masks(tmp_path / "own", PICTURES, masks))
    assert data.spec.classes == ("class_0", "class_1", "class_2")
    np.testing.assert_array_equal(all_masks(data), np.array(masks))
    assert losses.UNKNOWN == UNKNOWN == 255


def test_names_of_classes(tmp_path):
    folder = write_masks(tmp_path / "own", PICTURES, CODES)
    (folder / "classes.txt").write_text("sky\nroad and path\ntree\nnever seen\n")
    assert datasets.load(folder).spec.classes == ("sky", "road and path", "tree", "never seen")
    (folder / "classes.txt").write_text("sky\nroad\n")
    message = refused(folder)
    assert "png' has the code 2; expected one of 0, 1, each a class" in message
    (folder / "classes.txt").write_text("sky\nroad\nsky\n")
    assert "has a class or a color twice" in refused(folder)


LABELMAPS = {
    "spaces": "sky 0 90 255\nnothing 0 0 0\ntree 200 30 30\n",
    "CVAT": "# label:color_rgb:parts:actions\nsky:0,90,255::\nnothing:0,0,0::\ntree:200,30,30::\n",
}


@pytest.mark.parametrize("form", LABELMAPS)
def test_names_of_colors(tmp_path, form):
    folder = write_masks(tmp_path / "own", PICTURES, [COLORS[c] for c in CODES])
    (folder / "labelmap.txt").write_text(LABELMAPS[form])
    data = datasets.load(folder)
    assert data.spec.classes == ("sky", "nothing", "tree")
    np.testing.assert_array_equal(all_masks(data), np.array([1, 2, 0], np.uint8)[np.array(CODES)])
    (folder / "labelmap.txt").write_text("sky 0 90 255\nnothing 0 0 0\n")
    assert "has the color #c81e1e; expected one of #000000, #005aff" in refused(folder)
    (folder / "labelmap.txt").write_text("sky 0 90 255\nnothing\ntree 200 30 30\n")
    assert "has classes without a color" in refused(folder)
    (folder / "labelmap.txt").write_text("sky\nnothing\n")
    assert "has masks of 3 colors for 2 classes" in refused(folder)
    (folder / "labelmap.txt").write_text("sky\nnothing\ntree\n")  # which color is which?
    assert "has masks of 3 colors for 3 classes; expected each class's color" in refused(folder)
    (folder / "labelmap.txt").unlink()
    again = datasets.read(folder, Spec.from_json(data.spec.to_json()))
    assert data.spec.values == (0x005AFF, 0, 0xC81E1E)
    np.testing.assert_array_equal(again.targets(), all_masks(data))
    with pytest.raises(InputError, match="expected each class's color"):  # an older run
        datasets.read(folder, replace(data.spec, values=()))


def test_pascal_voc(tmp_path):
    sides = ("JPEGImages", "SegmentationClass")
    folder = write_masks(tmp_path / "VOC", PICTURES, [palette(c) for c in CODES], sides)
    for path in (folder / "JPEGImages").iterdir():
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    (folder / "SegmentationClass" / "009.png").unlink()  # it is in no list
    lists = folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("".join(f"{i:03}\n" for i in (0, 1, 2, 4, 5, 6)))
    (lists / "val.txt").write_text("003\n007\n")
    (lists / "trainval.txt").write_text("none\n")
    data = datasets.load(folder)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [4, 2, 2]
    (folder / "Annotations").mkdir()  # of boxes, for which another task is
    again = datasets.load(folder, task="segmentation")
    assert again.fingerprint == data.fingerprint
    names = [data.test.arrays["image"].paths[row].name for row in data.validation.rows]
    assert names == ["003.jpg", "007.jpg"]
    np.testing.assert_array_equal(data.validation.targets(), [CODES[3], CODES[7]])


def test_splits_in_folders(tmp_path):
    for split, rows in (("train", slice(6)), ("val", slice(6, 8)), ("test", slice(8, 10))):
        write_masks(tmp_path / "own" / split, PICTURES[rows], CODES[rows], ("images", "labels"))
    data = datasets.load(tmp_path / "own")
    assert [len(s) for s in (data.train, data.validation, data.test)] == [6, 2, 2]
    np.testing.assert_array_equal(data.test.targets(), CODES[8:])
    unseen = [*CODES[8:9], np.full((6, 8), 7, np.uint8)]
    for path in (tmp_path / "own" / "test" / "labels").iterdir():
        Image.fromarray(unseen[int(path.stem)]).save(path)
    assert "has the class 'class_7' in its test split only" in refused(tmp_path / "own")


def test_a_class_of_one_mask_trains(tmp_path):
    rare = np.where(CODES[-1] == 2, 9, CODES[-1]).astype("uint8")
    folder = write_masks(tmp_path / "own", PICTURES, [*CODES[:-1], rare])
    for seed in range(6):
        assert 9 in datasets.load(folder, split_seed=seed).train.rows


def test_masks_are_read_when_asked_for_at_the_size_the_model_sees(tmp_path):
    folder = write_masks(tmp_path / "own", PICTURES, CODES)
    data = datasets.load(folder, image_size=16)
    masks = data.train.target
    assert isinstance(masks, Masks)
    assert masks.shape == (10, 16, 16)
    expected = Image.fromarray(CODES[3]).resize((16, 16), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(masks[[3]], [np.asarray(expected)])
    np.testing.assert_array_equal(resized(CODES[3], (3, 4)), CODES[3][1::2, 1::2])


def test_the_fingerprint_is_of_masks_and_their_meaning(tmp_path):
    folder = write_masks(tmp_path / "own", PICTURES, [COLORS[c] for c in CODES])
    first = datasets.load(folder).fingerprint
    assert datasets.load(folder).fingerprint == first
    (folder / "labelmap.txt").write_text(LABELMAPS["spaces"])
    second = datasets.load(folder).fingerprint
    Image.fromarray(COLORS[CODES[1]]).save(folder / "masks" / "000.png")
    assert len({first, second, datasets.load(folder).fingerprint}) == 3


def test_both_are_made_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    folder = write_masks(tmp_path / "own", PICTURES, CODES)
    Image.fromarray(np.rot90(PICTURES[0])).save(folder / "images" / "000.png", exif=exif)
    np.testing.assert_array_equal(all_masks(datasets.load(folder))[0], CODES[0])
    Image.fromarray(np.rot90(CODES[0])).save(folder / "masks" / "000.png", exif=exif)
    np.testing.assert_array_equal(all_masks(datasets.load(folder))[0], CODES[0])
    Image.fromarray(np.rot90(CODES[0])).save(folder / "masks" / "000.png")
    assert "has 6 x 8 pixels; expected 8 x 6 as" in refused(folder)


def cut(path):
    path.write_bytes(path.read_bytes()[:60])


def larger(path):
    Image.fromarray(np.zeros((7, 8), np.uint8)).save(path)


def jpeg(path):
    Image.open(path).save(path, "JPEG")


BAD = {
    "cut off": (cut, "masks/004.png' cannot be read as a mask"),
    "of another size": (larger, "masks/004.png' has 8 x 7 pixels; expected 8 x 6 as"),
    "JPEG": (jpeg, "masks/004.png' cannot be read as a mask: it is a JPEG, which blurs codes"),
    "missing": (lambda path: path.unlink(), "images/004.png' has no mask; expected '"),
    "without picture": (
        lambda path: (path.parents[1] / "images" / path.name).unlink(),
        "masks/004.png' has no picture; expected '",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_masks_are_named_or_left_out(tmp_path, name):
    spoil, said = BAD[name]
    folder = write_masks(tmp_path / "own", PICTURES, CODES)
    spoil(folder / "masks" / "004.png")
    message = refused(folder)
    assert said in message
    assert message.endswith("or leave such rows out with --on-bad-example skip")
    data = datasets.load(folder, on_bad_example="skip")
    assert data.skipped == 1
    np.testing.assert_array_equal(all_masks(data), CODES[:4] + CODES[5:])


def test_gray_among_colors(tmp_path):
    masks = [COLORS[codes] for codes in CODES[:-2]]
    black = [np.zeros((6, 8), np.uint8), np.zeros((6, 8, 3), np.uint8)]
    data = datasets.load(write_masks(tmp_path / "own", PICTURES, masks + black))
    assert data.spec.classes == ("#000000", "#005aff", "#c81e1e")
    assert not all_masks(data)[-2:].any()


def test_a_palette_among_colors(tmp_path):
    masks = [COLORS[c] for c in CODES]
    folder = write_masks(tmp_path / "own", PICTURES, [*masks[:-1], palette(CODES[-1])])
    assert "009.png' holds places in a palette; expected colors" in refused(folder)
    assert len(datasets.load(folder, on_bad_example="skip").spec.classes) == 3


def test_too_many_or_too_few_classes(tmp_path):
    photos = [RNG.integers(256, size=(60, 80, 3)).astype("uint8") for _ in range(4)]
    message = refused(write_masks(tmp_path / "photos", photos, photos))
    assert " colors; expected 255 at most, one a class" in message
    one = [np.full((6, 8), 4, np.uint8)] * 10
    assert "has masks of one class only" in refused(write_masks(tmp_path / "one", PICTURES, one))
    ramp = np.arange(48, dtype=np.uint8).reshape(6, 8)
    many = [np.stack([np.full_like(ramp, i), ramp, ramp], axis=-1) for i in range(100, 110)]
    message = refused(write_masks(tmp_path / "many", PICTURES, many))
    assert "has masks of 480 classes; expected 255 at most" in message


def test_shades_of_gray_are_no_classes_unless_named(tmp_path):
    shades = [(np.arange(48) * 5 + i).reshape(6, 8).astype("uint8") for i in range(10)]
    folder = write_masks(tmp_path / "own", PICTURES, shades)
    message = refused(folder)
    assert "has masks of 245 gray levels, 0, 1, 2, 3, 4 ..., without names" in message
    (folder / "classes.txt").write_text("".join(f"depth {i}\n" for i in range(245)))
    data = datasets.load(folder, validation_fraction=0, test_fraction=0)
    assert len(data.spec.classes) == 245


def test_two_files_of_one_name(tmp_path):
    folder = write_masks(tmp_path / "own", PICTURES, CODES)
    Image.fromarray(PICTURES[0]).save(folder / "images" / "004.jpg")
    assert "has both 004.jpg and 004.png; expected one file of a name" in refused(folder)


def test_another_task_is_possible(tmp_path):
    folder = write_masks(tmp_path / "own", PICTURES, CODES)
    assert datasets.load(folder, task="image-synthesis").spec.targets == ()
    assert "annotated for segmentation" in refused(folder, task="classification")


def test_new_masks_are_read_as_the_earlier_ones(tmp_path):
    spec = datasets.load(write_masks(tmp_path / "own", PICTURES, [c * 100 for c in CODES])).spec
    few = [(c > 1) * np.uint8(200) for c in CODES]  # class_100 does not occur
    split = datasets.read(write_masks(tmp_path / "few", PICTURES, few), spec)
    np.testing.assert_array_equal(split.targets(), (np.array(CODES) > 1) * 2)
    odd = write_masks(tmp_path / "odd", PICTURES, CODES)
    with pytest.raises(InputError, match="has the code 1; expected one of 0, 100, 200"):
        datasets.read(odd, spec)
    (odd / "classes.txt").write_text("a\nb\nc\n")
    with pytest.raises(InputError, match="has the classes a, b, c; expected class_0, class_100"):
        datasets.read(odd, spec)
    with pytest.raises(InputError, match="has no mask; expected data annotated for segmentation"):
        datasets.read(write_masks(tmp_path / "sorted", PICTURES, PICTURES, ("a", "b")), spec)


@pytest.mark.parametrize("named", [False, True])
def test_a_border_stays_one_where_it_is_all_there_is_beside_a_class(tmp_path, named):
    masks = [np.where(c == 2, 255, c).astype("uint8") for c in CODES]
    folder = write_masks(tmp_path / "own", PICTURES, masks)
    (folder / "classes.txt").write_text("healthy\nsick\n")
    spec = datasets.load(folder).spec
    healthy = [np.where(c == 2, 255, 0).astype("uint8") for c in CODES]
    new = write_masks(tmp_path / "new", PICTURES, healthy)
    if named:
        (new / "classes.txt").write_text("healthy\nsick\n")
    np.testing.assert_array_equal(datasets.read(new, spec).targets(), healthy)


def test_the_audit_has_shares_of_pixels(tmp_path, capsys):
    pictures, masks = digits(120)
    folder = write_masks(tmp_path / "own", pictures, masks)
    with pytest.raises(SystemExit):
        cli.main(["data", "show", str(folder), "--json"])
    balance = json.loads(capsys.readouterr().out)["balance"]
    data = datasets.load(folder)
    for name in ("train", "validation", "test"):
        counts = np.bincount(getattr(data, name).targets().ravel(), minlength=11)
        assert list(balance[name].values()) == pytest.approx(counts / counts.sum())
    with pytest.raises(SystemExit):
        cli.main(["data", "show", str(folder)])
    assert "Balance, in shares of all pixels" in capsys.readouterr().out
