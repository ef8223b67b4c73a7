"""What a graph executes, told apart from how it is written."""

from __future__ import annotations

import pytest
from onnx import parser

from ocost.graph import from_proto
from ocost.runtime.optimisations.structure import structure

HEAD = '<ir_version: 8, opset_import: ["":17]>'


def of(body: str, head: str = "g (float[2,3] x, float[2,3] z) => (float[2,3] y)") -> object:
    return structure(from_proto(parser.parse_model(f"{HEAD}\n{head} {{\n{body}\n}}")))


PLAIN = of("a = Relu(x) b = Exp(z) y = Add(a, b)")


def test_names_and_order_do_not_count() -> None:
    assert of("q = Exp(z) p = Relu(x) y = Add(p, q)") == PLAIN


@pytest.mark.parametrize(
    "body",
    [
        "a = Relu(x) b = Exp(z) y = Sub(a, b)",  # another operator
        "a = Relu(x) b = Exp(x) y = Add(a, b)",  # other inputs
        "a = Relu(x) b = Exp(z) y = Add(b, a)",  # in another order
        "a = Relu(x) b = Exp(z) y = Add(a, b) c = Exp(z)",  # twice
        "a = Relu(x) b = Exp(z) c = Add(a, b) y = Identity(c)",
    ],
)
def test_what_is_done_counts(body: str) -> None:
    assert of(body) != PLAIN


def test_attributes_count() -> None:
    assert of("y = Softmax<axis = 0>(x)") != of("y = Softmax<axis = 1>(x)")


def test_contents_of_small_constants_count() -> None:
    added = "y = Add(x, c)"
    one, two = (
        of(added, f"g (float[2] x) => (float[2] y) <float[2] c = {{1, {n}}}>") for n in "12"
    )
    assert one != two
    assert one == of("y = Add(x, d)", "g (float[2] x) => (float[2] y) <float[2] d = {1, 1}>")


def test_bodies_count() -> None:
    def branches(first: str, name: str) -> object:
        return of(
            f"""y = If (c) <
                then_branch = t () => (float[2] {name}) {{ {name} = {first}(x) }},
                else_branch = e () => (float[2] w) {{ w = Neg(x) }}
            >""",
            "g (float[2] x, bool c) => (float[2] y)",
        )

    assert branches("Sin", "v") == branches("Sin", "u")
    assert branches("Sin", "v") != branches("Cos", "v")
