"""Nodes to be measured, a file a family."""

from __future__ import annotations

from . import convolution, elementwise, layout, matmul, normalisation, pooling

__all__ = ["convolution", "elementwise", "layout", "matmul", "normalisation", "pooling"]
