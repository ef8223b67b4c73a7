"""A Pad of zeros goes into the window that reads it.

Runtime's condition, basic level: mode constant, value 0 or left out, no axes, pads constant, none
negative, none on batch or channels; only a Conv or AveragePool without auto_pad reads it. An
AveragePool that has pads of its own must count them. MaxPool until 1.31. Conv of version 22 since
1.26.

    before  Pad -> Conv(pads=p)
    after   Conv(pads=p + pads)
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, cover
from .conditions import stands_apart

_NAME = "Pad_Fusion"


def _apply(work: Work, node: WorkNode) -> bool:
    if node.domain or node.string("mode", "constant") != "constant" or len(node.inputs) > 3:
        return False
    reader = work.next(node) or _apart(work, node)
    if reader is None or reader.domain or reader.inputs[0] != node.output:
        return False
    if reader.string("auto_pad", "NOTSET") != "NOTSET" or not _takes(work, reader):
        return False
    pads = node.ints("pads") if len(node.inputs) == 1 else work.numbers(node.input(1))
    value = work.number(node.input(2)) if node.has_input(2) else node.float("value", 0.0)
    rank = 0 if pads is None else len(pads) // 2
    if pads is None or value != 0 or min(pads) < 0 or rank < 3:
        return False
    if any(pads[:2]) or any(pads[rank : rank + 2]):
        return False
    own = reader.ints("pads") or (0,) * (2 * rank - 4)
    if reader.op == "AveragePool":
        if any(own) and not reader.int("count_include_pad", 0):
            return False
        reader.set(count_include_pad=1)
    extra = (*pads[2:rank], *pads[rank + 2 :])
    reader.set(pads=[a + b for a, b in zip(own, extra, strict=True)])
    work.detach(node)
    cover(reader, node)
    work.set_input(reader, 0, node.inputs[0])
    return True


def _apart(work: Work, node: WorkNode) -> WorkNode | None:
    """One of several windows that read a Pad; tells of that, and answers it once mended."""
    readers = work.readers(node.output)
    value = work.number(node.input(2)) if node.has_input(2) else node.float("value", 0.0)
    if value != 0 or not all(not r.domain and _takes(work, r) for r in readers):
        return None
    return readers[0] if readers and stands_apart(work, _NAME, node, readers[0]) else None


def _takes(work: Work, reader: WorkNode) -> bool:
    if reader.op == "MaxPool":
        return work.target.version < (1, 32)
    if work.is_op(reader, "Conv"):
        return work.since(reader) < 22 or work.target.version >= (1, 26)
    return work.is_op(reader, "AveragePool", 7, 10, 11, 19, 22)


RULE = LoweringRule(_NAME, ("Pad",), _apply)
