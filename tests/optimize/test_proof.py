"""Where a whole model can't be compared, each rewrite stands on its own proof, or goes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto
from ocost.optimize.optimized import Optimized, optimize_graph
from ocost.optimize.pipeline import Plan
from ocost.optimize.plan import plan
from ocost.passes import passes

from .conftest import MergeSums

DEVICE = find("x86-server-core")


def graph(text: str, **constants: np.ndarray) -> Graph:
    head = '<ir_version: 8, opset_import: ["": 17, "my": 1]> g '
    model = onnx.parser.parse_model(head + text)
    for name, array in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return from_proto(model)


def ops(found: Optimized) -> list[str]:
    return [node.op_type for node in found.graph]


def proofs(found: Optimized) -> list[str]:
    return [found.proven.proof(mark) for mark in found.made.marks]


# Nothing here runs Unheard, so that no output can be compared.
SUMS = (
    "(float[4] x) => (float[?] y) <float[1] p = {1}, float[1] q = {2}, float[1] r = {3}>"
    " { a = Add(x, p)  b = Add(a, q)  c = Add(b, r)  d = Relu(c)  e = Relu(d)"
    " y = my.Unheard(e) }"
)


def test_a_right_rewrite_stands_on_its_region() -> None:
    found = optimize_graph(graph(SUMS), Plan((MergeSums(),), onnxsim=False), DEVICE)
    assert found.equivalence.status == "not compared"
    assert ops(found) == ["Add", "Relu", "Relu", "Unheard"]
    assert proofs(found) == ["region"]
    assert not found.proven.unproven


def test_a_wrong_one_is_left_out_by_its_region() -> None:
    found = optimize_graph(graph(SUMS), Plan((MergeSums(off=0.5),), onnxsim=False), DEVICE)
    assert ops(found).count("Add") == 3
    assert not found.made.marks
    reasons = {declined.reason for declined in found.made.declined}
    assert any(reason.startswith("its region: output '") for reason in reasons)


def test_what_nothing_proves_is_left_out_unless_that_is_allowed() -> None:
    """What Unheard makes is of no known type: a region behind it can't be cut out."""
    behind = graph(
        "(float[4] x) => (float[4] y) { a = my.Unheard(x)  b = Relu(a)  c = Relu(b)  y = Neg(c) }"
    )
    repeats = Plan((passes()["merge-repeats"](),), onnxsim=False)
    found = optimize_graph(behind, repeats, DEVICE)
    assert ops(found) == ["Unheard", "Relu", "Relu", "Neg"]
    assert len(found.proven.unproven) == 1
    (reason,) = {d.reason for d in found.made.declined}
    assert reason.startswith("its outputs can't be compared: ")
    found = optimize_graph(behind, repeats, DEVICE, allow_uncompared=True)
    assert ops(found) == ["Unheard", "Relu", "Neg"]
    assert proofs(found) == ["none"]


def test_what_only_removes_stands_on_its_construction() -> None:
    twice = graph(
        "(float[4] x) => (float[4] y) { a = my.Unheard(x)  b = Neg(a)  c = Neg(a)  y = Add(b, c) }"
    )
    merge = Plan((passes()["merge-duplicates"](),), onnxsim=False)
    found = optimize_graph(twice, merge, DEVICE)
    assert ops(found) == ["Unheard", "Neg", "Add"]
    assert proofs(found) == ["construction"]


def test_where_rounding_hides_everything_the_regions_decide() -> None:
    """A sine of millions: one unit in the last place of x changes all of it."""
    chaos = graph(
        "(float[64] x) => (float[64] y) <float k = {100000}, float p = {1}, float[1] q = {0.7}> {"
        " a = Mul(x, k)  b = Mul(a, k)  c = Sin(b)  d = Add(c, p)  e = Add(d, q)  y = Sin(e) }"
    )
    found = optimize_graph(chaos, plan(), DEVICE)
    assert len(ops(found)) < 6
    if found.equivalence.ok is None:
        assert set(proofs(found)) == {"region"}


@pytest.mark.parametrize("allowed", [False, True])
def test_a_model_that_can_be_compared_proves_all(allowed: bool) -> None:
    text = SUMS.replace("y = my.Unheard(e)", "y = Neg(e)")
    found = optimize_graph(graph(text), plan(), DEVICE, allow_uncompared=allowed)
    assert found.equivalence.status == "equal"
    assert set(proofs(found)) == {"model"}
    assert not found.proven.proofs


def test_a_stage_of_one_key_stands_on_the_weakest_of_its_parts() -> None:
    """onnxsim drops an Identity behind Unheard, and two Transposes that can be compared."""
    text = (
        "(float[2,3] x) => (float[?,?] y, float[2,3] z) { t = Transpose(x)  u = Transpose(t)"
        " z = Relu(u)  a = my.Unheard(z)  b = Relu(a)  c = Identity(b)  y = Relu(c) }"
    )
    found = optimize_graph(graph(text), Plan(()), DEVICE)
    assert found.equivalence.ok is None
    for mark in found.made.marks:
        assert found.proven.proof(mark) in ("region", "construction")
