"""What an executed node stands for, and what became of an original: found out, or by rules.

``attribution`` finds it for a graph that a runtime saved; lowering rules tell it of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Status = Literal["exact", "group", "layout", "const", "empty", "unmapped"]
INSERTED: tuple[Status, ...] = ("layout", "const")
Fate = Literal["once", "multi", "folded", "cse", "dead", "missing"]


class Executed(NamedTuple):
    """An executed node and the original nodes that it stands for.

    ``status``
        * exact: it does what ``originals`` do
        * group: it does so together with other nodes that have the same originals
        * layout: inserted, to change a layout, shape or type between ``originals``
        * const: inserted, computes from constants what ``originals`` read
        * empty: it does what no original does
        * unmapped: what it makes could not be found in the original
    """

    name: str
    op_type: str
    originals: tuple[str, ...]
    status: Status


class Lineage(NamedTuple):
    """Executed nodes in order, and what became of every original node.

    ``originals``
        * once, multi: so many executed nodes do its work
        * folded: computed before the run
        * cse: an equal node's result, or its own input, is taken for its result
        * dead: nothing needs it
        * missing: no executed node was found for it

    ``tensors``
        By the path of a tensor that an executed node makes: the original tensor that it holds,
        maybe in another layout or type.
    """

    executed: tuple[Executed, ...]
    originals: Mapping[str, Fate]
    tensors: Mapping[str, str]

    @property
    def mapped(self) -> int:
        """Executed nodes that are mapped, or named a reason why there is nothing to map to."""
        return sum(node.status != "unmapped" for node in self.executed)
