"""Passes, onnxsim, passes: to a fixed point and never to a worse graph."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import onnx
import pytest
from rich.console import Console

from ocost.costmodel.catalogue import find
from ocost.graph import Graph, OcostError, load, to_proto
from ocost.graph.shapes import Given
from ocost.optimize import Simplified, pipeline
from ocost.optimize.bisect import proven
from ocost.optimize.optimized import optimize_graph
from ocost.optimize.pipeline import Made, Plan, Watch, run
from ocost.optimize.plan import plan
from ocost.optimize.proof import Regional
from ocost.report.optimize_document import optimize_document
from ocost.report.text_optimize import render_optimize
from ocost.rewrite.rewriting import Pass
from ocost.rewrite.scope import Admission
from ocost.runtime.equality.equivalence import check
from ocost.runtime.equality.result import Equivalence, nothing

from .conftest import (
    Bloat,
    Corrupts,
    DropRelus,
    MergeSums,
    Smuggles,
    Swap,
    Throws,
    identities,
    sums,
)

DEVICE = find("x86-server-core")


def test_the_graph_itself_stays_as_it_is() -> None:
    graph = sums()
    before = to_proto(graph)
    made = run(graph, Plan((MergeSums(), DropRelus()), onnxsim=False), DEVICE)
    assert to_proto(graph) == before
    assert [n.op_type for n in made.graph] == ["Add", "Relu"]
    assert made.graph.outputs == ("y",)


def test_what_makes_it_worse_is_taken_back() -> None:
    made = run(sums(), Plan((Bloat(),), onnxsim=False), DEVICE)
    assert [n.op_type for n in made.graph] == ["Add", "Add", "Add", "Relu", "Relu"]
    (declined,) = made.declined
    assert declined.by == "bloat"
    assert declined.reason == "taken together it would raise nodes by 1"
    assert not made.entries


def test_onnxsim_is_a_stage_of_the_ledger() -> None:
    made = run(identities(), Plan((), onnxsim=True), DEVICE)
    assert {e.stage for e in made.entries} == {"onnxsim"}
    assert made.made_by.startswith("onnxsim ")
    assert not any(p.key.startswith("onnxsim") for p in to_proto(made.graph).metadata_props)
    assert not any(made.residual.values())


def test_a_broken_graph_of_onnxsim_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three Adds the first is gone."""

    def broken(graph: Graph, *_: object, **__: object) -> Simplified:
        made = graph.copy()
        made.remove_node("a")
        return Simplified(made, "onnxsim 0")

    monkeypatch.setattr(pipeline, "simplify", broken)
    made = run(sums(), Plan(()), DEVICE)
    assert to_proto(made.graph) == to_proto(sums())
    (fault,) = made.faults
    assert fault.by == "onnxsim"
    assert fault.reason == (
        "the graph that it leaves is broken: node 'b' (Add) reads tensor 'a', which nothing makes"
    )


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (Throws(), "IndexError at conftest.py:"),
        (Corrupts("reads"), "the graph that it leaves is broken: "),
        (Corrupts("type"), "output 'y' was float32 and is float64"),
        (Corrupts("rank"), "output 'y' had rank 2 and has 3"),
        (Corrupts("interface"), "the graph's outputs are others: r, y"),
        (Smuggles(), "it makes rewrites that nothing has let through"),
    ],
)
def test_a_pass_that_fails_is_undone_and_named(one: Pass, reason: str) -> None:
    """The others go on, before and after it."""
    graph = sums()
    made = run(graph, Plan((MergeSums(), one, DropRelus()), onnxsim=False), DEVICE)
    assert [n.op_type for n in made.graph] == ["Add", "Relu"]
    (fault,) = made.faults
    assert fault.by == one.name
    assert fault.reason.startswith(reason)
    assert {entry.by for entry in made.entries} == {"merge-sums", "drop-relus"}


def test_a_failure_is_told_as_a_bug() -> None:
    found = optimize_graph(sums(), Plan((Throws(), DropRelus()), onnxsim=False), DEVICE)
    assert found.equivalence.ok
    document = optimize_document(found)
    assert [fault["pass"] for fault in document["faults"]] == ["throws"]
    console = Console(file=StringIO(), width=200)
    console.print(render_optimize(found))
    told = console.file.getvalue()  # type: ignore[attr-defined] # a StringIO
    assert "throws failed and was undone: IndexError" in told
    assert "This is a bug of ocost: please report it" in told


def test_passes_that_undo_one_another_are_stopped() -> None:
    swap = Plan((Swap("Relu", "Abs"), Swap("Abs", "Relu")), onnxsim=False)
    made = run(sums(), swap, DEVICE)
    (fault,) = made.faults
    assert fault.reason == "they go on rewriting one another's work: stopped"
    assert len(made.marks) < 200


def test_a_watcher_sees_each_run_that_is_taken() -> None:
    seen = []

    def watch(before: Graph, after: Graph, rewrites: object, keys: Sequence[str]) -> None:
        seen.append((len(before), len(after), len(keys)))

    made = run(
        sums(), Plan((MergeSums(), Bloat(), DropRelus()), onnxsim=False), DEVICE, watch=watch
    )
    assert seen == [(5, 3, 2), (3, 2, 1)]
    assert [len(mark.keys) for mark in made.marks] == [2, 1]


def test_a_wrong_rewrite_is_found_and_left_out() -> None:
    """Of three rewrites the one that breaks the model goes; the others stay."""
    graph = sums()
    wrong = Plan((MergeSums(), DropRelus(first=True)), onnxsim=False)
    found = optimize_graph(graph, wrong, DEVICE)
    assert found.equivalence.ok
    assert found.left_out == 1
    assert [n.op_type for n in found.graph] == ["Add", "Relu"]
    assert any("outputs differed" in d.reason for d in found.made.declined)


def test_where_every_rewrite_is_wrong_nothing_is_made() -> None:
    found = optimize_graph(sums(), Plan((MergeSums(off=0.5),), onnxsim=False), DEVICE)
    assert found.equivalence.ok
    assert found.left_out >= 1
    assert [n.op_type for n in found.graph].count("Add") == 3


def test_a_model_that_differs_from_itself() -> None:
    graph, other = sums(), sums()
    other.remove_node("a")
    other.rewire("a", "x")

    def wrong(_gate: Admission, _watch: Watch | None) -> Made:
        return Made(other)

    with pytest.raises(OcostError, match="can't be checked"):
        proven(wrong, lambda made: check(graph, made.graph), Regional(Given(), 1))


def test_a_difference_that_shows_after_the_regions_were_judged_is_not_let_through() -> None:
    """As long as nothing can be compared each rewrite stands on its region; then one shows."""
    graph = sums()
    passes = Plan((MergeSums(), DropRelus(first=True)), onnxsim=False)
    asked = []

    def compare(made: Made) -> Equivalence:
        asked.append(made)
        return nothing(None, "no time") if len(asked) == 1 else check(graph, made.graph)

    regional = Regional(Given(), 0, allowed=True)  # no time for regions either
    found = proven(
        lambda gate, watch: run(graph, passes, DEVICE, None, gate, watch), compare, regional
    )
    assert found.equivalence.ok
    assert len(found.broken) == 1
    assert [n.op_type for n in found.made.graph] == ["Add", "Relu"]


@pytest.mark.parametrize("sample", ["@odd_channels", "@silero_vad", "@resnet18_qdq"])
def test_bundled_models_are_optimised_once_and_for_all(sample: str) -> None:
    graph = load(sample)
    found = optimize_graph(graph, plan(), DEVICE)
    assert found.equivalence.ok
    assert found.left_out == 0
    assert len(found.graph) <= len(graph)
    again = run(found.graph, plan(), DEVICE)
    assert not again.entries, again.entries


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"only": ["fold-batchnorms"]}, "did you mean fold-batchnorm"),
        ({"without": ["x"]}, "no pass 'x'"),
        ({"padding": "5"}, "--pad-channels 5"),
        ({"target": "tpu"}, "--target tpu"),
    ],
)
def test_options_that_don_t_exist(options: dict[str, object], text: str) -> None:
    with pytest.raises(OcostError, match=text):
        plan(**options)  # type: ignore[arg-type] # options by name


def test_passes_are_chosen_by_name() -> None:
    assert [p.name for p in plan(only=["fold-batchnorm"]).passes] == ["fold-batchnorm"]
    assert "pad-channels" not in {p.name for p in plan(padding="off").passes}
    assert "fold-batchnorm" not in {p.name for p in plan(without=["fold-batchnorm"]).passes}


@pytest.mark.parametrize("onnxsim", [True, False])
def test_missing_weights_are_the_models_fault(tmp_path: Path, *, onnxsim: bool) -> None:
    model = to_proto(sums())
    for name in ("one", "two"):
        tensor = next(t for t in model.graph.initializer if t.name == name)
        tensor.ClearField("float_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="sums.data")
        tensor.external_data.add(key="length", value="4")
    file = tmp_path / "sums.onnx"
    file.write_bytes(model.SerializeToString())
    with pytest.raises(OcostError, match=r"sums\.data"):
        run(load(file), Plan((MergeSums(),) if not onnxsim else (), onnxsim=onnxsim), DEVICE)
