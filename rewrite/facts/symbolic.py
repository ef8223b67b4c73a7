"""What small integer tensors hold, in terms of the dims of other tensors.

``Concat(Gather(Shape(x), 0), 768)`` holds (dim 0 of x, 768), whatever dim 0 of x is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from onnx import helper

from ...graph import Node, dtypes
from ...graph.shapes.folds.layout import slice_range
from ..scope import Array, Scope
from .symbolic_dims import Dim, Dims, DimsCall, Element, Untold, output_dims

_LENGTH = 64  # more elements are data and no shape
_LARGEST = 2**31  # what is below wraps in none of the types that shapes are computed in
_EXACT = 2**24  # up to here float32 holds every whole number
_WHOLE = (dtypes.INT32, dtypes.INT64)
_FLOATS = (dtypes.FLOAT, dtypes.DOUBLE)


@dataclass(frozen=True, slots=True)
class Value:
    """The elements of a tensor of rank 0 or 1, None for one that is not known; its type."""

    elements: Dims
    scalar: bool = False
    dtype: int = dtypes.INT64

    @property
    def fixed(self) -> tuple[int, ...] | None:
        """The elements if all are the same in every run."""
        whole = tuple(e for e in self.elements if isinstance(e, int))
        return whole if len(whole) == len(self.elements) else None


class Symbols:
    """Shapes and shape-like contents of the tensors of one scope, as they are when it is made.

    Linear in the nodes. A dim is called by the first tensor that has it, so that equal ones are
    equal. Names of dims in the file (``dim_param``) prove nothing: no runtime insists on them.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._dims: dict[str, tuple[int | Dim, ...]] = {}
        self._values: dict[str, Value] = {}
        for node in scope.graph:
            self._node(node)

    def dims(self, tensor: str) -> tuple[int | Dim, ...] | None:
        """The shape, None where not even the rank is known."""
        found = self._dims.get(tensor)
        return self._merged(tensor, None) if found is None else found

    def value(self, tensor: str) -> Value | None:
        """What a tensor of rank 0 or 1 holds, None if nothing of it is known."""
        found = self._values.get(tensor)
        if found is not None:
            return found
        known = self._scope.known(tensor)
        if (
            known is None
            or known.ndim > 1
            or known.size > _LENGTH
            or known.dtype.kind not in "iubf"
        ):
            return None
        dtype = helper.np_dtype_to_tensor_dtype(known.dtype)
        if known.dtype.kind == "f" and (dtype not in _FLOATS or not _are_whole(known)):
            return None
        return Value(tuple(map(int, known.reshape(-1).tolist())), known.ndim == 0, dtype)

    def held(self, element: Element, dtype: int) -> Element:
        """An element as a type holds it; None where it might be rounded or wrap.

        An open dim is exact in a float as long as no tensor has over 2^31 elements: its odd factor
        stays below 2^24 until then.
        """
        if isinstance(element, int):
            return element if abs(element) < (_EXACT if dtype in _FLOATS else _LARGEST) else None
        if element is None or dtype not in _FLOATS:
            return element
        shape = self.dims(element.tensor) or ()
        beside = prod(dim for dim in shape if isinstance(dim, int))
        odd = element.times // (element.times & -element.times)
        return element if _EXACT * beside >= _LARGEST * odd else None

    def _node(self, node: Node) -> None:
        def shape(slot: int) -> Dims:
            found = self.dims(node.inputs[slot])
            if found is None:
                raise Untold
            return found

        def held(slot: int) -> Dims | None:
            value = self.value(node.inputs[slot]) if slot < len(node.inputs) else None
            return None if value is None else value.elements

        shapes = output_dims(DimsCall(node, self._scope.opset(), shape, held))
        for slot, tensor in enumerate(node.outputs):
            merged = self._merged(tensor, shapes[slot] if slot < len(shapes) else None)
            if tensor and merged is not None:
                self._dims[tensor] = merged
        rule = None if node.domain else _RULES.get(node.op_type)
        if rule is not None and self._scope.known(node.outputs[0]) is None:
            value = rule(self, node)
            if value is not None and len(value.elements) <= _LENGTH:
                self._values[node.outputs[0]] = value
                self._dims[node.outputs[0]] = () if value.scalar else (len(value.elements),)

    def _merged(self, tensor: str, told: Dims | None) -> tuple[int | Dim, ...] | None:
        """What a rule told, where a dim isn't known to be fixed; the rest under its own name."""
        proven: Dims | None = self._scope.dims(tensor)
        if proven is None:
            proven = told
        if proven is None:
            return None
        if told is None or len(told) != len(proven):
            told = proven
        merged: list[int | Dim] = []
        for axis, (fixed, dim) in enumerate(zip(proven, told, strict=True)):
            found = dim if fixed is None else fixed
            merged.append(Dim(tensor, axis) if found is None else found)
        return tuple(merged)


def _shape(symbols: Symbols, node: Node) -> Value | None:
    dims = symbols.dims(node.inputs[0])
    if dims is None:
        return None
    return Value(dims[node.int("start", 0) : node.int("end", len(dims))])


def _gather(symbols: Symbols, node: Node) -> Value | None:
    data, indices = symbols.value(node.inputs[0]), symbols.value(node.inputs[1])
    if data is None or data.scalar or indices is None or indices.fixed is None:
        return None
    count = len(data.elements)
    if any(not -count <= i < count for i in indices.fixed):
        return None
    return replace(
        data, elements=tuple(data.elements[i] for i in indices.fixed), scalar=indices.scalar
    )


def _slice(symbols: Symbols, node: Node) -> Value | None:
    data = symbols.value(node.inputs[0])
    if data is None or data.scalar:
        return None
    bounds: list[int] = []
    for slot, name in ((1, "starts"), (2, "ends"), (4, "steps")):
        given = node.ints(name)
        if given is None and slot < len(node.inputs) and node.inputs[slot]:
            value = symbols.value(node.inputs[slot])
            if value is None or value.fixed is None:
                return None
            given = value.fixed
        if given is not None and len(given) != 1:
            return None
        bounds.append(1 if given is None else given[0])
    start, end, step = bounds
    if not step or not data.elements:
        return None
    taken = slice_range(len(data.elements), start, end, step)
    return replace(data, elements=tuple(data.elements[i] for i in taken))


def _concat(symbols: Symbols, node: Node) -> Value | None:
    values = [symbols.value(name) for name in node.inputs]
    types = [value.dtype for value in values if value is not None]
    parts: list[Element] = []
    for name, value in zip(node.inputs, values, strict=True):
        if value is not None and not value.scalar:
            parts += value.elements
            continue
        dims = symbols.dims(name)  # elements that are not known, but as many as these
        if value is not None or dims is None or len(dims) != 1 or not isinstance(dims[0], int):
            return None
        if dims[0] > _LENGTH:
            return None
        parts += [None] * dims[0]
    return Value(tuple(parts), dtype=types[0]) if types else None


def _unsqueeze(symbols: Symbols, node: Node) -> Value | None:
    value = symbols.value(node.inputs[0])
    dims = symbols.dims(node.outputs[0])
    if value is None or not value.scalar or dims is None or len(dims) != 1:
        return None
    return replace(value, scalar=False)


def _squeeze(symbols: Symbols, node: Node) -> Value | None:
    value = symbols.value(node.inputs[0])
    if value is None or value.scalar or len(value.elements) != 1:
        return None
    return replace(value, scalar=True)


def _reshape(symbols: Symbols, node: Node) -> Value | None:
    value = symbols.value(node.inputs[0])
    target = symbols.value(node.inputs[1]) if len(node.inputs) > 1 else None
    if value is None or target is None or target.scalar or len(target.elements) > 1:
        return None
    return replace(value, scalar=not target.elements)  # of one dim, or none


def _cast(symbols: Symbols, node: Node) -> Value | None:
    value, to = symbols.value(node.inputs[0]), node.int("to", 0)
    if value is None or to not in (*_WHOLE, *_FLOATS):
        return None
    return replace(value, elements=tuple(symbols.held(e, to) for e in value.elements), dtype=to)


def _same(symbols: Symbols, node: Node) -> Value | None:
    return symbols.value(node.inputs[0])


def _elementwise(function: Callable[..., Element]) -> Callable[[Symbols, Node], Value | None]:
    def rule(symbols: Symbols, node: Node) -> Value | None:
        values = [symbols.value(name) for name in node.inputs]
        given = [value for value in values if value is not None]
        length = max((len(value.elements) for value in given), default=0)
        if len(given) < len(values) or any(len(v.elements) not in (1, length) for v in given):
            return None
        columns = zip(
            *(v.elements * (length if len(v.elements) == 1 else 1) for v in given), strict=True
        )
        dtype = given[-1].dtype if given else dtypes.UNDEFINED
        whole = _quotient if function is _div and dtype in _FLOATS else function
        elements = tuple(symbols.held(whole(*column), dtype) for column in columns)
        scalar = all(value.scalar for value in given)
        return Value(elements, scalar, dtypes.BOOL if function is _equal else dtype)

    return rule


def _are_whole(numbers: Array) -> bool:
    """Whether floats are whole numbers that float32 holds like all their neighbours."""
    return bool(np.all(np.abs(numbers) < _EXACT) and np.all(numbers == np.trunc(numbers)))


def _add(a: Element, b: Element) -> Element:
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    return a if b == 0 else b if a == 0 else None


def _sub(a: Element, b: Element) -> Element:
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    if b == 0:
        return a
    return 0 if a is not None and a == b else None


def _mul(a: Element, b: Element) -> Element:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, Dim) and isinstance(b, int) and b > 0:
        return replace(a, times=a.times * b)
    return 0 if b == 0 and isinstance(a, Dim) else None


def _div(a: Element, b: Element) -> Element:
    if not isinstance(b, int) or b == 0:
        return None
    if isinstance(a, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    if isinstance(a, Dim) and b > 0 and a.times % b == 0:
        return replace(a, times=a.times // b)
    return None


def _quotient(a: Element, b: Element) -> Element:
    """Of floats, where it is a whole number."""
    rounded = isinstance(a, int) and isinstance(b, int) and b and a % b
    return None if rounded else _div(a, b)


def _equal(a: Element, b: Element) -> Element:
    if isinstance(a, int) and isinstance(b, int):
        return int(a == b)
    if a is not None and a == b:
        return 1
    negative = any(isinstance(e, int) and e < 0 for e in (a, b))
    return 0 if negative and None not in (a, b) else None  # a dim is never below 0


def _where(condition: Element, x: Element, y: Element) -> Element:
    if isinstance(condition, int):
        return x if condition else y
    return x if x == y else None


_RULES: Mapping[str, Callable[[Symbols, Node], Value | None]] = {
    "Add": _elementwise(_add),
    "Cast": _cast,
    "Ceil": _same,
    "Concat": _concat,
    "Div": _elementwise(_div),
    "Equal": _elementwise(_equal),
    "Floor": _same,
    "Gather": _gather,
    "Identity": _same,
    "Mul": _elementwise(_mul),
    "Reshape": _reshape,
    "Round": _same,
    "Shape": _shape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Sub": _elementwise(_sub),
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise(_where),
}
