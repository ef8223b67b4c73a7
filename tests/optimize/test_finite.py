"""What some passes make of NaN and infinities may be something else: noted, no difference."""

from __future__ import annotations

import numpy as np
from onnx import parser

from ocost.costmodel.catalogue import find
from ocost.graph import Graph, Tensor, from_proto, to_proto
from ocost.optimize import optimize_graph
from ocost.optimize.plan import plan
from ocost.runtime.equality.equivalence import Checker


def block(text: str) -> Graph:
    """Branches of a RepVGG block, added up."""
    header = '<ir_version: 8, opset_import: ["" : 17]>'
    graph = from_proto(
        parser.parse_model(
            f"{header} g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) {{ {text} }}"
        )
    )
    numbers = np.random.default_rng(0)
    for name, side in (("w3", 3), ("w1", 1)):
        weights = numbers.normal(size=(4, 4, side, side)).astype(np.float32)
        graph.set_initializer(Tensor.from_array(name, weights))
    return from_proto(to_proto(graph))


BLOCK = "c = Conv <pads = [1, 1, 1, 1]> (x, w3)  d = Conv (x, w1)  s = Add (c, d)  y = Relu (s)"


def test_branches_are_merged_though_infinities_may_meet() -> None:
    made = optimize_graph(block(BLOCK), plan(onnxsim=False), find("x86-server-core"))
    assert [node.op_type for node in made.graph] == ["Conv", "Relu"]
    assert made.equivalence.ok
    assert not made.left_out
    assert any("NaN, infinity" in note for note in made.equivalence.notes)


def test_other_numbers_are_a_difference_all_the_same() -> None:
    other = block(BLOCK.replace("Add (c, d)", "Sub (c, d)"))
    with Checker(block(BLOCK)) as checker:
        assert checker.check(other, finite=True).ok is False


def test_of_others_special_values_are_compared() -> None:
    """A Clip at the largest numbers lets all pass but infinities."""
    clipped = block(BLOCK.replace("y = Relu (s)", "r = Relu (s)  y = Clip (r)"))
    with Checker(clipped) as checker:
        assert checker.check(block(BLOCK)).ok is False
        assert checker.check(block(BLOCK), finite=True).ok
