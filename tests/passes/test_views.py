"""Chains of Reshape, Squeeze, Unsqueeze and Flatten."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.views import MergeViews

from .conftest import model


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def chain(views: str, shape: str, opset: int = 17, **constants: np.ndarray):
    """Abs, the views from ``a`` to ``b``, and a Neg behind them whose rank is not told."""
    tail = "n = Neg (b) y = ReduceSum <keepdims = 0> (n) s = Shape (n)"
    text = f"g (float[{shape}] x) => (float y, int64[R] s) {{ a = Abs (x) {views} {tail} }}"
    return model(text, opset, **constants)


CASES = [
    # one undoes the other
    ("c = Squeeze (a, p) b = Unsqueeze (c, p)", "N, 1, M", {"p": ints(1)}, []),
    ("c = Squeeze (a, p) b = Unsqueeze (c, p)", "N, K, M", {"p": ints(1)}, []),  # K is 1 then
    ("c = Unsqueeze (a, p) b = Squeeze (c, p)", "N, M", {"p": ints(-1)}, []),
    ("c = Reshape (a, p) b = Reshape (c, q)", "N, 6", {"p": ints(0, 2, 3), "q": ints(0, 6)}, []),
    ("c = Flatten (a) b = Reshape (c, p)", "2, 3, 4", {"p": ints(2, 3, 4)}, []),
    # two Unsqueezes in a row: the second one's axes count what the first one made
    (
        "c = Unsqueeze (a, p) b = Unsqueeze (c, q)",
        "N, M",
        {"p": ints(1), "q": ints(0)},
        [("Unsqueeze", [0, 2])],
    ),
    (
        "c = Unsqueeze (a, p) b = Unsqueeze (c, p)",
        "N, M",
        {"p": ints(-1)},
        [("Unsqueeze", [2, 3])],
    ),
    (
        "c = Squeeze (a, p) b = Squeeze (c, q)",
        "1, N, 1, M",
        {"p": ints(0), "q": ints(1)},
        [("Squeeze", [0, 2])],
    ),
    ("c = Squeeze (a) b = Squeeze (c)", "1, 2, 1, 3", {}, [("Squeeze", [0, 2])]),
    ("c = Squeeze (a) b = Unsqueeze (c, p)", "1, 2, 1, 3", {"p": ints(0)}, [("Squeeze", [2])]),
    # the last one wins
    (
        "c = Reshape (a, p) b = Reshape (c, q)",
        "N, 4, 3",
        {"p": ints(-1, 2), "q": ints(-1, 6)},
        [("Reshape", [-1, 6])],
    ),
    (
        "c = Reshape (a, p) b = Reshape (c, q)",
        "2, 12",
        {"p": ints(4, 6), "q": ints(0, 3, 2)},  # 0 copies the 4 that is gone then
        [("Reshape", [4, 3, 2])],
    ),
    (
        "c = Flatten (a) b = Unsqueeze (c, p)",
        "2, 3, 4",
        {"p": ints(1)},
        [("Reshape", [2, 1, 12])],
    ),
    (
        "c = Reshape (a, p) b = Reshape (c, q)",
        "N, 4, M",
        {"p": ints(0, 0, -1, 1), "q": ints(0, -1)},
        [("Reshape", [0, -1])],
    ),
    (
        "c = Reshape (a, p) b = Reshape (c, q)",
        "N, 6",
        {"p": ints(-1, 2), "q": ints(0, 2, 1)},  # 0 copies 3 * N
        [("Reshape", [-1, 2, 1])],
    ),
    (
        "c = Unsqueeze (a, p) d = Squeeze (c, p) e = Unsqueeze (d, q) b = Reshape (e, r)",
        "N, 6",
        {"p": ints(0), "q": ints(1), "r": ints(0, 2, 3)},
        [("Reshape", [0, 2, 3])],
    ),
]


@pytest.mark.parametrize(("views", "shape", "constants", "expected"), CASES)
def test_merged(run, views: str, shape: str, constants, expected) -> None:
    ran = run(MergeViews(), chain(views, shape, **constants))
    left = [n for n in ran.graph if n.op_type not in ("Abs", "Neg", "ReduceSum", "Shape")]
    found = [(n.op_type, ran.graph.initializers[n.inputs[1]].data().tolist()) for n in left]
    assert found == expected
    assert len(ran.graph.initializers) == len(expected)
    assert not ran.outcome.declined


@pytest.mark.parametrize(
    ("views", "shape", "constants"),
    [
        # both of N and M have moved: a Reshape can guess one
        ("c = Unsqueeze (a, p) b = Squeeze (c, q)", "1, N, M", {"p": ints(3), "q": ints(0)}),
        # Unsqueeze after Flatten: N * 4 is no dim of x, M * K is none either
        ("c = Flatten <axis = 2> (a) b = Unsqueeze (c, p)", "N, 4, M, K", {"p": ints(1)}),
        # allowzero: 0 is a size, not a copy
        (
            "c = Unsqueeze (a, p) b = Reshape <allowzero = 1> (c, q)",
            "N, 3",
            {"p": ints(0), "q": ints(0, 3)},
        ),
    ],
)
def test_what_no_view_can_tell_stays(views: str, shape: str, constants) -> None:
    graph = chain(views, shape, **constants)
    before = [n.op_type for n in graph]
    MergeViews().run(graph)
    assert [n.op_type for n in graph] == before


def test_a_zero_sized_batch_gets_no_guess(run) -> None:
    """[N, M] to [N, 1, M, 1] is no Reshape of [0, 1, -1, 1]: at N = 0 that has no value."""
    ran = run(
        MergeViews(),
        chain("c = Unsqueeze (a, p) b = Squeeze (c, q)", "N, 1, M", p=ints(3), q=ints(1)),
    )
    assert ran.ops[1:3] == ["Unsqueeze", "Squeeze"]


def test_axes_as_attributes(run) -> None:
    views = "c = Unsqueeze <axes = [0]> (a) b = Unsqueeze <axes = [0]> (c)"
    graph = model(
        f"g (float[N, M] x) => (float[1, 1, N, M] y) {{ a = Abs (x) {views} y = Neg (b) }}", 11
    )
    ran = run(MergeViews(), graph)
    assert ran.ops == ["Abs", "Unsqueeze", "Neg"]
    assert next(n for n in ran.graph if n.op_type == "Unsqueeze").ints("axes") == (0, 1)


def test_one_that_others_read_stays_for_them(run) -> None:
    """Of an Unsqueeze's two readers one undoes it; the other one still needs it."""
    graph = model(
        """g (float[N, M] x) => (float[N, M] y, float[1, N, M] z, float[1, 1, N, M] w) {
            a = Abs (x)
            c = Unsqueeze (a, p)
            b = Squeeze (c, p)
            d = Unsqueeze (c, p)
            y = Neg (b)
            z = Neg (c)
            w = Neg (d)
        }""",
        p=ints(0),
    )
    ran = run(MergeViews(), graph)
    assert sorted(ran.ops) == ["Abs", "Neg", "Neg", "Neg", "Unsqueeze", "Unsqueeze"]


def test_a_target_that_a_caller_may_override_tells_nothing(run) -> None:
    graph = model(
        """g (float[6] x, int64[2] s) => (float[A, B, 1] y) <int64[2] s = {2, 3}> {
            c = Reshape (x, s)
            y = Unsqueeze (c, p)
        }""",
        p=ints(2),
    )
    assert run(MergeViews(), graph).ops == ["Reshape", "Unsqueeze"]


def test_graph_outputs_keep_their_names(run) -> None:
    graph = model(
        """g (float[N, M] x) => (float[N, M] y) {
            a = Abs (x) c = Unsqueeze (a, p) y = Squeeze (c, p)
        }""",
        p=ints(0),
    )
    ran = run(MergeViews(), graph)
    assert ran.ops == ["Abs"]
    assert ran.graph.outputs == ("y",)
