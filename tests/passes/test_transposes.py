"""Transposes that undo each other, also with other nodes in between."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.transposes import CancelTransposes, ViewTransposes

from .conftest import model

F32 = np.float32
IN = "perm = [0, 2, 3, 1]"  # NCHW to NHWC
OUT = "perm = [0, 3, 1, 2]"


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(F32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def between(body: str, opset: int = 17, inputs: str = "", **constants: np.ndarray):
    """Nodes from ``t`` (NHWC) to ``u``, between two Transposes of a model in NCHW."""
    return model(
        f"""g (float[N, 4, 6, 5] x{inputs}) => (float[A, B, C, D] y) {{
            a = Abs (x) t = Transpose <{IN}> (a) {body} v = Transpose <{OUT}> (u) y = Neg (v)
        }}""",
        opset,
        **constants,
    )


def transposes(ran) -> int:
    return ran.ops.count("Transpose")


def test_a_pair(run) -> None:
    ran = run(CancelTransposes(), between("u = Identity (t)"))
    assert ran.ops == ["Abs", "Identity", "Neg"]


def test_two_become_one(run) -> None:
    graph = model(
        """g (float[2, 3, 4] x) => (float[4, 2, 3] y) {
            a = Transpose <perm = [1, 0, 2]> (x) b = Transpose (a) y = Neg (b)
        }"""
    )
    # a = x's axes 1, 0, 2; in reverse 2, 0, 1
    ran = run(CancelTransposes(), graph)
    assert ran.ops == ["Transpose", "Neg"]
    assert next(iter(ran.graph)).ints("perm") == (2, 0, 1)


def test_one_that_others_read_stays_when_a_pair_goes(run) -> None:
    graph = model(
        """g (float[2, 3] x) => (float[2, 3] y, float[3, 2] z) {
            a = Transpose (x) b = Transpose (a) y = Neg (b) z = Neg (a)
        }"""
    )
    assert transposes(run(CancelTransposes(), graph)) == 1


@pytest.mark.parametrize(
    ("body", "constants"),
    [
        ("u = Relu (t)", {}),
        ("b = Sigmoid (t) u = Mul (b, t)", {}),
        ("u = Add (t, c)", {"c": random(4)}),  # a bias of the last axis: [1, 4, 1, 1] then
        ("u = Sub (c, t)", {"c": random(6, 1, 1)}),
        ("u = Add (t, c)", {"c": random(1)}),
        ("u = Clip (t, p, q)", {"p": np.array(-1, F32), "q": np.array(1, F32)}),
        ("u = PRelu (t, c)", {"c": random(4)}),
        ("p, q = Split <axis = 3> (t) u = Concat <axis = -1> (q, p)", {}),
        ("m = ReduceMean <axes = [1, -2]> (t) u = Sub (t, m)", {}),
        ("m = ReduceSum (t, axes) u = Sub (t, m)", {"axes": ints(3)}),
        ("m = ReduceMax (t) u = Sub (t, m)", {}),
        ("u = Pad (t, p)", {"p": ints(0, 1, 2, 0, 0, 3, 0, 1)}),
        ("u = Slice (t, s, e, axes)", {"s": ints(1), "e": ints(3), "axes": ints(-1)}),
        ("u = Slice (t, s, e)", {"s": ints(0, 1), "e": ints(9, 4)}),
        (
            "u = Slice (t, s, e, axes)",
            {k: np.array([v], np.int32) for k, v in {"s": 1, "e": 3, "axes": 2}.items()},
        ),
        ("i = Cast <to = 9> (t) u = Where (i, t, c)", {"c": random(5, 4)}),
        ("u = Softmax <axis = 1> (t)", {}),
    ],
)
def test_nodes_in_between(run, body: str, constants) -> None:
    graph = between(body, **constants)
    before = len(graph)
    ran = run(CancelTransposes(), graph)
    assert transposes(ran) == 0
    assert len(ran.ops) == before - 2


def test_a_softmax_along_the_last_axis_stays_there(run) -> None:
    assert transposes(run(CancelTransposes(), between("u = Softmax <axis = -1> (t)"))) == 2


@pytest.mark.parametrize(
    ("body", "inputs", "constants"),
    [
        ("u = Mul (t, z)", ", float[4] z", {}),  # of a rank that no Transpose can turn
        ("u = CumSum (t, axis)", "", {"axis": np.array(1)}),
        ("u = Reshape (t, s)", "", {"s": ints(0, 5, 6, 4)}),
    ],
)
def test_nodes_that_need_their_layout(run, body: str, inputs: str, constants) -> None:
    ran = run(CancelTransposes(), between(body, inputs=inputs, **constants))
    assert transposes(ran) == 2
    assert not ran.outcome.declined


def test_residual_network_in_nhwc(run) -> None:
    """Two Convs with all else in NHWC: 2 Transposes each, and one at either end, all go but one."""
    conv = "Conv <pads = [1, 1, 1, 1]>"
    graph = model(
        f"""g (float[N, 6, 6, 4] x) => (float[N, 4] y) {{
            i = Transpose <{OUT}> (x)
            a = {conv} (i, w)
            b = Transpose <{IN}> (a)
            c = Add (b, bias)
            d = Relu (c)
            e = Transpose <{OUT}> (d)
            f = {conv} (e, w)
            h = Transpose <{IN}> (f)
            j = Add (h, d)
            k = Relu (j)
            y = ReduceMean <axes = [1, 2], keepdims = 0> (k)
        }}""",
        w=random(4, 4, 3, 3),
        bias=random(4),
    )
    ran = run(CancelTransposes(), graph)
    assert ran.ops == ["Transpose", "Conv", "Add", "Relu", "Conv", "Add", "Relu", "ReduceMean"]
    mean = list(ran.graph)[-1]
    assert mean.ints("axes") == (2, 3)
    assert len(ran.graph.initializers) == 2


@pytest.mark.parametrize(
    ("channels", "left"),
    [
        (2, ["Relu", "Concat", "Transpose"]),
        # that of one channel moves nothing: behind the Concat its bytes would move too
        (1, ["Transpose", "Transpose", "Transpose", "Relu", "Concat"]),
    ],
)
def test_several_inputs_share_what_is_left(run, channels: int, left: list[str]) -> None:
    """Three Transposes before a Concat are one behind it, unless that moves more bytes."""
    graph = model(
        f"""g (float[1, 2, 3, 4] x, float[1, 5, 3, 4] y, float[1, {channels}, 3, 4] z)
            => (float[1, 3, 4, {7 + channels}] w) {{
            a = Transpose <{IN}> (x) b = Transpose <{IN}> (y) c = Transpose <{IN}> (z)
            d = Relu (b)
            w = Concat <axis = 3> (a, d, c)
        }}"""
    )
    ran = run(CancelTransposes(), graph)
    assert ran.ops == left
    assert ran.graph.outputs == ("w",)


def test_several_outputs_share_what_is_left(run) -> None:
    """Three Transposes behind a Split are one before it."""
    graph = model(
        f"""g (float[1, 6, 3, 4] x) => (float[1, 3, 4, 2] u, float[1, 3, 4, 2] v,
                                        float[1, 3, 4, 2] w) {{
            a, b, c = Split <axis = 1> (x)
            d = Relu (b)
            u = Transpose <{IN}> (a) v = Transpose <{IN}> (d) w = Transpose <{IN}> (c)
        }}"""
    )
    ran = run(CancelTransposes(), graph)
    assert sorted(ran.ops) == ["Relu", "Split", "Transpose"]


def test_one_transpose_is_not_moved_for_nothing(run) -> None:
    """Before or behind the Relu: the same Transpose, the same bytes."""
    graph = model(
        f"""g (float[1, 6, 3, 4] x) => (float[1, 3, 4, 6] y) {{
            a = Transpose <{IN}> (x) y = Relu (a)
        }}"""
    )
    assert not run(CancelTransposes(), graph).outcome.rewrites


def test_a_transpose_goes_where_less_is_moved(run) -> None:
    """Behind the slice it moves a sixth of the bytes."""
    graph = model(
        """g (float[8, 6, 3] x) => (float[6, 8, 1] y) {
            a = Transpose <perm = [1, 0, 2]> (x) b = Slice (a, s, e, axes) y = Relu (b)
        }""",
        s=ints(0),
        e=ints(1),
        axes=ints(2),
    )
    ran = run(CancelTransposes(), graph)
    assert ran.ops[0] == "Slice"
    assert transposes(ran) == 1


def test_never_more_transposes(run) -> None:
    """Two outputs need the Relu as it is, one Transpose would go: nothing is gained."""
    graph = model(
        f"""g (float[1, 6, 3, 4] x, float[1, 3, 4, 6] r)
            => (float[1, 3, 4, 6] y, float[1, 3, 4, 6] z) {{
            a = Transpose <{IN}> (x) b = Relu (a) y = Add (b, r) z = Neg (b)
        }}"""
    )
    ran = run(CancelTransposes(), graph)
    assert transposes(ran) == 1


def test_only_the_part_that_pays_is_turned(run) -> None:
    """The Relu's other reader has to stay: it gets a Transpose, two others go."""
    graph = model(
        f"""g (float[2, 4, 6, 5] x) => (float[A, B, C, D] y, float[E, F, G, H] z) {{
            a = Transpose <{IN}> (x) b = Relu (a) c = Transpose <{OUT}> (b)
            d = Neg (b) z = CumSum (d, axis) y = Abs (c)
        }}""",
        axis=np.array(1),
    )
    ran = run(CancelTransposes(), graph)
    assert transposes(ran) == 1
    assert ran.graph.producer("d").inputs == ("b",)


def test_a_constant_that_others_read_is_copied(run) -> None:
    graph = between("k = Add (t, c) z = Mul (c, c) u = Mul (k, z)", c=random(5, 4))
    assert transposes(run(CancelTransposes(), graph)) == 2  # z is computed, of rank 2
    graph = between("k = Add (t, c) u = Mul (k, c)", c=random(5, 4))
    assert transposes(run(CancelTransposes(), graph)) == 0


def test_a_large_shared_constant_is_not_copied(run) -> None:
    graph = model(
        f"""g (float[1, 4, 40, 40] x) => (float[1, 4, 40, 40] y, float[40, 40, 4] z) {{
            a = Transpose <{IN}> (x) b = Add (a, c) y = Transpose <{OUT}> (b) z = Neg (c)
        }}""",
        c=random(40, 40, 4),
    )
    assert not run(CancelTransposes(), graph).outcome.rewrites


def test_a_constant_that_a_caller_may_override(run) -> None:
    graph = model(
        f"""g (float[1, 2, 2, 2] x, float[2] c) => (float[1, 2, 2, 2] y) <float[2] c = {{1, 2}}> {{
            a = Transpose <{IN}> (x) b = Add (a, c) y = Transpose <{OUT}> (b)
        }}"""
    )
    assert not run(CancelTransposes(), graph).outcome.rewrites


def test_captured_by_a_body_and_read_as_an_output(run) -> None:
    graph = model(
        f"""g (bool k, float[1, 2, 3, 4] x) => (float[1, 2, 3, 4] y, float[1, 3, 4, 2] z) {{
            a = Transpose <{IN}> (x) b = Relu (a) y = Transpose <{OUT}> (b)
            z = If (k) <
                then_branch = t () => (float[1, 3, 4, 2] p) {{ p = Neg (b) }},
                else_branch = e () => (float[1, 3, 4, 2] q) {{ q = Abs (b) }}
            >
        }}"""
    )
    ran = run(CancelTransposes(), graph)
    assert transposes(ran) == 1  # for the body


def test_an_inner_loop_through_one_transpose(run) -> None:
    """x + back(f(there(x))): one Transpose undoes what another one's reader turned."""
    graph = model(
        f"""g (float[1, 4, 3, 2] x) => (float[1, 4, 3, 2] y) {{
            a = Relu (x)
            t = Transpose <{IN}> (a)
            b = Sigmoid (t)
            u = Transpose <{OUT}> (b)
            c = Add (a, u)
            v = Transpose <{IN}> (c)
            d = Mul (v, t)
            y = Transpose <{OUT}> (d)
        }}"""
    )
    assert run(CancelTransposes(), graph).ops == ["Relu", "Sigmoid", "Add", "Mul"]


@pytest.mark.parametrize(
    ("shape", "perm", "target"),
    [
        ("2, 1, 3", [1, 0, 2], [1, 2, 3]),
        ("N, 4, 1, 1", [0, 2, 3, 1], [0, 1, 1, 4]),
        ("1, N, 4", [1, 0, 2], [-1, 1, 4]),
    ],
)
def test_a_transpose_that_is_a_view(run, shape: str, perm: list[int], target: list[int]) -> None:
    dims = ", ".join("ABCD"[: len(perm)])
    graph = model(
        f"g (float[{shape}] x) => (float[{dims}] y) {{ y = Transpose <perm = {perm}> (x) }}"
    )
    ran = run(ViewTransposes(), graph)
    (node,) = ran.graph
    assert node.op_type == "Reshape"
    assert ran.graph.initializers[node.inputs[1]].data().tolist() == target


@pytest.mark.parametrize(
    ("shape", "perm"),
    [("2, 1, 3", [2, 1, 0]), ("N, 1, M", [1, 0, 2]), ("N, M", [1, 0]), ("0, 1, 3", [1, 0, 2])],
)
def test_a_transpose_that_moves_elements(run, shape: str, perm: list[int]) -> None:
    dims = ", ".join("ABCD"[: len(perm)])
    graph = model(
        f"g (float[{shape}] x) => (float[{dims}] y) {{ y = Transpose <perm = {perm}> (x) }}"
    )
    assert run(ViewTransposes(), graph).ops == ["Transpose"]


@pytest.mark.parametrize(
    ("scale", "axis", "moved"),
    [((), "", None), ((1,), "", None), ((4,), "<axis = 3>", 1), ((4,), "<axis = -1>", 1)],
)
def test_quantised_tensors_in_the_other_layout(run, scale, axis: str, moved: int | None) -> None:
    """Exporters of NHWC models transpose ahead of what they quantise, and back."""
    graph = model(
        f"""g (float[1, 4, 5, 6] x) => (float[1, 4, 5, 6] y) {{
            t = Transpose <perm = [0, 2, 3, 1]> (x)
            q = QuantizeLinear {axis} (t, s, z)
            d = DequantizeLinear {axis} (q, s, z)
            y = Transpose <perm = [0, 3, 1, 2]> (d)
        }}""",
        s=np.full(scale, 0.1, np.float32),
        z=np.full(scale, 3, np.int8),
    )
    ran = run(CancelTransposes(), graph)
    assert ran.ops == ["QuantizeLinear", "DequantizeLinear"]
    if moved is not None:
        assert {node.int("axis", -9) for node in ran.graph} == {moved}
