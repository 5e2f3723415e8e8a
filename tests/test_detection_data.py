"""Boxes of Pascal VOC and COCO: read to the pixel, audited, and refused where they are wrong."""

import json
import re

import drawn
import numpy as np
import pytest
from colored import fill
from PIL import Image

from zoo import datasets
from zoo.datasets.base import Column, Spec
from zoo.errors import InputError


@pytest.fixture
def voc(tmp_path):
    drawn.write_voc(tmp_path / "voc", 20)
    return tmp_path / "voc"


@pytest.fixture
def coco(tmp_path):
    drawn.write_coco(tmp_path / "coco" / "boxes.json", tmp_path / "coco")
    return tmp_path / "coco" / "boxes.json"


def refused(path, pattern, **options):
    with pytest.raises(InputError) as caught:
        datasets.load(path, **options)
    message = str(caught.value)
    assert re.search(pattern, message), message
    assert "\n" not in message
    assert re.search("[Ee]xpected", message), message
    assert re.search("[Tt]ry", message), message


def in_pixels(split, size):
    """Return the boxes of a split's pictures in pixels, as `drawn.draw` does."""
    width, height = size
    values = split.targets()
    assert values.dtype == np.float32
    assert (values[values[..., 4] < 0] == -1).all()
    scaled = values * [height, width, height, width, 1]
    names = ("cat", "dog")
    return [
        [(names[int(code)], *map(round, edges)) for *edges, code in boxes if code >= 0]
        for boxes in scaled.tolist()
    ]


def test_voc_keeps_its_own_splits(tmp_path):
    shares = {"train": 0.5, "val": 0.25, "test": 0.25}
    boxes = drawn.write_voc(tmp_path / "voc", 20, lists=shares)
    data = datasets.load(tmp_path / "voc", image_size="16x24")
    assert (len(data.train), len(data.validation), len(data.test)) == (10, 5, 5)
    assert (data.spec.task, data.spec.targets) == ("detection", ("boxes",))
    assert data.spec.classes == ("cat", "dog")
    assert data.spec.inputs[0].shape == (16, 24, 3)
    expected = list(boxes.values())
    assert in_pixels(data.train, (48, 36)) == expected[:10]
    assert in_pixels(data.test, (48, 36)) == expected[15:]
    assert data.notes == []


def test_voc_without_lists_is_split(voc):
    data = datasets.load(voc)
    assert (len(data.train), len(data.validation), len(data.test)) == (14, 2, 4)
    assert data.fingerprint == datasets.load(voc).fingerprint
    assert data.spec.inputs[0].shape == (36, 48, 3)


def test_trainval_stands_in_for_train(tmp_path):
    drawn.write_voc(tmp_path / "voc", 20, lists={"trainval": 0.8, "test": 0.2})
    data = datasets.load(tmp_path / "voc")
    assert (len(data.train), len(data.validation), len(data.test)) == (14, 2, 4)


def test_lists_may_name_files(tmp_path):
    drawn.write_voc(tmp_path / "voc", 20, lists={"train": 0.8, "test": 0.2})
    before = datasets.load(tmp_path / "voc").fingerprint
    for path in (tmp_path / "voc" / "ImageSets" / "Main").iterdir():
        path.write_text(path.read_text().replace("\n", ".png\n"))
    assert datasets.load(tmp_path / "voc").fingerprint == before


def test_what_a_test_list_names_is_not_trained_on(tmp_path):
    folder = tmp_path / "voc"
    names = list(drawn.write_voc(folder, 20, lists={"test": 0.3}))
    (folder / "ImageSets" / "Main" / "test.txt").write_text("\ufeff" + "\n".join(names[:6]))
    data = datasets.load(folder)
    assert data.test.rows.tolist() == list(range(6))
    rest = np.concatenate([data.train.rows, data.validation.rows])
    assert sorted(rest) == list(range(6, 20))


def test_what_the_fingerprint_covers(voc):
    before = datasets.load(voc).fingerprint
    file = voc / "Annotations" / "picture000.xml"
    file.write_text(re.sub(r"<xmax>\d+<", "<xmax>40<", file.read_text()))
    assert datasets.load(voc).fingerprint != before


def test_negatives_and_boxes_over_the_edge(voc):
    for name, boxes in (("picture001", []), ("picture002", [("cat", -5, -5, 20, 20)])):
        (voc / "Annotations" / f"{name}.xml").write_text(drawn.describe((48, 36), boxes))
    data = datasets.load(voc, validation_fraction=0, test_fraction=0)
    assert data.notes == ["1 box reaches over the edge of the picture: cut there"]
    assert in_pixels(data.train, (48, 36))[1:3] == [[], [("cat", 0, 0, 20, 20)]]


def one(name, *edges, size=(48, 36)):
    return drawn.describe(size, [(name, *edges)])


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><annotation>&b;</annotation>'
WRONG = {
    "no area": (one("cat", 5, 5, 4, 20), r"001\.xml' object 1 has no area"),
    "outside": (one("cat", 40, 5, 50, 20), "object 1 lies outside the picture of 36 x 48"),
    "no number": (one("cat", 1, 1, 5, "x"), r"cannot be read: object 1 has 'x' for xmax"),
    "infinite": (one("cat", 1, 1, 5, "inf"), r"object 1 has the edges .*inf.*finite numbers"),
    "no name": (one(" ", 1, 1, 5, 5), "cannot be read: object 1 has no name"),
    "another size": (one("cat", 1, 1, 5, 5, size=(36, 48)), "of 48 x 36 pixels, not 36 x 48"),
    "no XML": ("<annotation><object>", "it is no XML"),
    "entities": (BOMB, "it has the DOCTYPE 'a'"),
    "infinite size": (drawn.describe(("inf", 36), []), "of 36 x inf pixels, not 36 x 48"),
    "encoding": ('<?xml version="1.0" encoding="utf-77"?><a/>', "cannot be read"),
    "missing": (None, "No such file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_annotations(voc, case):
    text, pattern = WRONG[case]
    path = voc / "Annotations" / "picture001.xml"
    path.unlink() if text is None else path.write_text(text)
    refused(voc, pattern)
    data = datasets.load(voc, on_bad_example="skip")
    assert data.skipped == 1
    assert len(data.train) + len(data.validation) + len(data.test) == 19
    assert data.notes[0].startswith("1 of 20 row is left out: picture001.xml")


def test_missing_pictures_and_lists_that_are_wrong(tmp_path):
    folder = tmp_path / "voc"
    drawn.write_voc(folder, 20, lists={"train": 0.5, "test": 0.5})
    listed = folder / "ImageSets" / "Main" / "test.txt"
    names = listed.read_text()
    listed.write_text(names + "picture000\n")
    refused(folder, "'picture000' in its train and its test list")
    listed.write_text(names + "../../secret\n")
    refused(folder, r"test\.txt' line 11 names '\.\./\.\./secret'")
    listed.write_text(names)
    (folder / "JPEGImages" / "picture003.png").unlink()
    refused(folder, r"003\.xml' is about the picture 'picture003\.jpg', which is missing")
    assert datasets.load(folder, on_bad_example="skip").skipped == 1


def test_no_box_anywhere(tmp_path):
    folder = tmp_path / "voc"
    for name in drawn.write_voc(folder, 4):
        (folder / "Annotations" / f"{name}.xml").write_text(drawn.describe((48, 36), []))
    refused(folder, "has no box in any of 4 pictures")


def test_coco_file(coco):
    data = datasets.load(coco, validation_fraction=0, test_fraction=0)
    content = json.loads(coco.read_text())
    names = {item["id"]: item["name"] for item in content["categories"]}
    expected = [[] for _ in content["images"]]
    for item in content["annotations"]:
        left, top, width, height = item["bbox"]
        box = (names[item["category_id"]], top, left, top + height, left + width)
        expected[item["image_id"] - 100].append(box)
    assert data.spec.classes == ("cat", "dog")
    assert in_pixels(data.train, (48, 36)) == expected


@pytest.mark.parametrize("layout", ["coco", "roboflow"])
def test_coco_folders(tmp_path, layout):
    for split, count in (("train", 6), ("val", 3)):
        folder = tmp_path / ("valid" if (layout, split) == ("roboflow", "val") else split)
        file = folder / "_annotations.coco.json"
        if layout == "coco":
            folder = tmp_path / f"{split}2017"
            file = tmp_path / "annotations" / f"instances_{split}2017.json"
        drawn.write_coco(file, folder, count, seed=count)
    data = datasets.load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (4, 3, 2)
    assert data.spec.task == "detection"


LAYOUTS = {  # files and pictures, and what of the folder is named as the data
    "a split alone": ("annotations/train.json", "images", ""),
    "for validation": ("annotations/instances_val2017.json", "val2017", ""),
    "another name": ("annotations/birds.json", "images", ""),
    "beside pictures": ("result.json", "images", ""),
    "the file itself": ("annotations/instances_val2017.json", "val2017",
                        "annotations/instances_val2017.json"),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_coco_file_is_found(tmp_path, layout):
    file, pictures, named = LAYOUTS[layout]
    drawn.write_coco(tmp_path / file, tmp_path / pictures)
    data = datasets.load(tmp_path / named)
    assert data.spec.task == "detection"
    assert (len(data.train), len(data.validation), len(data.test)) == (5, 1, 2)


@pytest.mark.parametrize("names", [("val2017", "test2017"), ("cats", "dogs")])
def test_coco_files_none_of_which_is_for_training(tmp_path, names):
    for name in names:
        drawn.write_coco(tmp_path / "annotations" / f"{name}.json", tmp_path / "images")
    refused(tmp_path, r"has annotations/\w+\.json and .*; expected one file for training")


def test_json_of_something_else(tmp_path):
    fill(tmp_path / "own")
    (tmp_path / "own" / "about.json").write_text('{"images": 18}')
    assert datasets.load(tmp_path / "own").spec.task == "classification"


def change(path, edit):
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_crowds_are_ignored(coco):
    before = datasets.load(coco).train.targets()
    crowd = {"id": 999, "image_id": 100, "category_id": 3, "iscrowd": 1, "segmentation": {}}
    change(coco, lambda content: content["annotations"].append(crowd))
    data = datasets.load(coco)
    assert (data.train.targets() == before).all()
    assert data.notes == ["1 crowd, a box around many, is ignored"]


WRONG_COCO = {
    "unknown category": (
        lambda c: c["annotations"][0].update(category_id=4), "annotation 0 says .*'category_id': 4"
    ),
    "unknown image": (lambda c: c["annotations"][0].update(image_id=7), "annotation 0 says"),
    "two of one id": (
        lambda c: c["images"][1].update(id=100), r"image 1 has no id of its own, .*100 is another's"
    ),
    "three numbers": (lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), "annotation 0 says"),
    "a string": (lambda c: c["annotations"][0].update(bbox="1234"), "annotation 0 says .*'1234'"),
    "a list for an image": (lambda c: c["annotations"][0].update(image_id=[1]), "annotation 0"),
    "a list for a class": (lambda c: c["categories"][0].update(id=[1]), "without id or name"),
    "too large": (lambda c: c["annotations"][0].update(bbox=[10**400, 1, 2, 3]), "annotation 0"),
    "long name": (lambda c: c["images"][0].update(file_name="x" * 5000), "image 0 has no id of"),
    "zero byte": (lambda c: c["images"][0].update(file_name="x\0"), "image 0 has no id of"),
    "no area": (lambda c: c["annotations"][0].update(bbox=[1, 2, 0, 5]), "has no area"),
    "elsewhere": (
        lambda c: c["images"][1].update(file_name="../x.png"), "image 1 has .* no file that lies"
    ),
    "no list": (lambda c: c.update(images={}), "cannot be read as COCO: 'images' is missing"),
    "no dictionary": (lambda c: c["images"].append(5), "'images' holds 5 at place 8"),
    "two categories": (lambda c: c["categories"][0].update(id=7), "two categories of one id"),
    "nameless": (lambda c: c["categories"][0].pop("name"), "a category without id or name"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_COCO)
def test_bad_coco(coco, case):
    edit, pattern = WRONG_COCO[case]
    change(coco, edit)
    refused(coco, pattern)


def test_a_bad_picture_counts_once_however_much_is_said_of_it(coco):
    good = [{"image_id": 100, "category_id": 3, "bbox": [1, 1, 9, 9]} for _ in range(20)]
    change(coco, lambda c: c["annotations"].insert(0, {"image_id": 100, "category_id": 4}))
    change(coco, lambda c: c["annotations"].extend(good))
    data = datasets.load(coco, on_bad_example="skip")
    assert data.skipped == 1
    assert len(data.train) + len(data.validation) + len(data.test) == 7


def test_pictures_may_be_links(coco):
    before = datasets.load(coco).fingerprint
    path = coco.parent / "3.png"
    path.rename(coco.parents[1] / "3.png")
    path.symlink_to(coco.parents[1] / "3.png")
    assert datasets.load(coco).fingerprint == before


def test_other_data_of_the_same_classes(tmp_path, voc):
    spec = datasets.load(voc).spec
    boxes = drawn.write_voc(tmp_path / "dogs", 3, seed=5)
    dogs = [[box for box in found if box[0] == "dog"] for found in boxes.values()]
    for name, found in zip(boxes, dogs, strict=True):
        path = tmp_path / "dogs" / "Annotations" / f"{name}.xml"
        path.write_text(drawn.describe((48, 36), found))
    assert any(dogs)
    assert in_pixels(datasets.read(tmp_path / "dogs", spec), (48, 36)) == dogs
    path = tmp_path / "dogs" / "Annotations" / "picture000.xml"
    path.write_text(one("bird", 1, 1, 9, 9))
    with pytest.raises(InputError, match=r"has the class 'bird'.*cat, dog"):
        datasets.read(tmp_path / "dogs", spec)


def test_boxes_are_no_classes_of_pictures(voc):
    inputs = (Column("image", "image", (36, 48, 3)),)
    spec = Spec("image", inputs, ("label",), classes=("cat", "dog"))
    with pytest.raises(InputError, match="has no targets; expected label, as in the training"):
        datasets.read(voc, spec)


def test_a_class_that_is_only_tested(tmp_path):
    folder = tmp_path / "voc"
    drawn.write_voc(folder, 10, lists={"train": 0.5, "val": 0.2, "test": 0.3})
    (folder / "Annotations" / "picture009.xml").write_text(one("bird", 1, 1, 9, 9))
    refused(folder, "the class 'bird' in its test split only")


def test_a_class_of_one_picture_trains(voc):
    (voc / "Annotations" / "picture009.xml").write_text(one("bird", 1, 1, 9, 9))
    for seed in range(6):
        assert 9 in datasets.load(voc, split_seed=seed).train.rows


def test_data_show_counts_boxes(zoo, voc):
    code, out, err = zoo("data", "show", voc, "--json")
    assert code == 0, err
    report = json.loads(out)
    found = [box for name in ("train", "validation", "test") for box in [report["balance"][name]]]
    data = datasets.load(voc)
    train = data.train.targets()[..., 4]
    assert found[0] == {"cat": int((train == 0).sum()), "dog": int((train == 1).sum())}
    assert "Boxes of each class" in zoo("data", "show", voc)[1]


def test_image_size(zoo, voc):
    assert datasets.load(voc, image_size=20).spec.inputs[0].shape == (20, 20, 3)
    for size in ("240,320", "3", "10x", "8x5000", "-8"):
        code, _, err = zoo("data", "show", voc, f"--image-size={size}")
        assert (code, err.count("\n")) == (2, 1)
        assert f"--image-size received '{size}'. Expected pixels a side" in err


def test_a_turned_photo_is_refused(voc):
    path = voc / "JPEGImages" / "picture001.png"
    image = Image.open(path)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    refused(voc, "of 36 x 48 pixels, not 48 x 36.*upright")
