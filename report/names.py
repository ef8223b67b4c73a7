"""Names out of a model: made safe to print, and shortened without becoming one another."""

from __future__ import annotations

import re
from itertools import pairwise

from rich.cells import cell_len

_SHORT = 12


def clean(name: str) -> str:
    """The name with control characters escaped: a model may hold any text."""
    return name if name.isprintable() else name.encode("unicode_escape").decode()


def elide(name: str, width: int) -> str:
    """The name in so many terminal columns, without what says least.

    Of a path, folders go first that the next one repeats, as in PyTorch's exports:
    ``/conv/conv.1/conv.1.0/Conv`` becomes ``/…/conv.1.0/Conv``. Then the longest parts, but
    short ones with a number stay: numbers tell nodes apart. Then the middle of what is left.
    """
    if not _too_long(name, width):
        return name
    parts = name.split("/")
    for place, (folder, after) in enumerate(pairwise(parts)):
        if folder and after.startswith(f"{folder}."):
            parts[place] = "…"
    for place in _least_telling(parts) if len(parts) > 1 else ():
        if _too_long(_joined(parts), width):
            parts[place] = "…"
    short = _joined(parts)
    if not _too_long(short, width):
        return short
    head = (width - 1) // 2
    tail = len(short) - (width - 1 - head)
    return f"{short[:head].rstrip('…')}…{short[tail:].lstrip('…')}"


def _least_telling(parts: list[str]) -> list[int]:
    """Places of the parts that may go, the first to go first; a short end goes last."""
    end = len(parts) - 1
    places = [
        place
        for place, part in enumerate(parts)
        if part not in ("", "…") and (len(part) > _SHORT or not re.search(r"\d", part))
    ]
    return sorted(places, key=lambda at: (at == end and len(parts[at]) <= _SHORT, -len(parts[at])))


def _joined(parts: list[str]) -> str:
    return re.sub("…(/…)+", "…", "/".join(parts))


def _too_long(text: str, width: int) -> bool:
    return cell_len(text) > width
