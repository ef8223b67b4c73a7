"""A second runtime is a class and a line: onnx's reference evaluator, which fuses nothing."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from onnx import ModelProto, __version__, parser
from onnx.reference import ReferenceEvaluator
from rich.console import Console

import ocost
from ocost.compare import diff_graphs
from ocost.compare.measured import here, measure
from ocost.costmodel import Device
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, OcostError, from_proto
from ocost.graph.shapes import Given
from ocost.lineage.lineage import Executed, Lineage
from ocost.report import schema
from ocost.report.profile_document import profile_document
from ocost.report.short_profile import profile_page
from ocost.runtime import registry
from ocost.runtime.onnxruntime.runtime import OnnxRuntime
from ocost.runtime.profiles import Imported, NodeTime, Profile
from ocost.runtime.protocol import Feeds, Options, Runtime
from ocost.runtime.registry import runtime_for
from ocost.runtime.timing.stopwatch import Run
from ocost.runtime.timing.stopwatch import measure as time_run
from ocost.runtime.validation.profiled import profile_graph

MODEL = """<ir_version: 8, opset_import: ["":17]>
g (float[64,64] x) => (float[64,64] y) {
    a = Relu(x)
    b = MatMul(a, x)
    y = Identity(b)
}"""


class Reference:
    """Executes the file as it is, and tells a node's time by the wall clock."""

    name, title, version = "reference", "the reference evaluator", __version__

    def open(self, model: ModelProto, options: Options, feeds: Feeds) -> Run:
        evaluator = ReferenceEvaluator(model)
        return lambda: evaluator.run(None, dict(feeds))

    def executed(self, model: ModelProto, options: Options) -> Graph:
        return from_proto(model)

    def lineage(self, original: Graph, executed: Graph) -> Lineage:
        nodes = [(scope.path(node), node.op_type) for scope, node in executed.walk()]
        same = tuple(Executed(path, op_type, (path,), "exact") for path, op_type in nodes)
        return Lineage(same, {path: "once" for path, _ in nodes}, {})

    def switches(self, options: Options) -> tuple[str, ...]:
        return ()

    def profile(
        self, model: ModelProto, options: Options, feeds: Feeds, *, runs: int, budget_s: float
    ) -> Profile:
        latency = time_run(self.open(model, options, feeds), budget_s=budget_s)
        known, times = dict(feeds), []
        for node in model.graph.node:
            started = time.perf_counter()
            (known[node.output[0]],) = ReferenceEvaluator(node).run(
                None, {name: known[name] for name in node.input}
            )
            times.append(time.perf_counter() - started)
        scale = latency.latency_s / sum(times)
        nodes = (
            NodeTime(node.name, node.op_type, scale * seconds)
            for node, seconds in zip(model.graph.node, times, strict=True)
        )
        return Profile(from_proto(model), tuple(nodes), latency, 0.0, 1)

    def imported(self, original: Graph, trace: Path, optimized: Path | None) -> Imported:
        raise OcostError(f"{trace}: the reference evaluator writes no profiles")

    def memory(self, model: ModelProto, options: Options, feeds: Feeds) -> None:
        return None

    def growth(self, model: ModelProto, options: Options, feeds: Feeds) -> None:
        pass

    def startup(self, model: ModelProto, options: Options) -> None:
        return None


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    """This machine with the second runtime."""
    make: Callable[[], Runtime] = Reference
    monkeypatch.setitem(registry.RUNTIMES, "reference", make)
    return replace(find("host"), runtime="reference")


@pytest.fixture
def no_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime can't be opened."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("onnxruntime was opened")

    monkeypatch.setattr("onnxruntime.InferenceSession", refuse)


def model(text: str = MODEL) -> Graph:
    return from_proto(parser.parse_model(text))


def test_by_the_name_of_a_device(device: Device) -> None:
    assert runtime_for("reference").title == "the reference evaluator"
    assert runtime_for("onnxruntime-cpu").title == "onnxruntime"
    assert runtime_for("onnxruntime-cuda").name == "onnxruntime-cpu"  # what runs here
    assert here(device)
    assert not here(replace(device, runtime="onnxruntime-cuda"))


def test_a_profile(device: Device, no_onnxruntime: None) -> None:
    graph = model()
    found = profile_graph(graph, device, Options(), budget_s=0.1, ledger=True)
    assert [node.originals for node in found.validation.nodes] == [("a",), ("b",), ("y",)]
    assert found.validation.time_mapped_fraction == 1
    assert found.validation.adds_up
    assert found.environment.runtime == "the reference evaluator"
    assert found.memory is found.startup is None
    assert found.runtime_ledger is not None
    assert found.runtime_ledger.gains == ()
    assert not any("onnxruntime" in note for note in found.notes)
    document = profile_document(found)
    jsonschema.validate(document, schema.load("ocost.profile/1"))
    assert document["environment"]["onnxruntime"] is None
    assert document["environment"]["runtime_version"] == __version__
    raw = io.StringIO()
    Console(file=raw, width=80).print(profile_page(found))
    page = raw.getvalue()
    assert "the reference evaluator" in page
    assert "onnxruntime" not in page


def test_two_graphs(device: Device, no_onnxruntime: None) -> None:
    shorter = MODEL.replace("y = Identity(b)", "").replace("b = MatMul", "y = MatMul")
    before, after = model(), model(shorter)
    diff = measure(before, after, diff_graphs(before, after, device), Given(), budget_s=0.2)
    assert diff.measured is not None
    assert diff.measured.comparison.ratio > 0
    pair = diff.levels["executed_runtime"]
    assert [len(cost.nodes) for cost in pair] == [3, 2]
    assert diff.measured.regions is not None


def test_onnxruntime_is_one(tmp_path: Path) -> None:
    runtime: Runtime = OnnxRuntime()
    proto = parser.parse_model(MODEL.replace("Relu(x)", "Identity(x)"))
    for node in proto.graph.node:
        node.name = node.output[0]
    feeds = {"x": np.ones((64, 64), np.float32)}
    runtime.open(proto, Options(), feeds)()
    executed = runtime.executed(proto, Options())
    assert [node.op_type for node in executed] == ["MatMul"]
    lineage = runtime.lineage(from_proto(proto), executed)
    assert set(lineage.executed[0].originals) >= {"b"}
    assert "ConvBNFusion" in runtime.switches(Options())


def test_nobody_else_knows_the_folder() -> None:
    """The check of outputs does: what it takes for right is onnxruntime without optimisation.

    So does what calibrates: its nodes are those that onnxruntime's optimisation makes.
    """
    root = Path(ocost.__file__).parent
    own = (
        *("runtime/onnxruntime/", "runtime/equality/", "runtime/registry.py", "tests/", "bench/"),
        *("runtime/calibration/measuring.py", "runtime/calibration/observed.py"),
    )
    wrong = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if not path.relative_to(root).as_posix().startswith((*own, "."))
        and re.search(r"from \S*\bonnxruntime(\.\w+)? import", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
