"""Shapes, types and small contents of every tensor before the run."""

from .engine import Shapes
from .given import Given
from .inference import infer, prove
from .info import Info, Quality
from .loops import require_loops
from .resized import resized
from .sizes import as_found

__all__ = [
    "Given",
    "Info",
    "Quality",
    "Shapes",
    "as_found",
    "infer",
    "prove",
    "require_loops",
    "resized",
]
