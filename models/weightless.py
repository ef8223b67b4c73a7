"""How a weightless file is told from any other, without what reads and fills it."""

from __future__ import annotations

from onnx import ModelProto

KEY = "ocost.pack"


def is_weightless(model: ModelProto) -> bool:
    """Whether the model has a manifest of stripped tensors."""
    return any(p.key == KEY for p in model.metadata_props)
