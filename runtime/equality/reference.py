"""A model's outputs in float64, by onnx's reference evaluator: what both models should compute."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, ModelProto, NodeProto, TypeProto, helper, numpy_helper

from ...costmodel.cost import Costed, cost_nodes
from ...graph import dtypes
from ...graph.shapes import Shapes
from ...graph.tensor import every_tensor

Array = npt.NDArray[Any]

_NARROW = frozenset({dtypes.FLOAT, dtypes.FLOAT16, dtypes.BFLOAT16})
# What the evaluator takes on one core: numpy's matrix products run near the machine's speed, but
# some operators are Python loops over the elements of their output.
_S_PER_MAC = 1e-9
_S_PER_ELEMENT = {
    "AveragePool": 25e-6,
    "ConvTranspose": 10e-6,
    "GridSample": 400e-6,
    "LpPool": 30e-6,
    "MaxPool": 5e-6,
    "NonMaxSuppression": 1.0,
    "RoiAlign": 5e-6,
}
_PATIENCE_S = 10
_MEMORY = 4 << 30


class NoReferenceError(Exception):
    """The evaluator can't run the model, or not in the time that there is; says why."""


def evaluate(
    model: ModelProto, feeds: Mapping[str, Array], shapes: Shapes, seconds: float
) -> Sequence[Any]:
    """The outputs in order.

    Parameters
    ----------
    model
        With its weights.
    feeds
        Inputs by name, of the model's own types.
    shapes
        Of its tensors, to foresee what this takes.
    seconds
        It is given up after these.

    Raises
    ------
    NoReferenceError
        Also if the evaluator doesn't know an operator.
    """
    _foresee(cost_nodes(shapes))
    end = time.monotonic() + seconds
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - slow to import

    class Timed(ReferenceEvaluator):
        """Bodies and functions are run by this class too, so that a loop is stopped as well."""

        def _log(self, *_: object) -> None:  # called before every node
            if time.monotonic() > end:
                raise NoReferenceError(f"it takes more than {seconds:.0f} s")

    opset = next((i.version for i in model.opset_import if i.domain in ("", "ai.onnx")), 1)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            evaluator = Timed(widened(model), new_ops=_mended() if opset < 14 else None)
            outputs: Sequence[Any] = list(evaluator.run(None, _widened_feeds(feeds)))
            return outputs
    except NoReferenceError:
        raise
    except Exception as error:  # whatever a numpy implementation of an operator may raise
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NoReferenceError(f"onnx's reference evaluator fails: {text[:120]}") from error


def _foresee(costs: Sequence[Costed]) -> None:
    """Refuse at once what would take too much time or memory."""
    if sum(map(_seconds, costs)) > _PATIENCE_S:
        raise NoReferenceError("the model takes onnx's reference evaluator too long")
    held = sum(costed.cost.write_bytes or 0 for costed in costs)  # it frees nothing
    if 2 * held + max(map(_columns, costs), default=0) > _MEMORY:
        raise NoReferenceError("the model takes onnx's reference evaluator too much memory")


def _seconds(costed: Costed) -> float:
    rate = _S_PER_ELEMENT.get(costed.node.op_type, 0.0)
    elements = 0.0
    if rate:
        elements = math.inf if costed.call is None else costed.call.output().size
    return (costed.cost.macs or 0) * _S_PER_MAC + elements * rate * costed.cost.trips


def _columns(costed: Costed) -> int:
    """Bytes of a convolution's input spread out as a matrix, in float64, and of its indices."""
    call = costed.call
    if call is None or costed.node.op_type not in ("Conv", "ConvTranspose"):
        return 0
    x, weight, y = call.input(0), call.input(1), call.output()
    return 32 * x.shape[1] * math.prod(weight.shape[2:]) * y.shape[0] * math.prod(y.shape[2:])


def widened(model: ModelProto) -> ModelProto:
    """A copy that computes in float64: constants, casts, declared types."""
    made = ModelProto()
    made.CopyFrom(model)
    for tensor in every_tensor(made):
        if tensor.data_type in _NARROW:
            array = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    _widen_graph(made.graph)
    for function in made.functions:
        del function.value_info[:]
        _widen_nodes(function.node)
    return made


def _widen_graph(graph: GraphProto) -> None:
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        _widen_type(value.type)
    _widen_nodes(graph.node)


def _widen_type(kind: TypeProto) -> None:
    if kind.HasField("sequence_type"):
        _widen_type(kind.sequence_type.elem_type)
    elif kind.HasField("optional_type"):
        _widen_type(kind.optional_type.elem_type)
    elif kind.tensor_type.elem_type in _NARROW:
        kind.tensor_type.elem_type = dtypes.DOUBLE


def _widen_nodes(nodes: Sequence[NodeProto]) -> None:
    for node in nodes:
        if node.op_type == "ConstantOfShape" and not node.attribute:  # float32 zeros
            zero = numpy_helper.from_array(np.zeros(1))
            node.attribute.append(helper.make_attribute("value", zero))
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype", "output_datatype") and attribute.i in _NARROW:
                attribute.i = dtypes.DOUBLE
            elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
                value = np.asarray(helper.get_attribute_value(attribute), np.float64)
                attribute.CopyFrom(helper.make_attribute("value", numpy_helper.from_array(value)))
            for body in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                _widen_graph(body)


def _widened_feeds(feeds: Mapping[str, Array]) -> dict[str, Array]:
    narrow = ("float16", "bfloat16", "float32")
    return {n: a.astype(np.float64) if a.dtype.name in narrow else a for n, a in feeds.items()}


def _mended() -> list[type[Any]]:
    """Up to opset 13 the evaluator takes every BatchNormalization for one in training."""
    from onnx.reference.op_run import OpRun  # noqa: PLC0415 - slow to import

    class BatchNormalization(OpRun):
        op_domain = ""

        def _run(self, x: Array, *channels: Array, epsilon: float, **_: object) -> tuple[Array]:
            along = (-1, *(1,) * (x.ndim - 2))
            scale, bias, mean, variance = (c.reshape(along) for c in channels)
            return (scale * (x - mean) / np.sqrt(variance + epsilon) + bias,)

    return [BatchNormalization]
