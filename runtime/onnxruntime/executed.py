"""The graph that onnxruntime makes of a model when it opens it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto

from ...graph import Graph, from_proto
from ...graph.tensor import every_tensor
from ..protocol import Options
from .session import open_session

_LARGE = 1024  # elements: larger constants decide no shape
_PAYLOADS = ("raw_data", "float_data", "double_data", "int32_data", "int64_data", "uint64_data")


def executed_graph(model: ModelProto, options: Options) -> Graph:
    """What a session executes, without the contents of large constants.

    Raises
    ------
    OcostError
        If onnxruntime refuses the model.
    """
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        saved = Path(folder) / "optimized.onnx"
        open_session(model, options, optimized=saved)
        return saved_graph(saved)


def saved_graph(saved: Path) -> Graph:
    """A graph that a session saved, apart from its file: without large constants' contents."""
    model = onnx.load(saved, load_external_data=False)
    for tensor in every_tensor(model):
        if np.prod(tensor.dims, dtype=np.int64) > _LARGE:
            for field in (*_PAYLOADS, "external_data", "data_location"):
                tensor.ClearField(field)
    return from_proto(model)
