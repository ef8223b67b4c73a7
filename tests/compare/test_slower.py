"""Why a graph is slower than the one before, by rules: whole sums, and the right reasons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import ModelProto

from ocost.compare.diff import Reference, diff_graphs
from ocost.compare.result import Diff
from ocost.compare.slower import Slower, is_slower, slower
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto

from .precisions import half, network, quantised

DEVICE = find("x86-server-core")
HEAD = '<ir_version: 8, opset_import: ["" : 17]> '


def against(after: ModelProto, before: ModelProto | None = None, device: str = "") -> Diff:
    first = from_proto(before or network())
    return diff_graphs(first, from_proto(after), find(device) if device else DEVICE)


def text(model: str) -> ModelProto:
    return onnx.parser.parse_model(HEAD + model)


def why(after: ModelProto, before: ModelProto | None = None, device: str = "") -> Slower:
    (found,) = slower(against(after, before, device))
    assert found.by == "predicted"
    whole(found)
    return found


def whole(found: Slower) -> None:
    """What is added and saved makes up the difference, and shares make up what is added."""
    before, after = found.seconds
    assert after - before == pytest.approx(found.added_s - found.saved_s, rel=1e-9)
    assert sum(cause.added_s for cause in found.causes) == pytest.approx(found.added_s)
    assert sum(cause.share for cause in found.causes) == pytest.approx(1)
    for cause in found.causes:
        assert sum(node.added_s for node in cause.nodes) == pytest.approx(cause.added_s)
        assert sum(count for _, count in cause.operators) == len(cause.nodes)
    seconds = [cause.added_s for cause in found.causes]
    assert seconds == sorted(seconds, reverse=True)


def reasons(found: Slower) -> dict[str, set[str]]:
    """By reason: the operators that it is about."""
    return {cause.reason.why: {kind for kind, _ in cause.operators} for cause in found.causes}


def test_the_same_graph_is_not_slower() -> None:
    assert slower(against(network())) == ()


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        (1.0, 1.1, True),
        (1.0, 1.004, False),
        (1.0, 0.9, False),
        (None, 1.0, False),
        (1.0, None, False),
    ],
)
def test_slower_is_by_a_difference_to_speak_of(
    before: float | None, after: float | None, answer: bool
) -> None:
    assert is_slower(before, after) is answer


def test_dynamic_quantisation(tmp_path: Path) -> None:
    found = reasons(why(quantised(tmp_path, "dynamic")))
    depthwise = "ConvInteger multiplies a depthwise convolution channel by channel"
    assert found[depthwise] == {"ConvInteger"}
    assert found["activations are quantised anew in each run"] == {"DynamicQuantizeLinear"}
    scaled = "results of integer products are scaled back to float, each step a pass"
    assert found[scaled] == {"Cast", "Mul"}
    apart = "the runtime does not fuse it into a neighbour here, as in the first model"
    assert found[apart] == {"Relu"}
    assert not any("int8 weights" in one for one in found)


def test_signed_weights(tmp_path: Path) -> None:
    found = why(quantised(tmp_path, "dynamic_s8"))
    said = {cause.reason.why: cause for cause in found.causes}
    cause = said["ConvInteger with int8 weights runs on portable code"]
    assert cause.reason.fix == "quantise weights to uint8, or quantise statically"
    assert [node.path for node in cause.nodes] == ["pw_quant"]
    assert any("channel by channel, with int8 weights on portable code" in one for one in said)


def test_what_is_slow_on_one_instruction_set_is_not_said_of_another(tmp_path: Path) -> None:
    arm = replace(DEVICE, name="arm", isa="neon")
    diff = diff_graphs(from_proto(network()), from_proto(quantised(tmp_path, "dynamic_s8")), arm)
    assert not any("portable" in cause.reason.why for one in slower(diff) for cause in one.causes)


def test_casts_around_float16() -> None:
    found = reasons(why(half(ports=True)))
    inserted = "Casts stand around nodes that have no 16-bit kernel, and run in float32"
    assert found[inserted] == {"Cast"}
    before = text("g (float[1, 64, 32, 32] x) => (y) { a = Sin (x) y = Tanh (a) }")
    after = text(
        "g (float[1, 64, 32, 32] x) => (y) "
        "{ a = Sin (x) h = Cast <to = 10> (a) f = Cast <to = 1> (h) y = Tanh (f) }"
    )
    assert reasons(why(after, before)) == {
        "Casts of the file turn float32 into 16 bits and back": {"Cast"}
    }


def test_q_and_dq_that_no_kernel_takes_in() -> None:
    before = text("g (float[1, 64, 32, 32] x) => (y) { a = Erf (x) b = Sin (a) y = Exp (b) }")
    after = text(
        "g (float[1, 64, 32, 32] x) => (y) <float s = {0.1}, uint8 z = {0}> { "
        "a = Erf (x) q = QuantizeLinear (a, s, z) d = DequantizeLinear (q, s, z) "
        "b = Sin (d) r = QuantizeLinear (b, s, z) e = DequantizeLinear (r, s, z) y = Exp (e) }"
    )
    found = reasons(why(after, before))
    left = "Q and DQ are left over: no 8-bit kernel takes in what stands between them"
    assert found == {left: {"QuantizeLinear", "DequantizeLinear"}}


def test_inputs_that_are_quantised_are_no_left_over() -> None:
    before = text("g (float[1, 64, 32, 32] x) => (y) { y = Sin (x) }")
    after = text(
        "g (float[1, 64, 32, 32] x) => (y) <float s = {0.1}, uint8 z = {0}> { "
        "q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z) y = Sin (d) }"
    )
    found = reasons(why(after, before))
    assert "inputs are quantised and outputs dequantised, as 8-bit models need" in found


def test_more_of_the_same() -> None:
    before = text("g (float[1, 64, 32, 32] x) => (y) { y = Sin (x) }")
    after = text("g (float[1, 64, 32, 32] x) => (y) { y = Sin (x) z = Cos (y) w = Exp (z) }")
    after.graph.output[0].name = "w"
    assert reasons(why(after, before)) == {"the first model has nothing like it": {"Cos", "Exp"}}


def test_a_renamed_graph_has_its_products_held_against_those_before(tmp_path: Path) -> None:
    renamed = quantised(tmp_path, "dynamic_s8")
    names: dict[str, str] = {"x": "x", "y": "y"}
    for node in renamed.graph.node:
        node.name = f"n{len(names)}"
        for tensors in (node.input, node.output):
            for place, name in enumerate(tensors):
                tensors[place] = names.setdefault(name, f"t{len(names)}") if name else ""
    for tensor in renamed.graph.initializer:
        tensor.name = names.setdefault(tensor.name, tensor.name)
    del renamed.graph.value_info[:]
    found = why(renamed)
    plain = why(quantised(tmp_path, "dynamic_s8"))
    assert found.seconds == pytest.approx(plain.seconds)
    slow = "ConvInteger with int8 weights runs on portable code"
    added = [
        next(cause.added_s for cause in one.causes if cause.reason.why == slow)
        for one in (found, plain)
    ]
    assert added[0] == pytest.approx(added[1])  # less what the float convolution took


def test_near_misses_are_named(tmp_path: Path) -> None:
    before = text(
        "g (float[1, 64, 32, 32] x, float[64, 64, 3, 3] w) => (y) "
        "{ a = Conv <pads = [1, 1, 1, 1]> (x, w) y = Relu (a) }"
    )
    after = text(
        "g (float[1, 64, 32, 32] x, float[64, 64, 3, 3] w) => (y, a) "
        "{ a = Conv <pads = [1, 1, 1, 1]> (x, w) y = Relu (a) }"
    )
    diff = against(after, before)
    (found,) = slower(diff)
    whole(found)
    assert diff.declined
    relu = next(c for c in found.causes if ("Relu", 1) in c.operators)
    assert any(near.kind in relu.reason.why for near in diff.declined)


def test_the_graph_before_is_costed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocost.compare import diff as module

    lowered: list[Graph] = []
    real = module.lowered_cost

    def counted(graph: Graph, *arguments: object) -> object:
        lowered.append(graph)
        return real(graph, *arguments)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(module, "lowered_cost", counted)
    first, second, third = (from_proto(network()) for _ in range(3))
    reference = Reference(first, DEVICE)
    reference.diff(second)
    reference.diff(third)
    assert [sum(one is graph for one in lowered) for graph in (first, second, third)] == [1, 1, 1]


def test_no_rules_no_reason() -> None:
    diff = replace(against(half()), ran=None)
    assert slower(diff) == ()
