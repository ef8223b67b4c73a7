"""What is between an input and an output of the graph and does nothing is an Identity."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.casts import MergeCasts
from ocost.passes.noop import RemoveNoops
from ocost.passes.repeats import MergeRepeats
from ocost.passes.transposes import CancelTransposes
from ocost.passes.views import MergeViews
from ocost.rewrite.rewriting import Pass

from .conftest import model


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (
            CancelTransposes(),
            "a = Transpose <perm = [1, 2, 0]> (x)  y = Transpose <perm = [2, 0, 1]> (a)",
        ),
        (MergeViews(), "a = Unsqueeze (x, axes)  y = Squeeze (a, axes)"),
        (MergeRepeats(), "a = Neg (x)  y = Neg (a)"),
        (MergeCasts(), "a = Cast <to = 11> (x)  y = Cast <to = 1> (a)"),
        (RemoveNoops(), "y = Mul (x, one)"),
    ],
)
def test_between_input_and_output(run, one: Pass, text: str) -> None:
    graph = model(
        f"g (float[2, N, 4] x) => (float[2, N, 4] y) {{ {text} }}",
        axes=np.array([0]),
        one=np.float32(1),
    )
    ran = run(one, graph)
    assert ran.ops == ["Identity"]
    assert ran.graph.node("y").inputs == ("x",)


def test_an_identity_stays_one(run) -> None:
    ran = run(RemoveNoops(), model("g (float[2] x) => (float[2] y) { y = Identity (x) }"))
    assert not ran.outcome.rewrites
    assert len(ran.reasons) == 1


def test_what_a_body_reads(run) -> None:
    """Both are names that must stay: a body reads the one, the other is an input."""
    graph = model(
        """g (float[2] x, bool c) => (float[2] z) {
            a = Neg (x)
            y = Neg (a)
            z = If (c) <
                then_branch = then () => (float[2] t) { t = Exp (y) },
                else_branch = other () => (float[2] e) { e = Abs (y) }
            >
        }"""
    )
    assert run(MergeRepeats(), graph).ops == ["Identity", "If"]
