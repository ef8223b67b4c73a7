"""The data of each kind of entry. The checksums are those of the format's first implementation."""

import hashlib

import numpy as np
import pytest
from onnx import TensorProto as T

from ocost.models.entry import Constant, Normal, decode, encode, raw


@pytest.mark.parametrize(
    ("dtype", "count", "fields", "sha256"),
    [
        (T.FLOAT, 1000, ["n", 1693150251, 1.131e-05, 0.05001, -0.2822, 0.2737], "a774d0323e95aacf"),
        (T.DOUBLE, 100, ["n", 7, 1.0, 2.0, -3.0, 3.0], "18e1584fb42e1949"),
        (T.FLOAT16, 100, ["n", 7, 1.0, 2.0, -3.0, 3.0], "0591796535a4ef26"),
        (T.BFLOAT16, 100, ["n", 7, 1.0, 2.0, -3.0, 3.0], "ed92a71925f12814"),
        (T.INT8, 1000, ["n", 3539532958, -0.5, 40.0, -127, 127], "5590ec8e2984046c"),
        (T.UINT8, 100, ["n", 5, 128.0, 90.0, -1.0, 300.0], "f275318e33397039"),
        (T.INT32, 100, ["n", 5, 0.0, 1e5, -1e6, 1e6], "5c0e1eeb0a500083"),
        (T.BOOL, 100, ["c", True], "80f93e8c7d0e1e08"),
        (T.INT64, 4, ["z", "eNpjYIAARijNBKWZoTQAAHAABw=="], "a1e03200f1f82ad2"),
    ],
)
def test_data_are_the_same_everywhere(dtype, count, fields, sha256):
    entry = decode(fields)
    assert encode(entry) == fields
    assert hashlib.sha256(raw(entry, dtype, count)).hexdigest()[:16] == sha256


def test_a_variance_is_log_normal():
    # The seed's normals are 0.16018116, 0.08126565, 1.0901263; 2 * exp(0.5 * x) of them:
    # 2 * exp(0.08009058) = 2.16677, 2 * exp(0.04063283) = 2.08294, 2 * exp(0.54506315) = 3.44943.
    # Not to the bit: numpy's exp differs by processor.
    made = np.frombuffer(raw(decode(["l", 11, 2.0, 0.5, 0.1, 9.0]), T.FLOAT, 3), np.float32)
    np.testing.assert_allclose(made, [2.1667705, 2.0829391, 3.4494343], rtol=1e-6)


def test_draws_are_shifted_and_scaled():
    # 2 + 0.5 * x of the same normals: 2 + 0.08009058, 2 + 0.04063283, 2 + 0.54506315.
    made = np.frombuffer(raw(Normal(11, 2.0, 0.5, 0.1, 9.0), T.FLOAT, 3), np.float32)
    np.testing.assert_allclose(made, [2.0800905, 2.0406327, 2.545063], rtol=1e-6)


def test_draws_stay_in_the_range_of_entry_and_type():
    low = np.frombuffer(raw(Normal(1, 0.0, 50.0, -3, 2), T.INT8, 500), np.int8)
    assert (low.min(), low.max()) == (-3, 2)
    wide = np.frombuffer(raw(Normal(1, 128.0, 500.0, -1000, 1000), T.UINT8, 500), np.uint8)
    assert (wide.min(), wide.max()) == (0, 255)


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        (1.0, 0x3F80),
        # A step of bfloat16 at 1 is 2**-7. 1 + 2**-8 lies half way between 0x3F80 and 0x3F81
        # and goes to the even one, 1 + 3 * 2**-8 between 0x3F81 and 0x3F82 likewise.
        (1 + 2**-8, 0x3F80),
        (1 + 3 * 2**-8, 0x3F82),
        (1 + 2**-8 + 2**-16, 0x3F81),
    ],
)
def test_bfloat16_rounds_to_nearest_even(value, bits):
    assert np.frombuffer(raw(Constant(value), T.BFLOAT16, 1), np.uint16)[0] == bits
