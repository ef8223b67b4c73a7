"""Channels padded with zeros to a count that the device's kernels run well on.

Added channels come out of weights and biases that are zero, and go into weights that are zero, so
that they never reach what the model computes (for finite activations: zero times infinity is
none). It pays where a runtime leaves its fast kernels at odd counts: onnxruntime's blocked
convolutions on CPUs need multiples of 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ..costmodel.cost import cost_nodes
from ..graph import Graph, Node, OcostError
from ..graph.shapes import infer
from ..rewrite.edit import Change, Edit
from ..rewrite.rewriting import Declined, Outcome, Pass, Pays, Rewrite, never
from ..rewrite.scope import Refused, Scope, scopes
from .channels import elementwise, linear, spatial  # noqa: F401 - they register on import
from .channels.flow import Flow
from .channels.grow import Growth

MULTIPLES = (4, 8, 16, 32)


class _Group(NamedTuple):
    """Channels that grow together, by the run that stands for them."""

    root: int
    size: int
    makers: tuple[Node, ...]
    readers: tuple[Node, ...]  # convolutions

    @property
    def nodes(self) -> set[str]:
        """Nodes that make or read them."""
        return {node.id for node in (*self.makers, *self.readers)}


@dataclass(frozen=True)
class PadChannels(Pass):
    """Pad channels that grow together, group by group, where that pays.

    It pays where all nodes that the padding touches are faster in sum, by times that were measured.
    Activations have to be finite: an added channel takes zero times infinity, which is NaN.

    Parameters
    ----------
    multiple
        What the channels become a multiple of: 4, 8, 16 or 32; None tries all and takes the best.
    pays
        Whether the second graph is faster than the first. What it is asked of has the right
        shapes, but zeros for some constants.
    """

    name: ClassVar[str] = "pad-channels"
    pays_elsewhere: ClassVar[bool] = True
    multiple: int | None = None
    pays: Pays = never
    assumes_finite: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.multiple is not None and self.multiple not in MULTIPLES:
            raise OcostError(
                f"channels can't be padded to multiples of {self.multiple}; give 4, 8, 16 or 32"
            )

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Pad group after group, those near the inputs first, since their layout reaches on.

        What does not pay by itself may do so with its neighbours: a tensor between two blocked
        convolutions needs no copy into another layout.
        """
        if scope.graph.parent is not None or scope.opset() < 7:  # before, broadcasting was other
            return
        tried: set[tuple[str, ...]] = set()
        while self._pad_next(scope, tried, outcome):
            scope = next(scopes(scope.graph, scope.gate))

    def _pad_next(self, scope: Scope, tried: set[tuple[str, ...]], outcome: Outcome) -> bool:
        """Pad the next groups that pay; False if none are left."""
        flow = Flow(scope)
        groups = [group for group in _groups(flow) if self._sizes([group])]
        odd = [g for g in groups if g.size % self._multiples[0] and not flow.groups.fixed(g.root)]
        for chosen in (*([group] for group in groups), *_neighbours(odd)):
            makers = tuple(scope.graph.path(n) for group in chosen for n in group.makers)
            if makers in tried:
                continue
            tried.add(makers)
            try:
                rewrite = self._pad(flow, chosen)
            except Refused as refusal:
                if len(chosen) == 1 and chosen[0].size % self._multiples[0]:
                    outcome.declined.append(Declined(self.name, makers, str(refusal)))
                continue
            outcome.declined = [d for d in outcome.declined if not {*d.nodes} & {*makers}]
            outcome.rewrites.append(rewrite)
            return True
        return False

    @property
    def _multiples(self) -> tuple[int, ...]:
        return MULTIPLES if self.multiple is None else (self.multiple,)

    def _sizes(self, groups: Sequence[_Group]) -> list[dict[int, int]]:
        """Larger counts to try, by the groups' roots."""
        tries = ({g.root: -(-g.size // m) * m for g in groups} for m in self._multiples)
        now = {group.root: group.size for group in groups}
        return [sizes for sizes in _distinct(tries) if sizes != now]

    def _pad(self, flow: Flow, groups: Sequence[_Group]) -> Rewrite:
        """Pad groups to the counts that pay most.

        Raises
        ------
        Refused
            If none pays, or something in the way can't grow.
        """
        for group in groups:
            fixed = flow.groups.fixed(group.root)
            if fixed:
                raise Refused(f"{group.size} channels can't be padded: {fixed}")
        before = best = flow.scope.trial().graph
        sizes: dict[int, int] = {}
        tries = self._sizes(groups)
        for candidate in tries:
            trial = flow.scope.trial()
            _grow(flow, candidate, trial, hollow=True)
            if self.pays(best, trial.graph):
                sizes, best = candidate, trial.graph
        if not sizes:
            counts = " or ".join(str(t[groups[0].root]) for t in tries)
            raise Refused(
                f"{groups[0].size} channels padded to {counts} are not estimated to be faster"
            )
        change = _grow(flow, sizes, flow.scope)
        useful, padded = _flops(before, best, change)
        grown = "; ".join(_grown(flow, group, sizes[group.root]) for group in groups)
        work = f"{padded:,} FLOP of padding beside {useful:,} useful ones"
        return Rewrite(self.name, f"{grown}: {work}", change)


def _distinct(tries: Iterable[dict[int, int]]) -> list[dict[int, int]]:
    return list({tuple(sizes.items()): sizes for sizes in tries}.values())


def _grown(flow: Flow, group: _Group, size: int) -> str:
    makers, readers = (
        ", ".join(f"'{flow.scope.graph.path(node)}'" for node in nodes)
        for nodes in (group.makers, group.readers)
    )
    return f"{group.size} channels of {makers} become {size}, read by {readers}"


def _neighbours(groups: Sequence[_Group]) -> list[list[_Group]]:
    """Groups that share convolutions, directly or through others; those of several."""
    around: dict[str, list[_Group]] = {}
    for group in groups:
        for node in group.nodes:
            around.setdefault(node, []).append(group)
    clusters: list[list[_Group]] = []
    seen: set[int] = set()
    for start in groups:
        stack, found = [start], []
        while stack:
            group = stack.pop()
            if group.root not in seen:
                seen.add(group.root)
                found.append(group)
                stack += [other for node in sorted(group.nodes) for other in around.pop(node, ())]
        clusters.append(found)
    return [cluster for cluster in clusters if len(cluster) > 1]


def _groups(flow: Flow) -> list[_Group]:
    """Channels that convolutions read, in the order of the nodes that make them."""
    makers: dict[int, list[Node]] = {}
    readers: dict[int, dict[str, Node]] = {}
    for run, node in flow.makers.items():
        makers.setdefault(flow.groups.root(run), []).append(node)
    for layout, node in flow.readers:
        for run in layout.runs:
            readers.setdefault(flow.groups.root(run), {})[node.id] = node
    return [
        _Group(root, flow.groups.size(root), tuple(nodes), tuple(readers[root].values()))
        for root, nodes in makers.items()
        if root in readers
    ]


def _grow(flow: Flow, sizes: Mapping[int, int], scope: Scope, *, hollow: bool = False) -> Change:
    edit = Edit(scope)
    Growth(flow, sizes, edit, hollow).make()
    return edit.commit()


def _flops(before: Graph, after: Graph, change: Change) -> tuple[int, int]:
    """FLOP of the nodes that changed, and what the padding adds to them."""
    was, now = (
        {c.cost.name: c.cost.flops or 0 for c in cost_nodes(infer(graph))}
        for graph in (before, after)
    )
    useful = sum(was.get(path, 0) for path in change.removed)
    return useful, sum(now.values()) - sum(was.values())
