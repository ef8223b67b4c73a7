"""Several graphs against the first: names, order, and whether it is the predicted one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import ocost
from ocost import OcostError
from ocost.compare import diff_graphs
from ocost.compare.result import Diff, Measured, Pair
from ocost.compare.several import Agreement, Several, names_of
from ocost.compare.verdict import Conclusion
from ocost.costmodel.catalogue import find
from ocost.costmodel.result import GraphCost, ModelSummary
from ocost.graph import from_proto
from ocost.runtime.timing.comparison import Comparison, Verdict
from ocost.runtime.timing.stopwatch import Timing

from .precisions import saved

BUDGET_S = 0.2


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/net.float32.onnx", "a/net.qdq.onnx"], ("float32", "qdq")),
        (["net.onnx", "net_int8.onnx", "net_half.onnx"], ("net", "net_int8", "net_half")),
        (["my_net.onnx", "my_net_int8.onnx"], ("net", "net_int8")),
        (["fp32.onnx", "fp16.onnx"], ("fp32", "fp16")),
        (["a/m.onnx", "b/m.onnx"], ("a/m", "b/m")),
        (["m.onnx", "m.onnx", "n.onnx", "m.onnx"], ("m", "m (2)", "n", "m (3)")),
        (["m.onnx", "m.onnx"], ("m", "m (2)")),
        (["", ""], ("model", "model (2)")),
    ],
)
def test_names_are_short_and_apart(paths: Sequence[str], names: tuple[str, ...]) -> None:
    assert names_of([ModelSummary(path, {}, 1, {}) for path in paths]) == names


def comparison(low: float, ratio: float, high: float) -> Comparison:
    verdict: Verdict = "slower" if low > 1 else "faster" if high < 1 else "no measurable difference"
    first, other = (Timing(s, s, s, 9, noisy=False) for s in (1.0, ratio))
    return Comparison(
        ratio, low, high, 0.01, 0.01, verdict, first, other, 1.0, noisy=False, blocks=9, rounds=9,
        openings=9,
    )  # fmt: skip


def several(
    predicted: Sequence[float | None], measured: Sequence[tuple[float, float, float]] = ()
) -> Several:
    graph = from_proto(
        onnx.parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 17]> g (float[8] x) => (y) { y = Exp (x) }'
        )
    )
    diff = diff_graphs(graph, graph, find("x86-server-core"))

    def timed(cost: GraphCost, seconds: float | None) -> GraphCost:
        return replace(cost, totals=cost.totals._replace(latency_s=seconds))

    diffs: list[Diff] = []
    for place, seconds in enumerate(predicted[1:]):
        pair = diff.levels["executed"]
        made = Pair(timed(pair.before, predicted[0]), timed(pair.after, seconds))
        one = replace(diff, levels={**diff.levels, "executed": made})
        if measured:
            found = comparison(*measured[place])
            one = replace(one, measured=Measured(found, None, None, Conclusion("none", "")))
        diffs.append(one)
    names = tuple("abcdef"[: len(predicted)])
    return Several(names, tuple(diffs))


def test_the_order_is_that_of_latency_and_what_is_not_known_comes_last() -> None:
    found = several([2.0, 3.0, None, 1.0])
    assert found.predicted_s == (2.0, 3.0, None, 1.0)
    assert found.by_prediction == (3, 0, 1, 2)
    assert found.fastest == (3,)
    assert (found.by_measurement, found.agreement) == ((), None)
    assert several([1.0, 1.0, 2.0]).fastest == (0, 1)
    assert several([None, None]).fastest == ()


def test_agreement_is_over_pairs_that_measure_apart() -> None:
    apart = [(1.9, 2.0, 2.1), (0.4, 0.5, 0.6)]
    assert several([1.0, 3.0, 0.9], apart).agreement == Agreement(3, 3)
    assert several([1.0, 0.8, 0.9], apart).agreement == Agreement(3, 1)
    close = [(1.9, 2.0, 2.1), (2.05, 2.2, 2.4)]
    assert several([1.0, 4.0, 3.0], close).agreement == Agreement(2, 2)
    assert several([1.0, 4.0], [(0.99, 1.0, 1.02)]).agreement == Agreement(0, 0)
    assert several([1.0, None], [(1.9, 2.0, 2.1)]).agreement == Agreement(0, 0)


def test_the_fastest_as_measured_are_all_that_can_not_be_told_apart() -> None:
    found = several([1.0, 4.0, 3.0], [(0.4, 0.5, 0.6), (0.55, 0.6, 0.65)])
    assert found.by_measurement == (1, 2, 0)
    assert found.fastest == (1, 2)


def test_each_is_measured_against_the_first(tmp_path: Path) -> None:
    paths = saved(tmp_path, ["float32", "half_ports", "qdq"])
    said: list[str] = []
    found = ocost.diff_several(
        paths[0], paths[1:], measure=True, budget_s=BUDGET_S, tell=said.append
    )
    assert found.names == ("float32", "half_ports", "qdq")
    assert len(found.measured) == 3
    assert found.measured[0].ratio == 1
    for diff in found.diffs:
        assert diff.device.name == "host"
        assert diff.equivalence is None  # they are meant to differ
        assert diff.measured is not None
        assert diff.measured.ran is not None
        before, after = diff.measured.ran
        assert sum(before.seconds.values()) == pytest.approx(diff.measured.comparison.a.latency_s)
        assert sum(after.seconds.values()) == pytest.approx(diff.measured.comparison.b.latency_s)
        assert "executed_runtime" in diff.levels
    assert said.count("profiling the graph before") == 1
    assert "timing 3 graphs in turns" in said


def test_outputs_are_compared_where_that_is_asked_for(tmp_path: Path) -> None:
    paths = saved(tmp_path, ["float32", "half", "float32"])
    found = ocost.diff_several(paths[0], paths[1:], check=True)
    half, same = (diff.equivalence for diff in found.diffs)
    assert half is not None
    assert half.ok is False
    assert half.outputs[0].similarity is not None
    assert same is not None
    assert same.ok


def test_inputs_from_a_file_are_those_of_all(tmp_path: Path) -> None:
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 64] x) => (y) { y = Exp (x) }'
    graph = from_proto(onnx.parser.parse_model(text))
    file = tmp_path / "inputs.npz"
    np.savez(file, x=np.ones((5, 64), np.float32))
    found = ocost.diff_several(graph, [graph, graph], measure=True, budget_s=BUDGET_S, inputs=file)
    assert [diff.after.model.inputs for diff in found.diffs] == [{"x": (5, 64)}] * 2
    with pytest.raises(OcostError, match="a diff that checks or measures"):
        ocost.diff_several(graph, [graph], inputs=file)


def test_what_can_not_be_compared(tmp_path: Path) -> None:
    paths = saved(tmp_path, ["float32", "half"])
    other = str(tmp_path / "other.onnx")
    onnx.save(
        onnx.parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 17]> g (float[8] z) => (y) { y = Exp (z) }'
        ),
        other,
    )
    with pytest.raises(OcostError, match="there is no model to compare with the first"):
        ocost.diff_several(paths[0], [])
    with pytest.raises(OcostError, match=r"missing\.onnx: no such file"):
        ocost.diff_several(paths[0], [paths[1], str(tmp_path / "missing.onnx")])
    said = "only one of the first model and .*other.onnx has the input 'x'"
    with pytest.raises(OcostError, match=said):
        ocost.diff_several(paths[0], [paths[1], other], measure=True)
    found = ocost.diff_several(paths[0], [paths[1], other], check=True)
    assert found.diffs[1].equivalence is not None
    assert found.diffs[1].equivalence.ok is False
