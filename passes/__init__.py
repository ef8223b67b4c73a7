"""Rewrites that are proven or declined: one file a pass, each in the list of ``registry``.

What passes are made of is in ``rewrite``. Proofs that are too long for a pass's file lie in
``proofs``, and what padding channels needs to know in ``channels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..rewrite.rewriting import Pass

__all__ = ["passes"]


@cache
def passes() -> Mapping[str, type[Pass]]:
    """All passes by name, in the order in which they run."""
    from .registry import PASSES  # noqa: PLC0415 - thirty files that costing does without

    return MappingProxyType({one.name: one for one in PASSES})
