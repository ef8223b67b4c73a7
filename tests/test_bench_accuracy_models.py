"""The models that the accuracy of predictions is judged by run, and are what they are called."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper

import ocost
from ocost.graph import from_proto
from ocost.graph.shapes import infer
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.onnxruntime.session import open_session
from ocost.runtime.protocol import Options

BENCH = Path(ocost.__file__).parent / "bench"
KINDS = {
    "RECURRENT": {"LSTM", "GRU", "RNN"},
    "AUDIO": {"STFT", "DFT"},
    "TREES": {"TreeEnsembleRegressor", "TreeEnsembleClassifier"},
}


@pytest.fixture
def made(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("accuracy_models")


def _run(model):
    graph = from_proto(model)
    feeds = make_feeds(graph, infer(graph))
    return open_session(model, Options()).run(None, dict(feeds))


def _makers(made, name):
    return sorted(getattr(made, name).items(), key=lambda item: item[0].__name__)


@pytest.mark.parametrize("name", ["NETWORKS", *KINDS])
def test_the_smallest_of_each_runs_to_finite_values(made, name):
    for make, sizes in _makers(made, name):
        for output in _run(make(min(sizes))):
            assert np.isfinite(output).all(), make.__name__
            assert output.size, make.__name__


@pytest.mark.parametrize("name", KINDS)
def test_a_class_has_ten_models_of_three_families_with_its_operators(made, name):
    makers = _makers(made, name)
    assert len(makers) >= 3
    assert sum(len(sizes) for _, sizes in makers) >= 10
    for make, sizes in makers:
        types = {node.op_type for node in make(min(sizes)).graph.node}
        assert types & KINDS[name], make.__name__


def test_a_quantised_class_has_ten_models_of_three_families(made):
    assert len(made.NETWORKS) >= 3
    assert sum(map(len, made.NETWORKS.values())) >= 10


def test_weights_are_the_same_each_time_and_grow_with_the_size(made):
    for make, sizes in _makers(made, "NETWORKS"):
        first, again, larger = make(sizes[0]), make(sizes[0]), make(sizes[1])
        assert first.SerializeToString() == again.SerializeToString()
        assert _elements(larger) > _elements(first), make.__name__


def _elements(model):
    return sum(numpy_helper.to_array(tensor).size for tensor in model.graph.initializer)


def test_a_tree_answers_with_the_leaf_that_its_features_lead_to(made):
    trees = importlib.import_module("accuracy_trees")
    told = trees.ensemble(1, 2, 1, "target", seed=3)
    tests = {
        n: (f, v)
        for n, f, v in zip(
            told["nodes_nodeids"].tolist(),
            told["nodes_featureids"].tolist(),
            told["nodes_values"].tolist(),
            strict=True,
        )
    }
    weights = dict(zip(told["target_nodeids"].tolist(), told["target_weights"], strict=True))
    row = np.linspace(-1, 1, 20)
    at = 0
    while at not in weights:
        feature, value = tests[at]
        at = 2 * at + 1 + bool(row[feature] > value)
    building = importlib.import_module("accuracy_building")
    net = building.Net()
    attributes = {name: np.asarray(value).tolist() for name, value in told.items()}
    out = net.add("TreeEnsembleRegressor", "rows", domain=building.ML, n_targets=1, **attributes)
    model = net.model({"rows": [1, 20]}, [out])
    (answer,) = open_session(model, Options()).run(None, {"rows": row[None].astype(np.float32)})
    assert answer.item() == pytest.approx(weights[at], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("made_residual_64.qdq", "made_residual"),
        ("made_log_mel_400", "made_log_mel"),
        ("made_plain_8", "made_plain"),
        ("bert_4l_768.tsdyn.dynq", "bert_4l_768"),
        ("shufflenet_v2_x1_0.keepbn", "shufflenet_v2_x1_0"),
    ],
)
def test_sizes_of_a_made_model_and_variants_of_any_are_one_family(made, name, family):
    families = importlib.import_module("accuracy_families")
    assert families.family_of(name) == family


def test_each_model_is_written_under_its_name(made, tmp_path, monkeypatch):
    for name in KINDS:
        monkeypatch.setattr(made, name, {})
    networks = importlib.import_module("accuracy_networks")
    monkeypatch.setattr(made, "NETWORKS", {networks.plain: (2,)})
    assert made.main([str(tmp_path)]) == 0
    assert {file.name for file in tmp_path.iterdir()} == {
        f"made_plain_2{variant}.onnx" for variant in ("", ".fp16", ".qdq", ".qop", ".dynq")
    }
