"""Tree ensembles of ai.onnx.ml.

A sample goes down each tree along a path that the data decide: at most the tree's depth in
comparisons, which is read off the attributes. The weights of one leaf a tree are added, at most
those of the leaf that has most. Trees are attributes: of them the nodes on the way are read and
the weights that are added, a share of all that is listed of nodes and weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from ...graph.dtypes import FLOAT
from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula
from .attributes import list_bytes, list_length, share
from .classical import POST_TRANSFORM_FLOPS, labels_read, post_transform_flops

_DOMAIN = "ai.onnx.ml"
_VALUES = ("nodes_values", "nodes_values_as_tensor")
_BASES = ("base_values", "base_values_as_tensor")


def longest_path(root: int, branches: Mapping[int, Sequence[int]]) -> int:
    """Comparisons on the longest way from a root to a leaf; what has no branches is a leaf.

    Raises
    ------
    Unknown
        If the branches form a cycle.
    """
    steps = 0
    level: Set[int] = {root}
    while level := branches.keys() & level:
        steps += 1
        if steps > len(branches):
            raise Unknown("the nodes of a tree form a cycle")
        level = {child for node in level for child in branches[node]}
    return steps


def _same_length(call: Call, *columns: Sequence[object]) -> None:
    if len({len(column) for column in columns}) > 1:
        raise Unknown(f"attributes of {call.node.op_type} that belong together differ in length")


def _comparisons(call: Call) -> int:
    """Sum of the depths of all trees of a TreeEnsembleClassifier or TreeEnsembleRegressor."""
    node = call.node
    names = ("nodes_treeids", "nodes_nodeids", "nodes_truenodeids", "nodes_falsenodeids")
    trees, ids, true, false = (node.ints(name) or () for name in names)
    modes = node.attributes["nodes_modes"].strings if "nodes_modes" in node.attributes else ()
    _same_length(call, trees, ids, true, false, modes)
    position = {key: at for at, key in enumerate(zip(trees, ids, strict=True))}
    branches: dict[int, tuple[int, int]] = {}
    try:
        for at, (tree, mode) in enumerate(zip(trees, modes, strict=True)):
            if mode != b"LEAF":
                branches[at] = (position[tree, true[at]], position[tree, false[at]])
    except KeyError as missing:
        tree, child = missing.args[0]
        raise Unknown(f"tree {tree} has no node {child}") from None
    roots = {tree: at for at, tree in reversed(tuple(enumerate(trees)))}  # a tree's first node
    return sum(longest_path(root, branches) for root in roots.values())


def _widest_leaves(trees: Sequence[int], nodes: Sequence[int]) -> int:
    """Weights that a sample adds: the most that a leaf of each tree has, summed."""
    widest: Counter[int] = Counter()
    for (tree, _), count in Counter(zip(trees, nodes, strict=True)).items():
        widest[tree] = max(widest[tree], count)
    return widest.total()


def _nodes_read(call: Call, visits: int) -> int:
    """Bytes of the nodes that samples come by: all columns but the hit rates, which none asks."""
    node = call.node
    columns = [n for n in node.attributes if n.startswith("nodes_") and "hitrates" not in n]
    return share(list_bytes(node, *columns), visits, list_length(node, "nodes_featureids"))


def _ensemble(call: Call, leaf: str, scores: int) -> Work:
    """An ensemble of ``scores`` numbers a sample, whose leaf attributes begin with ``leaf``."""
    node, x = call.node, call.input(0)
    samples = x.shape[0] if len(x.shape) > 1 else 1
    trees, nodes = node.ints(f"{leaf}_treeids") or (), node.ints(f"{leaf}_nodeids") or ()
    _same_length(call, trees, nodes)
    comparisons, weights = _comparisons(call), _widest_leaves(trees, nodes)
    leaves = [f"{leaf}_{column}" for column in ("treeids", "nodeids", "ids", "weights")]
    read = _nodes_read(call, samples * (comparisons + len(set(node.ints("nodes_treeids") or ()))))
    whole = list_bytes(node, *leaves, f"{leaf}_weights_as_tensor")
    read += share(whole, samples * weights, len(trees)) + list_bytes(node, *_BASES)
    read += labels_read(call, samples, "classlabels_int64s", "classlabels_strings")
    score = post_transform_flops(call)
    score += "base_values" in node.attributes or "base_values_as_tensor" in node.attributes
    score += node.string("aggregate_function", "SUM") == "AVERAGE"
    flops = samples * (comparisons + weights + score * scores)
    return Work(KernelKind.CLASSICAL, flops=flops, dtype=FLOAT, attribute_bytes=read)


@formula(
    "TreeEnsembleClassifier",
    domain=_DOMAIN,
    attributes=(*_VALUES, *_BASES, "class_weights", "class_weights_as_tensor"),
)
def tree_ensemble_classifier(call: Call) -> Work:
    """A sample: at most the sum of the trees' depths, one leaf's weights a tree, post_transform."""
    labels = (call.node.attributes.get(f"classlabels_{kind}") for kind in ("int64s", "strings"))
    classes = sum(len(each.ints) + len(each.strings) for each in labels if each is not None)
    return _ensemble(call, "class", classes)


@formula(
    "TreeEnsembleRegressor",
    domain=_DOMAIN,
    attributes=(*_VALUES, *_BASES, "target_weights", "target_weights_as_tensor"),
)
def tree_ensemble_regressor(call: Call) -> Work:
    """As TreeEnsembleClassifier; an average divides each target."""
    return _ensemble(call, "target", call.node.int("n_targets", 1))


@formula(
    "TreeEnsemble", domain=_DOMAIN, attributes=("nodes_splits", "leaf_weights", "membership_values")
)
def tree_ensemble(call: Call) -> Work:
    """As TreeEnsembleRegressor: a leaf has one weight; membership of a set is one comparison."""
    node, x = call.node, call.input(0)
    names = ("nodes_truenodeids", "nodes_trueleafs", "nodes_falsenodeids", "nodes_falseleafs")
    columns = [node.ints(name) or () for name in names]
    _same_length(call, *columns)
    branches = {
        at: [child for child, leaf in ((true, true_leaf), (false, false_leaf)) if not leaf]
        for at, (true, true_leaf, false, false_leaf) in enumerate(zip(*columns, strict=True))
    }
    roots = node.ints("tree_roots") or ()
    each = sum(longest_path(root, branches) + 1 for root in roots)
    samples = x.shape[0] if len(x.shape) > 1 else 1
    read = _nodes_read(call, samples * (each - len(roots))) + list_bytes(node, "membership_values")
    leaves = list_bytes(node, "leaf_weights", "leaf_targetids")
    read += share(leaves, samples * len(roots), list_length(node, "leaf_weights"))
    transform = node.int("post_transform", 0)
    if not 0 <= transform < len(POST_TRANSFORM_FLOPS):
        raise Unknown(f"TreeEnsemble has no post_transform {transform}")
    score = tuple(POST_TRANSFORM_FLOPS.values())[transform]
    score += node.int("aggregate_function", 1) == 0  # AVERAGE
    flops = samples * (each + score * node.int("n_targets", 1))
    return Work(KernelKind.CLASSICAL, flops=flops, attribute_bytes=read)
