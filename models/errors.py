"""The user's error, made without importing the graph package at the top.

That package reads packed models through this one, so a plain import would go in a circle;
and whoever only lists the samples need not wait for onnx, which it brings in.
"""

from __future__ import annotations


def refusal(message: str) -> Exception:
    """An ``OcostError`` with this line."""
    from ..graph.errors import OcostError  # noqa: PLC0415 - graph imports models

    return OcostError(message)
