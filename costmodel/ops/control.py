"""Control flow: what it costs lies in its bodies, whose nodes are costed each by itself."""

from __future__ import annotations

from ..work import Call, Unknown, Work, formula


@formula("If", "Loop", "Scan")
def control(call: Call) -> Work:
    """The sum of the nodes in its body; asked for only where the body could not be followed."""
    raise Unknown(f"the body of {call.node.op_type} can't be followed")
