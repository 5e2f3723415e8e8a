"""FCOS: its size as published, where its outputs lie, and what its loss asks of each of them."""

import keras
import numpy as np
import pytest

from zoo import registry
from zoo.errors import InputError
from zoo.layers.detection import locations, to_boxes
from zoo.losses.detection import FCOSLoss, centerness, focal, generalized_iou
from zoo.models.fcos import fcos

TINY = registry.get("fcos").tiny
BOXES = np.array(
    [
        [[0.11, 0.12, 0.6, 0.4, 1], [0.0, 0.51, 1.0, 1.0, 0], [0.2, 0.2, 0.43, 0.33, 0]],
        [[0.0, 0.0, 1.0, 1.0, 1], [-1] * 5, [-1] * 5],
        [[-1] * 5, [-1] * 5, [-1] * 5],
    ],
    "float32",
)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return registry.create("fcos", **TINY)


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


def test_as_large_as_published():
    """torchvision's fcos_resnet50_fpn has 32,269,600 weights: 23,454,912 in ResNet's convolutions,
    3,868,672 in the pyramid, the rest in the heads."""
    options = {"filters": 1, "stages": 6, "depth": 1}
    built = fcos((64, 64, 3), 91, backbone_options=options, width=256, depth=4)
    heads = count(built.trainable_weights) - count(built.get_layer("backbone").trainable_weights)
    channels = sum(output.shape[-1] for output in built.get_layer("backbone").outputs)
    heads -= 256 * channels + 3 * 256  # what the widths of the backbone's maps decide
    of_resnet = 256 * (512 + 1024 + 2048) + 3 * 256
    assert heads + of_resnet == 32_269_600 - 23_454_912


def test_output(model):
    layer = model.get_layer("detections")
    assert layer.size == (32, 48)
    assert layer.shapes == [(8, 12), (4, 6), (2, 3)]
    assert model.output_shape == (None, 8 * 12 + 4 * 6 + 2 * 3, 4 + 1 + 2)
    y = model(np.random.default_rng(0).random((2, 32, 48, 3)).astype("float32")).numpy()
    assert (y[..., :4] > 0).all()
    rare = 1 / (1 + np.exp(-y[..., 5:]))
    np.testing.assert_allclose(rare, 0.01, atol=2e-3)


def test_sizes_that_do_not_divide():
    odd = registry.create("fcos", **{**TINY, "input_shape": (30, 41, 3)})
    layer = odd.get_layer("detections")
    assert layer.size == (30, 41)
    assert layer.shapes == [(8, 12), (4, 6), (2, 3)]
    assert odd(np.zeros((1, 30, 41, 3))).shape == (1, 126, 7)


def test_coarser_maps_are_made():
    deep = registry.create("fcos", **{**TINY, "strides": (4, 8, 16, 32, 64)})
    shapes = deep.get_layer("detections").shapes
    assert shapes == [(8, 16), (4, 8), (2, 4), (1, 2), (1, 1)]


def test_refusals():
    with pytest.raises(ValueError, match="Expected `strides` to be powers of two"):
        fcos((32, 32, 3), 2, strides=(8, 24))
    with pytest.raises(ValueError, match="Expected `backbone_options` to be options by name"):
        fcos((32, 32, 3), 2, backbone_options="filters:4")
    with pytest.raises(ValueError, match=r"map of stride 8.*strides 1, 2, 4"):
        fcos((32, 32, 3), 2, backbone_options={"stages": 3})
    with pytest.raises(InputError, match="features_only"):
        fcos((32, 32, 3), 2, backbone="lenet5")


def test_locations():
    places = locations([(2, 3), (1, 2)], (8, 16))
    expected = [[4, 4], [4, 12], [4, 20], [12, 4], [12, 12], [12, 20], [8, 8], [8, 24]]
    assert places[:, :2].tolist() == expected
    assert places[:, 2].tolist() == [8] * 6 + [16] * 2
    boxes = to_boxes(np.ones((1, 8, 4), "float32") * [1, 0.5, 2, 0.25], places)
    assert boxes[0, 1].numpy().tolist() == [0, 4, 6, 28]  # left, top, right, bottom in strides
    assert boxes[0, 7].numpy().tolist() == [0, 8, 12, 56]


def wanted(loss, boxes):
    """Return which box each location answers for, -1 for none, one at a time as the paper says."""
    height, width = loss.size
    answers = np.full((len(boxes), len(loss.places)), -1)
    for picture, row in enumerate(boxes * [height, width, height, width, 1]):
        for i, (y, x, stride) in enumerate(loss.places):
            smallest = np.inf
            for which, (top, left, bottom, right, code) in enumerate(row):
                edges = (y - top, x - left, bottom - y, right - x)
                near = max(abs(y - (top + bottom) / 2), abs(x - (left + right) / 2)) < 1.5 * stride
                low = 0 if stride == loss.strides[0] else 4 * stride
                high = np.inf if stride == loss.strides[-1] else 8 * stride
                own = code >= 0 and near and min(edges) > 0 and low < max(edges) <= high
                area = (bottom - top) * (right - left)
                if own and area < smallest:
                    smallest, answers[picture, i] = area, which
    return answers


def test_who_answers_for_what(model):
    loss = FCOSLoss.of(model)
    random = np.random.default_rng(3)
    start = random.uniform(0, 0.8, size=(20, 6, 2))
    ends = np.minimum(start + random.uniform(0.05, 1, size=start.shape), 1)
    codes = random.integers(-1, 2, size=(20, 6, 1))
    boxes = np.concatenate([start, ends, codes], axis=2).astype("float32")
    scale = np.array([32, 48, 32, 48, 1], "float32")
    chosen, found = (x.numpy() for x in loss._assigned(keras.ops.convert_to_tensor(boxes * scale)))
    expected = wanted(loss, boxes)
    assert ((expected >= 0) == (found > 0)).all()
    assert 0.02 < found.mean() < 0.5
    picture, place = np.nonzero(found)
    own = boxes[picture, expected[picture, place]] * scale
    np.testing.assert_allclose(chosen[picture, place], own, rtol=1e-6)


def perfect(loss, boxes, classes=2):
    """Return the outputs that are right: distances, centerness as a logit, classes."""
    height, width = loss.size
    outputs = np.zeros((*wanted(loss, boxes).shape, 5 + classes), "float32")
    outputs[..., :4], outputs[..., 4:] = 1.0, -20.0
    for picture, place in np.argwhere(wanted(loss, boxes) >= 0):
        *edges, code = boxes[picture, wanted(loss, boxes)[picture, place]]
        top, left, bottom, right = np.array(edges) * [height, width, height, width]
        y, x, stride = loss.places[place]
        outputs[picture, place, :4] = np.array([x - left, y - top, right - x, bottom - y]) / stride
        box = np.array([[top, left, bottom, right]])
        center = float(centerness(box, loss.places[[place]])[0])
        outputs[picture, place, 4] = np.log(center / (1 - center + 1e-9) + 1e-9)
        outputs[picture, place, 5 + int(code)] = 20.0
    return outputs


def test_right_answers_have_the_least_loss(model):
    loss = FCOSLoss.of(model)
    right = perfect(loss, BOXES)
    least = float(loss(BOXES, right))
    cross_entropy_of_centers = least  # the one part whose least value is not zero
    assert 0 < cross_entropy_of_centers < 0.7
    for column, change in ((0, 0.3), (3, 0.3), (4, 1.0), (5, 30.0)):
        worse = right.copy()
        worse[..., column] += change
        assert float(loss(BOXES, worse)) > least + 1e-3, column


def test_no_boxes_at_all(model):
    loss = FCOSLoss.of(model)
    empty = BOXES[2:]
    outputs = keras.ops.convert_to_tensor(perfect(loss, empty))
    assert float(loss(empty, outputs)) < 1e-6
    assert np.isfinite(float(loss(empty, outputs + 5)))


def test_the_loss_survives_saving(model):
    loss = FCOSLoss.of(model)
    state = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(state)
    outputs = perfect(loss, BOXES) + 0.1
    assert float(again(BOXES, outputs)) == float(loss(BOXES, outputs))


def test_parts_of_the_loss():
    first = np.array([[0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 1, 1.0]])
    second = np.array([[0, 0, 2, 2], [0, 1, 1, 2], [2, 2, 3, 3.0]])
    found = np.array(generalized_iou(first, second))
    np.testing.assert_allclose(found, [1, 0, -7 / 9], atol=1e-6)
    place = np.array([[2.0, 4.0, 8.0]])
    value = centerness(np.array([[[0, 0, 8, 8.0]]]), place)
    np.testing.assert_allclose(value, [[(2 / 6 * 4 / 4) ** 0.5]])
    logits, labels = np.array([0.3, -2.0], "float32"), np.array([1.0, 0.0], "float32")
    p = 1 / (1 + np.exp(-logits))
    expected = [-0.25 * (1 - p[0]) ** 2 * np.log(p[0]), -0.75 * p[1] ** 2 * np.log(1 - p[1])]
    np.testing.assert_allclose(focal(labels, logits), expected, rtol=1e-5)
