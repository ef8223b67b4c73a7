"""What a name means: an operator's cost formula, a device, a kernel kind."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from .costmodel.device import HOST, Device, devices, find
from .costmodel.exempt import EXEMPT
from .costmodel.kinds import Kind
from .costmodel.work import rules
from .graph import OcostError
from .graph.shapes.info import shape_rules

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer to ``ocost explain``: what the name is, in words, and where it is written."""

    name: str
    what: str  # "operator", "device", "kernel kind"
    text: str
    source: str = ""  # file and line in the package
    device: Device | None = None
    facts: dict[str, str] = field(default_factory=dict)


def explain(name: str) -> Explanation:
    """What a name means.

    Raises
    ------
    OcostError
        If nothing is called so.
    """
    if name in (*devices(), HOST):
        device = find(name)
        return Explanation(name, "device", device.title, "", device)
    found = _operator(name)
    if found is not None:
        return found
    if name in list(Kind):
        return _kind(Kind(name))
    known = [*devices(), HOST, *(_spell(k) for k in rules()), *Kind]
    near = get_close_matches(name, known, 3, 0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "try Conv, pointwise, nvidia-a100"
    raise OcostError(f"nothing is called '{name}'; {hint}")


def _spell(key: tuple[str, str]) -> str:
    return "::".join(filter(None, key))


def _operator(name: str) -> Explanation | None:
    domain, _, op_type = name.rpartition("::")
    keys = [(domain, op_type)] if domain else [k for k in rules() if k[1] == op_type]
    for key in keys:
        rule = rules().get(key)
        if rule is None:
            continue
        weights = (
            "float constants of more than one element, in any slot"
            if rule.weights is None
            else ", ".join(f"input {slot}" for slot in rule.weights) or "none"
        )
        facts = {"parameters": weights}
        if key in shape_rules():
            facts["shape"] = "a rule of our own"
        others = [_spell(k) for k in keys if k != key]
        if others:
            facts["see also"] = ", ".join(others)
        return Explanation(
            _spell(key), "operator", _doc(rule.formula), _where(rule.formula), facts=facts
        )
    reason = EXEMPT.get((domain, op_type))
    if reason is not None:
        return Explanation(name, "operator without a cost", reason)
    return None


def _kind(kind: Kind) -> Explanation:
    rows = {}
    for name in devices():
        device = find(name)
        row = device.row(kind)
        if row.measured:
            rows[name] = f"compute {row.compute:.0%}, memory {row.memory:.0%} (measured)"
    return Explanation(
        str(kind),
        "kernel kind",
        "A row of a device's efficiency table: the shares of peak and of bandwidth that such "
        "kernels reach. 1.0 where nothing was measured.",
        _where(Kind),
        facts=rows,
    )


def _doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def _where(thing: object) -> str:
    file = inspect.getsourcefile(thing)  # type: ignore[arg-type] # a function or a class
    if file is None:
        return ""
    _, line = inspect.getsourcelines(thing)  # type: ignore[arg-type]
    return f"{Path(file).relative_to(_PACKAGE)}:{line}"
