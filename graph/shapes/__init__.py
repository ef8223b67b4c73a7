"""Shapes, types and small contents of every tensor before the run."""

from .given import Given
from .inference import infer, prove, prove_at
from .info import Info, Quality
from .loops import require_loops
from .resized import resized
from .sizes import as_found
from .table import Shapes

__all__ = [
    "Given",
    "Info",
    "Quality",
    "Shapes",
    "as_found",
    "infer",
    "prove",
    "prove_at",
    "require_loops",
    "resized",
]
