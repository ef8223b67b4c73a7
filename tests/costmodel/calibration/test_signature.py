"""What two nodes of one signature share."""

import pytest
from onnx import parser

from ocost.costmodel.calibration.signature import signature
from ocost.costmodel.cost import Costed, cost_nodes
from ocost.graph import from_proto
from ocost.graph.shapes import infer

HEAD = '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> g '


def node(body: str, inputs: str = "float[4, 8] x, float[4, 8] y", known: str = "") -> Costed:
    """The last node of a graph."""
    text = f"{HEAD} ({inputs}) => (z) {known} {{ {body} }}"
    return cost_nodes(infer(from_proto(parser.parse_model(text))))[-1]


def same(one: Costed, other: Costed) -> bool:
    return signature(one) == signature(other)


def test_names_do_not_count() -> None:
    assert same(node("z = Tanh (x)"), node("z = Tanh (y)"))


@pytest.mark.parametrize(
    "other",
    [
        node("z = Sin (x)"),
        node("z = Tanh (x)", "float[8, 4] x"),
        node("z = Tanh (x)", "double[4, 8] x"),
        node("z = Tanh (x)")._replace(distances={"x": 1 << 20}),
    ],
    ids=["operator", "shape", "type", "where its input lies"],
)
def test_what_counts(other: Costed) -> None:
    assert not same(node("z = Tanh (x)"), other)


def test_attributes_count_but_at_their_default() -> None:
    plain = node("z = Softmax (x)")
    assert same(plain, node("z = Softmax <axis = -1> (x)"))
    assert not same(plain, node("z = Softmax <axis = 0> (x)"))


def test_defaults_of_the_runtimes_own_operators() -> None:
    inputs = "float[8, 8] x, float[8, 8] y"
    plain = node("z = com.microsoft.FusedMatMul (x, y)", inputs)
    out = node("z = com.microsoft.FusedMatMul <alpha = 1.0, transA = 0> (x, y)", inputs)
    turned = node("z = com.microsoft.FusedMatMul <transA = 1> (x, y)", inputs)
    assert same(plain, out)
    assert not same(plain, turned)


def test_defaults_of_an_operator_that_the_models_opset_has_not_yet() -> None:
    text = HEAD.replace('"" : 17', '"" : 13')
    nodes = [
        cost_nodes(
            infer(
                from_proto(
                    parser.parse_model(
                        f"{text} (float[4, 8] x, float[8] s) => (z) "
                        f"{{ z = LayerNormalization <epsilon = 0.1 {more}> (x, s) }}"
                    )
                )
            )
        )[0]
        for more in ("", ", stash_type = 1")
    ]
    assert same(*nodes)


def test_weights_do_not_count_axes_do() -> None:
    first, second = (
        node("z = Add (x, w)", known=f"<float[1] w = {{{value}}}>") for value in (1.0, 2.0)
    )
    assert same(first, second)
    zero, one = (
        node("z = Unsqueeze (x, a)", "float[4, 4] x", f"<int64[1] a = {{{axis}}}>")
        for axis in (0, 1)
    )
    assert not same(zero, one)


def test_an_exponent_counts() -> None:
    square, root = (
        node("z = Pow (x, e)", known=f"<float e = {{{value}}}>") for value in (2.0, 0.5)
    )
    assert not same(square, root)
