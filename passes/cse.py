"""Nodes that compute the same from the same, and constants that hold the same, once each."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from onnx import TensorProto

from ..graph import Node, Tensor
from ..graph.dataflow import RANDOM
from ..graph.operators import LINEAR
from ..rewrite.edit import Edit
from ..rewrite.facts.stand_in import stand_in
from ..rewrite.facts.unmoved import UNMOVED
from ..rewrite.pattern import Match
from ..rewrite.rewriting import Outcome, Pass
from ..rewrite.scope import Scope

# Operators of other domains may be random, or count how often they run.
_DOMAINS = frozenset({"", "ai.onnx.ml"})


@dataclass(frozen=True)
class MergeDuplicates(Pass):
    """Keep one of several equal nodes, and one of several equal constants.

    Equal is the same operator with the same attributes on the same tensors. Random operators,
    Dropout and nodes with bodies stay, as do constants that a caller may override. Contents of
    constants are only read where two have the same type and shape. Of two that are outputs of the
    graph, one becomes an Identity. Convs stay that unequal BatchNormalizations can be folded into.
    """

    name: ClassVar[str] = "merge-duplicates"
    exact: ClassVar[bool] = True

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Constants first: then nodes that read equal ones are equal."""
        self._constants(scope, outcome)
        graph = scope.graph
        first: dict[Hashable, str] = {}
        for node_id in [node.id for node in graph]:
            if node_id not in graph:
                continue  # it was renamed, or lost its readers
            node = graph.node(node_id)
            key = _key(scope, node)
            if key is None:
                continue
            known = first.setdefault(key, node_id)
            if known == node_id or known not in graph:
                first[key] = node_id
            elif self._merge(scope, graph.node(known), node, outcome) and known not in graph:
                made = next(filter(None, node.outputs))  # the one that stays took over the names
                maker = graph.producer(made)
                first[key] = known if maker is None else maker.id

    def _merge(self, scope: Scope, kept: Node, node: Node, outcome: Outcome) -> bool:
        def rewrite(_: Match, edit: Edit) -> str:
            if len(node.outputs) == 1 and node.op_type not in UNMOVED:
                stand_in(edit, node, kept.outputs[0])
            else:
                for old, new in zip(node.outputs, kept.outputs, strict=True):
                    if old:
                        edit.bypass(old, new)
            return f"computes the same as '{scope.graph.path(kept)}'"

        return self.attempt(scope, Match(scope, {"node": node}), rewrite, outcome)

    def _constants(self, scope: Scope, outcome: Outcome) -> None:
        graph = scope.graph
        alike: dict[Hashable, list[Tensor]] = {}
        for tensor in graph.initializers.values():
            plain = tensor.nbytes is not None and isinstance(tensor.proto, TensorProto)
            # one that nobody reads may go with the first that is merged with it
            used = graph.consumers(tensor.name) or tensor.name in graph.outputs
            own = graph.overridable(tensor.name) or _is_overwritten(scope, tensor.name)
            if plain and used and not own:  # not texts, nor sparse ones
                alike.setdefault((tensor.dtype, tensor.shape), []).append(tensor)
        for tensors in alike.values():
            if len(tensors) < 2:
                continue
            # one that keeps its name comes first
            tensors.sort(key=lambda tensor: scope.kept(tensor.name) is None)
            first: dict[bytes, str] = {}
            for tensor in tensors:
                name = first.setdefault(_digest(tensor), tensor.name)
                if name != tensor.name and scope.kept(tensor.name) is None:
                    self._share(scope, tensor.name, name, outcome)

    def _share(self, scope: Scope, old: str, new: str, outcome: Outcome) -> None:
        def rewrite(_: Match, edit: Edit) -> str:
            edit.bypass(old, new)
            edit.forget(old)
            return f"'{old}' holds the same as '{new}'"

        self.attempt(scope, Match(scope), rewrite, outcome)


def _key(scope: Scope, node: Node) -> Hashable | None:
    """What equal nodes have in common; None for one that must not be merged."""
    if (
        node.domain not in _DOMAINS
        or node.op_type in RANDOM
        or node.op_type == "Dropout"
        or scope.graph.subgraphs(node)
        or scope.graph.function(node) is not None
        or not any(node.outputs)
    ):
        return None
    attributes = frozenset(
        (name, proto.SerializeToString(deterministic=True))
        for name, proto in node.attributes.items()
    )
    made = tuple(map(bool, node.outputs))
    return node.domain, node.op_type, node.inputs, attributes, made, _statistics(scope, node)


def _statistics(scope: Scope, node: Node) -> Hashable:
    """What tells a linear operator apart by the BatchNormalization that can go into it."""
    if node.op_type not in LINEAR or len(node.inputs) < 2 or scope.kept(node.outputs[0]):
        return ()
    readers = scope.readers(node.outputs[0])
    if len(readers) != 1 or readers[0].qualified_type != "BatchNormalization":
        return ()
    constants = (*node.inputs[1:], *readers[0].inputs[1:])
    if any(scope.constant(name) is None for name in constants if name):
        return ()
    return readers[0].inputs[1:], readers[0].float("epsilon", 1e-5)


def _is_overwritten(scope: Scope, tensor: str) -> bool:
    """Whether onnxruntime writes over a constant: the statistics of a training BatchNormalization.

    It does so from run to run, whoever else reads them.
    """
    return any(
        node.op_type == "BatchNormalization" and slot in (3, 4) and any(node.outputs[1:])
        for node, slot in scope.graph.consumers(tensor)
    )


def _digest(tensor: Tensor) -> bytes:
    """Of the contents, bit for bit: 0.0 is not -0.0."""
    found = _DIGESTS.get(tensor)
    if found is None:
        data = np.ascontiguousarray(tensor.data())
        found = hashlib.sha256(data.reshape(-1).view(np.uint8).data).digest()
        _DIGESTS[tensor] = found
    return found


# Reading all weights anew for every sweep would take longer than all other passes together.
_DIGESTS: WeakKeyDictionary[Tensor, bytes] = WeakKeyDictionary()
