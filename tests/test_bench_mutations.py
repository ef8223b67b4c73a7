"""The mutation test: its kinds fire, its judge judges, and it counts what the check says."""

import importlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

import ocost

BENCH = Path(ocost.__file__).parent / "bench"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)


@pytest.fixture
def mutations():
    return importlib.import_module("mutations")


def _module(name):
    return importlib.import_module(f"mutants.{name}")


def _small():
    """The samples that are made here and take no time."""
    return [
        sample
        for name in ("models_networks", "models_control", "models_operators")
        for sample in _module(name).SAMPLES
    ]


def test_every_kind_fits_a_small_model(mutations):
    fired = set()
    for sample in _small():
        model = sample.make()
        onnx.checker.check_model(model)
        before = model.SerializeToString(deterministic=True)
        for mutant in mutations.mutants(model, sample.name, 1, 0):
            fired.add(mutant.kind.name)
            assert mutant.model.SerializeToString(deterministic=True) != before
        assert model.SerializeToString(deterministic=True) == before
    assert fired == set(mutations.KINDS)
    groups = [kind.group for kind in mutations.KINDS.values()]
    assert min(groups.count("numeric"), groups.count("structural")) > 20


def test_the_same_seed_makes_the_same_mutants(mutations):
    (sample,) = [one for one in _small() if one.name == "attention"]
    made = [
        [(m.kind.name, m.node) for m in mutations.mutants(sample.make(), "attention", 2, seed)]
        for seed in (1, 1, 2)
    ]
    assert made[0] == made[1] != made[2]


def _product(weight):
    """y = x w, of 4 by 3."""
    tensor = numpy_helper.from_array(np.asarray(weight, np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
        [tensor],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("factor", "counts"), [(1, False), (1 + 1e-7, False), (1.001, True)])
def test_an_edit_counts_where_it_moves_more_than_rounding(factor, counts):
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((4, 3))
    draws = [{"x": generator.standard_normal((2, 4)).astype(np.float32)} for _ in range(20)]
    judge = _module("judge").Judge(_product(weight), draws, 60.0)
    assert len(judge.answers) == 20
    assert 1e-8 < judge.spread["y"] < 1e-6  # float32 rounds numbers about 1 by 6e-8
    assert judge.moved(_product(weight.astype(np.float32) * np.float64(factor))) is counts


def test_noise_is_the_same_on_both_sides():
    (sample,) = [one for one in _small() if one.name == "noise"]
    model = sample.make()
    judge = _module("judge").Judge(model, sample.draws(model, 5, 0), 60.0)
    assert not judge.moved(model)
    kinds = importlib.import_module("mutations").mutants(model, "noise", 1, 0, ["draws merged"])
    assert judge.moved(next(iter(kinds)).model)


WINDOWS = {
    "grouped": ("Conv", [1, 4, 7, 6], [6, 2, 3, 2], {"group": 2, "pads": [1, 0, 2, 1]}),
    "dilated": ("Conv", [2, 3, 9, 9], [4, 3, 3, 3], {"dilations": [2, 1], "strides": [2, 3]}),
    "same": ("Conv", [1, 3, 8, 8], [4, 3, 3, 3], {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    "one axis": ("Conv", [1, 3, 8], [4, 3, 3], {"pads": [2, 1]}),
    "largest": ("MaxPool", [1, 3, 8, 8], [3, 3], {"strides": [2, 2], "ceil_mode": 1}),
    "padded": ("MaxPool", [1, 3, 8, 8], [3, 2], {"pads": [1, 0, 1, 1]}),
    "mean": ("AveragePool", [1, 3, 8, 8], [3, 3], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "mean of all": ("AveragePool", [1, 3, 8], [3], {"pads": [1, 2], "count_include_pad": 1}),
    "mean beyond": ("AveragePool", [1, 3, 8, 8], [3, 3], {"strides": [2, 2], "ceil_mode": 1}),
    "channels": ("LRN", [1, 5, 3, 3], [], {"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 2.0}),
}  # fmt: skip


@pytest.mark.parametrize("name", WINDOWS)
def test_mended_operators_are_those_of_onnxruntime(name):
    op, shape, sizes, attributes = WINDOWS[name]
    generator = np.random.default_rng(0)
    weights = []
    if op == "Conv":
        weights = [numpy_helper.from_array(generator.standard_normal(sizes).astype("f"), "w")]
    elif sizes:
        attributes = {**attributes, "kernel_shape": sizes}
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "w"][: 1 + len(weights)], ["y"], **attributes)],
        "window",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x = generator.standard_normal(shape).astype(np.float32)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (right,) = session.run(None, {"x": x})
    (found,) = _module("float64").exact(model)({"x": x}, 0)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


def test_rewrites_leave_what_is_computed():
    fired = set()
    for sample in _small():
        if sample.name in ("qdq", "qlinear", "dynamic_quant"):  # rounding is a step there
            continue
        if sample.name in ("noise", "draws", "dropout"):  # names decide what they draw
            continue
        model = sample.make()
        judge = _module("judge").Judge(model, sample.draws(model, 4, 0), 60.0)
        for name, made in _module("rewrites").rewrites(model):
            onnx.checker.check_model(made)
            fired.add(name)
            assert not judge.moved(made), (sample.name, name)
    assert len(fired) > 15


def test_it_counts_what_the_check_says(mutations, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(mutations, "apart", _here(mutations))
    monkeypatch.setattr(mutations, "INPUTS", 8)
    page = tmp_path / "check.md"
    arguments = ["--models", "mlp", "--kinds", "bias dropped", "added constant dropped"]
    assert mutations.main([*arguments, "weight 1e-3 off", "axis", "-o", str(page)]) == 0
    # mlp has no bias but an added constant; of its Softmax another axis can be taken.
    rows = [line.split("|")[1:-1] for line in page.read_text(encoding="utf-8").splitlines()]
    rows = [[cell.strip() for cell in row] for row in rows]
    assert ["structural", "2", "0", "0", "0", "100.0"] in rows
    assert ["numeric", "1", "0", "0", "0", "100.0"] in rows
    assert capsys.readouterr().err == ""


def _here(mutations):
    """In this process."""

    def examine(name, files, _, options):
        (sample,) = [one for one in mutations.every(files) if one.name == name]
        return list(dict(mutations.examine(sample, options, ())).values())

    return examine


def test_a_check_that_sees_nothing_fails(mutations, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(mutations, "apart", _here(mutations))
    monkeypatch.setattr(mutations, "verdict", lambda *_: ("equal", ""))
    arguments = ["--models", "mlp", "--kinds", "axis", "-o", str(tmp_path / "check.md")]
    assert mutations.main(arguments) == 1
    assert "structural: 0 of 1 caught, 99% are demanded" in capsys.readouterr().err


def test_a_process_that_stands_still_is_said_so(mutations, tmp_path):
    page = tmp_path / "check.md"
    arguments = ["--models", "mlp", "--limit", "0", "-o", str(page)]
    assert mutations.main(arguments) == 1
    assert "mlp, ?, : takes more than 0 s" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("at", "said"), [("begun", "discarded"), ("counts", "died")])
def test_what_never_ends_is_left_behind(mutations, monkeypatch, tmp_path, at, said):
    """An edit may make a loop that never ends; only in the check that is its fault."""
    path = tmp_path / "m.jsonl"
    first = mutations.Found("m", "axis", "n")

    def watch(process, file, limit):
        if not file.exists():
            mutations._write(file, 0, first._replace(said=at))
            return "takes more than 9 s"
        assert mutations.results(file)[0].said == said
        mutations._write(file, 1, first._replace(said="different"))
        mutations._write(file, mutations.ALL, first._replace(said=mutations.DONE))
        return ""

    monkeypatch.setattr(mutations, "watch", watch)
    options = mutations.argparse.Namespace(limit=9.0)
    found = mutations.apart("m", (), path, options)
    assert [(one.said, one.why) for one in found] == [
        (said, "takes more than 9 s"),
        ("different", ""),
    ]


def test_thresholds(mutations):
    page = importlib.import_module("mutations_page")

    def found(kind, said, count):
        return [page.Found("m", kind, "n", said)] * count

    good = found("axis", "different", 99) + found("axis", "equal", 1)
    assert (
        page.broken([*good, *found("=renamed", "equal", 3), *found("axis", "discarded", 9)]) == []
    )
    assert len(page.broken([*good, *found("axis", "equal", 1)])) == 1
    assert len(page.broken([*good, *found("axis", "not compared", 3)])) == 1
    assert len(page.broken([*good, *found("=renamed", "different", 1)])) == 1


def test_unknown_names_are_told(mutations, capsys):
    assert mutations.main(["--models", "mlq"]) == 2
    assert "mlq" in capsys.readouterr().err
