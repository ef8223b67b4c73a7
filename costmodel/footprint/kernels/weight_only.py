"""Products with weights of few bits: packed, as large as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...work import Call
from ..register import packed


@packed("MatMulNBits", domain="com.microsoft")
def blocks(call: Call) -> Mapping[int, Sequence[int]]:
    """Input 1, which is of bytes."""
    return {1: (call.input(1).size,)}
