"""What hangs together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def parts(items: Iterable[Item], links: Iterable[tuple[Item, Item]]) -> list[list[Item]]:
    """The items that links tie together, directly or through others; parts and items in order.

    Parameters
    ----------
    items
        All of them.
    links
        Pairs; what is none of the items ties those together that it is linked with, and is left
        out.
    """
    leader: dict[Item, Item] = {}

    def find(item: Item) -> Item:
        leader.setdefault(item, item)
        while leader[item] != item:
            leader[item] = leader[leader[item]]
            item = leader[item]
        return item

    for one, other in links:
        leader[find(one)] = find(other)
    found: dict[Item, list[Item]] = {}
    for item in items:
        found.setdefault(find(item), []).append(item)
    return list(found.values())
