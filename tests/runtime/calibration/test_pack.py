"""Nodes put together to models that are measured."""

import numpy as np
import onnx

from ocost.runtime.calibration.case import Case, activation, families, made_up, value, weight
from ocost.runtime.calibration.measuring import measured, overheads
from ocost.runtime.calibration.pack import name, pack, packed

RANDOM = np.random.default_rng(3)
GEMM = Case("Gemm", (activation(4, 64), weight(64, 32), weight(32)))
RELU = Case("Relu", (activation(1, 3, 8),))


def test_a_pack_is_a_valid_model() -> None:
    model = pack([GEMM, RELU], RANDOM).model
    onnx.checker.check_model(model)
    assert [n.op_type for n in model.graph.node if n.name.startswith("case")] == ["Gemm", "Relu"]


def test_operands_are_made_just_before_and_weights_are_not() -> None:
    nodes = [n.name for n in pack([GEMM], RANDOM).model.graph.node]
    assert nodes == ["make case0.0", "case0", "end"]


def test_the_nodes_are_costed_with_where_their_inputs_lie() -> None:
    one = pack([GEMM, RELU], RANDOM)
    order = ["make case0.0", "case0", "make case1.0", "case1"]
    gemm, relu = one.costed(order)
    assert gemm is not None
    assert relu is not None
    assert gemm.cost.macs == 4 * 64 * 32
    assert gemm.executed
    assert gemm.distances["case0.0"] < gemm.distances["case0.1"]  # made just now; a run ago
    assert relu.reads == {"case1.0": 4 * 24}


def test_a_node_that_did_not_run_has_no_cost() -> None:
    assert pack([GEMM, RELU], RANDOM).costed(["make case0.0", "case0"])[1] is None


def test_it_runs_and_is_timed() -> None:
    found = measured(pack([GEMM, RELU], RANDOM), threads=1)
    assert {name(0), name(1)} <= set(found.seconds)
    assert all(seconds >= 0 for seconds in found.seconds.values())


def test_contents_that_matter_are_kept() -> None:
    case = Case("Reshape", (activation(2, 6), value([3, 4])))
    tensors = {t.name: t for t in pack([case], RANDOM).model.graph.initializer}
    assert list(onnx.numpy_helper.to_array(tensors["case0.1"])) == [3, 4]


def test_packs_hold_every_case_once() -> None:
    cases = [case for family in families() if (case := made_up(family, RANDOM, 16)) is not None]
    made = list(packed(cases, RANDOM))
    assert sorted(map(id, cases)) == sorted(id(c) for one in made for c in one.cases)


def test_what_the_profiler_adds() -> None:
    found = overheads(pack([RELU] * 10, RANDOM), pack([RELU], RANDOM), threads=1)
    assert 0 <= found.profiler_s < 1e-3
    assert 0 < found.run_s < 1e-1
