"""Equal nodes and equal constants are kept once."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph
from ocost.passes.batchnorm import FoldBatchNorm
from ocost.passes.cse import MergeDuplicates

from .conftest import model


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_equal_nodes_merge_with_those_behind_them(run) -> None:
    graph = model(
        """g (float[2] x) => (float[2] y) {
            a = Elu <alpha = 0.5> (x)
            b = Elu <alpha = 0.5> (x)
            c = Neg (a)
            d = Neg (b)
            y = Add (c, d)
        }"""
    )
    ran = run(MergeDuplicates(), graph)
    assert ran.ops == ["Elu", "Neg", "Add"]
    assert ran.graph.node("y").inputs == ("c", "c")
    assert [r.reason for r in ran.outcome.rewrites] == [
        "computes the same as 'a'",
        "computes the same as 'c'",
    ]


@pytest.mark.parametrize(
    "other",
    ["Elu <alpha = 0.25> (x)", "Elu (x)", "Celu <alpha = 0.5> (x)", "Elu <alpha = 0.5> (z)"],
)
def test_what_differs_stays(run, other: str) -> None:
    graph = model(
        f"""g (float[2] x, float[2] z) => (float[2] y) {{
            a = Elu <alpha = 0.5> (x)
            b = {other}
            y = Sub (a, b)
        }}"""
    )
    assert not run(MergeDuplicates(), graph).outcome.rewrites


def test_other_outputs_asked_for_stay(run) -> None:
    graph = model(
        """g (float[1, 1, 4, 4] x) => (float[1, 1, 3, 3] y, int64[1, 1, 3, 3] i) {
            a = MaxPool <kernel_shape = [2, 2]> (x)
            b, i = MaxPool <kernel_shape = [2, 2]> (x)
            y = Sub (a, b)
        }"""
    )
    assert not run(MergeDuplicates(), graph).outcome.rewrites


@pytest.mark.parametrize(
    "node", ["RandomNormalLike (x)", "Bernoulli (x)", "Dropout (x, half, yes)"]
)
def test_random_nodes_stay(node: str) -> None:
    graph = model(
        f"""g (float[2] x) => (float[2] y) {{
            a = {node}
            b = {node}
            y = Sub (a, b)
        }}""",
        half=np.float32(0.5),
        yes=np.array(True),
    )
    assert not MergeDuplicates().run(graph).rewrites


def test_outputs_of_the_graph_keep_their_names(run) -> None:
    graph = model(
        """g (float[2] x) => (float[2] y, float[2] z) {
            a = Neg (x)
            y = Neg (x)
            z = Relu (a)
        }"""
    )
    ran = run(MergeDuplicates(), graph)
    assert ran.ops == ["Neg", "Relu"]
    assert ran.graph.node("z").inputs == ("y",)


def test_of_two_outputs_of_the_graph_one_is_an_identity(run) -> None:
    graph = model(
        """g (float[2] x) => (float[2] y, float[2] z) {
            y = Neg (x)
            z = Neg (x)
        }"""
    )
    ran = run(MergeDuplicates(), graph)
    assert ran.ops == ["Neg", "Identity"]
    assert ran.graph.node("z").inputs == ("y",)


def test_views_that_are_outputs_stay_views(run) -> None:
    graph = model(
        """g (float[2] x) => (float[1, 2] y, float[1, 2] z) {
            y = Unsqueeze (x, axes)
            z = Unsqueeze (x, axes)
        }""",
        axes=np.array([0]),
    )
    (reason,) = run(MergeDuplicates(), graph).reasons
    assert reason.endswith("neither name can go")


def normalised(other: float) -> Graph:
    """Two equal Convs, each with a BatchNormalization; one scale is ``other`` times the first."""
    statistics = {n: np.array([1, 2, 3], np.float32) for n in ("scale", "shift", "mean", "var")}
    return model(
        """g (float[1, 2, 4, 4] x) => (float[1, 3, 4, 4] y, float[1, 3, 4, 4] z) {
            a = Conv (x, w)
            p = BatchNormalization (a, scale, shift, mean, var)
            b = Conv (x, v)
            q = BatchNormalization (b, other, shift, mean, var)
            y = Relu (p)  z = Abs (q)
        }""",
        w=np.ones((3, 2, 1, 1), np.float32),
        v=np.ones((3, 2, 1, 1), np.float32),
        other=statistics["scale"] * np.float32(other),
        **statistics,
    )


def test_convs_stay_that_unequal_batchnorms_can_be_folded_into(run) -> None:
    ran = run(MergeDuplicates(), normalised(2))
    assert ran.ops.count("Conv") == 2
    assert len(ran.graph.initializers) == 3  # what is equal is there once
    assert run(FoldBatchNorm(), ran.graph).ops == ["Conv", "Conv", "Relu", "Abs"]


def test_convs_with_equal_batchnorms_are_one(run) -> None:
    assert run(MergeDuplicates(), normalised(1)).ops == [
        "Conv",
        "BatchNormalization",
        "Relu",
        "Abs",
    ]


def test_a_third_one_finds_what_was_renamed(run) -> None:
    graph = model(
        """g (float[2] x) => (float[2] y, float[2] z) {
            a = Neg (x)
            y = Neg (x)
            b = Neg (x)
            c = Add (a, b)
            z = Relu (c)
        }"""
    )
    ran = run(MergeDuplicates(), graph)
    assert ran.ops == ["Neg", "Add", "Relu"]
    assert ran.graph.node("c").inputs == ("y", "y")


def test_equal_constants_are_shared_and_then_their_readers_are_equal(run) -> None:
    graph = model(
        """g (float[2, 3] x) => (float[2, 3] y) {
            a = Add (x, v)
            b = Add (x, w)
            y = Mul (a, b)
        }""",
        v=floats(3),
        w=floats(3),
    )
    ran = run(MergeDuplicates(), graph)
    assert ran.ops == ["Add", "Mul"]
    assert list(ran.graph.initializers) == ["v"]


@pytest.mark.parametrize(
    ("v", "w"),
    [
        (np.array([0.0], np.float32), np.array([-0.0], np.float32)),
        (np.array([0.0], np.float32), np.array(0.0, np.float32)),  # another rank
        (np.array([0.0], np.float32), np.array([1.0], np.float32)),
    ],
)
def test_other_bits_types_or_shapes_are_other_constants(run, v, w) -> None:
    graph = model(
        "g (float[1] x) => (float[1] y) { a = Add (x, v) y = Div (a, w) }",
        v=v,
        w=w,
    )
    assert not run(MergeDuplicates(), graph).outcome.rewrites


def test_constants_that_a_caller_may_override_stay(run) -> None:
    graph = model(
        """g (float[2] x, float[2] v) => (float[2] y) <float[2] v = {1.0, 2.0}> {
            a = Add (x, v)
            y = Mul (a, w)
        }""",
        w=np.array([1, 2], np.float32),
    )
    assert not run(MergeDuplicates(), graph).outcome.rewrites


def test_one_that_nobody_reads_takes_no_others_place(run) -> None:
    """It would go as soon as another one that nobody reads was merged with it."""
    graph = model(
        "g (float[2] x) => (float[2] y) { y = Add (x, c) }",
        a=np.ones(2, np.float32),
        b=np.ones(2, np.float32),
        c=np.ones(2, np.float32),
    )
    ran = run(MergeDuplicates(), graph)
    assert ran.graph.node("y").inputs == ("x", "c")


def test_statistics_that_training_overwrites_are_not_shared(run) -> None:
    """onnxruntime puts the running mean where the mean was, in every run."""
    graph = model(
        """g (float[2, 4, 3, 3] x) => (float[2, 4, 3, 3] y) {
            a, b, c = BatchNormalization <training_mode = 1> (x, scale, shift, mean, variance)
            y = Relu (a)
        }""",
        **{name: np.ones(4, np.float32) for name in ("scale", "shift", "mean", "variance")},
    )
    ran = run(MergeDuplicates(), graph)
    assert ran.graph.node("a").inputs == ("x", "scale", "scale", "mean", "variance")


def test_nothing_is_read_where_no_two_can_be_equal(run, monkeypatch) -> None:
    graph = model(
        "g (float[2, 3] x) => (float[2, 3] y) { a = Add (x, v) y = Mul (a, w) }",
        v=floats(3),
        w=floats(1, 3),
    )
    monkeypatch.setattr("ocost.passes.cse._digest", None)
    assert not MergeDuplicates().run(graph).rewrites


def test_one_that_a_body_captures_keeps_its_name(run) -> None:
    graph = model(
        """g (bool c, float[2] x) => (float[2] y) {
            a = Add (x, v)
            y = If (c) <
                then_branch = then () => (float[2] p) { p = Add (a, w) },
                else_branch = other () => (float[2] q) { q = Neg (a) }
            >
        }""",
        v=floats(2),
        w=floats(2),
    )
    ran = run(MergeDuplicates(), graph)
    assert list(ran.graph.initializers) == ["w"]
    assert ran.graph.node("a").inputs == ("x", "w")


def test_nodes_with_bodies_stay(run) -> None:
    body = """If (c) <
        then_branch = then () => (float[2] p) { p = Abs (x) },
        else_branch = other () => (float[2] q) { q = Neg (x) }
    >"""
    graph = model(
        f"""g (bool c, float[2] x) => (float[2] y) {{
            a = {body}
            b = {body.replace("p", "r").replace("q", "s")}
            y = Sub (a, b)
        }}"""
    )
    assert run(MergeDuplicates(), graph).ops == ["If", "If", "Sub"]
