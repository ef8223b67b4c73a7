"""Profiles taken elsewhere: with the optimised graph they are placed exactly, else by names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import parser

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.costmodel.executed import executed_cost
from ocost.graph import Graph, OcostError, from_proto, load
from ocost.graph.shapes import infer
from ocost.lineage.namesakes import COPIED, INSERTED, NO_NAME
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.imported import import_profile
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options, SessionLevel
from ocost.runtime.validation.joined import validate
from ocost.runtime.validation.sums import covered_cost

HEAD = '<ir_version: 8, opset_import: ["":17]>'
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
CHAIN = f"""{HEAD}
g (float[4,4] x) => (float[4,4] y) <float[4,4] w = {{1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}},
    float[4] b = {{1,2,3,4}}> {{
    [mm] a = MatMul(x, w)
    [add] c = Add(a, b)
    d = Relu(c)
    [twice] e = Sin(d)
    [twice] y = Cos(e)
}}"""


class Recorded(NamedTuple):
    trace: Path
    optimized: Path


def record(
    model: onnx.ModelProto,
    feeds: Mapping[str, Any],
    folder: Path,
    level: SessionLevel = SessionLevel.ALL,
) -> Recorded:
    """A profile of six runs, as a user's own script would take it."""
    saved = folder / "optimized.onnx"
    session = open_session(
        model, Options(level=level), optimized=saved, profile_prefix=folder / "trace"
    )
    for _ in range(6):
        run_once(session, feeds)
    return Recorded(Path(session.end_profiling()), saved)


def record_graph(graph: Graph, folder: Path) -> Recorded:
    return record(named(graph), make_feeds(graph, infer(graph)), folder)


@pytest.mark.parametrize("sample", ["@odd_channels", "@mobilenet_v2", "@repvgg_a0"])
def test_names_tell_as_much_as_the_graph_here(sample: str, tmp_path: Path) -> None:
    graph = load(sample)
    recorded = record_graph(graph, tmp_path)
    exact = import_profile(graph, *recorded)
    names = import_profile(graph, recorded.trace)
    assert (exact.by_names, names.by_names) == (False, True)
    assert [n.name for n in exact.profile.nodes] == [n.name for n in names.profile.nodes]
    assert [n.seconds for n in exact.profile.nodes] == [n.seconds for n in names.profile.nodes]
    assert exact.profile.runs == names.profile.runs == 3  # of 6 the first 3 warm up
    assert exact.profile.latency == names.profile.latency
    layout = {n.name for n in exact.attribution.executed if n.status == "layout"}
    placed = [n for n in exact.attribution.executed if n.name not in layout]
    found = {n.name: n for n in names.attribution.executed}
    assert [set(found[n.name].originals) for n in placed] == [set(n.originals) for n in placed]
    assert {n.name for n in found.values() if n.status == "layout"} == layout
    assert names.attribution.originals == exact.attribution.originals
    assert set(exact.providers.values()) == {CPU}


@pytest.mark.parametrize("by_names", [False, True])
def test_a_validation_is_built_as_of_a_local_profile(by_names: bool, tmp_path: Path) -> None:
    graph, device = load("@odd_channels"), find("x86-server-core")
    recorded = record_graph(graph, tmp_path)
    written = cost_graph(graph, device)
    found = import_profile(graph, recorded.trace, None if by_names else recorded.optimized)
    if by_names:
        costs = covered_cost(found, written)
    else:
        costs = executed_cost(graph, found.profile.optimized, found.attribution, device)
    made = validate(found.profile, found.attribution, costs, written)
    assert made.measured == found.profile.latency
    assert len(made.nodes) == len(found.profile.nodes)
    assert made.originals_covered_fraction == 1
    unpredicted = {node.reason for node in made.unpredicted}
    assert unpredicted == ({INSERTED} if by_names else set())
    if by_names:  # every original is in one sum
        assert costs.totals == written.totals
        total = sum(node.macs or 0 for node in costs.nodes)
        assert total == written.totals.macs
        assert made.predicted_s == pytest.approx(written.totals.latency_s)


def test_bodies_are_imported(tmp_path: Path) -> None:
    """Only the branch that was taken ran; its nodes' paths are their names."""
    graph = load("@silero_vad")
    recorded = record_graph(graph, tmp_path)
    names = import_profile(graph, recorded.trace)
    (branch,) = {n.name.split("/")[1] for n in names.profile.nodes if "/" in n.name}
    assert branch in ("then_branch", "else_branch")
    assert names.attribution.mapped == len(names.profile.nodes)
    exact = import_profile(graph, *recorded)
    assert sum(n.seconds for n in exact.profile.nodes) == pytest.approx(
        sum(n.seconds for n in names.profile.nodes)
    )


def test_a_model_that_was_not_prepared(tmp_path: Path) -> None:
    """A node without a name goes by its position; the runtime names what it fuses."""
    model = parser.parse_model(CHAIN.replace("[twice] y", "[last] y"))
    x = {"x": np.ones((4, 4), np.float32)}
    for level, expected in (
        (
            SessionLevel.DISABLE,
            {"mm": ("mm",), "add": ("add",), "Relu_2": ("d",), "twice": ("twice",)},
        ),
        (
            SessionLevel.BASIC,
            {"mm/MatMulAddFusion": ("mm", "add"), "Relu_2": ("d",), "twice": ("twice",)},
        ),
    ):
        found = import_profile(from_proto(model), record(model, x, tmp_path, level).trace)
        executed = {n.name: n.originals for n in found.attribution.executed}
        assert executed == {**expected, "last": ("last",)}
        assert set(found.attribution.originals.values()) == {"once"}


# --- files by hand ---------------------------------------------------------------------------


def event(
    name: str, op_type: str, start: int, duration: int, provider: str = CPU
) -> dict[str, object]:
    args = {"op_name": op_type, "provider": provider}
    head = {"cat": "Node", "dur": duration, "ts": start}
    return {**head, "name": f"{name}_kernel_time", "args": args}


def run(start: int, duration: int) -> list[dict[str, object]]:
    names = ("SequentialExecutor::Execute", "model_run")
    return [{"cat": "Session", "dur": duration, "ts": start, "name": n, "args": {}} for n in names]


def write(folder: Path, events: list[dict[str, object]], end: str = "\n]\n") -> Path:
    file = folder / "trace.json"
    file.write_text("[\n" + ",\n".join(map(json.dumps, events)) + end, encoding="utf-8")
    return file


def cuda(start: int, sin: int, whole: int) -> list[dict[str, object]]:
    """A run on a GPU: kernels' events in between, copies at both ends, one node on the CPU."""
    kernel = {
        "cat": "Kernel",
        "dur": 900,
        "ts": start + 1,
        "name": "sgemm",
        "args": {"stream": "7"},
    }
    return [
        event("Memcpy", "MemcpyFromHost", start + 1, 5, CUDA),
        event("mm", "MatMul", start + 7, 30, CUDA),
        kernel,
        event("add", "Add", start + 40, 10, CUDA),
        event("Relu_2", "Relu", start + 51, 10, CUDA),
        event("s", "Sin", start + 62, sin),
        event("mystery", "FusedThing", start + 80, 7, CUDA),
        event("Memcpy_token_1", "MemcpyToHost", start + 90, 5, CUDA),
        *run(start, whole),
    ]


def test_another_provider(tmp_path: Path) -> None:
    graph = from_proto(parser.parse_model(CHAIN.replace("[twice] e", "[s] e")))
    events = [e for i, s in enumerate([90, 12, 13, 12, 10]) for e in cuda(1000 * i, s, 100 + i)]
    found = import_profile(graph, write(tmp_path, events))
    names = ["Memcpy", "mm", "add", "Relu_2", "s", "mystery", "Memcpy_token_1"]
    assert [node.name for node in found.profile.nodes] == names
    assert found.providers["mm"] == CUDA
    assert found.providers["s"] == CPU
    assert found.reasons == {"Memcpy": COPIED, "Memcpy_token_1": COPIED, "mystery": NO_NAME}
    assert [node.status for node in found.attribution.executed] == [
        "layout", "exact", "exact", "exact", "exact", "unmapped", "layout",
    ]  # fmt: skip
    # Of 5 runs the first 2 are dropped: 13, 12 and 10 us, each cut off to whole microseconds. The
    # quartile is at rank 0.75 of 3, three quarters through the one sample in [10, 11).
    (sin,) = (node.seconds for node in found.profile.nodes if node.name == "s")
    assert sin == pytest.approx(10.75e-6)
    # The runs take 102, 103 and 104 us: a quarter of the way is 102.5, tenths are 102.2 and 103.8.
    latency = found.profile.latency
    assert latency.latency_s == pytest.approx(102.5e-6)
    assert (latency.low_s, latency.high_s) == pytest.approx((102.2e-6, 103.8e-6))
    assert found.profile.bias_s == 0
    assert any(CUDA in note for note in found.notes)
    assert any("as the profiler saw them" in note for note in found.notes)


def test_what_a_provider_runs_as_one(tmp_path: Path) -> None:
    """Its originals are not given to the node behind it, although that is fused from others."""
    graph = from_proto(parser.parse_model(CHAIN.replace("[twice] y", "[last] y")))
    name = "TensorrtExecutionProvider_TRTKernel_graph_g_1_0"
    events = [
        event(name, "TRTKernel_graph_g_1", 1, 50, "TensorrtExecutionProvider"),
        event("last", "FusedCos", 60, 5),
        *run(0, 80),
    ]
    found = import_profile(graph, write(tmp_path, events))
    assert found.reasons == {name: "a part of the graph that TensorrtExecutionProvider runs as one"}
    first, last = found.attribution.executed
    assert (first.status, first.originals, last.originals) == ("unmapped", (), ("last",))
    assert found.attribution.originals["mm"] == "missing"
    assert any("single run" in note for note in found.notes)


def test_several_nodes_of_a_name_cant_be_told_apart(tmp_path: Path) -> None:
    events = [event("twice", "Sin", 1, 3), event("twice", "Cos", 5, 4), *run(0, 9)]
    found = import_profile(from_proto(parser.parse_model(CHAIN)), write(tmp_path, events))
    assert [n.name for n in found.profile.nodes] == ["twice", "twice#2"]
    assert set(found.reasons.values()) == {"several originals have this name"}
    assert found.attribution.originals["e"] == "missing"


def test_originals_that_are_shared_count_once(tmp_path: Path) -> None:
    graph = from_proto(parser.parse_model(CHAIN))
    events = [
        event("mm_token_3", "MatMul", 1, 3),
        event("mm_token_4", "MatMul", 5, 9),
        *run(0, 20),
    ]
    found = import_profile(graph, write(tmp_path, events))
    assert [node.status for node in found.attribution.executed] == ["group", "group"]
    costs = covered_cost(found, cost_graph(graph, find("x86-server-core")))
    short, long = costs.nodes
    assert short.macs is None
    assert "another node" in short.reason
    assert long.macs == 4 * 4 * 4


def test_a_file_that_is_cut(tmp_path: Path) -> None:
    graph = from_proto(parser.parse_model(CHAIN))
    whole = [event("mm", "MatMul", 1, 3), *run(0, 9), event("mm", "MatMul", 11, 4)]
    found = import_profile(graph, write(tmp_path, whole, ',\n{"cat": "Node", "na'))
    assert found.truncated
    assert found.profile.runs == 1
    assert any("ends within a run" in note for note in found.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a profile of onnxruntime"),
        ("\x1f\x8b\x08", "not a profile of onnxruntime"),
        ('{"traceEvents": [', "not a profile of onnxruntime"),
        (json.dumps([event("mm", "MatMul", 1, 3)]), "holds no complete run"),
    ],
)
def test_files_that_are_none(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(OcostError, match=message) as caught:
        import_profile(from_proto(parser.parse_model(CHAIN)), file)
    assert "\n" not in str(caught.value)


def test_a_graph_that_was_not_profiled(tmp_path: Path) -> None:
    graph = from_proto(parser.parse_model(CHAIN))
    file = write(tmp_path, [event("mm", "MatMul", 1, 3), *run(0, 9)])
    onnx.save(parser.parse_model(CHAIN), tmp_path / "other.onnx")
    with pytest.raises(OcostError, match="not of this graph"):
        import_profile(graph, file, tmp_path / "other.onnx")
