"""Cast after Cast."""

from __future__ import annotations

import pytest
from onnx import TensorProto

from ocost.passes.casts import MergeCasts

from .conftest import model

_NUMBERS = {
    "float16": TensorProto.FLOAT16,
    "float": TensorProto.FLOAT,
    "double": TensorProto.DOUBLE,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}


def chain(first: str, second: str, third: str):
    to, then = _NUMBERS[second], _NUMBERS[third]
    return model(
        f"""g ({first}[N] x) => ({third}[N] y) {{
            w = Concat <axis = 0> (x, x)
            a = Cast <to = {to}> (w)
            b = Cast <to = {then}> (a)
            y = Concat <axis = 0> (b, b)
        }}"""
    )


@pytest.mark.parametrize(
    ("first", "second", "third", "casts"),
    [
        ("float16", "float", "float16", 0),
        ("float", "float16", "float", 2),  # it rounds
        ("float", "double", "float16", 1),
        ("float16", "float", "double", 1),
        ("float16", "float", "int8", 2),  # beyond int8 each type has its own answer
        ("int32", "int64", "int32", 0),
        ("int64", "int32", "int64", 2),
        ("int32", "int64", "float", 1),
        ("int32", "double", "float16", 2),  # from int32 it would round twice
        ("int8", "double", "float16", 1),
        ("int32", "int64", "int8", 1),  # the low bits of both
        ("int32", "double", "int8", 2),
        ("int32", "float", "int32", 2),  # 2**24 + 1 is no float32
        ("int32", "double", "int64", 1),
        ("int32", "double", "int32", 0),
        ("uint8", "int8", "uint8", 2),
        ("uint8", "float16", "uint8", 0),
        ("int8", "uint8", "int32", 2),  # -1 would be 255
        ("uint8", "int16", "int32", 1),
        ("bool", "float", "int64", 1),
        ("float", "bool", "float", 2),
        ("float16", "float", "bool", 1),
    ],
)
def test_casts(run, first: str, second: str, third: str, casts: int) -> None:
    ran = run(MergeCasts(), chain(first, second, third))
    assert ran.ops.count("Cast") == casts


def test_strings_stay(run) -> None:
    graph = model("g (int32[N] x) => (string[N] y) { a = Cast <to = 7> (x) y = Cast <to = 8> (a) }")
    assert not MergeCasts().run(graph).rewrites


def test_one_that_others_read_stays_but_the_way_back_goes(run) -> None:
    graph = model(
        """g (float16[N] x) => (float16[N] y, float[N] z) {
            a = Cast <to = 1> (x)
            b = Cast <to = 10> (a)
            y = Neg (b)
            z = Neg (a)
        }"""
    )
    assert run(MergeCasts(), graph).ops == ["Cast", "Neg", "Neg"]


def test_one_that_others_read_is_not_doubled(run) -> None:
    graph = model(
        """g (float16[N] x) => (double[N] y, float[N] z) {
            a = Cast <to = 1> (x)
            y = Cast <to = 11> (a)
            z = Neg (a)
        }"""
    )
    assert run(MergeCasts(), graph).ops == ["Cast", "Cast", "Neg"]
