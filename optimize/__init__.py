"""Making a graph cheaper: passes, onnxsim, passes, with a ledger and proof."""

from .optimized import Optimized, optimize_graph
from .pipeline import Made, Plan
from .plan import plan
from .simplify import Simplified, simplify

__all__ = ["Made", "Optimized", "Plan", "Simplified", "optimize_graph", "plan", "simplify"]
