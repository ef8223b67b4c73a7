"""The bench of accuracy: who is kin, what is predicted for each node, what is said of errors."""

import importlib
import math
import pickle
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import ocost
from ocost.costmodel.calibration.calibration import Calibration, Provenance
from ocost.costmodel.calibration.kernel import KernelModel
from ocost.costmodel.calibration.machine import Machine
from ocost.costmodel.catalogue import find
from ocost.graph import load

BENCH = Path(ocost.__file__).parent / "bench"
FILL = {"calibrated": 1.0, "roofline, measured": 1.0, "roofline, paper": 1.0}


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)


@pytest.fixture
def bench():
    names = ("families", "predicted", "scores", "misses", "page", "truth")
    return SimpleNamespace(**{n: importlib.import_module(f"accuracy_{n}") for n in names})


@pytest.fixture
def device():
    """Relu takes 10 us, whatever its size; nothing else was measured."""
    relu = KernelModel({"node": 1e-5}, -0.1, 0.2, {}, 40, (1e-6, 1e6))
    calibration = Calibration(
        Machine(1, (32e3, 1e6, 1e7), ((1024, 1e11), (2048, 5e10))),
        Provenance(
            "a CPU",
            ("avx512",),
            "onnxruntime-cpu",
            "1.32.0",
            1,
            "flushed",
            "2026-01-02",
            120.0,
            0.03,
        ),
        {"Relu": relu},
        run_s=5e-6,
    )
    device = find("x86-server-core")
    return replace(device, name="mine", source="calibrated", calibration=calibration)


@pytest.fixture
def model(tmp_path):
    """A product and a Relu."""
    weight = numpy_helper.from_array(np.ones((64, 32), np.float32), "w")
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["y"], "product"),
            helper.make_node("Relu", ["y"], ["z"], "relu"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 64])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [2, 32])],
        [weight],
    )
    made = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    file = tmp_path / "net.keepbn.onnx"
    onnx.save(made, file)
    return file


def _model(
    bench, name, measured, predicted, *, again=None, kind="float32", low=0.0, high=9.0, nodes=()
):
    says = {**FILL, "FLOPs only": 1.0, "bytes only": 1.0}
    says |= {"calibrated": predicted, bench.predicted.CEILING: measured}
    runs = (measured, measured if again is None else again)
    family = bench.families.family_of(name)
    return bench.predicted.Model(name, family, kind, runs, says, low, high, predicted, tuple(nodes))


def _node(bench, op_type, measured, predicted):
    says = {**FILL, "FLOPs only": 1.0, "bytes only": 1.0}
    says |= {"calibrated": predicted, bench.predicted.CEILING: measured}
    return bench.predicted.Node(
        "m", "n", op_type, "k", "calibrated", measured, measured, says, "1 > 1"
    )


def test_variants_and_sizes_are_kin(bench):
    assert bench.families.architecture_of("net_v1.0.keepbn.qdq") == "net_v1.0"
    assert bench.families.family_of("net_v1.0.keepbn.qdq") == "net_v1.0"
    assert bench.families.architecture_of("made_residual_64.qdq") == "made_residual_64"
    assert bench.families.family_of("made_residual_64.qdq") == "made_residual"


@pytest.mark.parametrize(
    ("operators", "dtype", "kind"),
    [
        (["Conv", "Relu"], TensorProto.FLOAT, "float32"),
        (["Cast", "Conv"], TensorProto.FLOAT16, "float16"),
        (["QuantizeLinear", "DequantizeLinear", "Conv"], TensorProto.FLOAT, "QDQ"),
        (["QuantizeLinear", "QLinearConv", "DequantizeLinear"], TensorProto.FLOAT, "QOperator"),
        (["DynamicQuantizeLinear", "MatMulInteger", "LSTM"], TensorProto.FLOAT, "dynamic"),
        (["Conv", "LSTM"], TensorProto.FLOAT, "recurrent"),
        (["STFT", "LSTM"], TensorProto.FLOAT, "audio front end"),
        (["TreeEnsembleRegressor"], TensorProto.FLOAT, "trees"),
    ],
)
def test_a_class_is_told_by_operators_and_weights(bench, tmp_path, operators, dtype, kind):
    weight = helper.make_tensor("w", dtype, [2], [1.0, 2.0])
    nodes = [helper.make_node(op, ["w"], [f"y{at}"]) for at, op in enumerate(operators)]
    made = helper.make_model(helper.make_graph(nodes, "g", [], [], [weight]), ir_version=8)
    onnx.save(made, tmp_path / "m.onnx")
    assert bench.predicted.kind_of(load(tmp_path / "m.onnx")) == kind


def test_nodes_and_runs_are_predicted_beside_what_they_took(bench, device, model):
    optimized = load(model)
    attribution = importlib.import_module("ocost.lineage.attribution").attribute
    given = importlib.import_module("ocost.graph.shapes").Given()
    truth = bench.truth.Truth(
        *(optimized, attribution(optimized, optimized), given, ("product", "relu")),
        *(np.array([30e-6, 14e-6]), np.array([1.0, 1.0]), 50e-6, {}),
    )
    again = replace(truth, seconds=np.array([26e-6, 2e-6]), total_s=45e-6)
    found = bench.predicted.Predictors(device).model(model, (truth, again), (4e-6, 3e-6))
    assert (found.name, found.family, found.kind) == ("net.keepbn", "net", "float32")
    assert found.runs == (50e-6, 45e-6)
    assert found.measured_s == 45e-6
    assert found.classes == ("float32", "under 1 ms")
    product, relu = found.nodes
    assert (product.op_type, product.estimator) == ("MatMul", "roofline")
    assert product.measured_s == pytest.approx(23e-6)  # 26 - 3 of the second process
    assert product.predicted["FLOPs only"] == 2 * 2 * 64 * 32
    assert product.sizes == "2x64 64x32 > 2x32"
    assert (relu.kernel, relu.estimator) == ("Relu", "calibrated")
    assert relu.predicted["calibrated"] == pytest.approx(1e-5)
    assert relu.again_s == bench.predicted._LEAST_S  # never below what a node can take
    whole = product.predicted["calibrated"] + 1e-5 + 5e-6
    assert found.predicted["calibrated"] == pytest.approx(whole)
    assert found.nodes_s == pytest.approx(whole)
    assert found.predicted[bench.predicted.CEILING] == 50e-6
    with pytest.raises(ValueError, match="is not calibrated"):
        bench.predicted.Predictors(replace(device, calibration=None))


def test_one_factor_is_fitted_to_other_families(bench):
    models = [
        _model(bench, "a.dyn", 1.0, 1.0),
        _model(bench, "a.ts", 50.0, 1.0),
        _model(bench, "b", 2.0, 1.0, nodes=[_node(bench, "Relu", 1.0, 1.0)]),
        _model(bench, "c", 4.0, 1.0),
    ]
    models = [
        replace(
            m,
            nodes=tuple(replace(n, predicted={**n.predicted, "FLOPs only": 7.0}) for n in m.nodes),
        )
        for m in models
    ]
    found = {m.name: m for m in bench.scores.fitted_elsewhere(models)}
    assert found["a.dyn"].predicted["FLOPs only"] == 3.0  # the median of b's 2 and c's 4
    assert found["a.ts"].predicted["FLOPs only"] == 3.0
    assert found["b"].predicted["FLOPs only"] == 4.0  # of 1, 50 and 4
    assert found["b"].nodes[0].predicted["FLOPs only"] == 28.0
    assert found["b"].predicted["calibrated"] == 1.0


def test_errors_of_models(bench):
    models = [
        _model(bench, "a", 1.0, 1.04),
        _model(bench, "b", 2.0, 1.84),
        _model(bench, "c", 4.0, 5.2),
    ]
    score = bench.scores.model_score(models, "calibrated")
    assert (score.models, score.families) == (3, 3)
    assert (score.median, score.mean) == (pytest.approx(0.08), pytest.approx(0.14))
    assert (score.within_5, score.within_10, score.within_15) == (1 / 3, 2 / 3, 2 / 3)
    assert score.worst == pytest.approx(0.3)
    assert score.rank == pytest.approx(1.0)
    assert bench.scores.model_score([], "calibrated") is None


def test_the_ceiling_is_judged_by_the_other_process(bench):
    one = _model(bench, "a", 1.0, 1.0, again=1.25)
    assert bench.scores.model_score([one], bench.predicted.CEILING).median == pytest.approx(0.2)
    assert bench.scores.model_score([one], "calibrated").median == 0.0


def test_errors_of_nodes_by_size_and_operator(bench):
    nodes = [
        _node(bench, "Conv", 200e-6, 210e-6),
        _node(bench, "Conv", 100e-6, 60e-6),
        _node(bench, "Relu", 5e-6, 20e-6),
    ]
    scores = bench.scores
    assert scores.node_score(nodes, "calibrated", 100e-6) == (1, (1.0, 1.0, 1.0))
    assert scores.node_score(nodes, "calibrated", 10e-6) == (2, (0.5, 0.5, 1.0))
    assert scores.node_score(nodes, "calibrated", 1.0) is None
    conv, relu = scores.kind_scores(nodes, "calibrated")
    assert (conv.op_type, conv.nodes, relu.op_type) == ("Conv", 2, "Relu")
    assert conv.time == pytest.approx(300 / 305)
    assert (conv.error, conv.bias) == (pytest.approx(50 / 300), pytest.approx(-30 / 300))
    assert relu.error == pytest.approx(3.0)


def test_an_interval_is_inflated_by_other_families(bench):
    # Off by 1, 2 and 3 half widths of 1 s; the two of family c count half each.
    models = [
        _model(bench, "a", 11.0, 10.0, low=9.0, high=11.0),
        _model(bench, "b", 8.0, 10.0, low=9.0, high=11.0),
        _model(bench, "c.dyn", 13.0, 10.0, low=9.0, high=11.0),
        _model(bench, "c.ts", 10.5, 10.0, low=9.0, high=11.0),
    ]
    score = bench.scores.interval_score(models, "calibrated")
    assert score.families == 3
    assert score.covered == pytest.approx((1 + 0 + 0.5) / 3)
    assert score.width == pytest.approx(0.2)
    # Left out: a by b and c, 3; b by a and c, 3; c by a and b, 2, which leaves c.dyn out.
    assert score.inflated == pytest.approx((1 + 1 + 0.5) / 3)
    assert score.factor == 3.0
    assert score.inflated_width == pytest.approx((0.6 + 0.6 + 0.4) / 3)
    assert bench.scores.interval_score(models[:1], "calibrated") is None


def test_changes_are_between_variants_of_one_model(bench):
    models = [
        _model(bench, "a.dyn", 1.0, 1.0),
        _model(bench, "a.ts", 1.1, 1.21),  # the ratio is 10 % off, of the right sign
        _model(bench, "a.keepbn", 1.3, 0.9, again=1.9),  # larger than the noise to neither
        _model(bench, "b", 5.0, 5.0),
        _model(bench, "a.ts.qdq", 0.5, 2.0, kind="QDQ"),
    ]
    inside = bench.scores.pair_score(models, "calibrated", across=False)
    assert inside.pairs == 3
    assert (inside.right, inside.counted) == (1, 1)
    across = bench.scores.pair_score(models, "calibrated", across=True)
    assert (across.pairs, across.right) == (3, 0)
    assert bench.scores.pair_score(models[3:4], "calibrated", across=False) is None
    two = bench.scores.pair_score(models[:2], "calibrated", across=False)
    assert (two.median, two.p90) == (pytest.approx(0.1), pytest.approx(0.1))


def test_a_change_within_the_noise_has_no_sign(bench):
    quiet, other = _model(bench, "a.dyn", 1.0, 1.0), _model(bench, "a.ts", 1.04, 1.0)
    assert bench.scores.sure(quiet, other, 0.03)
    assert not bench.scores.sure(quiet, other, 0.05)
    assert not bench.scores.sure(quiet, replace(other, runs=(1.04, 1.08)), 0.03)


def test_misses_are_told_by_kernel_beside_what_the_model_is_off_by(bench):
    # All of a model is predicted at twice its time, but one short node at 8 times.
    nodes = [
        replace(_node(bench, "Conv", 200e-6, 400e-6), kernel="blocked"),
        replace(_node(bench, "Relu", 50e-6, 400e-6), kernel="Relu"),
    ]
    models = [_model(bench, name, 1.0, 1.0, nodes=nodes) for name in ("a.dyn", "a.ts", "b")]
    assert bench.misses.common(models[0]) == pytest.approx(math.log(2))
    relu, conv = bench.misses.kernel_misses(models)
    assert (relu.kernel, relu.nodes, conv.kernel) == ("Relu", 3, "blocked")
    assert (relu.time, relu.lost) == (pytest.approx(0.2), pytest.approx(350 / 250))
    assert (relu.typical, relu.beside) == (pytest.approx(math.log(8)), pytest.approx(math.log(4)))
    assert (conv.bias, conv.beside) == (pytest.approx(200 / 250), pytest.approx(0))
    listed = bench.misses.node_misses(models, 10)
    assert [miss.node.kernel for miss in listed] == ["Relu"] * 3 + ["blocked"] * 3
    more = [_model(bench, f"a.{n}", 1.0, 1.0, nodes=nodes) for n in ("dyn", "ts", "keepbn")]
    assert len(bench.misses.node_misses(more, 10)) == 4  # two of a kernel and family
    assert len(bench.misses.node_misses(models, 1)) == 1


def test_the_page_has_every_part_and_what_was_left_out(bench, device):
    nodes = [_node(bench, "Conv", 200e-6, 210e-6)]
    models = [
        _model(bench, "a.dyn", 2e-3, 2.1e-3, low=1e-3, high=3e-3, nodes=nodes),
        _model(bench, "a.ts", 1e-3, 1e-3, low=0.5e-3, high=0.9e-3, nodes=nodes),
        _model(bench, "b", 5e-4, 5e-4, low=1e-4, high=1e-3, kind="trees"),
    ]
    result = bench.page.Result(device, models, ["c: can't be opened"])
    text = bench.page.page(bench.page.Where("a machine", 1), [result])
    for title in (
        "Models",
        "Nodes",
        "Operators",
        "Kernels",
        "Largest misses",
        "Intervals",
        "Changes",
        "Precisions",
        "Every model",
    ):
        assert f"### {title}\n" in text
    assert "* c: can't be opened" in text
    assert "Measured on a machine, 1 thread(s)" in text
    assert "A calibration of 120 s: a CPU, avx512, onnxruntime-cpu 1.32.0, 1 thread(s)" in text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    every = {row[0]: row[1:] for row in rows if len(row) == 9}
    assert every["a.dyn"] == ["float32", "2.000", "0.0", "2.100", "+5.0", "1.000", "3.000", "yes"]
    assert every["a.ts"][-1] == "**no**"
    own = next(row for row in rows if row[:2] == ["trees", "calibrated"])
    assert own[2:8] == ["1", "1", "0.0", "0.0", "100", "100"]
    assert ["float32", "over 100 us", "calibrated", "2", "100", "100", "100"] in rows
    assert any(row[:2] == ["under 1 ms", "calibrated"] for row in rows)


def test_what_failed_is_told_and_the_rest_is_judged(bench, device, model, tmp_path, monkeypatch):
    command = importlib.import_module("accuracy")
    other = tmp_path / "other.onnx"
    other.write_bytes(model.read_bytes())
    kept = bench.truth.Kept(tmp_path / "kept")
    taking = importlib.import_module("accuracy_taking")
    monkeypatch.setattr(taking, "_TURN_S", 0.0)
    measured = taking.Taking(model, 1, tmp_path)
    measured.turn()
    taken = measured.truth()
    for number in (1, 2):
        kept.path((model, number)).write_bytes(pickle.dumps(taken))
        kept.path((other, number)).write_bytes(pickle.dumps("it can't be opened"))
    assert kept.missing([model, other]) == []
    found, failed = command.models(device, kept, [model, other])
    assert [each.name for each in found] == ["net.keepbn"]
    assert failed == ["other: it can't be opened"]
    # Each node that ran is judged.
    assert [node.op_type for node in found[0].nodes] == ["MatMul", "Relu"]
    assert all(math.isfinite(node.predicted["calibrated"]) for node in found[0].nodes)
