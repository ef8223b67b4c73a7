"""The bench that puts onnx's backend suite through ``optimize``: it sees what is wrong."""

import importlib
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import ocost
from ocost.graph import OcostError, from_proto

BENCH = Path(ocost.__file__).parent / "bench"
# Of each kind; one that draws noise, one whose inputs are a list.
SAMPLE = (
    *("test_gemm_default_vector_bias", "test_bernoulli_double", "test_sequence_insert_at_front"),
    *("test_sequence_model4", "test_Conv2d_groups", "test_operator_permute2"),
)


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)


@pytest.fixture(scope="module")
def cases():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return list(importlib.import_module("backend_cases").cases())


@pytest.fixture
def suite(cases, monkeypatch):
    backend = importlib.import_module("backend")
    monkeypatch.setattr(backend, "cases", lambda: cases)
    return backend


@pytest.fixture
def answers():
    return importlib.import_module("backend_answers")


def test_all_kinds_are_there(cases):
    counts = Counter(case.kind for case in cases)
    assert counts["node"] > 1800
    assert counts["simple"] > 20
    assert counts["light"] == 9
    assert all(case.outputs is not None for case in cases)


def _case(cases, name):
    (found,) = [case for case in cases if case.name == name]
    return found


@pytest.mark.parametrize("name", ["frozen to initializers", "frozen to Constant nodes"])
def test_frozen_inputs(cases, name):
    module = importlib.import_module("backend_cases")
    case = _case(cases, "test_gemm_default_vector_bias")
    made = module.variant(case, name)
    onnx.checker.check_model(made.model, full_check=True)
    assert len(case.model.graph.input) == 3
    assert not made.model.graph.input
    assert made.inputs == {}
    assert len(made.model.graph.initializer) + len(made.model.graph.node) == 4
    (output,) = importlib.import_module("mutants.float64").session(made.model)({}, 0)
    np.testing.assert_allclose(output, case.outputs[0], rtol=1e-3)


def test_a_sample_of_it(suite, capsys, tmp_path):
    kept = tmp_path / "results.jsonl"
    assert suite.main([*SAMPLE, "--keep", str(kept)]) == 0
    text = capsys.readouterr().out
    assert "WRONG: 0" in text
    assert "CRASH: 0" in text
    assert "REFUSED: 0" in text
    assert kept.read_text(encoding="utf-8").count("started") >= 3 * len(SAMPLE)


def _made(model):
    class Made:
        graph = from_proto(model)

    return Made


def _scaled(model):
    made = onnx.ModelProto.FromString(model.SerializeToString())
    node = made.graph.node[-1]
    y, node.output[0] = node.output[0], "before"
    made.graph.initializer.append(numpy_helper.from_array(np.float32(1.01), "by"))
    made.graph.node.append(helper.make_node("Mul", ["before", "by"], [y]))
    return made


def _renamed(model):
    made = onnx.ModelProto.FromString(model.SerializeToString())
    made.graph.input[0].name = made.graph.node[0].input[0] = "other"
    return made


@pytest.mark.parametrize(("edit", "why"), [(_scaled, "differs by"), (_renamed, "inputs are other")])
def test_another_model_is_wrong(cases, answers, monkeypatch, edit, why):
    case = _case(cases, "test_gemm_default_vector_bias")
    monkeypatch.setattr(answers, "optimize_model", lambda _: _made(edit(case.model)))
    found = answers.answer(case)
    assert found.said == "WRONG"
    assert why in found.why


@pytest.mark.parametrize(("error", "said"), [(KeyError, "CRASH"), (OcostError, "REFUSED")])
def test_failures_are_told_apart(cases, suite, monkeypatch, capsys, error, said):
    def fail(_):
        raise error("for a test")

    monkeypatch.setattr(importlib.import_module("backend_answers"), "optimize_model", fail)
    assert suite.main(["test_cos_example", "--variants", "as it is"]) == 1
    text = capsys.readouterr().out
    assert f"{said}: 1" in text
    assert "* node test_cos_example, as it is: " in text


def test_a_process_that_dies_is_a_crash(suite, monkeypatch, capsys):
    monkeypatch.setattr(suite, "answer", lambda _: importlib.import_module("os")._exit(3))
    assert suite.main(["test_cos_example", "--variants", "as it is"]) == 1
    assert "test_cos_example, as it is: the process died with code 3" in capsys.readouterr().out
