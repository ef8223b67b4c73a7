"""Nodes that run as one."""

from __future__ import annotations

from collections import Counter

from onnx import parser

from ocost.graph import from_proto, load
from ocost.passes.lowering import Target, lower
from ocost.passes.lowering.fused import Group, fused_groups

HEAD = '<ir_version: 8, opset_import: ["" : 17]> g (float[1, 4, 8, 8] x) '
WEIGHTS = "<float[4, 4, 1, 1] w = {0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}, float[4] s = {1,2,3,4}>"


def groups(outputs: str, body: str) -> tuple[Group, ...]:
    graph = from_proto(parser.parse_model(f"{HEAD} => ({outputs}) {WEIGHTS} {{ {body} }}"))
    return fused_groups(graph, lower(graph, Target()))


def patterns(outputs: str, body: str) -> list[str]:
    return [group.pattern for group in groups(outputs, body)]


def test_a_residual_add_goes_with_a_conv_of_its_own() -> None:
    y = "float[1, 4, 8, 8] y"
    found = patterns(y, "a = Conv (x, w) r = Relu (a) b = Conv (r, w) t = Add (r, b) y = Relu (t)")
    assert sorted(found) == ["Conv-Add-Relu", "Conv-Relu"]


def test_a_tensor_that_others_read_ends_a_group() -> None:
    y = "float[1, 4, 8, 8] y"
    assert patterns(y, "a = Conv (x, w) r = Relu (a) y = Mul (r, a)") == []
    assert patterns(f"{y}, float[1, 4, 8, 8] a", "a = Conv (x, w) y = Relu (a)") == []


def test_a_normalisation_behind_the_activation_is_not_of_the_group() -> None:
    parts = "a = Conv (x, w) r = Relu (a) y = BatchNormalization (r, s, s, s, s)"
    (group,) = groups("float[1, 4, 8, 8] y", parts)
    assert group.nodes == ("a", "r")


def test_what_stands_between_nodes_is_no_group() -> None:
    """Copies into blocks and out of them."""
    assert groups("float[1, 4, 8, 8] y", "y = Conv (x, w)") == ()


def test_mobilenet() -> None:
    """52 Convs: 35 with a Clip, 17 linear ones, of which 10 end in a residual Add."""
    graph = load("@mobilenet_v2")
    counted = Counter(group.pattern for group in fused_groups(graph, lower(graph, Target())))
    assert counted == {
        "Conv-BatchNormalization-Clip": 35,
        "Conv-BatchNormalization-Add": 10,
        "Conv-BatchNormalization": 7,
    }
