"""What a model takes is made of many runs so that disturbed ones don't count."""

import importlib
import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import ocost

BENCH = Path(ocost.__file__).parent / "bench"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)


@pytest.fixture
def truth():
    return importlib.import_module("accuracy_truth")


@pytest.fixture
def taking():
    return importlib.import_module("accuracy_taking")


@pytest.fixture
def file(tmp_path):
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["x", "x"], ["y"], "twice"),
            helper.make_node("ReduceSum", ["y"], ["z"], "sum"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [8, 8])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 1])],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def hurried(taking, monkeypatch):
    monkeypatch.setattr(taking, "_TURN_S", 0.002)


def test_the_smaller_part_of_the_samples_counts_three_at_least(truth):
    assert truth.lower_mean([9, 1, 2, 3, 9, 9, 9, 9, 9, 9], 0.2) == 2
    assert truth.lower_mean([5, 4, 3, 2, 1] * 4, 0.5) == 1.8


def test_a_slow_spell_leaves_no_trace(truth):
    table = np.tile([200.0, 12.0, 400.0], (100, 1))
    table[30:] *= 1.7
    np.testing.assert_allclose(truth.typical_us(table, 0.2), [200, 12, 400])


def test_what_is_cut_off_to_whole_microseconds_averages_out(truth):
    """The fastest fifth of 2.3 us cut off would be 2 each."""
    starts = np.random.default_rng(0).uniform(size=(2000, 100))
    table = np.floor(starts + 2.3)
    assert truth.lower_mean(table[:, 50], 0.2) == 2
    assert truth.typical_us(table, 0.2).mean() == pytest.approx(2.3, rel=0.02)


def test_a_node_that_is_long_is_judged_by_itself(truth):
    """A neighbour that is slow in the same runs doesn't decide which of them count."""
    table = np.full((10, 2), 1000.0)
    table[:5, 0], table[5:, 1] = 2000, 3000
    np.testing.assert_allclose(truth.typical_us(table, 0.3), [1000, 1000])


def test_the_profilers_part_is_found_where_there_are_many_events_for_a_second(truth):
    def measured(nodes, each_s, wrong=0.0):
        total = nodes * each_s + wrong
        return SimpleNamespace(
            seconds=np.full(nodes, each_s + 3e-6), events=np.ones(nodes), total_s=total
        )

    long = measured(10, 1e-2, wrong=5e-3)  # noise hides what ten events add
    assert truth.bias([measured(200, 1e-5), long]) == pytest.approx(3e-6)
    assert truth.bias([measured(200, 1e-5, wrong=1e-2)]) == 0
    assert truth.bias([]) == 0


def test_all_models_come_in_one_process_before_any_in_another(truth, tmp_path):
    kept = truth.Kept(tmp_path / "times")
    files = [Path("a.onnx"), Path("b.onnx")]
    assert kept.missing(files) == [(files[0], 1), (files[1], 1)]
    kept.path((files[0], 1)).write_bytes(pickle.dumps("it is refused"))
    assert kept.missing(files) == [(files[1], 1)]
    assert kept.read((files[0], 1)) == "it is refused"


def test_a_model_is_measured_until_the_two_fastest_processes_agree(truth, tmp_path):
    kept = truth.Kept(tmp_path / "times")
    noisy, quiet, refused = files = [Path("noisy.onnx"), Path("quiet.onnx"), Path("refused.onnx")]

    def took(file, *seconds):
        for number, total_s in enumerate(seconds, 1):
            found = SimpleNamespace(total_s=total_s, number=number)
            kept.path((file, number)).write_bytes(pickle.dumps(found))

    took(noisy, 1.7, 1.0)
    took(quiet, 1.04, 1.0)
    for number in (1, 2):
        kept.path((refused, number)).write_bytes(pickle.dumps("it is refused"))
    assert kept.missing(files) == [(noisy, 3)]
    took(noisy, 1.7, 1.0, 1.6)
    assert kept.missing(files) == [(noisy, 4)]
    took(noisy, 1.7, 1.0, 1.6, 1.03)
    assert kept.missing(files) == []
    assert [found.number for found in kept.pair(noisy)] == [2, 4]
    assert [found.number for found in kept.pair(quiet)] == [1, 2]
    assert kept.pair(refused) == "it is refused"
    took(Path("never.onnx"), 1.0, 1.7, 2.5, 3.5, 4.5)
    assert kept.missing([Path("never.onnx")]) == []  # what is left is in the ceiling


def test_turns_add_up_to_a_truth(taking, hurried, file, tmp_path):
    model = taking.Taking(file, 1, tmp_path)
    for _ in range(3):
        model.turn()
    found = model.truth()
    assert len(found.names) == 2
    assert found.events.tolist() == [1, 1]
    assert found.total_s > 0
    assert found.given.shapes == {"x": (8, 8)}
    assert [node.op_type for _, node in found.optimized.walk()] == ["Add", "ReduceSum"]


def test_models_are_measured_in_processes_of_their_own(taking, truth, file, tmp_path, monkeypatch):
    """One that is refused says why, and leaves the others alone."""
    monkeypatch.setattr(taking, "ROUNDS", 1)  # the processes still take their time for a turn
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    kept = truth.Kept(tmp_path / "times")
    taking.measure({model: kept.path((model, 1)) for model in (file, bad)}, 1)
    assert kept.read((file, 1)).total_s > 0
    assert "bad.onnx" in kept.read((bad, 1))
    assert kept.missing([file, bad]) == [(file, 2), (bad, 2)]


def _dies(*_):
    os._exit(3)


def test_a_process_that_dies_is_noted(taking, monkeypatch, file, tmp_path):
    monkeypatch.setattr(taking, "_child", _dies)
    taking.measure({file: tmp_path / "m"}, 1)
    assert "died" in pickle.loads((tmp_path / "m").read_bytes())


def test_the_machine_is_that_of_the_first_times(truth, tmp_path):
    kept = truth.Kept(tmp_path / "times")
    assert truth.note_machine(kept, "one") == "one"
    assert truth.note_machine(kept, "another") == "one"
