"""What a lowering rule is, and the sweep that a runtime makes with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .node import WorkNode
from .target import Target, Version
from .work import Work

FIRST: Version = (1, 20)  # the oldest version that is tabulated
OPEN: Version = (9999, 0)


class LoweringRule(NamedTuple):
    """What a runtime does where a node of one of these operators stands.

    Parameters
    ----------
    name
        As the runtime calls it, so that it can be switched off there.
    starts
        Operators, whatever their domain.
    apply
        Rewrites at a node, or answers False.
    since, until
        The versions of the runtime in which it holds; ``until`` is the first in which it doesn't.
    """

    name: str
    starts: tuple[str, ...]
    apply: Callable[[Work, WorkNode], bool]
    since: Version = FIRST
    until: Version = OPEN

    def sweep(self, work: Work) -> bool:
        """Apply it at every node in the runtime's order; whether anything changed."""
        changed = False
        for node in work.visit(self.starts):
            changed |= self.apply(work, node)
        return changed


class Sweep(NamedTuple):
    """What a runtime does by a look at a whole graph or body."""

    name: str
    starts: tuple[str, ...]  # it has nothing to do without one of these; none: it always has
    apply: Callable[[Work], bool]
    since: Version = FIRST
    until: Version = OPEN

    def sweep(self, work: Work) -> bool:
        """Do it; whether anything changed."""
        if self.starts and not any(work.by_op.get(op) for op in self.starts):
            return False
        return self.apply(work)


class Bundle(NamedTuple):
    """Rules that a runtime tries one after the other at each node, in one sweep."""

    name: str
    rules: tuple[LoweringRule, ...]
    needs: tuple[str, ...] = ()  # they have nothing to do without one of these; none: they may
    since: Version = FIRST
    until: Version = OPEN

    def sweep(self, work: Work) -> bool:
        """Apply them at every node; whether anything changed."""
        if self.needs and not any(work.by_op.get(op) for op in self.needs):
            return False
        table: dict[str, list[LoweringRule]] = {}
        for rule in self.rules:
            if holds(rule, work.target):
                for op in rule.starts:
                    table.setdefault(op, []).append(rule)
        changed = False
        for node in work.visit(table):
            for rule in table.get(node.op, ()):
                changed |= rule.apply(work, node)
                if work.nodes.get(node.index) is not node:
                    break
        return changed


Step = LoweringRule | Sweep | Bundle


def holds(step: Step, target: Target) -> bool:
    """Whether a target has a step, and was not told to leave it out."""
    return step.since <= target.version < step.until and step.name not in target.without


def fixed_point(work: Work, steps: Sequence[Step], once: frozenset[str] = frozenset()) -> bool:
    """Make all sweeps in turn, up to ten times, until nothing changes; whether anything did.

    Parameters
    ----------
    work
        A root graph; its bodies are swept too.
    steps
        In order.
    once
        Names of those that are made in the first round alone.
    """
    chosen = [step for step in steps if holds(step, work.target)]
    idle: dict[str, int] = {}  # at how many changes a step last had nothing to do
    ever = False
    for trip in range(_ROUNDS):
        changed = False
        for step in chosen:
            if trip and step.name in once:
                continue
            before = changes(work)
            if idle.get(step.name) == before:
                continue
            for scope in list(work.scopes()):
                step.sweep(scope)
            if changes(work) == before:
                idle[step.name] = before
            else:
                changed = ever = True
        if not changed:
            break
    return ever


def changes(work: Work) -> int:
    """How often a graph and its bodies were changed."""
    if not work.root.has_bodies:
        return work.version
    return sum(scope.version for scope in work.scopes())


_ROUNDS = 10
