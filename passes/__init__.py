"""Rewrites that are proven or declined: one file a pass.

``rewriting`` is the infrastructure, ``pattern`` the matcher that rules are drawn with, ``edit`` a
rewrite in the making, ``scope`` what is known of a graph. Every other file here is a pass, or a
family of them; what they share lies in ``shared`` and ``channels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from .rewriting import Declined, Outcome, Pass, Rewrite

__all__ = ["Declined", "Outcome", "Pass", "Rewrite", "passes"]


@cache
def passes() -> Mapping[str, type[Pass]]:
    """All passes by name, in the order in which they run."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    found = sorted(_below(Pass), key=lambda one: (one.order, one.name))
    return MappingProxyType({one.name: one for one in found})


def _below(kind: type[Pass]) -> list[type[Pass]]:
    kinds = [k for k in kind.__subclasses__() if k.__module__.startswith(f"{__name__}.")]
    return [k for k in kinds if "name" in vars(k)] + [k for sub in kinds for k in _below(sub)]
