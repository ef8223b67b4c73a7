"""What becomes of one node of a model, as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from ..costmodel import Device
from ..passes.lowering.costed import target_of
from ..passes.lowering.fate import NodeFate
from .names import clean
from .text import Page
from .text_blockers import saved, where
from .text_common import plural

_FATES = {
    "once": "one executed node does its work",
    "multi": "several executed nodes do its work",
    "folded": "it is computed before the run",
    "cse": "the result of an equal node, or its own input, is taken for its result",
    "dead": "nothing needs it",
    "inlined": "the nodes of its function take its place",
    "missing": "the rules lose it: a fault of ocost's own that is worth a report",
}
_LISTED = 6  # names of other originals


def render_fate(found: NodeFate, device: Device) -> Page:
    """What becomes of a node on a device: by which nodes it is executed, and what nearly was."""
    rules = target_of(device).target.runtime
    parts = [
        Text.assemble((clean(found.node), "bold"), f"  {clean(found.op_type)}"),
        Text(f"{_FATES[found.fate]}, by the rules for {rules} on {clean(device.name)}"),
    ]
    for node in found.executed:
        others = [clean(name) for name in node.originals if name != found.node]
        beside = f", together with {_listed(others)}" if others else ""
        parts.append(Text(f"executed: {clean(node.name)} ({clean(node.op_type)}){beside}"))
    if found.inserted:
        names = [f"{clean(node.name)} ({clean(node.op_type)})" for node in found.inserted]
        parts.append(Text(f"put in at its boundary: {_listed(names)}"))
    for one in found.blockers:
        saving = one.saving
        known = (None, None) if saving is None else (saving.latency_s, saving.traffic_bytes)
        several = f" at {plural(one.places, 'place')} together" if one.places > 1 else ""
        text = f"{clean(one.rule)} nearly takes it: {clean(one.kind)}; {saved(*known)}{several}"
        parts += [Text(text), *where(one)]
    return Page(*parts)


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    left = len(every) - _LISTED
    return ", ".join(every[:_LISTED]) + (f" and {plural(left, 'more')}" if left > 0 else "")
