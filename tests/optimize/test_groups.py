"""Chains that run as one node."""

from __future__ import annotations

from collections import Counter

from onnx import parser

from ocost.graph import from_proto, load
from ocost.optimize.groups import fused_groups

HEAD = '<ir_version: 8, opset_import: ["" : 17]> g (float[1, 4, 8, 8] x, float[4, 4, 1, 1] w) '


def patterns(outputs: str, body: str) -> list[str]:
    model = parser.parse_model(f"{HEAD} => ({outputs}) {{ {body} }}")
    return [group.pattern for group in fused_groups(from_proto(model))]


def test_a_residual_add_goes_with_the_last_conv() -> None:
    y = "float[1, 4, 8, 8] y"
    found = patterns(y, "a = Conv (x, w) b = Conv (x, w) s = Add (a, b) y = Relu (s)")
    assert found == ["Conv-Add-Relu"]


def test_a_tensor_that_others_read_ends_a_chain() -> None:
    y = "float[1, 4, 8, 8] y"
    assert patterns(y, "a = Conv (x, w) r = Relu (a) y = Mul (r, a)") == []
    assert patterns(f"{y}, float[1, 4, 8, 8] a", "a = Conv (x, w) y = Relu (a)") == []


def test_a_normalisation_behind_the_activation_is_not_of_the_chain() -> None:
    parts = "a = Conv (x, w) r = Relu (a) y = BatchNormalization (r, s, s, s, s)"
    model = parser.parse_model(
        f"{HEAD.replace(') ', ', float[4] s) ')} => (float[1, 4, 8, 8] y) {{ {parts} }}"
    )
    (group,) = fused_groups(from_proto(model))
    assert group.nodes == ("a", "r")


def test_mobilenet() -> None:
    """52 Convs: 35 with a Clip, 17 linear ones, of which 10 end in a residual Add."""
    counted = Counter(group.pattern for group in fused_groups(load("@mobilenet_v2")))
    assert counted == {
        "Conv-BatchNormalization-Clip": 35,
        "Conv-BatchNormalization-Add": 10,
        "Conv-BatchNormalization": 7,
    }
