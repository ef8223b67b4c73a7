"""Operators beside each other that read one tensor become a wider one, and a Split.

The input is read once and the kernels are larger (queries, keys and values of an attention; the
1x1 Convs of an Inception block). The Split moves all of what was made, so that this pays on some
devices and shapes only: whether it does is asked of a cost model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import ClassVar

import numpy as np

from ..graph import Node
from ..graph.operators import LINEAR
from ..rewrite.edit import Edit
from ..rewrite.facts.affine import floats
from ..rewrite.facts.arguments import int64s
from ..rewrite.facts.convolution import refuse_copies
from ..rewrite.pattern import Match
from ..rewrite.rewriting import Outcome, Pass, Pays, Refused, never
from ..rewrite.scope import Scope

_TYPES = LINEAR - {"ConvTranspose"}
_Key = tuple[object, ...]


@dataclass(frozen=True)
class MergeSiblings(Pass):
    """Merge 1x1 Convs, MatMuls or Gemms of one tensor with constant weights, where it pays.

    Refuses quantised weights, whose scales would differ, and weights that others read too.

    Parameters
    ----------
    pays
        Says whether the graph after is estimated to take less time than the one before. It is
        asked once for each kind of siblings.
    """

    pays: Pays = never

    name: ClassVar[str] = "merge-siblings"
    pays_elsewhere: ClassVar[bool] = True

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Try all siblings of the same kind together."""
        if scope.graph.parent is not None:
            return  # how often a body runs is not known to who is asked
        families: dict[_Key, list[Node]] = {}
        for node in scope.graph:
            key = _family(scope, node)
            if key is not None:
                families.setdefault(key, []).append(node)
        verdicts: dict[_Key, bool] = {}
        for nodes in families.values():
            if len(nodes) > 1:
                match = Match(scope, {node.id: node for node in reversed(nodes)})
                self.attempt(scope, match, partial(self._rewrite, nodes, verdicts), outcome)

    def _rewrite(
        self, nodes: Sequence[Node], verdicts: dict[_Key, bool], match: Match, edit: Edit
    ) -> str:
        scope = match.scope
        if any(_quantised(scope, node.inputs[1]) for node in nodes):
            raise Refused("the weights are quantised, and each has scales of its own")
        kind = tuple(_kind(scope, node) for node in nodes)
        if kind not in verdicts:
            trial = scope.trial()
            tried = Edit(trial, nodes)
            _widen(nodes, tried)
            tried.commit()
            verdicts[kind] = self.pays(scope.graph, trial.graph)
        if not verdicts[kind]:
            raise Refused("a wider operator and a Split are not estimated to take less time")
        _widen(nodes, edit)
        return f"{len(nodes)} {nodes[0].op_type}s of '{nodes[0].inputs[0]}' are one wider one"


def _family(scope: Scope, node: Node) -> _Key | None:
    """What siblings have in common; None for a node that has none."""
    if node.op_type not in _TYPES or node.domain:
        return None
    x, weights, *bias = node.inputs
    shape = scope.shape(weights)
    if shape is None or not (_quantised(scope, weights) or _constant(scope, weights)):
        return None
    if node.op_type == "Conv":
        merges = len(shape) > 2 and prod(shape[2:]) == 1 and node.int("group", 1) == 1
    else:
        merges = len(shape) == 2 and scope.dims(node.outputs[0]) is not None
    axis, added = _outputs(node), any(bias)
    if not merges or (added and not _added(scope, bias[0], shape[axis])):
        return None
    rest = (*shape[:axis], *shape[axis + 1 :])
    return x, _attributes(node), rest, scope.dtype(weights), added


def _added(scope: Scope, bias: str, channels: int) -> bool:
    """Whether a bias is constant and one value a channel; a Gemm may add a column, or a matrix."""
    shape = scope.shape(bias)
    if shape is None or not _constant(scope, bias):
        return False
    return prod(shape) in (1, channels) and prod(shape) == (shape or (1,))[-1]


def _constant(scope: Scope, tensor: str) -> bool:
    try:
        floats(scope, tensor)
    except Refused:
        return False
    return True


def _quantised(scope: Scope, weights: str) -> bool:
    maker = scope.graph.producer(weights)
    return maker is not None and maker.op_type == "DequantizeLinear"


def _attributes(node: Node) -> _Key:
    return node.op_type, *sorted(a.SerializeToString() for a in node.attributes.values())


def _outputs(node: Node) -> int:
    """The axis of its weights that its output channels are."""
    if node.op_type == "Conv":
        return 0
    return 1 - node.int("transB", 0)


def _kind(scope: Scope, node: Node) -> _Key:
    """What decides whether merging it pays."""
    graph = scope.graph
    maker = graph.producer(node.inputs[0])
    readers = sorted(reader.qualified_type for reader in scope.readers(node.outputs[0]))
    return (
        _attributes(node),
        scope.dims(node.inputs[0]),
        scope.shape(node.inputs[1]),
        maker and maker.qualified_type,
        *readers,
    )


def _widen(nodes: Sequence[Node], edit: Edit) -> None:
    """One operator and a Split in place of these."""
    scope, first = edit.scope, nodes[0]
    axis, x = _outputs(first), first.inputs[0]
    each = [floats(scope, node.inputs[1]).data() for node in nodes]
    refuse_copies(scope, nodes, sum(weights.nbytes for weights in each))
    sizes = [weights.shape[axis] for weights in each]
    names = [x, edit.constant(np.concatenate(each, axis), f"{first.inputs[1]}/wide")]
    if len(first.inputs) > 2 and first.inputs[2]:
        rows = [
            np.broadcast_to(floats(scope, node.inputs[2]).data().reshape(-1), size)
            for node, size in zip(nodes, sizes, strict=True)
        ]
        names.append(edit.constant(np.concatenate(rows), f"{first.inputs[2]}/wide"))
    wide = edit.fresh(f"{first.outputs[0]}/wide")
    edit.change(first, inputs=tuple(names), outputs=(wide,))
    dims = scope.dims(first.outputs[0])
    assert dims is not None or first.op_type == "Conv"  # one of a family
    place = len(dims) - 1 if dims is not None and first.op_type == "MatMul" else 1
    outputs = [node.outputs[0] for node in nodes]
    if scope.opset() < 13:
        edit.add("Split", [wide], outputs, axis=place, split=sizes)
    else:
        edit.add("Split", [wide, int64s(edit, sizes, f"{wide}/sizes")], outputs, axis=place)
