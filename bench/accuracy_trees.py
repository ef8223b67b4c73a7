"""Ensembles of trees, each of a number of trees, that predictions are judged by."""

from __future__ import annotations

import numpy as np
from accuracy_building import ML, Net
from onnx import ModelProto

_FEATURES = 20


def ensemble(trees: int, depth: int, targets: int, of: str, seed: int) -> dict[str, object]:
    """Attributes of full trees; those of the leaves are called after ``of``: target or class.

    A node's number is that in a heap: 0 is the root, 2 n + 1 and 2 n + 2 follow n.
    """
    random = np.random.default_rng(seed)
    nodes = 2 ** (depth + 1) - 1
    here = np.tile(np.arange(nodes), trees)
    branch = here < nodes // 2
    tree = np.repeat(np.arange(trees), nodes)
    leaves = ~branch
    return {
        "nodes_treeids": tree,
        "nodes_nodeids": here,
        "nodes_featureids": np.where(branch, random.integers(0, _FEATURES, len(here)), 0),
        "nodes_values": np.where(branch, random.normal(0, 0.6, len(here)), 0.0),
        "nodes_modes": np.where(branch, "BRANCH_LEQ", "LEAF"),
        "nodes_truenodeids": np.where(branch, 2 * here + 1, 0),
        "nodes_falsenodeids": np.where(branch, 2 * here + 2, 0),
        f"{of}_treeids": tree[leaves],
        f"{of}_nodeids": here[leaves],
        f"{of}_ids": random.integers(0, targets, leaves.sum()),
        f"{of}_weights": random.normal(0, 1, leaves.sum()),
    }


def _node(net: Net, rows: str, kind: str, trees: int, depth: int, targets: int) -> list[str]:
    regressor = kind == "Regressor"
    found = ensemble(trees, depth, targets, "target" if regressor else "class", seed=trees)
    told: dict[str, object] = {name: np.asarray(value).tolist() for name, value in found.items()}
    told |= {"n_targets": targets} if regressor else {"classlabels_int64s": list(range(targets))}
    return net.several(1 if regressor else 2, f"TreeEnsemble{kind}", rows, domain=ML, **told)


def forest(trees: int) -> ModelProto:
    """Deep trees that regress one value of 100 rows."""
    net = Net(31)
    return net.model({"rows": [100, _FEATURES]}, _node(net, "rows", "Regressor", trees, 9, 1))


def boosted(trees: int) -> ModelProto:
    """Shallow trees that regress one value of one row."""
    net = Net(32)
    return net.model({"rows": [1, _FEATURES]}, _node(net, "rows", "Regressor", trees, 5, 1))


def voting(trees: int) -> ModelProto:
    """Trees that classify 1000 rows into 3."""
    net = Net(33)
    *_, scores = _node(net, "rows", "Classifier", trees, 7, 3)
    return net.model({"rows": [1000, _FEATURES]}, [net.add("Identity", scores)])


def pipeline(trees: int) -> ModelProto:
    """Scaled and normalised features of 32 rows, and trees that regress four values of them."""
    net = Net(34)
    shift, factor = [0.1] * _FEATURES, [1.5] * _FEATURES
    x = net.add("Scaler", "rows", domain=ML, offset=shift, scale=factor)
    x = net.add("Normalizer", x, domain=ML, norm="L2")
    return net.model({"rows": [32, _FEATURES]}, _node(net, x, "Regressor", trees, 6, 4))


TREES = {
    forest: (10, 100, 300),
    boosted: (100, 500, 2000),
    voting: (10, 60),
    pipeline: (30, 200),
}
"""What makes an ensemble, and the numbers of trees that it is judged with."""
