"""Parallel branches of one tensor that are added up become one Conv."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import ClassVar

import numpy as np

from ..graph import Node
from ..graph.dtypes import nbytes
from ..rewrite.edit import Edit
from ..rewrite.facts.convolution import refuse_copies
from ..rewrite.pattern import Match
from ..rewrite.rewriting import Declined, Outcome, Pass
from ..rewrite.scope import Scope
from .proofs.branches import Branch, Cluster, branch, place

_DEEP = 100  # sums in sums; deeper ones are looked at by themselves


@dataclass(frozen=True)
class MergeBranches(Pass):
    """Merge Conv, BatchNormalization, AveragePool and identity branches that are added up.

    Smaller kernels are put where they belong in the largest one (RepVGG, MobileOne, ACNet, DBB).
    Refuses branches that others read too, whose strides, dilations or groups differ, whose pads
    don't place one kernel in the other, or which would take more multiply-accumulates together.

    Where infinities meet with other signs, the branches' sum is NaN and the merged Conv's may be
    infinite.
    """

    name: ClassVar[str] = "merge-branches"
    assumes_finite: ClassVar[bool] = True

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Try every sum, the last ones first, so that those inside a sum are seen with it."""
        if scope.opset() < 7:
            return  # Add broadcasts otherwise there
        inside: set[str] = set()
        for node in reversed([*scope.graph]):
            if _adds(node) and node.id not in inside and node.id in scope.graph:
                found = _Sum.of(scope, node)
                inside |= {inner.id for inner in found.inner.values()}
                self._merge(scope, found, outcome)

    def _merge(self, scope: Scope, total: _Sum, outcome: Outcome) -> None:
        for branches in _by_source(scope, total.leaves):
            clusters, alone = _clusters(branches)
            for one, obstacle in alone:
                paths = tuple(map(scope.graph.path, one.nodes))
                outcome.declined.append(Declined(self.name, paths, obstacle))
            for cluster in clusters:
                nodes = {n.id: n for one in cluster.branches for n in one.nodes}
                match = Match(scope, dict(reversed(nodes.items())))
                if self.attempt(scope, match, partial(_rewrite, total, cluster), outcome):
                    return  # the rest of the sum is looked at in the next sweep


@dataclass(frozen=True)
class _Sum:
    """Sums of sums that nothing else reads: the last one, those inside, and what they add."""

    root: Node
    inner: dict[str, Node]  # by what they give, each behind the one that reads it
    leaves: list[str]

    @classmethod
    def of(cls, scope: Scope, root: Node) -> _Sum:
        found = cls(root, {}, [])
        stack = [(name, 1) for name in reversed(root.inputs)]
        while stack:
            name, depth = stack.pop()
            maker = scope.graph.producer(name)
            if (
                maker is None
                or not _adds(maker)
                or depth > _DEEP
                or len(scope.graph.consumers(name)) > 1
                or scope.kept(name)
            ):
                found.leaves.append(name)
            else:
                found.inner[name] = maker
                stack += [(below, depth + 1) for below in reversed(maker.inputs)]
        return found

    def replace(self, edit: Edit, gone: Set[str]) -> str:
        """Have one tensor added in place of these; answers what to call it.

        It stands where the first of them stood. Sums of one tensor go.
        """
        first = next(leaf for leaf in self.leaves if leaf in gone)
        sums = {self.root.outputs[0]: self.root, **self.inner}
        under = Counter(gone)
        alive = {leaf for leaf in self.leaves if leaf == first or leaf not in gone}
        for output, node in reversed(sums.items()):
            under[output] = sum(under[name] for name in node.inputs)
            if alive.isdisjoint(node.inputs):
                edit.remove(node)
            else:
                alive.add(output)
        made = ""

        def put(tensor: str, wanted: str) -> str:
            """Write anew what gives a tensor; answers the name that this has then."""
            nonlocal made
            if not under[tensor]:
                return tensor
            if under[tensor] == len(gone):  # it holds the same values as before
                wanted = wanted or (tensor if tensor in sums else "")
            if tensor not in sums:
                made = wanted or edit.fresh(f"{tensor}/merged")
                return made
            node = sums[tensor]
            added = [name for name in node.inputs if name in alive]
            if len(added) == 1:
                edit.remove(node)
                return put(added[0], wanted)
            output = wanted or edit.fresh(f"{tensor}/rest")
            edit.change(node, inputs=tuple(put(n, "") for n in added), outputs=(output,))
            return output

        put(self.root.outputs[0], self.root.outputs[0])
        return made


def _adds(node: Node) -> bool:
    return node.qualified_type in ("Add", "Sum")


def _by_source(scope: Scope, leaves: Sequence[str]) -> Iterator[list[Branch]]:
    """What is added, where some of it is a Conv of what more is computed from."""
    once = [leaf for leaf, times in Counter(leaves).items() if times == 1]
    found: dict[str, list[Branch]] = {}
    for one in filter(None, (branch(scope, leaf) for leaf in once)):
        found.setdefault(one.source, []).append(one)
    for leaf in once:
        if leaf in found:
            found[leaf].append(Branch(leaf, leaf))
    for branches in found.values():
        if len(branches) > 1 and any(n.op_type == "Conv" for one in branches for n in one.nodes):
            yield branches


def _clusters(branches: Sequence[Branch]) -> tuple[list[Cluster], list[tuple[Branch, str]]]:
    """Branches that go together; those that have to stay, and why."""
    alone = [(one, one.obstacle) for one in branches if one.obstacle]
    clusters: list[Cluster] = []
    reasons: dict[str, str] = {}
    for one in sorted(branches, key=lambda one: -one.weight):
        if one.obstacle:
            continue
        for cluster in clusters:
            text = cluster.clash(one)
            if not text:
                cluster.add(one)
                break
            reasons.setdefault(one.tensor, text)
        else:
            if one.conv is not None:
                clusters.append(Cluster(one.conv, [one], one.conv.window, one.weight))
            elif one.nodes and clusters:
                alone.append((one, reasons[one.tensor]))
    single = [c.branches[0] for c in clusters if len(c.branches) == 1]
    alone += [(one, reasons[one.tensor]) for one in single if one.tensor in reasons]
    return [c for c in clusters if len(c.branches) > 1], alone


def _rewrite(total: _Sum, cluster: Cluster, match: Match, edit: Edit) -> str:
    scope, conv, whole = match.scope, cluster.conv, cluster.window
    makes, reads, *axes = conv.weights.shape
    shape = (makes, reads, *whole.kernel)
    convs = [one.conv for one in cluster.branches if one.conv is not None]
    refuse_copies(scope, [c.node for c in convs], nbytes(conv.weights.dtype, prod(shape)) or 0)
    weights, offsets = np.zeros(shape), np.zeros(makes)
    for one in cluster.branches:
        factor, offset = one.affine(scope, makes)
        bias = one.conv.offsets() if one.conv is not None else 0
        inside = (slice(None), slice(None), *place(one.over(len(axes)), whole))
        weights[inside] += one.kernel(shape) * factor.reshape(-1, 1, *[1] * len(axes))
        offsets += factor * bias + offset
    biased = any(c.bias for c in convs) or any(one.bn is not None for one in cluster.branches)
    source = cluster.branches[0].source
    io = (source, total.replace(edit, {one.tensor for one in cluster.branches}))
    conv.write(edit, weights, offsets if biased else None, whole, conv.group, io)
    return f"{len(cluster.branches)} branches of '{source}' are linear in it and added up"
