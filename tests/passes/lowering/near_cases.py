"""Graphs that a rule nearly matches, and the same graphs with the fix made by hand."""

from __future__ import annotations

from .near_activations import activations
from .near_blocked import blocked
from .near_folds import folds
from .near_integers import integers
from .near_made import Case
from .near_norms import norms
from .near_products import products


def cases() -> list[Case]:
    """All of them."""
    return [*folds(), *activations(), *products(), *norms(), *blocked(), *integers()]
