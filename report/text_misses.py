"""The nodes whose time is predicted worst, and the sums by operator type."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from ..runtime.validation.checks import NodeCheck
from .footing import LEAST, MOST
from .names import clean, executed_operator, labels
from .numbers import UNKNOWN, Unit, total, unit_of
from .table import OPERATOR, Column, Table, figures
from .text_nodes import BOUNDS
from .text_types import beside

_NAME = 24  # as ``table.NAME``, with more columns beside it
_CLOSE, _FAR = 1.25, 2.0


@dataclass(frozen=True, slots=True)
class Times:
    """Sums over some nodes; ``partial`` where the time of some is not predicted."""

    op_type: str
    count: int
    measured_s: float
    predicted_s: float | None
    partial: bool


def by_op_type(nodes: Iterable[NodeCheck], top: int) -> list[Times]:
    """Times by operator type, the slowest first, and those of all others together."""
    groups: dict[str, list[NodeCheck]] = {}
    for node in nodes:
        groups.setdefault(executed_operator(node.domain, node.op_type), []).append(node)
    ranked = sorted(groups, key=lambda name: -sum(node.measured_s for node in groups[name]))
    rows = [_together(name, groups[name]) for name in ranked[:top]]
    if rest := ranked[top:]:
        rows.append(_together(f"{len(rest)} more", [n for name in rest for n in groups[name]]))
    return rows


def largest_misses(nodes: Iterable[NodeCheck]) -> list[NodeCheck]:
    """The largest differences first; nodes whose time is not predicted last, the slowest first."""

    def rank(node: NodeCheck) -> tuple[bool, float]:
        miss = node.miss_s
        return miss is None, -(node.measured_s if miss is None else abs(miss))

    return sorted(nodes, key=rank)


def miss_table(
    nodes: Sequence[NodeCheck],
    top: int,
    operators: Mapping[str, str],
    types: Mapping[str, str] | None = None,
) -> Table:
    """The first nodes, and the sum of the others.

    Parameters
    ----------
    nodes, top
        In order, and how many to list.
    operators
        Operator types of the originals by name.
    types
        Types and shapes of the executed nodes by name; where they are given, names are whole, at
        the end of the lines, with them and those of all originals.
    """
    listed, left = nodes[:top], nodes[top:]
    rest = [_together(f"{len(left)} more", left)] if left else []
    rows: list[NodeCheck | Times] = [*listed, *rest]
    blank = [""] * len(rest)
    measured, predicted = [r.measured_s for r in rows], [r.predicted_s for r in rows]
    unit = unit_of([node.measured_s for node in listed], "seconds", middle=True)
    marks = [MOST if node.shape == "bound" else "" for node in listed]
    marks += [LEAST if row.partial else "" for row in rest]
    op_types = [executed_operator(node.domain, node.op_type) for node in listed]
    columns = [
        Column("operator", [*op_types, *blank], right=False, elide=OPERATOR, drop=1),
        figures("measured", measured, unit),
        figures("predicted", predicted, unit, marks),
        Column("miss", [_miss(row, unit) for row in rows], unit.name, drop=4),
        Column("ratio", [ratio(row) for row in rows]),
        Column("bound", [*map(_bound, listed), *blank], right=False, drop=2),
    ]
    names = labels([node.executed for node in listed]) + [row.op_type for row in rest]
    if types is not None:
        keys = [node.executed for node in listed] + blank
        made = [_with_originals(node) for node in listed] + blank
        whole = [f"{t}{m}" for t, m in zip(beside(names, keys, types), made, strict=True)]
        named = Column("node, inputs -> outputs", whole, right=False, whole=True)
        return Table([*columns, named], len(rest))
    made_of = [Text(_made_of(node, operators)) for node in listed] + [Text()] * len(rest)
    columns.insert(1, Column("made of", made_of, right=False, elide=OPERATOR, drop=3))
    return Table([Column("node", names, right=False, elide=_NAME), *columns], len(rest))


def ratio(times: NodeCheck | Times) -> Text:
    """Predicted over measured; green where they agree."""
    if times.predicted_s is None or not times.measured_s or _partial(times):
        return Text(UNKNOWN)
    value = times.predicted_s / times.measured_s
    off = max(value, 1 / value) if value else math.inf
    style = "green" if off <= _CLOSE else "red" if off > _FAR else ""
    return Text(f"{value:.1f}" if value >= 100 else f"{value:.2f}", style)


def _together(label: str, nodes: Sequence[NodeCheck]) -> Times:
    return Times(
        label,
        len(nodes),
        math.fsum(node.measured_s for node in nodes),
        total(node.predicted_s for node in nodes),
        any(node.predicted_s is None for node in nodes),
    )


def _partial(times: NodeCheck | Times) -> bool:
    return isinstance(times, Times) and times.partial


def _miss(times: NodeCheck | Times, unit: Unit) -> str:
    return UNKNOWN if _partial(times) else unit.change(times.measured_s, times.predicted_s)


def _bound(node: NodeCheck) -> Text:
    if node.bound is None:
        return Text(UNKNOWN if node.predicted_s is None else "-")
    return Text(node.bound, BOUNDS[node.bound])


def _made_of(node: NodeCheck, operators: Mapping[str, str]) -> str:
    """The operator types of the originals: ``Conv, 2 Relu``."""
    counts = Counter(operators.get(name, UNKNOWN) for name in node.originals)
    texts = [
        f"{count} {clean(name)}" if count > 1 else clean(name) for name, count in counts.items()
    ]
    return ", ".join(texts)


def _with_originals(node: NodeCheck) -> str:
    """The originals behind an arrow, where they are others than the node itself."""
    originals = ", ".join(map(clean, node.originals))
    return "" if originals in ("", clean(node.executed)) else f"  <- {originals}"
