"""What a rule nearly matched, what stood in its way, and what would make it match."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from .node import WorkNode


class Way(NamedTuple):
    """A kind of hindrance: the rule, and in general terms what stood in its way."""

    rule: str
    kind: str


@dataclass(frozen=True)
class NearMiss:
    """A rewrite that a runtime nearly makes.

    Parameters
    ----------
    rule
        As the runtime calls it.
    nodes
        The originals at which it nearly matched.
    kind
        What stood in its way, without names: alike for all places of the kind.
    reason
        What stood in its way here.
    fix
        What would make it match; "" where nothing is known to.
    mends
        Whether the rules can make the fix themselves, to tell what it would save.
    """

    rule: str
    nodes: tuple[str, ...]
    kind: str
    reason: str = field(compare=False)
    fix: str = field(compare=False)
    mends: bool = field(compare=False)

    @property
    def way(self) -> Way:
        """What it shares with others of its kind."""
        return Way("" if self.kind in WHOLE else self.rule, self.kind)


# Kinds whose fix is one for the whole model, whatever rules it helps.
OPEN_SIZES = "sizes are open"
OVERRIDABLE = "constants can be overridden, being inputs of the graph too"
WHOLE = frozenset({OPEN_SIZES, OVERRIDABLE})


def called(node: WorkNode) -> str:
    """A node as the user knows it: an original that it stands for."""
    return f"'{node.covers[0]}'" if node.covers else an(node.op)


def an(op: str) -> str:
    """An operator with its article."""
    return f"{'an' if op[0] in 'AEIOU' else 'a'} {op}"


def listed(nodes: Iterable[WorkNode]) -> str:
    """Some nodes, by name, once each."""
    names = list(dict.fromkeys(map(called, nodes)))
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


_NAMED = 3


def plain(tensor: str) -> str:
    """A tensor as the user knows it, without what a Cast that is put in adds to its name."""
    return tensor.removeprefix(CAST_NAME)


CAST_NAME = "InsertedPrecisionFreeCast_"
