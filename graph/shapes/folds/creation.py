"""Operators that make a tensor: from attributes, from a shape, by conversion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from ..fold import FoldCall, Unfoldable, Values, folds

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")

# what numpy has of itself; nothing computes a shape in any other type
_NUMPY: dict[int, np.dtype[Any]] = {
    helper.np_dtype_to_tensor_dtype(np.dtype(name)): np.dtype(name)
    for name in ("bool", "float16", "float32", "float64", *_INTEGERS)
}


def _numpy_type(dtype: int) -> np.dtype[Any]:
    found = _NUMPY.get(dtype)
    if found is None:
        raise Unfoldable
    return found


def tensor_value(call: FoldCall, proto: TensorProto) -> Values:
    """The contents of a tensor attribute, unless they are large or in another file."""
    call.room(*proto.dims)
    if proto.data_location == TensorProto.EXTERNAL:
        raise Unfoldable
    return np.asarray(numpy_helper.to_array(proto))


@folds("Constant")
def constant(call: FoldCall) -> Values:
    """A tensor, number or list attribute; not a sparse or a string one."""
    for name, attribute in call.node.attributes.items():
        if name == "value":
            return tensor_value(call, attribute.t)
        if name == "value_int":
            return np.asarray(attribute.i, np.int64)
        if name == "value_ints":
            return np.asarray(attribute.ints, np.int64)
        if name == "value_float":
            return np.asarray(attribute.f, np.float32)
        if name == "value_floats":
            return np.asarray(attribute.floats, np.float32)
    raise Unfoldable


@folds("Shape", needs=())
def shape(call: FoldCall) -> Values:
    """Dims from start to end; only those need be known."""
    dims = call.info(0).shape
    if dims is None:
        raise Unfoldable
    wanted = dims[call.node.int("start", 0) : call.node.int("end", len(dims))]
    if None in wanted:
        raise Unfoldable
    return np.asarray(wanted, np.int64)


@folds("Size", needs=())
def size(call: FoldCall) -> Values:
    """Number of elements."""
    found = call.info(0).size
    if found is None:
        raise Unfoldable
    return np.asarray(found, np.int64)


@folds("ConstantOfShape")
def constant_of_shape(call: FoldCall) -> Values:
    """One value, float32 0 if none is given, repeated."""
    dims = [int(d) for d in call.value(0)]
    call.room(*dims)
    proto = call.node.tensor("value")
    value = np.zeros(1, np.float32) if proto is None else tensor_value(call, proto)
    return np.full(dims, value.reshape(-1)[0], value.dtype)


@folds("EyeLike", needs=())
def eye_like(call: FoldCall) -> Values:
    """Ones on a diagonal, in the input's shape."""
    info = call.info(0)
    if info.resolved is None:
        raise Unfoldable
    call.room(*info.resolved)
    rows, columns = info.resolved
    dtype = _numpy_type(call.node.int("dtype", info.dtype))
    return np.eye(rows, columns, call.node.int("k", 0), dtype)


def range_length(start: Values, limit: Values, delta: Values) -> int:
    """Number of elements of Range."""
    first, last, step = start.reshape(-1)[0], limit.reshape(-1)[0], delta.reshape(-1)[0]
    if start.dtype.kind in "iu":
        return max(0, -((int(first) - int(last)) // int(step)))
    return max(0, math.ceil((float(last) - float(first)) / float(step)))


@folds("Range")
def range_(call: FoldCall) -> Values:
    """From start, exclusive limit, in steps of delta."""
    start, limit, delta = call.value(0), call.value(1), call.value(2)
    length = range_length(start, limit, delta)
    call.room(length)
    steps = np.arange(length).astype(start.dtype)
    return np.asarray(start.reshape(-1)[:1] + steps * delta.reshape(-1)[:1])


def _cast(x: Values, dtype: np.dtype[Any]) -> Values:
    if x.dtype.kind in "OSUc":
        raise Unfoldable
    if dtype.kind in "iu" and x.dtype.kind not in "iub":
        whole, range_ = np.trunc(x), np.iinfo(dtype)
        # as a float, the highest one may be rounded up; the one above it never is
        if not np.all((whole >= float(range_.min)) & (whole < float(range_.max + 1))):
            raise Unfoldable  # each runtime answers what its processor does
    return x.astype(dtype)


@folds("Cast")
def cast(call: FoldCall) -> Values:
    """To the type that the attribute names, by its name before opset 6."""
    to = call.node.attributes["to"]
    number = TensorProto.DataType.Value(to.s.decode()) if to.s else to.i
    return _cast(call.value(0), _numpy_type(number))


@folds("CastLike", needs=(0,))
def cast_like(call: FoldCall) -> Values:
    """To the type of input 1."""
    return _cast(call.value(0), _numpy_type(call.info(1).dtype))
