"""Compare two graphs: cost both, pair their nodes, add up what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from ..costmodel import cost_graph
from ..costmodel.device import Device
from ..costmodel.result import GraphCost, NodeCost
from ..graph import Graph, OcostError
from ..graph.shapes import Given, as_found
from ..ledger.executed import Ledger, at_executed
from ..ledger.ran import Ran
from ..passes.lowering import TooManyError
from ..passes.lowering.costed import LoweredCost, lowered_cost, target_of
from .folded import folded
from .match import How, match
from .result import Diff, NodePair, Number, OpTypeChange, Pair

_FAULT = "what the runtime executes is not known, by a fault of ocost's own that is worth a report"


def diff_graphs(
    before: Graph,
    after: Graph,
    device: Device,
    given: Given | None = None,
    made_by: str = "",
    ledger: Ledger | None = None,
) -> Diff:
    """Compare two graphs on one device: as written, and as its runtime executes them, by rules.

    Parameters
    ----------
    before, after
        Root graphs; what is given of inputs holds for both.
    device
        Whose roofline to use.
    given
        Shapes, dims and values of inputs.
    made_by
        What made ``after`` from ``before``, "" if the user gave both.
    ledger
        The rewrites that did; they get what they change of what is executed.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts a model.
    """
    return Reference(before, device, given).diff(after, made_by, ledger)


class Reference:
    """A graph that others are compared with, which is costed once; as ``diff_graphs``."""

    def __init__(self, before: Graph, device: Device, given: Given | None = None) -> None:
        self._graph, self._device = before, device
        self._cost = cost_graph(before, device, given)
        # figures of other sizes could not be compared
        sizes = as_found(self._cost.model.assumed_dims, self._cost.model.inferred_dims)
        self._given = (given or Given())._replace(found=sizes)

    @cached_property
    def _lowered(self) -> LoweredCost:
        return lowered_cost(self._graph, self._device, self._given)

    def diff(self, after: Graph, made_by: str = "", ledger: Ledger | None = None) -> Diff:
        """What changed in another graph."""
        first = self._cost
        second = cost_graph(after, self._device, self._given)
        macs = {n.name: n.macs for n in first.nodes}, {n.name: n.macs for n in second.nodes}
        pairs = match(self._graph, after, macs)
        found = diff_costs(first, second, pairs, self._device, made_by)
        found = replace(found, ledger=ledger or Ledger())
        try:
            executed = lowered_cost(after, self._device, self._given)
            return _with_executed(found, self._lowered, executed)
        except TooManyError as reason:
            noted = replace(first, notes=(*first.notes, f"not known as executed: {reason}"))
            return replace(found, levels={"written": Pair(noted, second)})
        except OcostError:
            raise
        except Exception as error:  # of a rule: the figures as written stand without it
            fault = f"{_FAULT} ({type(error).__name__}: {error})"
            noted = replace(first, notes=(*first.notes, fault))
            return replace(found, levels={"written": Pair(noted, second)})


def _with_executed(diff: Diff, first: LoweredCost, second: LoweredCost) -> Diff:
    """With both graphs as the device's runtime executes them, and which target was taken."""
    one, other = (
        Ran(found.lowered.graph, found.lowered.lineage, found.cost) for found in (first, second)
    )
    kept = diff.ledger.entries or diff.ledger.residual
    notes = target_of(diff.device).notes
    written = (replace(cost, notes=(*notes, *cost.notes)) for cost in diff.levels["written"])
    return replace(
        diff,
        levels={"written": Pair(*written), "executed": Pair(first.cost, second.cost)},
        ledger=at_executed(diff.ledger, one, other) if kept else diff.ledger,
        folded=folded(diff.pairs, one, other),
        ran=(one, other),
        declined=second.lowered.declined,
    )


def diff_costs(
    before: GraphCost,
    after: GraphCost,
    matches: Mapping[str, tuple[str, How]],
    device: Device,
    made_by: str = "",
) -> Diff:
    """Compare two costed graphs whose nodes are paired already."""
    old, new = ({n.name: n for n in c.nodes} for c in (before, after))
    pairs = []
    taken = set()
    for name, cost in old.items():
        other, how = matches.get(name, (None, None))
        if other is None and name in new and new[name].op_type == cost.op_type:
            other, how = name, "name"  # in a function's body, which only the costs go into
        partner = new.get(other) if other is not None else None
        if partner is not None:
            taken.add(partner.name)
        pairs.append(NodePair(cost, partner, how if partner is not None else None))
    pairs += [NodePair(None, cost) for name, cost in new.items() if name not in taken]
    return Diff(
        {"written": Pair(before, after)},
        device,
        tuple(pairs),
        tuple(_op_types(old.values(), new.values())),
        made_by,
    )


def _op_types(before: Iterable[NodeCost], after: Iterable[NodeCost]) -> list[OpTypeChange]:
    """By operator type, the most changed latency first."""
    groups: dict[str, tuple[list[NodeCost], list[NodeCost]]] = {}
    for side, costs in enumerate((before, after)):
        for cost in costs:
            name = f"{cost.domain}::{cost.op_type}" if cost.domain else cost.op_type
            groups.setdefault(name, ([], []))[side].append(cost)
    changes = [
        OpTypeChange(
            name,
            (len(old), len(new)),
            (_sum(c.flops for c in old), _sum(c.flops for c in new)),
            (_sum(c.traffic_bytes for c in old), _sum(c.traffic_bytes for c in new)),
            (_sum(c.latency_s for c in old), _sum(c.latency_s for c in new)),
        )
        for name, (old, new) in groups.items()
    ]
    return sorted(
        changes,
        key=lambda c: (-abs((c.latency_s[1] or 0.0) - (c.latency_s[0] or 0.0)), c.op_type),
    )


def _sum(values: Iterable[Number | None]) -> Number | None:
    """The sum of what is known: 0 of no nodes, None where nodes are there but none is known."""
    found = list(values)
    known = [v for v in found if v is not None]
    return sum(known[1:], known[0]) if known else (None if found else 0)
