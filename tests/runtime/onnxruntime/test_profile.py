"""Profiles: the nodes' times are those of the unprofiled run, and nothing is left behind."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import parser

from ocost.graph import Graph, OcostError, from_proto, load
from ocost.lineage.attribution import attribute
from ocost.models.inputs import make_inputs
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime import profile as module
from ocost.runtime.onnxruntime.profile import take_profile
from ocost.runtime.onnxruntime.trace import Body, Event
from ocost.runtime.profiles import Profile
from ocost.runtime.protocol import Options, SessionLevel

HEAD = '<ir_version: 8, opset_import: ["":17]>'
LOOP = f"""{HEAD}
g (float[4] x, int64 n, bool c) => (float[4] y) {{
    a = Relu(x)
    y = Loop (n, c, a) <body = b (int64 i, bool go, float[4] s)
        => (bool co, float[4] so) {{ co = Identity(go)  so = Sin(s) }}>
}}"""
FEEDS = {"x": np.ones(4, np.float32), "n": np.array(3), "c": np.array(True)}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def read(text: str) -> Graph:
    return from_proto(parser.parse_model(text))


def profile(graph: Graph, feeds: Mapping[str, Any], runs: int = 4) -> Profile:
    options = Options(level=SessionLevel.BASIC)
    return take_profile(named(graph), options, feeds, runs=runs, budget_s=0.1)


def test_times_add_up_to_the_latency(temporary: Path) -> None:
    graph = load("@odd_channels")
    found = profile(graph, make_inputs(named(graph)), runs=10)
    assert [node.name for node in found.nodes] == [node.id for node in found.optimized]
    assert sum(node.seconds for node in found.nodes) == pytest.approx(found.latency.latency_s)
    assert all(node.seconds > 0 for node in found.nodes)
    assert found.runs == 10
    assert 0 <= found.bias_s < 1e-4
    assert found.scale > 0
    assert list(temporary.iterdir()) == []
    assert attribute(graph, found.optimized).mapped == len(found.nodes)


def test_nodes_of_a_loop(temporary: Path) -> None:
    found = profile(read(LOOP), FEEDS)
    assert sorted(node.op_type for node in found.nodes) == ["Identity", "Loop", "Relu", "Sin"]
    assert sum(node.seconds for node in found.nodes) == pytest.approx(found.latency.latency_s)
    assert list(temporary.iterdir()) == []


def test_only_the_taken_branch_is_timed() -> None:
    graph = load("@silero_vad")
    found = profile(graph, make_inputs(named(graph)))
    executed = {node.name for node in found.nodes}
    assert executed < {scope.path(node) for scope, node in found.optimized.walk()}
    (branch,) = {name.split("/")[1] for name in executed if "/" in name}
    assert branch in ("then_branch", "else_branch")


def test_no_more_runs_than_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the loop has 2 nodes' events, 3 x (2 nodes + 1 body), and 2 of its own."""
    monkeypatch.setattr(module, "LIMIT", 100)
    assert 1 <= profile(read(LOOP), FEEDS, runs=50).runs <= 100 // 13
    monkeypatch.setattr(module, "LIMIT", 12)
    with pytest.raises(OcostError, match="make fewer trips"):
        profile(read(LOOP), FEEDS)


def test_ctrl_c_leaves_nothing_behind(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter(range(2))

    def interrupted() -> None:
        if next(runs, None) is None:
            assert list(temporary.iterdir()) != []
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "repeatable", lambda *_: interrupted)
    graph = load("@odd_channels")
    with pytest.raises(KeyboardInterrupt):
        profile(graph, make_inputs(named(graph)))
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_to_run() -> None:
    with pytest.raises(OcostError, match="no node is left"):
        profile(read(f"{HEAD}\ng () => (float[2] y) <float[2] k = {{1, 2}}> {{ y = Neg(k) }}"), {})


def test_quartile_of_whole_microseconds() -> None:
    # 8 samples: the quartile is at rank 2, halfway through the four that took [3, 4) us.
    assert module._quartile(np.array([3, 5, 3, 4, 3, 3, 5, 6])) == 3.5
    # Rank 2 of 8 is a third on from rank 1 in the three that took [7, 8).
    assert module._quartile(np.array([5, 7, 7, 7, 9, 9, 9, 9])) == pytest.approx(7 + 1 / 3)


@pytest.mark.parametrize(
    ("total_us", "bias_us"),
    [
        (20.25, 5.0),  # 4 nodes take 40.25 us, the run 20.25: 5 us each
        (60.0, 0.0),  # less than the run takes
        (1.0, 7.2),  # 39.25 / 4 is more than the shortest node's 8 us: nine tenths of that
    ],
)
def test_bias(total_us: float, bias_us: float) -> None:
    times = (8, 8, 9, 15)
    events = tuple(Event("n", "Relu", "", 0, us) for us in times)
    runs = [Body(0, 50, events)] * 8  # each takes [40, 41) us: the quartile is 40.25
    found = module._bias(runs, np.array(times) * 1e-6, np.ones(4), total_us * 1e-6)
    assert found == pytest.approx(bias_us * 1e-6)
