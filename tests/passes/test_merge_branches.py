"""Parallel branches that are added up, as one Conv."""

from __future__ import annotations

import numpy as np
import pytest

from ocost import cost, load
from ocost.passes.batchnorm import FoldBatchNorm
from ocost.passes.merge_branches import MergeBranches

from .conftest import model
from .parallel import PADDED, W1, W3, bn, random, statistics, total


def test_a_repvgg_block(run) -> None:
    graph = total(
        f"""
        c = Conv {PADDED} (x, w3)
        a = {bn("a", "c")}
        d = Conv (x, w1)
        b = {bn("b", "d")}
        i = {bn("i", "x")}
        s = Add (a, b)
        y = Add (s, i)
        """,
        w3=W3,
        w1=W1,
        **statistics("a", 4),
        **statistics("b", 4),
        **statistics("i", 4),
    )
    ran = run(MergeBranches(), graph)
    assert ran.ops == ["Conv"]
    (merged,) = ran.graph
    assert merged.outputs == ("y",)
    (rewrite,) = ran.outcome.rewrites
    assert set(rewrite.change.removed) == {"a", "b", "c", "d", "i", "s", "y"}
    # 4 x 4 x 3 x 3 weights and 4 biases
    assert cost(ran.graph, level="written").totals.params == 148


@pytest.mark.parametrize(
    "adds",
    [
        "s = Add (c, d)\n y = Add (s, e)",
        "s = Add (e, c)\n y = Add (d, s)",
        "y = Sum (d, e, c)",
        "s = Sum (c, e)\n y = Add (d, s)",
        "s = Add (d, e)\n y = Sum (s, c)",
    ],
)
def test_adds_in_any_order_or_nesting(run, adds: str) -> None:
    graph = total(
        f"""
        c = Conv {PADDED} (x, w3, b)
        d = Conv (x, w1, b)
        e = Conv (x, v1)
        {adds}
        """,
        w3=W3,
        w1=W1,
        v1=random(4, 4, 1, 1, seed=9),
        b=random(4),
    )
    assert run(MergeBranches(), graph).ops == ["Conv"]


@pytest.mark.parametrize(
    ("tail", "outputs", "reason"),
    [
        ("z = Relu (d)", ", float[N, 4, 8, 8] z", "'d' is also read by 'z'"),
        ("", ", float[N, 4, 8, 8] d", "'d' is an output of the graph"),
    ],
)
def test_a_branch_that_others_read_stays(run, tail: str, outputs: str, reason: str) -> None:
    graph = model(
        f"""g (float[N, 4, 8, 8] x) => (float[N, 4, 8, 8] y{outputs}) {{
            c = Conv {PADDED} (x, w3)
            d = Conv (x, w1)
            y = Add (c, d)
            {tail}
        }}""",
        w3=W3,
        w1=W1,
    )
    assert run(MergeBranches(), graph).reasons == [reason]


def test_a_conv_that_is_read_beside_its_bn_stays(run) -> None:
    graph = model(
        f"""g (float[N, 4, 8, 8] x) => (float[N, 4, 8, 8] y, float[N, 4, 8, 8] d) {{
            c = Conv {PADDED} (x, w3)
            d = Conv (x, w1)
            b = {bn("b", "d")}
            y = Add (c, b)
        }}""",
        w3=W3,
        w1=W1,
        **statistics("b", 4),
    )
    assert run(MergeBranches(), graph).ops == ["Conv", "Conv", "BatchNormalization", "Add"]


def test_a_sum_that_others_read_keeps_its_name(run) -> None:
    graph = model(
        f"""g (float[N, 4, 8, 8] x) => (float[N, 4, 8, 8] y, float[N, 4, 8, 8] s) {{
            c = Conv {PADDED} (x, w3)
            d = Conv (x, w1)
            e = Conv (x, v1)
            s = Add (c, d)
            y = Add (s, e)
        }}""",
        w3=W3,
        w1=W1,
        v1=2 * W1,
    )
    ran = run(MergeBranches(), graph)
    assert ran.ops == ["Conv", "Conv", "Add"]


@pytest.mark.parametrize(
    ("adds", "left"),
    [
        ("s = Add (c, r)\n y = Add (s, d)", ["Relu", "Conv", "Add"]),
        ("s = Add (c, d)\n y = Add (r, s)", ["Relu", "Conv", "Add"]),
        (
            "s = Add (r, d)\n t = Add (q, c)\n y = Add (s, t)",
            ["Relu", "Sigmoid", "Conv", "Add", "Add"],
        ),
        ("y = Sum (c, r, d)", ["Relu", "Conv", "Sum"]),
        ("s = Add (c, d)\n t = Relu (s)\n y = Add (t, r)", ["Relu", "Conv", "Relu", "Add"]),
    ],
)
def test_what_else_is_added_stays(run, adds: str, left: list[str]) -> None:
    graph = total(
        f"r = Relu (x)\n q = Sigmoid (x)\n c = Conv {PADDED} (x, w3)\n d = Conv (x, w1)\n {adds}",
        w3=W3,
        w1=W1,
    )
    ran = run(MergeBranches(), graph)
    assert sorted(op for op in ran.ops if op != "Sigmoid" or "Sigmoid" in left) == sorted(left)


def test_branches_of_several_tensors_in_one_sum(run) -> None:
    graph = total(
        f"""
        r = Relu (x)
        a = Conv {PADDED} (x, w3)
        b = Conv (r, w1)
        c = Conv (x, v1)
        d = Conv {PADDED} (r, v3)
        y = Sum (a, b, c, d)
        """,
        w3=W3,
        w1=W1,
        v3=2 * W3,
        v1=2 * W1,
    )
    ran = run(MergeBranches(), graph)
    assert ran.ops == ["Relu", "Conv", "Conv", "Sum"]
    assert len(ran.outcome.rewrites) == 2


def test_a_residual_is_a_kernel_too(run) -> None:
    graph = total(f"c = Conv {PADDED} (x, w3)\n y = Add (x, c)", w3=W3)
    ran = run(MergeBranches(), graph)
    (conv,) = ran.graph
    assert len(conv.inputs) == 2  # no bias where there was none
    change = ran.graph.initializers[conv.inputs[1]].data() - W3
    assert change[:, :, 1, 1].round(6).tolist() == np.eye(4).tolist()
    assert np.count_nonzero(change.round(6)) == 4


@pytest.mark.parametrize(
    "text",
    [
        f"c = Conv {PADDED} (x, w3)\n y = Add (c, c)",
        f"r = Relu (x)\n c = Conv {PADDED} (r, w3)\n y = Add (x, c)",
        f"c = Conv {PADDED} (x, thin)\n y = Add (x, c)",
        "y = Add (x, x)",
        f"i = {bn('i', 'x')}\n y = Add (x, i)",
    ],
)
def test_no_branches(run, text: str) -> None:
    graph = total(text, w3=W3, thin=random(1, 4, 3, 3), **statistics("i", 4))
    ran = run(MergeBranches(), graph)
    assert not ran.outcome.rewrites


def test_shared_weights_are_not_copied(run) -> None:
    graph = model(
        f"""g (float[1, 32, 8, 8] x) => (float[1, 32, 8, 8] y, float[1, 32, 8, 8] z) {{
            c = Conv {PADDED} (x, w3)
            d = Conv (x, w1)
            y = Add (c, d)
            r = Relu (y)
            z = Conv {PADDED} (r, w3)
        }}""",
        w3=random(32, 32, 3, 3),
        w1=random(32, 32, 1, 1),
    )
    # 32 x 32 x 9 new weights of 4 bytes, 32 x 32 old ones go: 36,864 - 4,096
    reason = "others read the weights too: the file would grow by 32,768 bytes"
    assert run(MergeBranches(), graph).reasons == [reason]


def test_before_opset_7_adds_broadcast_by_attributes(run) -> None:
    graph = model(
        """g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) {
            c = Conv (x, w1)
            d = Conv (x, v1)
            y = Add (c, d)
        }""",
        opset=6,
        w1=W1,
        v1=2 * W1,
    )
    assert not run(MergeBranches(), graph).outcome.rewrites


def test_a_long_chain_of_sums(run) -> None:
    # 150 sums are more than are looked at together
    lines = ["s0 = Add (x, c)", *(f"s{i} = Add (s{i - 1}, r)" for i in range(1, 150))]
    graph = total(
        f"c = Conv {PADDED} (x, w3)\n r = Relu (x)\n" + "\n".join(lines) + "\n y = Neg (s149)",
        w3=W3,
    )
    ran = run(MergeBranches(), graph)
    assert ran.ops.count("Add") == 149


@pytest.mark.parametrize("fold", [False, True])
def test_repvgg_a0(fold: bool) -> None:
    # The paper's numbers (timm's): 9.11 M parameters and 1.51 GMACs in training form, 8.31 M
    # and 1.36 GMACs deployed. 22 blocks, 44 Convs.
    graph = load("@repvgg_a0")
    before = cost(graph, level="written").totals
    assert (before.params, before.macs) == (9_108_968, 1_512_581_120)
    if fold:
        FoldBatchNorm().run(graph)
    outcome = MergeBranches().run(graph)
    assert len(outcome.rewrites) == 22
    assert not outcome.declined
    after = cost(graph, level="written").totals
    assert (after.params, after.macs) == (8_309_384, 1_361_451_008)
    assert sum(node.op_type in ("Conv", "Add", "BatchNormalization") for node in graph) == 22
