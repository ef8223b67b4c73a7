"""Chains of Slices."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ocost.passes.slices import Cut, MergeSlices, _composed
from ocost.rewrite.rewriting import Refused

from .conftest import model

END = 2**63 - 1


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def chain(first: str, second: str, shape: str, opset: int = 17, **constants: np.ndarray):
    return model(
        f"""g (float[{shape}] x) => (float[A, B] y) {{
            a = Abs (x) b = Slice {first} c = Slice {second} y = Neg (c)
        }}""",
        opset,
        **constants,
    )


def lists(ran) -> list[list[int]]:
    (node,) = (n for n in ran.graph if n.op_type == "Slice")
    return [ran.graph.initializers[name].data().tolist() for name in node.inputs[1:]]


def test_different_axes(run) -> None:
    """Focus and patch slicing: rows, then columns, each with a step."""
    graph = chain(
        "(a, s, e, p, t)",
        "(b, s, e, q, t)",
        "H, W",
        s=ints(1),
        e=ints(END),
        p=ints(0),
        q=ints(-1),
        t=ints(2),
    )
    ran = run(MergeSlices(), graph)
    assert lists(ran) == [[1, 1], [END, END], [0, 1], [2, 2]]
    assert len(ran.graph.initializers) == 4


def test_the_same_axis(run) -> None:
    """Of 1, 3, 5, 7, 9 the second one takes 3 and 9: from 3 on in steps of 2 * 3, before 11."""
    graph = chain(
        "(a, s, e, p, t)",
        "(b, s, e, p, u)",
        "10, 2",
        s=ints(1),
        e=ints(END),
        p=ints(0),
        t=ints(2),
        u=ints(3),
    )
    assert lists(run(MergeSlices(), graph)) == [[3], [11], [0], [6]]


def test_negative_bounds_of_a_fixed_dim(run) -> None:
    graph = chain("(a, s, e, p)", "(b, s, e, p)", "9, 2", s=ints(-5), e=ints(-1), p=ints(0))
    # 4 to 8, of those -5 is clamped to the first: 4 to 7
    assert lists(run(MergeSlices(), graph)) == [[4], [7], [0]]


def test_attributes(run) -> None:
    cut = "<axes = [1], starts = [1], ends = [3]>"
    ran = run(MergeSlices(), chain(f"{cut} (a)", f"{cut} (b)", "4, 6", opset=9))
    assert ran.ops == ["Abs", "Slice", "Neg"]
    assert [
        next(n for n in ran.graph if n.op_type == "Slice").ints(k)
        for k in ("axes", "starts", "ends")
    ] == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ((-3, END, 1), (1, END, 1), "start counts"),
        ((1, END, 1), (-3, END, 1), "start counts"),
        ((0, -1, 1), (0, 2, 1), "end counts"),
        ((0, 5, 1), (0, -1, 1), "end counts"),
        ((-1, -5, -1), (0, 1, 1), "backwards"),
        ((1, END, 1), (2**63 - 1, END, 1), "int64"),
        ((0, END, 2**62), (0, END, 2**62), "int64"),
    ],
)
def test_what_depends_on_an_open_dim_stays(run, first, second, reason) -> None:
    names = {"s": first[0], "e": first[1], "t": first[2]}
    names |= {"u": second[0], "f": second[1], "v": second[2], "p": 0}
    graph = chain(
        "(a, s, e, p, t)", "(b, u, f, p, v)", "N, 2", **{k: ints(v) for k, v in names.items()}
    )
    ran = run(MergeSlices(), graph)
    assert reason in ran.reasons[0]


def test_one_that_others_read_stays(run) -> None:
    graph = model(
        """g (float[8] x) => (float[4] y, float[2] z) {
            y = Slice (x, s, e) z = Slice (y, s, f)
        }""",
        s=ints(0),
        e=ints(4),
        f=ints(2),
    )
    assert run(MergeSlices(), graph).ops == ["Slice", "Slice"]


def test_two_cuts_are_their_composition() -> None:
    """Against numpy, for all small bounds and dims: as one known dim, and as any dim."""
    bounds = [
        Cut(0, start, end, step)
        for start, end, step in product((-2, 0, 1, 3), (-2, 0, 2, 4, END), (1, 2))
    ]
    for first, second in product(bounds, bounds):
        try:
            always = _composed(first, second, None)
        except Refused:
            always = None
        for dim in range(7):
            elements = np.arange(dim)
            wanted = elements[first.start : first.end : first.step]
            wanted = wanted[second.start : second.end : second.step].tolist()
            for cut in filter(None, (always, _composed(first, second, dim))):
                assert elements[cut.start : cut.end : cut.step].tolist() == wanted
