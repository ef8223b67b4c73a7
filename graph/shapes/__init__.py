"""Shapes, types and small contents of every tensor before the run."""

from .engine import Shapes, infer, prove
from .given import Given
from .info import Info, Quality

__all__ = ["Given", "Info", "Quality", "Shapes", "infer", "prove"]
