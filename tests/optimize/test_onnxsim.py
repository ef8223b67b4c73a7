"""Of onnxsim only what has earned trust runs, and whatever it does ends nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import onnx
import pytest
from onnx import parser

from ocost.costmodel.catalogue import find
from ocost.graph import Graph, OcostError, from_proto, to_proto
from ocost.ledger.standing import Fault
from ocost.optimize import onnxsim_child, onnxsim_process, pipeline, plan, simplify
from ocost.optimize.onnxsim_optimizers import FOLDING, SUSPECTS, left_out, trusted
from ocost.optimize.onnxsim_process import DiedError, Onnxsim
from ocost.optimize.onnxsim_turn import Attempt, turn
from ocost.optimize.pipeline import Plan, run
from ocost.optimize.simplify import Growth, Simplified
from ocost.runtime.equality.equivalence import check

from .conftest import sums

DEVICE = find("x86-server-core")


def graph_of(text: str, opset: int = 17, ir_version: int = 8) -> Graph:
    """A model in onnx's own notation."""
    head = f'<ir_version: {ir_version}, opset_import: ["" : {opset}]>'
    return from_proto(parser.parse_model(f"{head}\n{text}"))


def types(graph: Graph) -> list[str]:
    return [node.op_type for node in graph]


def test_every_optimiser_that_onnxsim_has_is_in_one_of_the_lists() -> None:
    from onnxsim import onnxsim_cpp2py_export as core

    core._list_other_optimizers()  # registers onnxsim's own
    defaults = {*core._list_optimizers(), "fuse_matmul_add_bias_into_gemm_batched"}
    names = {*trusted(), *left_out()} - {FOLDING}
    assert names == defaults
    assert not {*trusted()} & {*left_out()}


def test_one_that_a_newer_onnxsim_adds_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxsim
    from onnxsim import onnxsim_cpp2py_export as core

    asked = {}
    monkeypatch.setattr(core, "_list_optimizers", lambda: ["eliminate_identity", "brand_new"])
    monkeypatch.setattr(onnxsim, "simplify", lambda *_, **options: asked.update(options))
    onnxsim_child.answer(
        {"model": "m", "made": "n", "optimizers": ("eliminate_identity",), "options": {}}
    )
    assert "brand_new" in asked["skipped_optimizers"]
    assert "eliminate_identity" not in asked["skipped_optimizers"]
    assert "extra_optimizers" not in asked


# What stays as it is, since an optimiser that would change it is left out.
KEPT = {
    "two draws": "g (float[2] x) => (float[2] y) "
    "{ a = RandomNormalLike (x) b = RandomNormalLike (x) y = Sub (a, b) }",
    "two Bernoulli": "g (float[2] x) => (float[2] y) "
    "{ a = Bernoulli (x) b = Bernoulli (x) y = Sub (a, b) }",
    "two Multinomial": "g (float[1, 2] x) => (int32[1, 3] y) { a = Multinomial<sample_size=3> (x) "
    "b = Multinomial<sample_size=3> (x) y = Sub (a, b) }",
    "two training Dropouts": "g (float[2] x) => (float[2] y) <float r = {0.5}, bool t = {1}> "
    "{ a = Dropout (x, r, t) b = Dropout (x, r, t) y = Sub (a, b) }",
    "Exp before ArgMax": "g (float[2, 5] x) => (int64[2, 1] y) "
    "{ a = Exp (x) b = Exp (a) y = ArgMax<axis=1> (b) }",
    "Sigmoid before ArgMin": "g (float[2, 5] x) => (int64[2, 1] y) "
    "{ a = Sigmoid (x) y = ArgMin<axis=1> (a) }",
    "log of softmax": "g (float[2, 5] x) => (float[2, 5] y) { a = Softmax (x) y = Log (a) }",
    "division by a norm": "g (float[2, 5] x) => (float[2, 5] y) "
    "{ n = ReduceL2<axes=[1]> (x) y = Div (x, n) }",
    "factors that overflow": "g (float[2] x) => (float[2] y) <float a = {1e30}, float b = {1e30}> "
    "{ t = Mul (x, a) y = Mul (t, b) }",
    "zeros of both signs": "g (float[2] x) => (float[2] y) <float a = {0.0}, float b = {-0.0}> "
    "{ t = Div (x, a) u = Div (x, b) y = Add (t, u) }",
    "softmax over one": "g (float[2, 1] x) => (float[2, 1] y) { y = Softmax<axis=1> (x) }",
    "means of integers": "g (int32[2, 3, 4] x) => (int32[2, 1, 1] y) "
    "{ t = ReduceMean<axes=[2]> (x) y = ReduceMean<axes=[1]> (t) }",
    "a scale of higher rank": "g (float[1, 1, 4, 4] x) => (float[1, 1, 1, 4, 4] y) "
    "<float[1, 1, 1, 1, 1] s = {2.0}, float[1, 1, 1, 1] w = {3.0}> "
    "{ t = Conv (x, w) y = Mul (t, s) }",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_it_would_spoil_stays(text: str) -> None:
    graph = graph_of(text)
    assert types(simplify(graph).graph) == types(graph)


def test_a_negative_dim_is_an_open_one() -> None:
    graph = graph_of(
        "g (float[3, N] x) => (int64[2] y, float[3, N] z) "
        "{ r = Relu (x) y = Shape (r) z = Abs (r) }"
    )
    model = onnx.ModelProto()
    model.CopyFrom(to_proto(graph))
    for value in (*model.graph.input, model.graph.output[1]):
        value.type.tensor_type.shape.dim[1].dim_value = -1
    made = run(from_proto(model), plan(), DEVICE).graph
    assert "Shape" in types(made)
    (declared,) = (v for v in to_proto(made).graph.input)
    assert declared.type.tensor_type.shape.dim[1].dim_value == -1  # as it was written


@pytest.mark.parametrize(
    "to",
    ["FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT8E4M3FNUZ", "BFLOAT16", "INT4", "UINT4", "STRING"],
)
def test_constants_of_rare_types_keep_their_type(to: str) -> None:
    number = onnx.TensorProto.DataType.Value(to)
    graph = graph_of(
        f"g () => (float[2] unused, {to.lower()}[2] y) <float[2] c = {{1.0, 2.0}}> "
        f"{{ unused = Neg (c) y = Cast<to={number}> (c) }}",
        opset=21,
        ir_version=10,
    )
    made = run(graph, plan(), DEVICE).graph
    stored = made.initializers.get("y")
    assert stored is None or stored.dtype == number
    assert stored is not None or "Cast" in types(made)


ATTENTION = """g (float[2, 5, 8] x) => (float[2, 5, 8] y)
<int64[4] heads = {2, 5, 2, 4}, int64[3] back = {2, 5, 8}, float scale = {2.0},
 float[8, 8] w0, float[8, 8] w1, float[8, 8] w2, float[8] b0, float[8] b1, float[8] b2> {
    q0 = MatMul (x, w0) q1 = Add (q0, b0) q2 = Reshape (q1, heads)
    q = Transpose<perm=[0, 2, 1, 3]> (q2)
    k0 = MatMul (x, w1) k1 = Add (k0, b1) k2 = Reshape (k1, heads)
    k = Transpose<perm=[0, 2, 3, 1]> (k2)
    v0 = MatMul (x, w2) v1 = Add (v0, b2) v2 = Reshape (v1, heads)
    v = Transpose<perm=[0, 2, 1, 3]> (v2)
    s = MatMul (q, k) d = Div (s, scale) p = Softmax<axis=-1> (d) c = MatMul (p, v)
    t = Transpose<perm=[0, 2, 1, 3]> (c) y = Reshape (t, back)
}"""


def attention() -> Graph:
    """Self-attention of two heads, written out."""
    text = ATTENTION
    for name, shape in (
        *((f"w{i}", "8, 8") for i in range(3)),
        *((f"b{i}", "8") for i in range(3)),
    ):
        count = 64 if "," in shape else 8
        values = ", ".join(str((7 * i % 5) / 5 + int(name[1])) for i in range(count))
        text = text.replace(f"float[{shape}] {name}", f"float[{shape}] {name} = {{{values}}}")
    return graph_of(text)


def test_operators_of_a_runtime_need_its_target() -> None:
    made = run(attention(), plan(), DEVICE)
    assert {node.domain for node in made.graph} == {""}
    assert "com.microsoft" not in made.graph.opset
    assert "fuse_attention" in plan(target="ort-cpu").optimizers
    assert "com.microsoft" in left_out()["fuse_attention"]
    assert "fuse_attention" not in left_out("ort-cpu")


def test_a_runtimes_operators_compute_the_same() -> None:
    graph = attention()
    made = run(graph, plan(target="ort-cpu"), DEVICE)
    assert "Attention" in types(made.graph)
    assert check(graph, made.graph).ok


def test_an_optimiser_is_left_out_by_name() -> None:
    graph = graph_of("g (float[2] x) => (float[2] y) { a = Identity (x) y = Neg (a) }")
    assert types(run(graph, plan(only=["remove-dead-code"]), DEVICE).graph) == ["Neg"]
    kept = plan(only=["remove-dead-code"], without=["onnxsim:eliminate_identity"])
    assert types(run(graph, kept, DEVICE).graph) == ["Identity", "Neg"]
    with pytest.raises(OcostError, match="did you mean eliminate_identity"):
        plan(without=["onnxsim:eliminate_identities"])


@pytest.mark.parametrize("bad", [{"c"}, {"h"}, {"a", "g"}, set()])
def test_what_makes_it_worse_is_found_with_few_runs(bad: set[str]) -> None:
    runs = []

    def attempt(names: Sequence[str], _: Growth) -> Attempt:
        runs.append(tuple(names))
        return Attempt("nodes", "worse") if bad & {*names} else Attempt()

    found = turn(attempt, "abcdefgh")
    assert not found.taken.trouble
    assert found.left_out.keys() == bad
    assert len(runs) <= 1 + 5 * len(bad)


def test_what_always_fails_is_given_up_at_once() -> None:
    runs = []

    def attempt(names: Sequence[str], _: Growth) -> Attempt:
        runs.append(tuple(names))
        return Attempt("fails", "no")

    found = turn(attempt, "abc")
    assert found.taken.reason == "no"
    assert runs == [("a", "b", "c"), ()]


def test_a_file_that_grows_is_first_tried_with_small_constants() -> None:
    def attempt(_: Sequence[str], growth: Growth) -> Attempt:
        return Attempt("param_bytes", "grows") if growth == "any" else Attempt()

    found = turn(attempt, trusted())
    assert not found.taken.trouble
    assert not found.left_out
    assert FOLDING in trusted()[-SUSPECTS:]


def test_constants_that_onnxruntime_computes_otherwise_are_not_folded() -> None:
    """Its Resize to fewer elements with aligned corners is not the standard's."""
    graph = graph_of(
        """
        m (float[1,1,1,2] x) => (float[1,1,1,2] y)
        <float[1,1,2,4] image = {1, 2, 3, 4, 5, 6, 7, 8},
         float[4] scales = {1, 1, 0.6, 0.6}, float[2] zeros = {0, 0}>
        {
            small = Resize <coordinate_transformation_mode = "align_corners", mode = "linear">
                (image, , scales)
            n = Neg(zeros)  c = Cos(n)  z = Add(x, c)  y = Add(z, small)
        }
        """
    )
    made = run(graph, plan(), DEVICE)
    assert "Resize" in types(made.graph)
    assert "Cos" not in types(made.graph)
    told = [d.reason for d in made.declined if d.by == f"onnxsim:{FOLDING}"]
    assert told == [
        "'small' (Resize) is another constant by onnxruntime than by onnx's reference evaluator"
    ]


def test_folding_alone_is_left_out_where_a_constant_is_disputed() -> None:
    runs = []

    def attempt(names: Sequence[str], _: Growth) -> Attempt:
        runs.append(tuple(names))
        return Attempt("folds", "disputed") if FOLDING in names else Attempt()

    found = turn(attempt, trusted())
    assert not found.taken.trouble
    assert found.left_out.keys() == {FOLDING}
    assert len(runs) == 2


def test_its_death_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text("import os, pickle, sys\npickle.load(sys.stdin.buffer)\nos.abort()\n")
    monkeypatch.setattr(onnxsim_process, "_CHILD", child)
    mortal = Onnxsim()
    with pytest.raises(DiedError, match=r"^onnxsim died on this model \(.*(SIGABRT|code \d)"):
        mortal.simplify(to_proto(sums()), ())
    monkeypatch.setattr(sys.modules["ocost.optimize.simplify"], "shared", lambda: mortal)
    monkeypatch.setattr(pipeline, "shared", lambda: mortal)
    made = run(sums(), Plan(()), DEVICE)
    mortal.close()
    assert types(made.graph) == types(sums())
    (fault,) = made.faults
    assert fault.by == "onnxsim"
    assert fault.reason.startswith("onnxsim died")


def test_its_hanging_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text("import time\ntime.sleep(1000)\n")
    monkeypatch.setattr(onnxsim_process, "_CHILD", child)
    monkeypatch.setattr(onnxsim_process, "_LIMIT_S", 0.1)
    slow = Onnxsim()
    monkeypatch.setattr(sys.modules["ocost.optimize.simplify"], "shared", lambda: slow)
    monkeypatch.setattr(pipeline, "shared", lambda: slow)
    made = run(sums(), Plan(()), DEVICE)
    assert types(made.graph) == types(sums())
    assert made.faults == [Fault("onnxsim", "onnxsim takes more than 0 s on this model: ended")]


def test_what_takes_too_long_is_not_tried_again() -> None:
    runs = []

    def attempt(names: Sequence[str], _: Growth) -> Attempt:
        runs.append(tuple(names))
        return Attempt("late", "slow")

    assert turn(attempt, "abc").taken.reason == "slow"
    assert runs == [("a", "b", "c")]


def test_another_type_of_an_output_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    other = graph_of("g (float[2, 8] x) => (float[2, 8] y) { y = Cast<to=11> (x) }")

    def wrong(_: Graph, names: Sequence[str], __: Growth) -> Simplified:
        return Simplified(other if "eliminate_identity" in names else sums(), "onnxsim 0")

    monkeypatch.setattr(pipeline, "simplify", wrong)
    made = run(sums(), Plan(()), DEVICE)
    assert made.faults == [
        Fault("onnxsim:eliminate_identity", "output 'y' was float32 and is float64")
    ]
    assert types(made.graph) == types(sums())
