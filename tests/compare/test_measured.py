"""Two small graphs measured against each other: what is there, whatever the times are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from ocost import api
from ocost.compare.measured import here
from ocost.compare.result import Diff, Measured
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, OcostError, from_proto
from ocost.runtime.onnxruntime import runtime as module

BUDGET_S = 0.2
CONV = (
    '<ir_version: 8, opset_import: ["" : 17]> '
    "g (float[n, 3, 8, 8] x) => (float[n, 4, 8, 8] y) "
    "<float[4, 3, 1, 1] w = {0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2}, float[4] s = {1, 2, 3, 4}> "
)
KEPT = CONV + "{ c = Conv(x, w) y = BatchNormalization(c, s, s, s, s) }"


def graph(text: str) -> Graph:
    return from_proto(onnx.parser.parse_model(text))


def measured(before: str, after: str | None = None, **options: object) -> Diff:
    second = None if after is None else graph(after)
    return api.diff(graph(before), second, measure=True, budget_s=BUDGET_S, **options)  # type: ignore[arg-type] # options by name


def notes(found: Measured) -> list[str]:
    """But those on times that were scaled far, which is up to the machine."""
    return [note for note in found.notes if "times are scaled" not in note]


def test_what_the_runtime_fuses_by_itself_is_not_in_what_it_executes() -> None:
    said: list[str] = []
    diff = measured(KEPT, tell=said.append)
    assert diff.device.name == "host"
    assert diff.device.cores == 1
    assert diff.equivalence is not None
    assert diff.equivalence.ok
    found = diff.measured
    assert found is not None
    before, after = diff.levels["executed_runtime"]
    assert diff.levels["executed"].before.totals == before.totals  # the rules say the same
    # As written a BatchNormalization goes; onnxruntime executes one convolution in any case.
    assert diff.levels["written"].delta.flops != 0
    assert [cost.level for cost in (before, after)] == ["executed"] * 2
    assert before.totals.flops == after.totals.flops
    assert found.predicted_ratio == 1
    assert found.regions is not None
    assert found.regions.changed == ()
    latencies = found.comparison.a.latency_s, found.comparison.b.latency_s
    assert found.regions.unchanged.measured_s == pytest.approx(latencies)
    assert notes(found) == []
    assert len(said) == 5


def test_another_device_has_nothing_executed() -> None:
    device = replace(find("x86-server-core"), name="board", isa="neon")
    assert not here(device)
    diff = measured(KEPT, device=device)
    found = diff.measured
    assert found is not None
    assert list(diff.levels) == ["written", "executed"]  # by rules
    assert found.regions is not None
    assert set(found.regions.unchanged.predicted_s) == {None}
    (note,) = notes(found)
    assert note.startswith("board is not this machine")
    diff = measured(KEPT, device=device)
    assert diff.measured is not None
    before, after = diff.before.totals.latency_s, diff.after.totals.latency_s
    assert before
    assert after
    assert diff.measured.predicted_ratio == after / before


def test_this_machine_is_itself() -> None:
    assert here(find("host"))
    assert not here(find("nvidia-t4"))


def test_a_graph_of_other_outputs_is_measured_and_said() -> None:
    diff = measured(KEPT, KEPT.replace("{0.5", "{0.6"))
    assert diff.equivalence is not None
    assert diff.equivalence.ok is False
    assert diff.measured is not None
    assert diff.measured.conclusion.sentence.endswith("But the graphs compute different outputs.")


def test_inputs_from_a_file_size_both_graphs(tmp_path: Path) -> None:
    file = tmp_path / "inputs.npz"
    np.savez(file, x=np.ones((5, 3, 8, 8), np.float32))
    diff = measured(KEPT, inputs=file)
    assert diff.before.model.inputs == diff.after.model.inputs == {"x": (5, 3, 8, 8)}
    assert diff.before.model.assumed_dims == {}
    with pytest.raises(OcostError, match="leave --shape, --dim and --value away"):
        measured(KEPT, inputs=file, given=api.given(dims={"n": 2}))
    with pytest.raises(OcostError, match="a diff that checks or measures"):
        api.diff(graph(KEPT), graph(KEPT), inputs=file)


def test_a_graph_without_a_profile_is_compared_all_the_same() -> None:
    # What is added is known before the run, so that nothing is left to profile.
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] y) '
        "<float[2] w = {1, 2}> { y = Add(w, w) }"
    )
    diff = measured(text, text)
    found = diff.measured
    assert found is not None
    assert (list(diff.levels), found.regions) == (["written", "executed"], None)
    assert found.comparison.a.latency_s > 0
    (note,) = notes(found)
    assert note.startswith("without a profile it is not known what changed where: ")


def test_other_inputs_are_refused() -> None:
    other = KEPT.replace("] x)", "] z)").replace("Conv(x", "Conv(z")
    with pytest.raises(OcostError, match="only one of the graphs has the input 'x'"):
        measured(KEPT, other)


def test_the_graph_that_fails_is_named() -> None:
    other = KEPT.replace("float[n, 3, 8, 8]", "double[n, 3, 8, 8]")
    other = other.replace("c = Conv(x, w)", "z = Cast<to = 1>(x) c = Conv(z, w)")
    with pytest.raises(OcostError, match=r"^the graph after: onnxruntime can't run the model: "):
        measured(KEPT, other)


def test_the_branch_that_runs_is_the_one_that_is_predicted() -> None:
    # A made-up condition holds: of the branches the cheap one runs, as written the other counts.
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> g (bool c, float[1000] x) => (float[1000] y) '
        "{ y = If(c) <then_branch = p () => (float[1000] t) { t = Neg(x) }, "
        "else_branch = q () => (float[1000] e) { a = Exp(x) b = Exp(a) e = Exp(b) }> }"
    )
    diff = measured(text, text)
    assert diff.measured is not None
    executed, written = (
        diff.levels["executed_runtime"].before.totals.flops,
        diff.before.totals.flops,
    )
    assert (executed, written) == (1000, 3000)


@pytest.mark.parametrize("budget_s", [0, -1, float("nan"), float("inf")])
def test_no_time_is_refused(budget_s: float) -> None:
    with pytest.raises(OcostError, match="no time to measure in"):
        api.diff(graph(KEPT), measure=True, budget_s=budget_s)
    with pytest.raises(OcostError, match="no time to measure in"):
        api.profile(graph(KEPT), budget_s=budget_s)


def test_profiles_that_are_scaled_far_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    take = module.take_profile
    monkeypatch.setattr(module, "take_profile", lambda *a, **k: replace(take(*a, **k), scale=0.5))
    found = measured(KEPT).measured
    assert found is not None
    assert [note.partition(" took ")[0] for note in found.notes] == [
        "before: the nodes",
        "after: the nodes",
    ]
    assert "took 200 % of" in found.notes[0]
