"""What is known of shapes with open dims, and of what is computed from them."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.rewrite.facts.symbolic import Symbols
from ocost.rewrite.facts.symbolic_dims import Dim
from ocost.rewrite.scope import scopes

from .conftest import model

B, T = Dim("x", 0), Dim("x", 1)


def symbols(body: str, *, opset: int = 17, **constants: np.ndarray) -> Symbols:
    text = (
        f"g (float[B, T, 8] x, float[B, T, 8] z) => (float[B, T, 8] end) {{ {body} end = Neg (x) }}"
    )
    return Symbols(next(scopes(model(text, opset=opset, **constants))))


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("node", "dims"),
    [
        ("Relu (x)", (B, T, 8)),
        ("Transpose <perm = [1, 2, 0]> (x)", (T, 8, B)),
        ("Transpose (x)", (8, T, B)),
        ("MatMul (x, w)", (B, T, 4)),
        ("Add (x, one)", (B, T, 8)),
        ("Add (x, z)", (Dim("r", 0), Dim("r", 1), 8)),  # the names in the file prove nothing
        ("Sub (one, x)", (B, T, 8)),
        ("ReduceMean <axes = [-1]> (x)", (B, T, 1)),
        ("ReduceMean <axes = [-1], keepdims = 0> (x)", (B, T)),
        ("Unsqueeze (x, i1)", (B, 1, T, 8)),
        ("Concat <axis = 1> (x, x)", (B, Dim("r", 1), 8)),
        ("Gather <axis = 2> (x, i1)", (B, T, 1)),
        ("Slice (x, i1, i2, i1)", (B, Dim("r", 1), 8)),
        ("Flatten (x)", (B, Dim("x", 1, 8))),
        ("Reshape (x, copied)", (B, T, 2, 4)),
        ("Expand (x, wide)", (3, B, T, 8)),
        ("Softmax (x)", (B, T, 8)),
    ],
)
def test_dims(node: str, dims: tuple[object, ...]) -> None:
    found = symbols(
        f"r = {node}",
        w=np.ones((8, 4), np.float32),
        one=np.ones(8, np.float32),
        i1=ints(1),
        i2=ints(2),
        copied=ints(0, 0, 2, 4),
        wide=ints(3, 1, 1, 1),
    )
    assert found.dims("r") == dims


@pytest.mark.parametrize(
    ("node", "elements"),
    [
        ("Gather (s, i1)", (T,)),
        ("Gather (s, minus)", (8,)),
        ("Slice (s, i0, i2)", (B, T)),
        ("Slice (s, minus, before, i0, minus)", (8, T, B)),
        ("Slice (s, before, i2, i0, minus)", ()),  # from the front on, backwards to dim 2
        ("Slice (s, before, before, i0, minus)", (B,)),
        ("Concat <axis = 0> (s, i2)", (B, T, 8, 2)),
        ("Mul (s, i2)", (Dim("x", 0, 2), Dim("x", 1, 2), 16)),
        ("Div (s, i2)", (None, None, 4)),
        ("Add (s, i0)", (B, T, 8)),
        ("Add (s, i2)", (None, None, 10)),
        ("Sub (s, s)", (0, 0, 0)),
        ("Equal (s, minus)", (0, 0, 0)),
        ("Equal (s, i2)", (None, None, 0)),
        ("Cast <to = 6> (s)", (B, T, 8)),
        ("Where (which, s, i2)", (B, 2, 8)),
    ],
)
def test_values(node: str, elements: tuple[object, ...]) -> None:
    found = symbols(
        f"s = Shape (x) r = {node}",
        i0=ints(0),
        i1=ints(1),
        i2=ints(2),
        minus=ints(-1),
        before=ints(-9),
        which=np.array([True, False, True]),
    )
    value = found.value("r")
    assert value is not None
    assert value.elements == elements


def test_a_product_that_is_divided_again() -> None:
    found = symbols("s = Shape (x) d = Mul (s, four) r = Div (d, two)", four=ints(4), two=ints(2))
    value = found.value("r")
    assert value is not None
    assert value.elements == (Dim("x", 0, 2), Dim("x", 1, 2), 16)


def test_numbers_that_may_wrap_are_not_known() -> None:
    # 8 * 2^28 = 2^31
    found = symbols("s = Shape (x) r = Mul (s, much)", much=ints(2**28))
    value = found.value("r")
    assert value is not None
    assert value.elements[2] is None


@pytest.mark.parametrize("kind", [1, 11])
def test_what_went_through_floats_is_known_where_it_is_exact(kind: int) -> None:
    """[B, 4 * 300] holds fewer than 2^24 rows as long as it holds fewer than 2^31 elements."""
    found = symbols(
        f"""rows = Reshape (x, cut) s = Shape (rows) f = Cast <to = {kind}> (s)
        d = Div (f, four) e = Floor (d) r = Cast <to = 7> (e)""",
        cut=ints(-1, 1200),
        four=np.array(4, np.float32 if kind == 1 else np.float64),
    )
    value = found.value("r")
    assert value is not None
    assert value.elements == (None, 300)  # a fourth of the rows may be no whole number
    value = found.value("f")
    assert value is not None
    assert value.elements == (Dim("rows", 0), 1200)


@pytest.mark.parametrize("to", [1, 10])
def test_what_a_float_may_round_is_not_known(to: int) -> None:
    """2^27 elements are enough for a B of 2^24; a float16 holds none of them exactly."""
    found = symbols(f"s = Shape (x) f = Cast <to = {to}> (s) r = Cast <to = 7> (f)")
    value = found.value("r")
    assert value is None or value.elements == (None, None, 8)


def test_a_quotient_of_floats_that_is_no_whole_number_is_not_known() -> None:
    found = symbols(
        "s = Shape (x) f = Cast <to = 1> (s) d = Div (f, three) r = Cast <to = 7> (d)",
        three=np.array(3, np.float32),
    )
    value = found.value("r")
    assert value is None or value.elements[2] is None
