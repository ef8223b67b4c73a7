"""What depends on constants only is computed before the run, if the file doesn't grow by it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from ocost.graph import from_proto, load, to_proto
from ocost.graph.save import file_size
from ocost.passes.constants import FoldConstants
from ocost.runtime.equality.equivalence import check

from .conftest import model


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_constant_nodes_become_initializers(run) -> None:
    graph = model(
        """g (float[3] x) => (float[3] y) {
            a = Constant <value = float[3] {1.0, 2.0, 3.0}> ()
            b = Constant <value_float = 2.0> ()
            c = Constant <value_ints = [3]> ()
            s = Reshape (x, c)
            t = Mul (s, a)
            y = Mul (t, b)
        }"""
    )
    ran = run(FoldConstants(), graph)
    assert ran.ops == ["Reshape", "Mul", "Mul"]
    assert {n: t.data().tolist() for n, t in ran.graph.initializers.items()} == {
        "a": [1, 2, 3],
        "b": 2,
        "c": [3],
    }


def test_a_large_constant_is_not_read(tmp_path, monkeypatch) -> None:
    graph = model(
        """g (float[5000] x) => (float[5000] y) {
            c = Constant <value = float[1] {0.0}> ()
            y = Add (x, c)
        }"""
    )
    proto = to_proto(graph)
    proto.graph.node[0].attribute[0].t.CopyFrom(onnx.numpy_helper.from_array(floats(5000)))
    onnx.save(proto, tmp_path / "m.onnx")
    graph = load(tmp_path / "m.onnx")
    with monkeypatch.context() as patch:
        patch.setattr("ocost.graph.tensor.Source.read", None)
        assert len(FoldConstants().run(graph).rewrites) == 1
    again = from_proto(to_proto(graph))
    assert again.initializers["c"].data().tolist() == floats(5000).tolist()


def test_constants_that_are_outputs_or_sparse_stay(run) -> None:
    graph = model(
        """g (float[2] x) => (float[2] y, float[2] z) {
            z = Constant <value = float[2] {1.0, 2.0}> ()
            y = Add (x, z)
        }"""
    )
    assert run(FoldConstants(), graph).ops == ["Constant", "Add"]
    values = onnx.helper.make_tensor("s", onnx.TensorProto.FLOAT, [1], [2.0])
    indices = onnx.helper.make_tensor("i", onnx.TensorProto.INT64, [1], [1])
    sparse = onnx.helper.make_node(
        "Constant", [], ["s"], sparse_value=onnx.helper.make_sparse_tensor(values, indices, [2])
    )
    proto = to_proto(model("g (float[2] x) => (float[2] y) { y = Add (x, s) }", s=floats(2)))
    del proto.graph.initializer[:]
    proto.graph.node.insert(0, sparse)
    assert [n.op_type for n in run(FoldConstants(), from_proto(proto)).graph] == ["Constant", "Add"]


def test_a_weight_that_one_node_reads_is_transposed(run) -> None:
    graph = model(
        """g (float[2, 64] x) => (float[2, 32] y) {
            t = Transpose (w)
            y = MatMul (x, t)
        }""",
        w=floats(32, 64),
    )
    size = file_size(graph)
    ran = run(FoldConstants(), graph)
    assert ran.ops == ["MatMul"]
    assert ran.graph.initializers["t"].shape == (64, 32)
    assert file_size(ran.graph) < size


def test_a_copy_of_a_weight_that_others_read_is_refused(run, monkeypatch) -> None:
    """The trap of tied weights: an embedding's table, transposed for the output layer."""
    graph = model(
        """g (int64[3] i) => (float[3, 64] y) {
            e = Gather (w, i)
            t = Transpose (w)
            y = MatMul (e, t)
        }""",
        w=floats(64, 64),
    )
    # 64 x 64 x 4 bytes = 16,384, less those of the node
    monkeypatch.setattr("ocost.passes.constants._compute", None)  # nor is it computed in vain
    (reason,) = run(FoldConstants(), graph).reasons
    assert reason.startswith("folding would add 16,3")


def test_a_table_that_is_expanded_is_refused(run) -> None:
    graph = model(
        """g (float[64, 64] x) => (float[64, 64] y) {
            t = Expand (w, shape)
            y = Add (x, t)
        }""",
        w=floats(1, 64),
        shape=np.array([64, 64]),
    )
    assert "folding would add" in run(FoldConstants(), graph).reasons[0]


def test_a_tree_is_folded_as_a_whole(run) -> None:
    """Parts of a weight in another order, as LSTMs are exported: a copy of one part grows."""
    graph = model(
        """g (float[2, 64] x) => (float[2, 64] y) {
            a = Slice (w, i0, i32, axes)
            b = Slice (w, i32, i64, axes)
            c = Concat <axis = 0> (b, a)
            t = Unsqueeze (c, axes)
            u = Squeeze (t, axes)
            y = MatMul (x, u)
        }""",
        w=floats(64, 64),
        i0=np.array([0]),
        i32=np.array([32]),
        i64=np.array([64]),
        axes=np.array([0]),
    )
    ran = run(FoldConstants(), graph)
    assert ran.ops == ["MatMul"]
    assert list(ran.graph.initializers) == ["u"]
    assert len(ran.outcome.rewrites) == 1


def test_the_part_of_a_tree_that_is_small_is_folded(run) -> None:
    graph = model(
        """g (float[64, 64] x) => (float[64, 64] y) {
            a = Exp (w)
            t = Expand (a, shape)
            y = Add (x, t)
        }""",
        w=floats(1, 64),
        shape=np.array([64, 64]),
    )
    ran = run(FoldConstants(), graph)
    assert ran.ops == ["Expand", "Add"]
    assert len(ran.reasons) == 1


def test_what_a_caller_may_override_is_no_constant(run) -> None:
    graph = model(
        """g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1.0, 2.0}> {
            n = Neg (w)
            y = Add (x, n)
        }"""
    )
    assert not run(FoldConstants(), graph).outcome.rewrites


@pytest.mark.parametrize(
    "node",
    ["RandomNormalLike (w)", "Bernoulli (w)", "Dropout (w, half, yes)"],
)
def test_random_operators_stay(node: str) -> None:
    graph = model(
        f"""g (float[2] x) => (float[2] y) {{
            n = {node}
            y = Add (x, n)
        }}""",
        w=floats(2),
        half=np.float32(0.5),
        yes=np.array(True),
    )
    assert not FoldConstants().run(graph).rewrites


def test_quantised_weights_stay_quantised(run) -> None:
    graph = model(
        """g (float[2, 8] x) => (float[2, 4] y) {
            w = DequantizeLinear (q, scale, zero)
            y = MatMul (x, w)
        }""",
        q=np.arange(32, dtype=np.int8).reshape(8, 4),
        scale=np.float32(0.1),
        zero=np.int8(0),
    )
    assert run(FoldConstants(), graph).ops == ["DequantizeLinear", "MatMul"]


def test_products_and_angles_are_computed(run) -> None:
    graph = model(
        """g (float[8] x) => (float[8] y, float[8] z) {
            p = MatMul (a, b)
            c = Cos (p)
            h = Cast <to = 10> (c)
            f = Cast <to = 1> (h)
            y = Mul (x, f)
            s = Erf (p)
            z = Mul (x, s)
        }""",
        a=floats(4),
        b=floats(4, 8),
    )
    ran = run(FoldConstants(), graph)
    assert ran.ops == ["Mul", "Mul"]
    assert {n: t.data().dtype.name for n, t in ran.graph.initializers.items()} == {
        "f": "float32",
        "s": "float32",
    }


def test_sums_in_half_precision_stay(run) -> None:
    graph = model(
        """g (float16[8] x) => (float16[8] y) {
            m = ReduceMean <axes = [0]> (w)
            y = Mul (x, m)
        }""",
        w=floats(64).astype(np.float16),
    )
    assert run(FoldConstants(), graph).ops == ["ReduceMean", "Mul"]


def test_what_no_reference_computes_as_the_opset_says_stays(run) -> None:
    """Softmax is over the last axes together before opset 13; onnx's reference ignores that."""
    graph = model(
        """g (float[2, 3, 4] x) => (float[2, 3, 4] y) {
            s = Softmax <axis = 1> (w)
            y = Mul (x, s)
        }""",
        opset=11,
        w=floats(2, 3, 4),
    )
    assert run(FoldConstants(), graph).ops == ["Softmax", "Mul"]


def test_bodies_fold_too_and_keep_what_they_capture(run) -> None:
    graph = model(
        """g (bool c, float[2] x) => (float[2] y) {
            n = Neg (w)
            y = If (c) <
                then_branch = then () => (float[2] a) { m = Abs (w) a = Add (n, m) },
                else_branch = other () => (float[2] b) { b = Add (x, n) }
            >
        }""",
        w=floats(2),
    )
    ran = run(FoldConstants(), graph)
    assert ran.ops == ["If"]
    (node,) = ran.graph
    assert [n.op_type for n in ran.graph.subgraphs(node)["else_branch"]] == ["Add"]
    assert list(ran.graph.subgraphs(node)["then_branch"].initializers) == ["m"]
    assert "n" in ran.graph.initializers  # captured under the name that it had


def test_below_ir_version_4_a_body_keeps_its_nodes(run) -> None:
    graph = model(
        """g (bool c, float[2] x) => (float[2] y) {
            y = If (c) <
                then_branch = then () => (float[2] a) {
                    k = Constant <value = float[2] {1.0, 2.0}> ()
                    a = Add (x, k)
                },
                else_branch = other () => (float[2] b) { b = Neg (x) }
            >
        }""",
        opset=9,
        ir=3,
    )
    assert not run(FoldConstants(), graph).outcome.rewrites


def test_below_ir_version_4_new_constants_are_listed_as_inputs() -> None:
    graph = model(
        """g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1.0, 2.0}> {
            n = Neg (w)
            y = Add (x, n)
        }""",
        opset=9,
        ir=3,
    )
    before = from_proto(to_proto(graph))
    assert len(FoldConstants().run(graph).rewrites) == 1
    saved = to_proto(graph)
    onnx.checker.check_model(saved, full_check=True)
    assert [value.name for value in saved.graph.input] == ["x", "n"]
    assert check(before, graph).ok
