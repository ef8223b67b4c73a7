"""The lines that tell what goes in and out of a model."""

from __future__ import annotations

from ..costmodel.result import ModelSummary, Ports
from .pieces import Listing
from .text_common import port_text

_LISTED = 4
_LEAST = 12  # columns of a name
_LABELS = ("inputs     ", "outputs    ")


def port_lists(model: ModelSummary, *, prefix: str = "") -> list[Listing]:
    """Inputs and outputs with types and shapes, the first few of each by name."""
    return [
        _listing(f"{prefix}{label}", ports)
        for label, ports in zip(_LABELS, model.ports, strict=True)
    ]


def _listing(label: str, ports: Ports) -> Listing:
    entries = [(name, port_text(port)) for name, port in list(ports.items())[:_LISTED]]
    return Listing(label, entries, len(ports) - len(entries), least=_LEAST)
