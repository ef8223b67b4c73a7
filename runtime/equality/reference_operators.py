"""Operators that onnx's reference evaluator has otherwise than an opset defines them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto

from ...graph import OcostError
from ...models.walk import everywhere

Array = npt.NDArray[Any]

# Before these opsets the operators mean something else than what the evaluator computes by the same
# name; with attributes named here, only where a node has them.
_BROADCAST = (7, ("axis",))  # the second input's dims lie from that axis of the first one's on
_CHANGED: Mapping[str, tuple[int, tuple[str, ...]]] = {
    **dict.fromkeys(("Add", "Div", "Mul", "Pow", "Sub"), _BROADCAST),
    **dict.fromkeys(("And", "Equal", "Greater", "Less", "Or", "Xor"), _BROADCAST),
    "PRelu": (7, ()),  # a slope of one axis was one of channels
    "Resize": (11, ()),  # coordinates were asymmetric
    "RoiAlign": (16, ()),  # regions were not moved by half a pixel
    "Scan": (9, ()),  # there was an axis of batches
}


def require_known(model: onnx.ModelProto) -> None:
    """Refuse a model with a node that the evaluator would take for another operator.

    Raises
    ------
    OcostError
        If there is one, in a body or a function too.
    """
    bodies = ((b.opset_import, b.node) for b in model.functions)
    for imports, nodes in ((model.opset_import, model.graph.node), *bodies):
        opset = _opset(imports)
        for node in everywhere(nodes):
            if node.domain in ("", "ai.onnx") and _otherwise(node, opset):
                raise OcostError(
                    f"onnx's reference evaluator doesn't know {node.op_type} of opset {opset}"
                )


def _opset(imports: Any) -> int:  # noqa: ANN401 - protobuf's container
    return next((i.version for i in imports if i.domain in ("", "ai.onnx")), 1)


def _otherwise(node: NodeProto, opset: int) -> bool:
    given = {attribute.name: attribute for attribute in node.attribute}
    if node.op_type == "BatchNormalization":  # it trained unless told that it is a test
        return opset < 7 and not ("is_test" in given and given["is_test"].i)
    since, attributes = _CHANGED.get(node.op_type, (0, ()))
    return opset < since and (not attributes or not given.keys().isdisjoint(attributes))


def mended(opset: int) -> list[type[Any]]:
    """What the evaluator gets wrong, at old opsets most of it.

    It finds a place for a PRelu's slope that can't be broadcast. Up to 13 it takes every
    BatchNormalization for one in training; below 13 Softmax and the like work on matrices, of the
    axes before theirs and of those from it on.
    """
    from onnx.reference.op_run import OpRun  # noqa: PLC0415 - slow to import

    class PRelu(OpRun):
        op_domain = ""

        def _run(self, x: Array, slope: Array) -> tuple[Array]:
            return (np.where(x > 0, x, x * slope).astype(x.dtype),)

    if opset > 13:
        return [PRelu]

    class BatchNormalization(OpRun):
        op_domain = ""

        def _run(self, x: Array, *channels: Array, epsilon: float, **_: object) -> tuple[Array]:
            along = (-1, *(1,) * (x.ndim - 2))
            scale, bias, mean, variance = (c.reshape(along) for c in channels)
            return (scale * (x - mean) / np.sqrt(variance + epsilon) + bias,)

    if opset == 13:
        return [PRelu, BatchNormalization]

    class Softmax(OpRun):
        op_domain = ""

        def _run(self, x: Array, **_: object) -> tuple[Array]:
            rows = _rows(x, self.onnx_node)
            made = np.exp(rows - rows.max(axis=1, keepdims=True))
            return ((made / made.sum(axis=1, keepdims=True)).reshape(x.shape),)

    class LogSoftmax(OpRun):
        op_domain = ""

        def _run(self, x: Array, **_: object) -> tuple[Array]:
            rows = _rows(x, self.onnx_node)
            below = rows - rows.max(axis=1, keepdims=True)
            made = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
            return (made.reshape(x.shape),)

    class Hardmax(OpRun):
        op_domain = ""

        def _run(self, x: Array, **_: object) -> tuple[Array]:
            rows = _rows(x, self.onnx_node)
            made = np.arange(rows.shape[1]) == rows.argmax(axis=1)[:, None]
            return (made.astype(x.dtype).reshape(x.shape),)

    return [PRelu, BatchNormalization, Softmax, LogSoftmax, Hardmax]


def _rows(x: Array, node: NodeProto) -> Array:
    # The evaluator would give the newest default of the axis.
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    return x.reshape(math.prod(x.shape[: axis % x.ndim]), -1)
