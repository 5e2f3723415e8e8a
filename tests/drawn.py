"""Pictures with rectangles drawn on them, annotated as Pascal VOC and COCO do it."""

import json

import numpy as np
from PIL import Image, ImageDraw

COLORS = {"cat": (220, 40, 40), "dog": (40, 60, 220)}
LIST = "<annotation><size><width>{0}</width><height>{1}</height></size>{2}</annotation>"
OBJECT = (
    "<object><name>{0}</name><bndbox><xmin>{2}</xmin><ymin>{1}</ymin><xmax>{4}</xmax>"
    "<ymax>{3}</ymax></bndbox></object>"
)


def draw(random, size=(48, 36), most=3):
    """Return a picture, width first, and its boxes: name, top, left, bottom, right from zero."""
    image = Image.fromarray(random.integers(100, 140, size=(size[1], size[0], 3), dtype="uint8"))
    boxes = []
    for i in range(random.integers(1, most + 1)):
        name = sorted(COLORS)[random.integers(2)]
        left, top = random.integers(0, size[0] // 3) + i * size[0] // 3, random.integers(0, 12)
        right, bottom = left + random.integers(9, 16), top + random.integers(10, 22)
        right, bottom = min(right, size[0]), min(bottom, size[1])
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), fill=COLORS[name])
        boxes.append((name, int(top), int(left), int(bottom), int(right)))
    return image, boxes


def describe(size, boxes):
    """Return the XML of a picture; Pascal VOC counts from one and includes the last pixel."""
    objects = [
        OBJECT.format(name, top + 1, left + 1, bottom, right)
        for name, top, left, bottom, right in boxes
    ]
    return LIST.format(*size, "".join(objects))


def write_voc(folder, count=40, seed=0, lists=None, **options):
    """Write a folder as Pascal VOC has it; return the boxes of each picture by its name.

    Args:
        folder: to be made.
        count: pictures.
        seed: of what is drawn.
        lists: names of lists with the share of the pictures in each, as {"train": 0.8}.
        **options: of `draw`.
    """
    random = np.random.default_rng(seed)
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    drawn = {}
    for i in range(count):
        image, boxes = draw(random, **options)
        name = f"picture{i:03d}"
        image.save(folder / "JPEGImages" / f"{name}.png")
        (folder / "Annotations" / f"{name}.xml").write_text(describe(image.size, boxes))
        drawn[name] = boxes
    names, start = list(drawn), 0
    for part, share in (lists or {}).items():
        end = start + round(share * count)
        text = "".join(f"{name}\n" for name in names[start:end])
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text(text)
        start = end
    return drawn


def write_coco(file, folder, count=8, seed=0, ids=(3, 7), **options):
    """Write pictures into a folder, and a file as COCO has it; return what that holds."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    codes = dict(zip(sorted(COLORS), ids, strict=True))
    content = {"categories": [{"id": i, "name": n} for n, i in codes.items()]}
    content |= {"images": [], "annotations": []}
    for i in range(count):
        image, boxes = draw(random, **options)
        image.save(folder / f"{i}.png")
        width, height = image.size
        content["images"].append(
            {"id": 100 + i, "file_name": f"{i}.png", "width": width, "height": height}
        )
        content["annotations"] += [
            {"id": 10 * i + j, "image_id": 100 + i, "category_id": codes[n], "iscrowd": 0,
             "bbox": [left, top, right - left, bottom - top]}
            for j, (n, top, left, bottom, right) in enumerate(boxes)
        ]  # fmt: skip
    file.write_text(json.dumps(content))
    return content
