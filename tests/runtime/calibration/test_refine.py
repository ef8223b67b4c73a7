"""A calibration refined by a model: by made-up sessions, and by a real one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ocost import api, cli
from ocost.costmodel.calibration.calibration import Calibration, Provenance
from ocost.costmodel.calibration.machine import Machine
from ocost.costmodel.device import Device
from ocost.costmodel.device_file import document, load
from ocost.costmodel.host import host
from ocost.graph import Graph, OcostError, from_proto
from ocost.passes.lowering.costed import lowered_cost
from ocost.runtime.calibration.here import this_machine
from ocost.runtime.calibration.observed import Observed
from ocost.runtime.calibration.pairing import Side, paired
from ocost.runtime.calibration.refine import refined
from ocost.runtime.onnxruntime.executed import executed_graph
from ocost.runtime.protocol import Feeds, Options

RUN_S = 1e-5
REAL_S = 0.2


def _model(operators: Sequence[str] = ("Sigmoid", "Tanh"), opset: int = 17) -> ModelProto:
    """A product and what follows it."""
    names = ["p", *(f"t{at}" for at in range(len(operators)))]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["p"], name="product")]
    nodes += [
        helper.make_node(op, [names[at]], [names[at + 1]], name=f"after{at}")
        for at, op in enumerate(operators)
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        *(nodes, "g", [value("x", TensorProto.FLOAT, [4, 8])]),
        [value(names[-1], TensorProto.FLOAT, [4, 6])],
        [numpy_helper.from_array(np.full((8, 6), 0.1, np.float32), "w")],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.fixture
def device() -> Device:
    """This machine, as if it had been calibrated without a kernel."""
    here = Provenance(
        **this_machine(1),  # type: ignore[arg-type]  # keys and types are the fields'
        **{"denormals": "flushed", "date": "2026-01-01", "seconds": 1.0, "noise": 0.01},
    )
    caches = (48e3, 2e6, 24e6)
    calibration = Calibration(Machine(host().channel_block, caches), here, {}, run_s=RUN_S)
    return replace(host(), name="here", source="calibrated", cores=1, calibration=calibration)


class Sessions:
    """Made-up sessions: every node takes so long in each; ``runs`` counts them."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = seconds
        self.runs = 0

    def __call__(
        self, model: ModelProto, options: Options, feeds: Feeds, *, budget_s: float
    ) -> Observed:
        graph = executed_graph(model, options)
        one = self.seconds[self.runs % len(self.seconds)]
        self.runs += 1
        names = [scope.path(node) for scope, node in graph.walk()]
        added = 3e-6
        seen = dict.fromkeys(names, one + added)
        often = dict.fromkeys(names, 1.0)
        return Observed(graph, seen, often, RUN_S + one * len(names), added)


def test_all_nodes_are_measured_and_add_up_to_the_latency(device: Device) -> None:
    graph = from_proto(_model())
    made = refined(device, graph, observing=Sessions(2e-5))
    found = lowered_cost(graph, made).cost
    assert {node.estimator for node in found.nodes} == {"measured"}
    assert found.totals.latency_s == pytest.approx(RUN_S + 3 * 2e-5)


def test_a_slow_session_counts_for_nothing(device: Device) -> None:
    graph = from_proto(_model())
    made = refined(device, graph, observing=Sessions(3e-5, 2e-5, 8e-5))
    found = lowered_cost(graph, made).cost
    assert found.totals.latency_s == pytest.approx(RUN_S + 3 * 2e-5, rel=1e-6)


def test_nodes_of_one_signature_share_their_time(device: Device) -> None:
    graph = from_proto(_model(("Tanh", "Tanh", "Tanh")))
    made = refined(device, graph, observing=Sessions(2e-5))
    assert made.calibration is not None
    assert len(made.calibration.measured) < 4


def test_a_known_model_is_not_run_again(device: Device) -> None:
    graph = from_proto(_model())
    made = refined(device, graph, observing=Sessions(2e-5))
    again = Sessions(1.0)
    assert refined(made, graph, observing=again) is made
    assert again.runs == 0


def test_what_is_known_keeps_its_time(device: Device) -> None:
    made = refined(device, from_proto(_model()), observing=Sessions(2e-5))
    more = refined(made, from_proto(_model(("Sigmoid", "Erf"))), observing=Sessions(5e-5))
    assert made.calibration is not None
    assert more.calibration is not None
    assert made.calibration.measured.items() < more.calibration.measured.items()


def test_the_budget_ends_it_after_one_session(device: Device) -> None:
    sessions = Sessions(2e-5)
    refined(device, from_proto(_model()), budget_s=1e-9, observing=sessions)
    assert sessions.runs == 1


def test_the_bias_of_the_profiler_is_taken_off() -> None:
    graph = from_proto(_model())
    seen = {"a": 1.003e-3, "b": 5e-6}
    one = Observed(graph, seen, {"a": 1.0, "b": 1.0}, 1.002e-3 + RUN_S, 3e-6)
    assert one.unbiased(RUN_S) == pytest.approx({"a": 1e-3, "b": 2e-6}, rel=1e-6)


def test_executions_of_a_loop_share_its_time() -> None:
    graph = from_proto(_model())
    one = Observed(graph, {"a": 2e-3, "b": 1e-3}, {"a": 10.0, "b": 1.0}, 3e-3 + RUN_S, 0.0)
    assert one.unbiased(RUN_S) == pytest.approx({"a": 2e-4, "b": 1e-3})


def test_a_latency_below_that_of_a_run_leaves_no_negative_time() -> None:
    one = Observed(from_proto(_model()), {"a": 2e-6}, {"a": 1.0}, RUN_S / 2, 3e-6)
    assert all(seconds > 0 for seconds in one.unbiased(RUN_S).values())


def _side(path: str, originals: str, makes: int = 1, op: str = "Relu") -> Side:
    return Side(path, ("", op), frozenset(originals), makes)


def test_nodes_of_the_same_originals_are_paired_in_order() -> None:
    rules = [_side("r1", "ab"), _side("r2", "ab"), _side("r3", "c")]
    saved = [_side("s3", "c"), _side("s1", "ab"), _side("s2", "ab")]
    assert paired(rules, saved) == {"r1": "s1", "r2": "s2", "r3": "s3"}


def test_what_is_left_is_paired_by_what_it_makes() -> None:
    rules = [_side("r1", "abc"), _side("r2", "de"), _side("r3", "f", makes=2)]
    saved = [_side("s2", "d"), _side("s1", "ab"), _side("s3", "g", makes=3)]
    assert paired(rules, saved) == {"r1": "s1", "r2": "s2"}


def test_a_model_in_the_runtime(device: Device) -> None:
    graph = from_proto(_model())
    made = refined(device, graph, budget_s=REAL_S)
    found = lowered_cost(graph, made).cost
    assert {node.estimator for node in found.nodes} == {"measured"}
    assert all((node.latency_s or 0) > 0 for node in found.nodes)


def test_control_flow_and_missing_weights(device: Device) -> None:
    graph = api.load("@silero_vad")  # a branch is taken; its weights are made up
    made = refined(device, graph, budget_s=REAL_S)
    found = lowered_cost(graph, made).cost
    timed = [node for node in found.nodes if node.latency_s]
    assert sum(node.estimator == "measured" for node in timed) > 0.8 * len(timed)


def test_a_runtime_that_refuses_says_so(device: Device) -> None:
    with pytest.raises(OcostError, match="onnxruntime can't open the model"):
        refined(device, _refused(), budget_s=REAL_S)


def _refused() -> Graph:
    model = _model(("Selu",))
    model.graph.node[1].op_type = "NoSuchOperator"
    return from_proto(model)


def test_no_calibration() -> None:
    with pytest.raises(OcostError, match=r"is not calibrated.*`ocost calibrate -o"):
        refined(host(), from_proto(_model()))


def test_another_machine(device: Device) -> None:
    found = device.calibration
    assert found is not None
    there = replace(found, provenance=replace(found.provenance, cpu="Z80"))
    with pytest.raises(OcostError, match=r"calibrated elsewhere \(its CPU is Z80"):
        refined(replace(device, calibration=there), from_proto(_model()))


@pytest.fixture
def file(device: Device, tmp_path: Path) -> Path:
    path = tmp_path / "here.json"
    path.write_text(json.dumps(document(device)))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(_model().SerializeToString())
    return path


def test_a_device_file_keeps_what_was_measured(file: Path, model: Path) -> None:
    made = api.refine([model], file, budget_s=REAL_S)
    read = load(file).calibration
    assert read is not None
    assert made.calibration is not None
    assert read.measured == pytest.approx(made.calibration.measured, rel=1e-5)
    assert sorted(path.name for path in file.parent.iterdir()) == ["here.json", "model.onnx"]


def test_a_refused_model_leaves_the_file_as_it_was(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    with pytest.raises(OcostError):
        api.refine([bad], file, budget_s=REAL_S)
    assert file.read_bytes() == before


def _arguments(command: str, model: Path, device: str) -> list[str]:
    models = [str(model)] * (2 if command == "diff" else 1)
    return [command, *models, "--device", device, "--refine", "-q"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands measure for a moment only."""
    defaults = {**(api.refine.__kwdefaults__ or {}), "budget_s": REAL_S}
    monkeypatch.setattr(api.refine, "__kwdefaults__", defaults)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("command", ["cost", "profile", "diff"])
def test_commands_refine(
    command: str, file: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--budget", "0.3"] if command == "profile" else []
    assert cli.run([*_arguments(command, model, str(file)), *more]) == 0
    assert capsys.readouterr().err == ""
    found = load(file).calibration
    assert found is not None
    assert found.measured


@pytest.mark.usefixtures("short")
def test_the_page_says_what_was_measured(
    file: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*_arguments("cost", model, str(file)), "-v"]) == 0
    assert "Latency is an estimate (measured)" in " ".join(capsys.readouterr().out.split())
    assert cli.run(_arguments("cost", model, str(file))) == 0
    assert "latency measured" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", ["cost", "profile", "diff"])
def test_a_device_without_calibration_ends_with_one_line(
    command: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(_arguments(command, model, "x86-server-core")) == 2
    error = capsys.readouterr().err
    assert "ocost calibrate" in error
    assert len(error.strip().splitlines()) == 1


def test_a_sweep_is_not_refined(
    file: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*_arguments("cost", model, str(file)), "--dim", "n=1,2"]) == 2
    assert "one size" in capsys.readouterr().err
