"""Names out of a model: made safe to print, and shortened without becoming one another."""

from __future__ import annotations

import re
from itertools import pairwise

from rich.cells import cell_len


def clean(name: str) -> str:
    """The name with control characters escaped: a model may hold any text."""
    return name if name.isprintable() else name.encode("unicode_escape").decode()


def elide(name: str, width: int) -> str:
    """The name in so many terminal columns, without what says least.

    Of a path, folders go first that the next one repeats, as in PyTorch's exports:
    ``/conv/conv.1/conv.1.0/Conv`` becomes ``/…/conv.1.0/Conv``. Then what has no number, the
    longest first and the end last: numbers tell nodes apart. Then the middle of what is left.
    """
    if not _too_long(name, width):
        return name
    parts = name.split("/")
    for place, (folder, after) in enumerate(pairwise(parts)):
        if folder and after.startswith(f"{folder}."):
            parts[place] = "…"
    plain = [place for place, part in enumerate(parts) if re.fullmatch(r"[^\d…]+", part)]
    end = len(parts) - 1
    for place in sorted(plain, key=lambda place: (place == end, -len(parts[place]))):
        if end and _too_long(_joined(parts), width):
            parts[place] = "…"
    short = _joined(parts)
    if not _too_long(short, width):
        return short
    head = (width - 1) // 2
    tail = len(short) - (width - 1 - head)
    return f"{short[:head].rstrip('…')}…{short[tail:].lstrip('…')}"


def _joined(parts: list[str]) -> str:
    return re.sub("…(/…)+", "…", "/".join(parts))


def _too_long(text: str, width: int) -> bool:
    return cell_len(text) > width
