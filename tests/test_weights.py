"""Arrays written here are read by the safetensors library as they were."""

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load, load_file

from zoo import files, weights
from zoo.errors import InputError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", weights.TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 5), (5, 7)])
def test_every_type_and_shape_comes_back(name, shape):
    value = (RNG.random(shape) * 100).astype(name)
    held = weights.pieces({"before": np.float64(1.5), "a/path é": value, "z": np.arange(3)})
    found = load(b"".join(held))
    assert set(found) == {"a/path é", "before", "z"}
    assert found["a/path é"].dtype == value.dtype
    assert found["a/path é"].shape == shape
    assert found["a/path é"].tobytes() == value.tobytes()


def test_arrays_in_other_orders_come_back_and_are_not_copied(tmp_path):
    plain = RNG.random((30, 40))
    tensors = {"plain": plain, "transposed": plain.T, "every second": plain[:, ::2]}
    held = weights.pieces(tensors)
    assert np.shares_memory(np.asarray(held[2]), plain)
    files.write_atomic(tmp_path / "x.safetensors", held)
    found = load_file(tmp_path / "x.safetensors")
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_type_that_could_not_be_read_again_is_refused():
    with pytest.raises(InputError, match=r"'0/x' is of type bfloat16\. Expected one of bool"):
        weights.pieces({"0/x": np.zeros(3, ml_dtypes.bfloat16)})
