"""Before against after: totals, operator types, and which node became which."""

from __future__ import annotations

from .diff import diff_costs, diff_graphs
from .match import match
from .result import Diff, NodePair, OpTypeChange

__all__ = ["Diff", "NodePair", "OpTypeChange", "diff_costs", "diff_graphs", "match"]
