"""Classical models of ai.onnx.ml: ensembles of trees, linear models, and what prepares rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case, activation, cases, weight
from ..sizes import Random, size

_ML = "ai.onnx.ml"
_MOST = 4e4  # nodes of an ensemble
_MOST_VISITS = 3e6


@cases("ensembles of trees", 3)
def trees(random: Random, block: int) -> Case | None:
    """Of one depth, random features and thresholds; classes or one number."""
    del block
    count, depth = size(random, 1, 500), int(random.integers(1, 11))
    inner = 2**depth - 1
    samples = 1 if random.random() < 0.4 else size(random, 2, 4096)
    inputs = size(random, 2, 200)
    if count * inner > _MOST or samples * count * depth > _MOST_VISITS:
        return None
    every = 2 * inner + 1
    ids = np.tile(np.arange(every), count)
    leaf = ids >= inner
    attributes: dict[str, Any] = {
        "nodes_treeids": np.repeat(np.arange(count), every).tolist(),
        "nodes_nodeids": ids.tolist(),
        "nodes_featureids": np.where(leaf, 0, random.integers(0, inputs, len(ids))).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        # activations lie between 0.01 and 0.21
        "nodes_values": np.where(leaf, 0.0, random.uniform(0.01, 0.21, len(ids))).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, 2 * ids + 1).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, 2 * ids + 2).tolist(),
    }
    weights = random.random(int(leaf.sum())).tolist()
    owners = [np.repeat(np.arange(count), inner + 1).tolist(), ids[leaf].tolist()]
    source = weight(samples, inputs)
    if random.random() < 0.5:
        attributes |= {
            "n_targets": 1,
            "target_treeids": owners[0],
            "target_nodeids": owners[1],
            "target_ids": [0] * len(weights),
            "target_weights": weights,
        }
        return Case("TreeEnsembleRegressor", (source,), _ML, attributes=attributes)
    classes = int(random.integers(2, 11))
    attributes |= {
        "class_treeids": owners[0],
        "class_nodeids": owners[1],
        "class_ids": random.integers(0, classes, len(weights)).tolist(),
        "class_weights": weights,
        "classlabels_int64s": list(range(classes)),
    }
    return Case("TreeEnsembleClassifier", (source,), _ML, outputs=2, attributes=attributes)


@cases("models of rows", 1.5)
def rows(random: Random, block: int) -> Case | None:
    """Linear models, Scaler, Normalizer, support vectors."""
    del block
    samples = 1 if random.random() < 0.4 else size(random, 2, 4096)
    inputs = size(random, 2, 500)
    if samples * inputs > _MOST_VISITS / 10:
        return None
    names = ["LinearClassifier", "LinearClassifier", "LinearRegressor", "Scaler", "Normalizer"]
    name = str(random.choice([*names, "SVMRegressor"]))
    attributes = _ATTRIBUTES[name](random, inputs)
    if samples * inputs * attributes.get("n_supports", 1) > _MOST_VISITS:
        return None
    outputs = 2 if name == "LinearClassifier" else 1
    return Case(name, (activation(samples, inputs),), _ML, outputs, attributes)


def _classifier(random: Random, inputs: int) -> dict[str, Any]:
    classes = int(random.integers(2, 11))
    return {
        "coefficients": random.random(classes * inputs).tolist(),
        "intercepts": random.random(classes).tolist(),
        "classlabels_ints": list(range(classes)),
        "post_transform": "SOFTMAX",
    }


def _regressor(random: Random, inputs: int) -> dict[str, Any]:
    return {"coefficients": random.random(inputs).tolist(), "intercepts": [0.5]}


def _scaler(random: Random, inputs: int) -> dict[str, Any]:
    return {name: random.random(inputs).tolist() for name in ("offset", "scale")}


def _normalizer(random: Random, inputs: int) -> dict[str, Any]:
    del inputs
    return {"norm": str(random.choice(["L1", "L2", "MAX"]))}


def _vectors(random: Random, inputs: int) -> dict[str, Any]:
    vectors = size(random, 2, 200)
    return {
        "coefficients": random.random(vectors).tolist(),
        "support_vectors": random.random(vectors * inputs).tolist(),
        "n_supports": vectors,
        "rho": [0.1],
        "kernel_type": str(random.choice(["LINEAR", "RBF"])),
        "kernel_params": [0.1, 0.0, 3.0],
    }


_ATTRIBUTES = {
    "LinearClassifier": _classifier,
    "LinearRegressor": _regressor,
    "Scaler": _scaler,
    "Normalizer": _normalizer,
    "SVMRegressor": _vectors,
}
