"""Names out of a model: made safe to print, and shortened without becoming one another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise, takewhile

from rich.cells import cell_len

_SHORT = 12


def clean(name: str) -> str:
    """The name with control characters escaped: a model may hold any text."""
    return name if name.isprintable() else name.encode("unicode_escape").decode()


def executed_operator(domain: str, op_type: str) -> str:
    """An executed operator, with its domain where that is not the default."""
    return operator(f"{domain}::{op_type}" if domain else op_type)


def operator(qualified: str) -> str:
    """An operator, safe to print.

    Of a runtime's own domains, which most executed nodes have, the last part is enough.
    """
    domain, mark, op_type = qualified.rpartition("::")
    if domain.startswith(_OWN):
        domain = domain.rpartition(".")[2]
    return clean(f"{domain}{mark}{op_type}")


_OWN = ("com.microsoft", "ocost.")


def elide(name: str, width: int) -> str:
    """The name in so many terminal columns, without what says least.

    Of a path, folders go first that the next one repeats, as in PyTorch's exports:
    ``/conv/conv.1/conv.1.0/Conv`` becomes ``/…/conv.1.0/Conv``. Then the longest parts, but
    short ones with a number stay: numbers tell nodes apart. Then the middle of what is left.
    """
    if not _too_long(name, width):
        return name
    parts = re.sub("//+", "/", name).split("/")
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


def labels(names: Sequence[str]) -> list[str]:
    """The names made safe to print, different ones different."""
    return _apart(names, dict(zip(names, map(clean, names), strict=True)), None)


def elide_all(names: Sequence[str], width: int) -> list[str]:
    """The names in so many terminal columns each, safe to print, different ones different.

    Of names that would read the same, the parts between what all begin and end with stay; where
    these are too long, the text around the first difference; they are numbered where not even
    that does.
    """
    whole = dict(zip(names, map(clean, names), strict=True))
    short = {name: elide(text, width) for name, text in whole.items()}
    for group in _alike(short):
        texts = [whole[name] for name in group]
        for found in (_parts_between(texts), _around_difference(texts, width)):
            if len(set(found)) == len(found) and not _any_too_long(found, width):
                short.update(zip(group, found, strict=True))
                break
    return _apart(names, short, width)


def _alike(texts: Mapping[str, str]) -> list[list[str]]:
    """Groups of names whose texts are the same."""
    groups: dict[str, list[str]] = {}
    for name, text in texts.items():
        groups.setdefault(text, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _apart(names: Sequence[str], texts: Mapping[str, str], width: int | None) -> list[str]:
    """The names' texts, numbered where they are still those of others."""
    apart, taken = dict(texts), set(texts.values())
    for group in _alike(texts):
        number = 0
        for name in group:
            text = apart[name]
            while text in taken:
                number += 1
                mark = f"#{number}"
                whole = clean(name)
                text = (whole if width is None else elide(whole, max(1, width - len(mark)))) + mark
            taken.add(text)
            apart[name] = text
    return [apart[name] for name in names]


def _parts_between(names: list[str]) -> list[str]:
    """The names without the folders that all begin with and the parts that all end with."""
    split = [name.split("/") for name in names]
    head = _shared(split)
    tail = _shared([parts[head:][::-1] for parts in split])
    texts = []
    for parts in split:
        middle = parts[head : len(parts) - tail]
        texts.append(_joined([*(["…"] if head else []), *middle, *(["…"] if tail else [])]))
    return texts


def _around_difference(names: list[str], width: int) -> list[str]:
    """As much of the names as there is room for from a little before where they differ."""
    start = max(0, _shared(names) - width // 4)
    return [f"{'…' if start else ''}{_cut(name[start:], width - bool(start))}" for name in names]


def _shared(sequences: Sequence[Sequence[str]]) -> int:
    """How many items all begin with."""
    places = zip(*sequences, strict=False)
    return sum(1 for _ in takewhile(lambda items: len(set(items)) == 1, places))


def _cut(text: str, width: int) -> str:
    return f"{text[: width - 1]}…" if _too_long(text, width) else text


def _any_too_long(texts: Sequence[str], width: int) -> bool:
    return any(_too_long(text, width) for text in texts)


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
