"""Classical models of ai.onnx.ml: trees by comparisons, the others by their arithmetic."""

from __future__ import annotations

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general
from .register import Features, features, log, spread

_DOMAIN = "ai.onnx.ml"
_NODE_BYTES = 48  # of a tree, as it lies in memory


@features("TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble", domain=_DOMAIN)
def trees(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By samples, trees, and the comparisons from root to leaf."""
    node, shape = costed.node, call.input(0).shape
    samples = shape[0] if len(shape) > 1 else 1
    roots = node.ints("tree_roots") or node.ints("nodes_treeids") or ()
    count = len(set(roots))
    nodes = len(node.ints("nodes_featureids") or ())
    found = general(costed, call, machine, kernel="trees")
    visits = found.terms.get("flops", 0.0)
    terms = {**found.terms, "trees": float(samples * count), "samples": float(samples)}
    spread(terms, "visits", visits, nodes * _NODE_BYTES, machine)
    return found._replace(
        terms=terms,
        coordinates={
            **found.coordinates,
            "samples": log(samples),
            "trees": log(count),
            "nodes": log(nodes),
            "scores": log(call.outputs[-1].size / max(1, samples)) if call.outputs[-1] else 0.0,
            "depth": log(visits / max(1, samples * count)),
        },
    )


@features("LinearClassifier", "LinearRegressor", "Scaler", "Normalizer", domain=_DOMAIN)
@features("SVMClassifier", "SVMRegressor", "Binarizer", "Imputer", domain=_DOMAIN)
def tabular(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By samples, too."""
    shape = call.input(0).shape
    samples = shape[0] if len(shape) > 1 else 1
    found = general(costed, call, machine)
    return found._replace(
        terms={**found.terms, "samples": float(samples)},
        coordinates={**found.coordinates, "samples": log(samples)},
    )
