"""``ocost optimize`` as text: what was saved, by which pass, and what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from ..optimize import Optimized
from ..rewrite.rewriting import Declined
from .names import clean
from .text import Page, heading
from .text_changes import totals_table
from .text_common import TOP, caveats, coverage_lines, kind_of, plural
from .text_diff import headline
from .text_equivalence import equivalence_lines
from .text_ledger import ledger_parts
from .text_measured import measured_parts
from .text_net import net_lines
from .text_standing import standing_lines
from .verdict_diff import optimize_verdict

_PATTERNS = 4  # of fused groups that are named
_NODES = 3  # of a refusal that are named


def render_optimize(
    found: Optimized, *, top: int = TOP, explain: bool = False, verbose: bool = False
) -> Page:
    """What optimising made.

    Parameters
    ----------
    found
        The optimised graph with its ledger.
    top
        How many kinds of refusals to list.
    explain
        List every refusal, with its nodes.
    verbose
        List every entry of the ledger.
    """
    diff, made = found.diff, found.made
    parts: list[RenderableType] = [
        headline(diff),
        *equivalence_lines(diff.equivalence),
        *standing_lines(diff),
        *net_lines(diff),
        Text(),
        *ledger_parts(diff.ledger, found.steps, verbose=verbose),
        Text(),
        *measured_parts(diff, top, verbose=verbose),
        totals_table(diff),
    ]
    parts += _groups(found)
    if made.declined:
        parts += [Text(), heading("Declined", "what was not rewritten, and why")]
        parts += _each(made.declined) if explain else _by_reason(made.declined, top)
    parts += [
        Text(),
        *coverage_lines(diff.after, prefix="after: ", verbose=verbose),
        *caveats([(diff.device, {"before": diff.before, "after": diff.after})]),
    ]
    return Page(*parts, Text(), optimize_verdict(found))


def _groups(found: Optimized) -> list[Text]:
    """Chains that runtimes fuse: no file needs them fused."""
    counted = Counter(group.pattern for group in found.groups).most_common()
    if not counted:
        return []
    listed = ", ".join(f"{count} {clean(pattern)}" for pattern, count in counted[:_PATTERNS])
    more = f" and {plural(len(counted) - _PATTERNS, 'other kind')}" if counted[_PATTERNS:] else ""
    line = f"Fused groups, each of which a runtime executes as one node: {listed}{more}"
    return [Text(), Text(line, "dim")]


def _by_reason(declined: Sequence[Declined], top: int) -> list[Text]:
    groups: dict[tuple[str, str], list[Declined]] = {}
    for one in declined:
        groups.setdefault((one.by, kind_of(one.reason)), []).append(one)
    ranked = sorted(groups.values(), key=len, reverse=True)
    lines = []
    for group in ranked[:top]:
        more = f" ({len(group)} times, first: {_where(group[0])})" if len(group) > 1 else ""
        lines.append(Text(f"  {group[0].by}: {clean(group[0].reason)}{more}"))
    if left := ranked[top:]:
        lines.append(Text(f"  {plural(len(left), 'other reason')} (--explain lists all)", "dim"))
    return lines


def _each(declined: Sequence[Declined]) -> list[Text]:
    groups: dict[tuple[str, str], list[Declined]] = {}
    for one in declined:
        groups.setdefault((one.by, one.reason), []).append(one)
    lines = []
    for (by, reason), group in groups.items():
        times = f" ({len(group)} times)" if len(group) > 1 else ""
        lines.append(Text(f"  {by}: {clean(reason)}{times}"))
        lines += [Text(f"    at {_where(one)}", "dim") for one in group if one.nodes]
    return lines


def _where(one: Declined) -> str:
    more = f" and {len(one.nodes) - _NODES} more" if len(one.nodes) > _NODES else ""
    return clean(", ".join(one.nodes[:_NODES])) + more
