"""A model in another float type throughout: its constants, casts and declared types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TypeProto, helper, numpy_helper

from ...graph import dtypes
from ...graph.tensor import every_tensor

_FLOATS = frozenset({dtypes.FLOAT, dtypes.FLOAT16, dtypes.BFLOAT16, dtypes.DOUBLE})


def retype(model: ModelProto, dtype: int) -> ModelProto:
    """Make a model compute in one float type: constants, casts, declared types.

    Parameters
    ----------
    model
        With its weights. It is changed, and returned.
    dtype
        ONNX's float32 or float64.
    """
    _Retype(dtype).model(model)
    return model


def retyped_feeds(feeds: Mapping[str, Any], dtype: int) -> dict[str, Any]:
    """Inputs with every float in that type, those in sequences and maps too."""
    numpy_type = helper.tensor_dtype_to_np_dtype(dtype)

    def retyped(value: Any) -> Any:  # noqa: ANN401 - an array, or what holds some
        if isinstance(value, list):
            return [retyped(inner) for inner in value]
        if isinstance(value, dict):
            return {key: retyped(inner) for key, inner in value.items()}
        if getattr(value, "dtype", None) is not None and value.dtype.name in _NAMES:
            return value.astype(numpy_type)
        return value

    return {name: retyped(value) for name, value in feeds.items()}


_NAMES = frozenset(helper.tensor_dtype_to_np_dtype(dtype).name for dtype in _FLOATS)


class _Retype:
    def __init__(self, dtype: int) -> None:
        self._dtype = dtype
        self._numpy = helper.tensor_dtype_to_np_dtype(dtype)
        self._from = _FLOATS - {dtype}

    def model(self, model: ModelProto) -> None:
        for tensor in every_tensor(model):
            if tensor.data_type in self._from:
                array = numpy_helper.to_array(tensor).astype(self._numpy)
                tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        self._graph(model.graph)
        for function in model.functions:
            del function.value_info[:]
            self._nodes(function.node)

    def _graph(self, graph: GraphProto) -> None:
        del graph.value_info[:]
        for value in (*graph.input, *graph.output):
            self._type(value.type)
        self._nodes(graph.node)

    def _type(self, kind: TypeProto) -> None:
        if kind.HasField("sequence_type"):
            self._type(kind.sequence_type.elem_type)
        elif kind.HasField("optional_type"):
            self._type(kind.optional_type.elem_type)
        elif kind.HasField("map_type"):
            self._type(kind.map_type.value_type)
        elif kind.tensor_type.elem_type in self._from:
            kind.tensor_type.elem_type = self._dtype

    def _nodes(self, nodes: Sequence[NodeProto]) -> None:
        for node in nodes:
            if node.op_type == "ConstantOfShape" and not node.attribute:  # float32 zeros
                zero = numpy_helper.from_array(np.zeros(1, self._numpy))
                node.attribute.append(helper.make_attribute("value", zero))
            for attribute in node.attribute:
                names = ("value_float", "value_floats")
                if attribute.name in ("to", "dtype", "output_datatype"):
                    if attribute.i in self._from:
                        attribute.i = self._dtype
                elif node.op_type == "Constant" and attribute.name in names:
                    value = np.asarray(helper.get_attribute_value(attribute), np.float32)
                    tensor = numpy_helper.from_array(value.astype(self._numpy))
                    attribute.CopyFrom(helper.make_attribute("value", tensor))
                for body in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                    self._graph(body)
