"""onnx's reference evaluator, on a model's file."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from ...graph import OcostError, dtypes
from .retype import retype, retyped_feeds

Array = npt.NDArray[Any]
Run = Callable[[Mapping[str, Any]], Sequence[Any]]


def open_evaluator(path: Path, *, wide: bool = False) -> Run:
    """Open a model's file in the evaluator; what is answered runs it on inputs by name.

    Parameters
    ----------
    path
        Of the model.
    wide
        Whether it shall compute in float64 throughout.

    Raises
    ------
    OcostError
        If the evaluator doesn't know an operator; the function that is returned, if it fails.
    """
    try:
        model = onnx.load(path)
    except Exception as error:  # whatever protobuf or the system may raise
        raise _failure(error) from error
    return evaluator(model, wide=wide)


def evaluator(model: onnx.ModelProto, *, wide: bool = False) -> Run:
    """The same for a model in memory, which changes if it is to be ``wide``."""
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - slow to import

    try:
        opset = next((i.version for i in model.opset_import if i.domain in ("", "ai.onnx")), 1)
        if wide:
            retype(model, dtypes.DOUBLE)
        opened = ReferenceEvaluator(model, new_ops=mended(opset))
    except Exception as error:  # whatever a numpy implementation of an operator may raise
        raise _failure(error) from error

    def run(feeds: Mapping[str, Any]) -> Sequence[Any]:
        given = retyped_feeds(feeds, dtypes.DOUBLE) if wide else dict(feeds)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                outputs: Sequence[Any] = list(opened.run(None, given))
                return outputs
        except Exception as error:
            raise _failure(error) from error

    return run


def _failure(error: Exception) -> OcostError:
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return OcostError(f"onnx's reference evaluator fails: {text[:120]}")


def mended(opset: int) -> list[type[Any]]:
    """What the evaluator gets wrong at old opsets.

    Up to 13 it takes every BatchNormalization for one in training; below 13 Softmax and the like
    work on matrices, of the axes before theirs and of those from it on.
    """
    if opset > 13:
        return []
    from onnx.reference.op_run import OpRun  # noqa: PLC0415 - slow to import

    class BatchNormalization(OpRun):
        op_domain = ""

        def _run(self, x: Array, *channels: Array, epsilon: float, **_: object) -> tuple[Array]:
            along = (-1, *(1,) * (x.ndim - 2))
            scale, bias, mean, variance = (c.reshape(along) for c in channels)
            return (scale * (x - mean) / np.sqrt(variance + epsilon) + bias,)

    if opset == 13:
        return [BatchNormalization]

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

    return [BatchNormalization, Softmax, LogSoftmax, Hardmax]


def _rows(x: Array, node: onnx.NodeProto) -> Array:
    # The evaluator would give the newest default of the axis.
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    return x.reshape(math.prod(x.shape[: axis % x.ndim]), -1)
