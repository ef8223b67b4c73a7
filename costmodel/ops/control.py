"""Control flow: what it costs lies in its bodies, whose nodes are costed each by itself."""

from __future__ import annotations

from ..kinds import Kind
from ..work import Call, Work, formula


@formula("If", "Loop", "Scan", "SequenceMap")
def control(call: Call) -> Work:
    """0 by itself: the nodes of the bodies read and write the tensors."""
    reads = dict.fromkeys(range(len(call.inputs)), 0)
    writes = dict.fromkeys(range(len(call.outputs)), 0)
    return Work(Kind.CONTROL, reads=reads, writes=writes)
