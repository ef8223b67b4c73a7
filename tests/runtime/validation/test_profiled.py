"""Profiles of real sessions against the cost model: what goes in, and that no time is lost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import parser

from ocost.costmodel.catalogue import find
from ocost.costmodel.device import Device
from ocost.graph import Graph, OcostError, from_proto, load
from ocost.graph.shapes import Given
from ocost.report.profile_document import profile_document
from ocost.runtime.onnxruntime import runtime as module
from ocost.runtime.protocol import Options, SessionLevel
from ocost.runtime.validation import environment
from ocost.runtime.validation.profiled import Profiled, profile_graph, reservations

HEAD = '<ir_version: 8, opset_import: ["":17]>'
BRANCHES = f"""{HEAD}
g (float[N] x, bool c) => (float[N] y) {{
    y = If (c) <
        then_branch = t () => (float[N] yt) {{ yt = Sin(x) }},
        else_branch = e () => (float[N] ye) {{ a = Cos(x)  ye = Add(a, x) }}
    >
}}"""


def run(graph: Graph, device: str | Device = "host", **more: Any) -> Profiled:
    chosen = find(device) if isinstance(device, str) else device
    return profile_graph(graph, chosen, Options(level=SessionLevel.BASIC), budget_s=0.1, **more)


def branches() -> Graph:
    return from_proto(parser.parse_model(BRANCHES))


@pytest.mark.parametrize("sample", ["@odd_channels", "@silero_vad"])
def test_no_time_is_lost(sample: str) -> None:
    told: list[str] = []
    found = run(load(sample), tell=told.append)
    checked = found.validation
    placed = math.fsum(node.measured_s or 0 for node in checked.originals)
    whole = placed + math.fsum(checked.unplaced.values())
    assert whole == pytest.approx(checked.sum_s, rel=1e-12)
    assert checked.adds_up
    assert checked.unpredicted == ()
    assert len(checked.originals) == found.written.model.nodes
    assert any("random" in note for note in found.notes)
    assert len(told) == 3
    assert found.memory is not None
    assert found.startup is not None
    assert found.startup.open_s > 0


@pytest.mark.parametrize(
    ("value", "operators"), [(True, ["If", "Sin"]), (False, ["Add", "Cos", "If"])]
)
def test_the_branch_that_runs_is_the_one_that_is_predicted(
    value: bool, operators: list[str]
) -> None:
    found = run(branches(), given=Given(values={"c": np.array(value)}))
    assert sorted(node.op_type for node in found.validation.nodes) == operators
    assert found.validation.unpredicted == ()
    assert found.validation.idle == ()


def test_a_body_s_nodes_are_called_by_one_path() -> None:
    found = run(branches(), given=Given(values={"c": np.array(False)}))
    names = sorted(node.executed for node in found.validation.nodes)
    assert names == ["y", "y/else_branch/a", "y/else_branch/ye"]
    assert found.memory is not None
    assert found.memory.node in names


def test_open_dims_are_still_told() -> None:
    assert run(branches()).written.model.assumed_dims == {"N": 1}
    given = Given(dims={"N": 5})
    model = run(branches(), given=given).written.model
    assert (model.assumed_dims, model.inputs["x"]) == ({}, (5,))


def test_inputs_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "inputs.npz"
    np.savez(file, x=np.ones(7, np.float32), c=np.array(False))
    found = run(branches(), inputs=file)
    assert found.inputs == file
    assert (found.written.model.assumed_dims, found.written.model.inputs["x"]) == ({}, (7,))
    assert "Cos" in {node.op_type for node in found.validation.nodes}
    with pytest.raises(OcostError, match="gives all inputs"):
        run(branches(), inputs=file, given=Given(dims={"N": 7}))


def test_another_device_is_said() -> None:
    here = find("host")
    assert not any("predicted for" in note for note in run(branches()).notes)
    for device in ("nvidia-t4", "raspberry-pi-4" if here.isa != "neon" else "i9-10980xe"):
        assert any(f"predicted for {device}" in note for note in run(branches(), device).notes)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "flushes_denormals", lambda: False)
    found = run(branches())
    here = found.environment
    assert (here.level, here.threads, here.denormals) == ("basic", 1, "kept")
    assert here.isa == find("host").isa
    assert here.cpu
    assert any("denormals" in note for note in found.notes)
    monkeypatch.setattr(environment, "flushes_denormals", lambda: True)
    found = run(branches())
    assert found.environment.denormals == "flushed"
    assert not any("denormals" in note for note in found.notes)


def test_what_to_keep_in_mind() -> None:
    found = run(branches()).validation
    calm = replace(found, measured=replace(found.measured, noisy=False))
    assert list(reservations(calm)) == []
    (busy,) = reservations(replace(calm, measured=replace(calm.measured, noisy=True)))
    assert busy.startswith("the machine was busy")
    # As if the model took twice what its nodes take together.
    twice = 2 * found.sum_s
    off = replace(calm.measured, latency_s=twice, low_s=twice, high_s=twice)
    (apart,) = reservations(replace(calm, measured=off))
    assert (
        apart == "the nodes' times add up to 50 % of the model's latency, outside of its interval"
    )
    (idle,) = reservations(replace(calm, idle=("n",)))
    assert idle.startswith("1 node(s) are in the estimate that didn't run (first: n)")


def test_times_that_are_scaled_far_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    take = module.take_profile
    for scale, said in ((2.0, "took 50 % of"), (0.5, "took 200 % of"), (1.2, ""), (0.85, "")):
        monkeypatch.setattr(
            module, "take_profile", lambda *a, s=scale, **k: replace(take(*a, **k), scale=s)
        )
        notes = [note for note in run(branches()).notes if "times are scaled" in note]
        assert bool(notes) is bool(said)
        assert all(said in note for note in notes)


UNTIL = f"""{HEAD}
g (float[512] x) => (float[512] y) {{
    one = Constant <value_float = 1.0> ()
    ten = Constant <value_float = 10.0> ()
    y, s = Loop (, , x) <
        body = b (int64 i, bool go, float[512] v) => (bool again, float[512] w, float[512] r) {{
            w = Add (v, one)
            top = ReduceMax <keepdims = 0> (w)
            again = Less (top, ten)
            r = Exp (w)
        }}
    >
}}"""


def test_the_trips_that_it_saw_are_those_that_it_predicts(tmp_path: Path) -> None:
    """From 0 to 10 in steps of 1, which data decide: ten trips."""
    graph = from_proto(parser.parse_model(UNTIL))
    file = tmp_path / "inputs.npz"
    np.savez(file, x=np.zeros(512, np.float32))
    found = run(graph, inputs=file)
    assert found.trips == {"y": 10.0}
    assert {n.op_type: n.trips for n in found.written.nodes}["Exp"] == 10
    assert {n.op_type: n.trips for n in found.executed.nodes}["Exp"] == 10
    assert "trips seen, which the prediction takes: 'y' 10" in found.notes
    document = profile_document(found)
    assert document["loops"] == [{"node": "y", "trips": 10.0}]
    told = run(graph, inputs=file, given=Given(trips={"y": 3}))  # the runs know better
    assert {n.op_type: n.trips for n in told.written.nodes}["Exp"] == 10


def test_a_profile_without_loops_says_nothing_of_trips() -> None:
    found = run(branches())
    assert found.trips == {}
    assert not any("trips" in note for note in found.notes)
