"""Pictures with masks, written as users have them."""

import numpy as np
from PIL import Image


def write_masks(folder, pictures, masks, sides=("images", "masks")):
    """Write pictures and masks, uint8 arrays or Pillow's images, as PNG; return the folder."""
    for side, images in zip(sides, (pictures, masks), strict=True):
        (folder / side).mkdir(parents=True)
        for i, image in enumerate(images):
            image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
            image.save(folder / side / f"{i:03}.png")
    return folder


def digits(count=300, first=0):
    """Return handwritten digits of 16 x 16, and masks of 0 for paper and 1 to 10 for ink."""
    from sklearn.datasets import load_digits

    data = load_digits()
    rows = slice(first, first + count)
    pictures = np.kron(data.images[rows] * 15.9, np.ones((2, 2))).astype("uint8")
    masks = np.where(pictures > 100, data.target[rows, None, None] + 1, 0)
    return pictures, masks.astype("uint8")
