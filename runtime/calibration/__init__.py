"""Measures what this machine's runtime takes, kernel by kernel.

``cases`` make up nodes at random, ``pack`` puts some together to a model, ``measuring`` runs it,
``fit`` makes kernels' models of the times, ``calibrate`` does all of it within a budget.
"""

from __future__ import annotations
