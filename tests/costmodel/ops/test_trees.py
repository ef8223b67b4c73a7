from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from ocost.costmodel.work import Unknown

ML = "ai.onnx.ml"
INT64 = TensorProto.INT64
X = (10, 4)  # 10 samples

# Tree 0: node 0 asks, its true side is leaf 1, its false side node 2 with leaves 3 and 4
# (depth 2). Tree 1: a single leaf (depth 0).
NODES = {
    "nodes_treeids": [0, 0, 0, 0, 0, 1],
    "nodes_nodeids": [0, 1, 2, 3, 4, 0],
    "nodes_truenodeids": [1, 0, 3, 0, 0, 0],
    "nodes_falsenodeids": [2, 0, 4, 0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
}


def leaves(name):
    # leaf 3 of tree 0 has two weights, all others one
    return {f"{name}_treeids": [0, 0, 0, 0, 1], f"{name}_nodeids": [1, 3, 3, 4, 0]}


def test_regressor(work):
    answer = work(
        "TreeEnsembleRegressor", [X], [(10, 2)], domain=ML, n_targets=2, **NODES, **leaves("target")
    )
    # 10 x (2 + 0 comparisons, 2 + 1 weights)
    assert answer.flops == 50


def test_regressor_that_averages_onto_base_values(work):
    answer = work(
        "TreeEnsembleRegressor",
        [X],
        [(10, 2)],
        domain=ML,
        n_targets=2,
        base_values=[0.5, 0.5],
        aggregate_function="AVERAGE",
        **NODES,
        **leaves("target"),
    )
    # 10 x (5 + 2 targets x (Add, Div))
    assert answer.flops == 90


def test_classifier(work):
    answer = work(
        "TreeEnsembleClassifier",
        [X],
        [(INT64, (10,)), (10, 3)],
        domain=ML,
        classlabels_int64s=[0, 1, 2],
        post_transform="LOGISTIC",
        **NODES,
        **leaves("class"),
    )
    # 10 x (5 + 3 classes x logistic)
    assert answer.flops == 80


@pytest.mark.parametrize(
    ("children", "reason"),
    [
        ([1, 0, 3], "differ in length"),
        ([0, 0, 3, 0, 0, 0], "cycle"),  # node 0 is its own child
        ([1, 0, 9, 0, 0, 0], "no node 9"),
        ([1, 0, 2, 0, 0, 0], "cycle"),  # node 2 is its own child
    ],
)
def test_broken_trees(work, children, reason):
    nodes = {**NODES, "nodes_truenodeids": children}
    with pytest.raises(Unknown, match=reason):
        work("TreeEnsembleRegressor", [X], [(10, 1)], domain=ML, **nodes, **leaves("target"))


def test_tree_ensemble(work):
    # Tree 0: node 0 (leaf, node 1), node 1 (leaf, leaf): depth 2. Tree 1: node 2 (same leaf twice).
    answer = work(
        "TreeEnsemble",
        [X],
        [(10, 1)],
        domain=ML,
        n_targets=1,
        tree_roots=[0, 2],
        nodes_trueleafs=[1, 1, 1],
        nodes_truenodeids=[0, 1, 3],
        nodes_falseleafs=[0, 1, 1],
        nodes_falsenodeids=[1, 2, 3],
        nodes_splits=helper.make_tensor("splits", TensorProto.FLOAT, [3], [0.1, 0.2, 0.3]),
        aggregate_function=0,
        post_transform=2,
    )
    # 10 x (2 + 1 comparisons, 2 weights, and of the one target a division and a logistic)
    assert answer.flops == 70
