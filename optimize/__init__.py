"""Making a graph cheaper: so far, onnxsim with the care that it needs."""

from .simplify import Simplified, simplify

__all__ = ["Simplified", "simplify"]
