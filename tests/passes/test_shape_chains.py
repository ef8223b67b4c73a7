"""Shape arithmetic whose outcome is known, or that an operator can say without it."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import to_proto
from ocost.graph.shapes import Given
from ocost.passes.shape_chains import FoldShapeChains
from ocost.runtime.onnxruntime.session import AS_WRITTEN, open_session

from .conftest import model

ZERO, ONE, TWO = (np.array(i, np.int64) for i in range(3))


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_fixed_dims_become_a_constant(run) -> None:
    # [2, 3, 4] -> [2, 3 * 4]
    graph = model(
        """g (float[2, 3, 4] x) => (float[2, 12] y) {
            s = Shape (x)
            b = Gather (s, zero)
            c = Gather (s, one)
            d = Gather (s, two)
            cd = Mul (c, d)
            b1 = Unsqueeze (b, axes)
            cd1 = Unsqueeze (cd, axes)
            t = Concat <axis = 0> (b1, cd1)
            y = Reshape (x, t)
        }""",
        zero=ZERO,
        one=ONE,
        two=TWO,
        axes=ints(0),
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["Reshape"]
    assert {n: t.data().tolist() for n, t in ran.graph.initializers.items()} == {"t": [2, 12]}
    (rewrite,) = ran.outcome.rewrites
    assert rewrite.reason == "holds [2, 12] in every run"
    assert set(rewrite.change.removed) == {"s", "b", "c", "d", "cd", "b1", "cd1", "t"}


CHAIN = """
    s = Shape (x)
    b = Gather (s, zero)
    t = Gather (s, one)
    b1 = Unsqueeze (b, axes)
    t1 = Unsqueeze (t, axes)
"""
CONSTANTS = {"zero": ZERO, "one": ONE, "axes": ints(0)}


@pytest.mark.parametrize("allowzero", [0, 1])
def test_open_dims_that_stay_are_copied(run, allowzero: int) -> None:
    graph = model(
        f"""g (float[B, T, 12] x) => (float[B, T, 3, 4] y) {{
            {CHAIN}
            target = Concat <axis = 0> (b1, t1, heads)
            y = Reshape <allowzero = {allowzero}> (x, target)
        }}""",
        heads=ints(3, 4),
        **CONSTANTS,
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["Reshape"]
    assert ran.graph.initializers["y/shape"].data().tolist() == [0, 0, 3, 4]
    # an empty batch and an empty sequence go through as before
    session = open_session(to_proto(ran.graph), AS_WRITTEN)
    for shape in ((0, 5, 12), (2, 0, 12)):
        (y,) = session.run(None, {"x": np.zeros(shape, np.float32)})
        assert y.shape == (*shape[:2], 3, 4)


def test_one_computed_dim_beside_fixed_ones_is_inferred(run) -> None:
    graph = model(
        f"""g (float[B, T, 12] x) => (float[N, 12] y) {{
            {CHAIN}
            n = Mul (b1, t1)
            target = Concat <axis = 0> (n, width)
            y = Reshape (x, target)
        }}""",
        width=ints(12),
        **CONSTANTS,
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.graph.initializers["y/shape"].data().tolist() == [-1, 12]
    session = open_session(to_proto(ran.graph), AS_WRITTEN)
    (y,) = session.run(None, {"x": np.zeros((0, 5, 12), np.float32)})
    assert y.shape == (0, 12)


def test_minus_one_beside_a_dim_that_may_be_0_is_refused(run) -> None:
    """With an empty batch, [0, -1] would be an error where [0, T * 12] is none."""
    graph = model(
        f"""g (float[B, T, 12] x) => (float[B, N] y) {{
            {CHAIN}
            n = Mul (t1, width)
            target = Concat <axis = 0> (b1, n)
            y = Reshape (x, target)
        }}""",
        width=ints(12),
        **CONSTANTS,
    )
    (reason,) = run(FoldShapeChains(), graph).reasons
    assert "with an empty tensor that is ambiguous" in reason


def test_a_minus_one_that_is_there_already_stays(run) -> None:
    graph = model(
        f"""g (float[B, T, 12] x) => (float[B, N] y) {{
            {CHAIN}
            target = Concat <axis = 0> (b1, rest)
            y = Reshape (x, target)
        }}""",
        rest=ints(-1),
        **CONSTANTS,
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.graph.initializers["y/shape"].data().tolist() == [0, -1]


@pytest.mark.parametrize("target", ["t1, b1, width", "b1, other, width"])
def test_dims_at_other_places_are_not_copied(run, target: str) -> None:
    """Swapped dims, and a dim of another input that has the same name in the file."""
    graph = model(
        f"""g (float[B, T, 12] x, float[B, T] z) => (float[P, Q, 12] y) {{
            {CHAIN}
            zs = Shape (z)
            other1 = Gather (zs, one)
            other = Unsqueeze (other1, axes)
            both = Concat <axis = 0> (other, t1)
            target = Concat <axis = 0> ({target})
            y = Reshape (x, target)
        }}""",
        width=ints(12),
        **CONSTANTS,
    )
    ran = run(FoldShapeChains(), graph)
    assert "Concat" in ran.ops
    if "t1, b1" not in target:  # one that is not known to be T: nothing is beside it but a copy
        assert "ambiguous" in ran.reasons[0]


def test_dims_are_followed_through_operators(run) -> None:
    """Attention's shape: the batch and length come from before a MatMul, Add and Transpose."""
    graph = model(
        """g (float[B, T, 8] x) => (float[B, T, 8] y) {
            s = Shape (x)
            b = Slice (s, i0, i1)
            t = Slice (s, i1, i2)
            m = MatMul (x, w)
            a = Add (m, bias)
            split = Concat <axis = 0> (b, t, heads)
            four = Reshape (a, split)
            p = Transpose <perm = [0, 2, 1, 3]> (four)
            e = Relu (p)
            back = Transpose <perm = [0, 2, 1, 3]> (e)
            join = Concat <axis = 0> (b, t, width)
            y = Reshape (back, join)
        }""",
        w=np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32),
        bias=np.ones(8, np.float32),
        heads=ints(2, 4),
        width=ints(8),
        i0=ints(0),
        i1=ints(1),
        i2=ints(2),
    )
    ran = run(FoldShapeChains(), graph)
    assert "Shape" not in ran.ops
    assert ran.graph.initializers["four/shape"].data().tolist() == [0, 0, 2, 4]
    assert ran.graph.initializers["y/shape"].data().tolist() == [0, 0, 8]


def test_a_dim_that_a_reshape_may_have_copied_is_not_taken_for_another() -> None:
    """Where z is empty, [dim of z, 3] of a [5, 3] copies the 5: the result's dim is not z's."""
    graph = model(
        """g (float[5, 3] x, float[Z] z) => (int64[2] y) {
            s = Shape (z)
            t = Concat <axis = 0> (s, three)
            r = Reshape (x, t)
            q = Shape (r)
            first = Slice (q, i0, i1)
            m = Neg (s)
            n = Neg (first)
            y = Concat <axis = 0> (m, n)
        }""",
        three=ints(3),
        i0=ints(0),
        i1=ints(1),
    )
    FoldShapeChains().run(graph)
    assert graph.initializers["n"].data().tolist() == [-5]  # by [-1, 3] for the first Reshape
    session = open_session(to_proto(graph), AS_WRITTEN)
    for size in (0, 5):
        feeds = {"x": np.ones((5, 3), np.float32), "z": np.zeros(size, np.float32)}
        assert session.run(None, feeds)[0].tolist() == [-size, -5]


def test_a_reshape_or_expand_to_its_own_shape_goes(run) -> None:
    graph = model(
        """g (float[B, T] x, float[B, T] z) => (float[B, T] y) {
            r = Relu (x)
            s = Shape (r)
            a = Reshape (r, s)
            e = Expand (a, s)
            y = Neg (e)
        }"""
    )
    assert run(FoldShapeChains(), graph).ops == ["Relu", "Neg"]


def test_an_expand_to_other_dims_stays(run) -> None:
    graph = model(
        """g (float[B, 1] x, float[B, T] z) => (float[B, T] y) {
            s = Shape (z)
            y = Expand (x, s)
        }"""
    )
    assert run(FoldShapeChains(), graph).ops == ["Shape", "Expand"]


def test_torchs_expand_with_minus_ones_goes(run) -> None:
    """Where(target == -1, 1, target), as torch writes expand(-1, n, -1)."""
    graph = model(
        """g (float[B, T] x) => (float[B, T] y) {
            r = Relu (x)
            s = Shape (r)
            b = Slice (s, i0, i1)
            target = Concat <axis = 0> (b, minus)
            is = Equal (target, minus)
            t = Where (is, ones, target)
            e = Expand (r, t)
            y = Neg (e)
        }""",
        i0=ints(0),
        i1=ints(1),
        minus=ints(-1),
        ones=ints(1, 1),
    )
    assert run(FoldShapeChains(), graph).ops == ["Relu", "Neg"]


def test_a_slice_to_its_own_end_needs_no_shape(run) -> None:
    graph = model(
        """g (float[B, T] x) => (float[B, U] y) {
            s = Shape (x)
            t = Slice (s, one, two)
            y = Slice (x, one, t, one, one)
        }""",
        one=ints(1),
        two=ints(2),
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["Slice"]
    assert ran.graph.initializers["y/ends"].data().tolist() == [2**63 - 1]


@pytest.mark.parametrize(
    ("steps", "axes"),
    [(-1, 1), (1, 0)],  # backwards, an end at the end takes nothing; another dim's size
)
def test_other_slices_stay(run, steps: int, axes: int) -> None:
    graph = model(
        """g (float[B, T] x) => (float[C, U] y) {
            s = Shape (x)
            t = Slice (s, one, two)
            y = Slice (x, one, t, axes, steps)
        }""",
        one=ints(1),
        two=ints(2),
        axes=ints(axes),
        steps=ints(steps),
    )
    assert run(FoldShapeChains(), graph).ops == ["Shape", "Slice", "Slice"]


def _resize(factor: str, policy: str = "") -> str:
    return f"""g (float[1, 2, H, W] x) => (float[1, 2, P, Q] y) {{
        s = Shape (x)
        hw = Slice (s, two, four)
        more = {factor} (hw, by)
        sizes = Concat <axis = 0> (front, more)
        y = Resize <mode = "nearest" {policy}> (x, , , sizes)
    }}"""


RESIZE = {"two": ints(2), "four": ints(4), "by": ints(2), "front": ints(1, 2)}


def test_sizes_of_whole_multiples_are_scales(run) -> None:
    ran = run(FoldShapeChains(), model(_resize("Mul"), **RESIZE))
    assert ran.ops == ["Resize"]
    assert ran.graph.initializers["y/scales"].data().tolist() == [1, 1, 2, 2]


def test_other_sizes_stay_sizes(run) -> None:
    assert "Shape" in run(FoldShapeChains(), model(_resize("Div"), **RESIZE)).ops
    policy = ', keep_aspect_ratio_policy = "not_larger"'
    kept = run(FoldShapeChains(), model(_resize("Mul", policy), opset=18, **RESIZE))
    assert "Shape" in kept.ops


def test_shapes_are_asked_of_the_input_and_once(run) -> None:
    graph = model(
        """g (float[B, T] x) => (int64[2] y, int64[2] z) {
            a = Sigmoid (x)
            r = Relu (a)
            s = Shape (r)
            t = Shape (a)
            p = Neg (s)
            q = Abs (t)
            y = Identity (p)
            z = Identity (q)
        }"""
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["Shape", "Neg", "Abs", "Identity", "Identity"]
    assert ran.graph.node("s").inputs == ("x",)


def test_a_shape_is_not_moved_to_what_is_computed(run) -> None:
    """It would keep the Conv's output alive, and from being fused with the Relu."""
    graph = model(
        """g (float[B, 1, H, W] x) => (float[B, 1, P, Q] y, int64[4] z) {
            c = Conv (x, w)
            y = Relu (c)
            z = Shape (y)
        }""",
        w=np.ones((1, 1, 2, 2), np.float32),
    )
    assert run(FoldShapeChains(), graph).graph.node("z").inputs == ("y",)


def test_large_values_are_not_stored(run) -> None:
    # 1025 x 8 bytes are more than 8 KiB
    graph = model(
        """g (float[1025] x, int64[1025] i) => (int64[1025] y) {
            s = Shape (x)
            n = Squeeze (s)
            r = Range (zero, n, one)
            y = Add (r, i)
        }""",
        zero=ZERO,
        one=ONE,
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["Range", "Add"]
    assert ran.graph.initializers["n"].data() == 1025


def test_what_a_caller_may_override_is_not_folded(run) -> None:
    graph = model(
        """g (float[2, 6] x, int64[2] by) => (float[P, Q] y) <int64[2] by = {1, 1}> {
            s = Shape (x)
            t = Mul (s, by)
            y = Reshape (x, t)
        }"""
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["Mul", "Reshape"]
    assert ran.graph.initializers["s"].data().tolist() == [2, 6]


def test_graph_outputs_stay_computed(run) -> None:
    graph = model("g (float[2, 6] x) => (int64[2] y) { y = Shape (x) }")
    assert not run(FoldShapeChains(), graph).outcome.rewrites


def test_a_value_that_a_body_reads(run) -> None:
    graph = model(
        """g (bool c, float[2, 6] x) => (float[P, Q] y) {
            s = Shape (x)
            t = Mul (s, one)
            y = If (c) <
                then_branch = then () => (float[P, Q] a) { a = Reshape (x, t) },
                else_branch = other () => (float[P, Q] b) { n = Neg (x) b = Reshape (n, t) }
            >
        }""",
        one=ints(1),
    )
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["If"]
    assert ran.graph.initializers["t"].data().tolist() == [2, 6]


def test_below_ir_version_4_a_body_has_no_constants(run) -> None:
    graph = model(
        """g (bool c, float[2, 6] x) => (float[P, Q] y) {
            y = If (c) <
                then_branch = then () => (float[P, Q] a) { s = Shape (x) a = Reshape (x, s) },
                else_branch = other () => (float[P, Q] b) { b = Neg (x) }
            >
        }""",
        opset=9,
        ir=3,
    )
    (reason,) = run(FoldShapeChains(), graph).reasons
    assert reason == "below IR version 4 a body can't have constants; raise the IR version"


WINDOWS = """g (float[B, 64, 12] x) => (float[N, M, 12] y) {
    w = Reshape (x, cut)
    r = Relu (w)
    s = Shape (x)
    b = Gather (s, first)
    t = Concat <axis = 0> (b, last)
    y = Reshape (r, t)
}"""


@pytest.mark.parametrize(
    ("last", "expected"),
    [((-1, 12), [-1, 64, 12]), ((64, -1), [-1, 64, 12]), ((64, 12), [-1, 64, 12])],
)
def test_windows_of_an_open_batch_are_joined_again(run, last, expected: list[int]) -> None:
    """x.view(B, -1, C) of [B * 4, 16, C]: what -1 stands for is known, so that B may be -1."""
    graph = model(WINDOWS, cut=ints(-1, 16, 12), first=ints(0), last=ints(*last))
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["Reshape", "Relu", "Reshape"]
    *_, node = ran.graph
    assert ran.graph.initializers[node.inputs[1]].data().tolist() == expected


def test_the_number_of_windows_of_an_open_batch(run) -> None:
    """As many as the batch has, times four: a quarter of them is the batch again."""
    graph = model(
        """g (float[B, 64, 12] x) => (int64[1] y) {
            w = Reshape (x, cut)
            s = Shape (w)
            n = Gather (s, first)
            b = Div (n, four)
            i = Shape (x)
            a = Gather (i, first)
            y = Sub (b, a)
        }""",
        cut=ints(-1, 16, 12),
        first=ints(0),
        four=ints(4),
    )
    assert run(FoldShapeChains(), graph).outcome.rewrites


REVERSED = """g (float[B, 64, 12] x) => (float[N, M, K, 12] y) {
    w = Reshape (x, cut)
    s = Shape (w)
    n = Gather (s, first)
    f = Cast <to = 1> (n)
    q = Div (f, windows)
    b = Cast <to = 7> (q)
    u = Unsqueeze (b, axis)
    t = Concat <axis = 0> (u, last)
    y = Reshape (w, t)
}"""


def test_a_batch_that_is_divided_as_a_float(run) -> None:
    """B = int(windows.shape[0] / (H * W / size / size)), as window_reverse has it."""
    constants = {"cut": ints(-1, 4, 4, 12), "first": np.array(0), "axis": ints(0)}
    graph = model(REVERSED, windows=np.float32(4), last=ints(8, 8, -1), **constants)
    ran = run(FoldShapeChains(), graph)
    assert ran.ops == ["Reshape", "Reshape"]
    *_, node = ran.graph
    assert ran.graph.initializers[node.inputs[1]].data().tolist() == [-1, 8, 8, 12]


@pytest.mark.parametrize("windows", [3.0, 0.5])
def test_a_batch_that_is_rounded_stays(run, windows: float) -> None:
    constants = {"cut": ints(-1, 4, 4, 12), "first": np.array(0), "axis": ints(0)}
    text = REVERSED.replace("y = Reshape (w, t)", "y = Expand (w, t)")
    graph = model(text, windows=np.float32(windows), last=ints(4, 4, 12), **constants)
    ran = run(FoldShapeChains(), graph, Given(dims={"B": 3}))
    assert "Expand" in ran.ops
    assert "Div" in ran.ops


def test_minus_one_beside_another_open_dim_stays(run) -> None:
    text = WINDOWS.replace("float[B, 64, 12] x", "float[B, T, 12] x")
    graph = model(text, cut=ints(-1, 16, 12), first=ints(0), last=ints(-1, 12))
    ran = run(FoldShapeChains(), graph, Given(dims={"T": 64, "B": 2}))
    assert ran.ops == [
        n.op_type for n in model(text, cut=ints(-1, 16, 12), first=ints(0), last=ints(-1, 12))
    ]
