"""What stands in the way of a runtime's rewrites, for JSON documents."""

from __future__ import annotations

from collections.abc import Iterable

from ..costmodel.blocker import Blocker
from .blocks import Document, fields


def blockers(found: Iterable[Blocker]) -> list[Document]:
    """The list ``blockers``: the largest saving of time first."""
    return [
        {
            **fields(one, ("rule",)),
            "nodes": list(one.nodes),
            **fields(one, ("kind", "reason", "fix", "places")),
            "saving": None if one.saving is None else one.saving._asdict(),
        }
        for one in found
    ]
