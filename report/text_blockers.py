"""What stands in the way of a runtime's rewrites, as text: one line a kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.text import Text

from ..costmodel.blocker import Blocker
from ..costmodel.result import GraphCost
from .names import clean
from .numbers import share, show, total
from .short import Caution
from .text import heading
from .text_common import plural


class _Kind(NamedTuple):
    """Blockers of one kind; what they save together, None where that is not known of all."""

    of_kind: Sequence[Blocker]
    places: int
    latency: float | None
    traffic: int | None


def blocker_cautions(cost: GraphCost) -> list[Caution]:
    """The short page's: the kinds whose fix saves most, the first one in any case."""
    kinds = [kind for kind in _kinds(cost.blockers()) if (kind.latency or 0) > 0]
    lines = [_short(kind, cost) for kind in kinds[:_SHORT]]
    return [Caution(lines[0], lines[1:])] if lines else []


_SHORT = 3


def blocker_lines(found: Sequence[Blocker], cost: GraphCost, *, most: int | None) -> list[Text]:
    """Every kind with a place of it, what stands in the way there, and the fix."""
    kinds = _kinds(found)
    if not kinds:
        return []
    lines = [heading("Nearly rewritten by the runtime", "what a fix saves; not to be added up")]
    for kind in kinds[:most]:
        first = kind.of_kind[0]
        lines.append(Text(f"{clean(first.rule)}: {clean(first.kind)}, {_places(kind)}"))
        lines.append(Text(f"  {_sentence(kind, cost)}", "dim" if (kind.latency or 0) <= 0 else ""))
        lines += where(first)
    if most is not None and kinds[most:]:
        lines.append(Text(f"and {plural(len(kinds) - most, 'more kind')}", "dim"))
    return lines


def where(blocker: Blocker) -> list[Text]:
    """What stands in the way at a place, and the fix."""
    for_example = "for example, " if blocker.places > 1 else ""
    lines = [Text(f"  why: {for_example}{clean(blocker.reason)}")]
    return lines + ([Text(f"  fix: {clean(blocker.fix)}")] if blocker.fix else [])


def saved(latency: float | None, traffic: int | None) -> str:
    """What a fix saves, or costs, in a clause."""
    known: list[tuple[float, str]] = []
    if latency:
        known.append((latency, show(abs(latency), "seconds")))
    if traffic:
        known.append((traffic, f"{show(abs(traffic), 'bytes')} of traffic"))
    if not known:
        unknown = latency is None and traffic is None
        return "what the fix saves is not known" if unknown else "the fix saves nothing"
    verbs = ["saves" if value > 0 else "costs" for value, _ in known]
    (_, first), *rest = known
    text = f"the fix {verbs[0]} {first}"
    for (_, more), verb in zip(rest, verbs[1:], strict=True):
        text += f" and {more}" if verb == verbs[0] else f", but {verb} {more}"
    return text


def _short(kind: _Kind, cost: GraphCost) -> Text:
    part = share(kind.latency, cost.totals.latency_s)
    first = kind.of_kind[0]
    text = f"{part} to save at {_places(kind)}: {clean(first.kind)} ({clean(first.rule)})"
    return Text(text, "yellow")


def _sentence(kind: _Kind, cost: GraphCost) -> str:
    text = saved(kind.latency, kind.traffic)
    if kind.latency and kind.latency > 0:
        text += f", {share(kind.latency, cost.totals.latency_s)} of the latency"
    return text


def _places(kind: _Kind) -> str:
    return plural(kind.places, "place")


def _kinds(found: Iterable[Blocker]) -> list[_Kind]:
    """By kind, the largest saving of time first."""
    groups: dict[tuple[str, str], list[Blocker]] = {}
    for one in found:
        groups.setdefault((one.rule, one.kind), []).append(one)
    kinds = []
    for of_kind in groups.values():
        savings = [one.saving for one in of_kind]
        known = [s for s in savings if s is not None]
        whole = len(known) == len(savings)
        latencies, traffics = [s.latency_s for s in known], [s.traffic_bytes for s in known]
        kinds.append(
            _Kind(
                of_kind,
                sum(one.places for one in of_kind),
                total(latencies) if whole and None not in latencies else None,
                total(traffics) if whole and None not in traffics else None,
            )
        )
    return sorted(kinds, key=lambda kind: -(kind.latency or 0))
