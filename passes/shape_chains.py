"""Shape arithmetic (Shape -> Gather -> ... -> Concat -> Reshape) whose outcome is known.

Where the values are the same in every run they become a constant. Where they are dims of the very
tensor that is reshaped, expanded, sliced or resized, the operator can say so without computing:
a 0 in a Reshape's target copies a dim, a Slice's end beyond the tensor is its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from onnx import helper

from ..graph import Node, Tensor, dtypes
from ..rewrite.edit import Edit
from ..rewrite.facts.growth import GROWTH_LIMIT
from ..rewrite.facts.symbolic import Symbols, Value
from ..rewrite.facts.symbolic_dims import Dim, Element, product, rest_of
from ..rewrite.pattern import Match
from ..rewrite.rewriting import Outcome, Pass
from ..rewrite.scope import Array, Refused, Scope

_SMALL = GROWTH_LIMIT // 8  # elements, of at most 8 bytes
_SHAPE_TYPES = (dtypes.INT32, dtypes.INT64)


@dataclass(frozen=True)
class FoldShapeChains(Pass):
    """Replace shape arithmetic by what it gives, where that holds in every run.

    Floats on the way are followed as long as they are whole and exact, if no tensor has over 2^31
    elements.

    Refuses where a Reshape would need -1 beside a dim that may be 0: with an empty tensor, which
    runs as the model is, -1 would be ambiguous.
    """

    name: ClassVar[str] = "fold-shape-chains"

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """What reads shapes first, then the shapes that are left, then equal ones."""
        symbols = Symbols(scope)
        for node in list(scope.graph):
            rule = _READERS.get(node.op_type)
            if rule is not None and not node.domain:
                self._attempt(scope, node, rule, symbols, outcome)
        self._settle(scope, symbols, outcome)
        self._merge(scope, symbols, outcome)

    def _attempt(
        self, scope: Scope, node: Node, rule: _Rule, symbols: Symbols, outcome: Outcome
    ) -> None:
        def rewrite(m: Match, edit: Edit) -> str:
            return rule(symbols, m["node"], edit)

        if node.id in scope.graph:  # an earlier rewrite may have left it without readers
            match = Match(scope, {"node": scope.graph.node(node.id)})
            self.attempt(scope, match, rewrite, outcome)

    def _settle(self, scope: Scope, symbols: Symbols, outcome: Outcome) -> None:
        """Make constants of values that are the same in every run."""
        fixed: dict[str, Array] = {}
        for node in scope.graph:
            array = _fixed(scope, symbols, node)
            if array is not None:
                fixed[node.outputs[0]] = array

        def store(_: Symbols, node: Node, edit: Edit) -> str:
            edit.settle(Tensor.from_array(node.outputs[0], fixed[node.outputs[0]]))
            return f"holds {_brief(fixed[node.outputs[0]])} in every run"

        for tensor in fixed:
            readers = scope.readers(tensor)
            maker = scope.graph.producer(tensor)
            # what only makes other such values goes with them
            if maker and any(fixed.keys().isdisjoint(reader.outputs) for reader in readers):
                self._attempt(scope, maker, store, symbols, outcome)

    def _merge(self, scope: Scope, symbols: Symbols, outcome: Outcome) -> None:
        """Compute what is equal once."""
        first: dict[Value | None, str] = {}

        def share(_: Symbols, node: Node, edit: Edit) -> str:
            equal = first[_varying(symbols, node)]
            edit.bypass(node.outputs[0], equal)
            return f"holds the same as '{equal}' in every run"

        for node in list(scope.graph):
            value = _varying(symbols, node)
            if value is None or node.id not in scope.graph:
                continue
            if scope.graph.producer(first.setdefault(value, node.outputs[0])) is None:
                first[value] = node.outputs[0]
            elif first[value] != node.outputs[0] and scope.kept(node.outputs[0]) is None:
                self._attempt(scope, node, share, symbols, outcome)


_Rule = Callable[[Symbols, Node, Edit], str]


def _fixed(scope: Scope, symbols: Symbols, node: Node) -> Array | None:
    """What the only output of a node holds in every run, if that should become a constant."""
    tensor = node.outputs[0] if len(node.outputs) == 1 else ""
    if not tensor or tensor in scope.graph.outputs or scope.constant(tensor) is not None:
        return None
    if not scope.readers(tensor):
        return None
    known = scope.known(tensor)
    if known is not None:
        return known if known.size <= _SMALL else None
    value = symbols.value(tensor)
    if value is None or value.fixed is None or value.dtype not in _SHAPE_TYPES:
        return None
    array = np.array(value.fixed, helper.tensor_dtype_to_np_dtype(value.dtype))
    return array.reshape(()) if value.scalar else array


def _brief(array: Array) -> str:
    """The first elements as text."""
    shown = array.reshape(-1)[:8].tolist()
    return f"{shown[0]}" if array.ndim == 0 else f"{shown}" + " and more" * (array.size > 8)


def _varying(symbols: Symbols, node: Node) -> Value | None:
    """What the only output of a node holds, if that is wholly known and no constant."""
    value = symbols.value(node.outputs[0]) if len(node.outputs) == 1 else None
    return None if value is None or None in value.elements or value.fixed is not None else value


def _reshape(symbols: Symbols, node: Node, edit: Edit) -> str:
    """Copy dims by 0, and infer one by -1 where that can't be ambiguous."""
    scope = edit.scope
    target = symbols.value(node.inputs[1]) if len(node.inputs) > 1 else None
    dims = symbols.dims(node.inputs[0])
    if target is None or dims is None or target.fixed is not None:
        return ""
    zero = bool(node.int("allowzero", 0))
    if zero and 0 in target.elements:
        return ""
    wanted: list[int | None] = []
    for axis, element in enumerate(target.elements):
        own = dims[axis] if axis < len(dims) else None
        if element is not None and element in (own, 0) and own is not None:
            wanted.append(own if isinstance(own, int) else 0)
        else:
            wanted.append(element if isinstance(element, int) and element != -1 else None)
    if target.elements.count(-1) == 1:
        place = target.elements.index(-1)
        given = [dims[i] if e == 0 and i < len(dims) else e for i, e in enumerate(target.elements)]
        told = rest_of(product(dims), given[:place] + given[place + 1 :])
        wanted[place] = told if isinstance(told, int) else None
    if target.elements == dims and scope.kept(node.outputs[0]) is None:
        edit.bypass(node.outputs[0], node.inputs[0])
        return "it is reshaped to the shape that it has"
    if wanted.count(None) > 1:
        return ""
    if None in wanted and 0 in wanted and -1 not in target.elements:
        raise Refused(
            "a dim that is computed could be -1, but with an empty tensor that is ambiguous; "
            "fix the dims that never change when exporting"
        )
    stored = np.array([-1 if dim is None else dim for dim in wanted], np.int64)
    rest = {k: v for k, v in node.attributes.items() if k != "allowzero"}
    constant = edit.constant(stored, f"{node.outputs[0]}/shape")
    edit.change(node, inputs=(node.inputs[0], constant), attributes=rest)
    return f"its target is {stored.tolist()} in every run, 0 copying the dim that is there"


def _expand(symbols: Symbols, node: Node, edit: Edit) -> str:
    """To the shape that is there already."""
    target, dims = symbols.value(node.inputs[1]), symbols.dims(node.inputs[0])
    if target is None or dims is None or len(target.elements) > len(dims):
        return ""
    tail = dims[len(dims) - len(target.elements) :]
    if any(e not in (1, own) for e, own in zip(target.elements, tail, strict=True)):
        return ""
    edit.bypass(node.outputs[0], node.inputs[0])
    return "it is expanded to the shape that it has"


def _slice(symbols: Symbols, node: Node, edit: Edit) -> str:
    """An end that is the tensor's own may be any that is not before it."""
    ends = symbols.value(node.inputs[2]) if len(node.inputs) > 2 else None
    dims = symbols.dims(node.inputs[0])
    if ends is None or ends.fixed is not None or dims is None:
        return ""
    axes, steps = (
        symbols.value(node.inputs[slot]) if len(node.inputs) > slot and node.inputs[slot] else given
        for slot, given in (
            (3, Value(tuple(range(len(ends.elements))))),
            (4, Value((1,) * len(ends.elements))),
        )
    )
    if axes is None or axes.fixed is None or steps is None or steps.fixed is None:
        return ""
    if min(steps.fixed) < 0 or not _fit(axes.fixed, dims, ends):
        return ""
    numbers = helper.tensor_dtype_to_np_dtype(ends.dtype)
    wanted: list[int] = []
    for axis, end in zip(axes.fixed, ends.elements, strict=True):
        if end == dims[axis]:
            wanted.append(np.iinfo(numbers).max)
        elif isinstance(end, int):
            wanted.append(end)
        else:
            return ""
    constant = edit.constant(np.array(wanted, numbers), f"{node.outputs[0]}/ends")
    edit.change(node, inputs=(*node.inputs[:2], constant, *node.inputs[3:]))
    return "it ends where the tensor ends"


def _fit(axes: Sequence[int], dims: Sequence[Element], given: Value) -> bool:
    """Whether the tensor has these axes, and each is given an element."""
    rank = len(dims)
    return len(axes) == len(given.elements) and all(-rank <= axis < rank for axis in axes)


def _resize(symbols: Symbols, node: Node, edit: Edit) -> str:
    """Sizes that are whole multiples of the dims, as scales: just what a runtime makes of them."""
    sizes = symbols.value(node.inputs[3]) if len(node.inputs) > 3 else None
    dims = symbols.dims(node.inputs[0])
    if sizes is None or sizes.fixed is not None or dims is None:
        return ""
    if (
        node.string("keep_aspect_ratio_policy", "stretch") != "stretch"
        or node.string("coordinate_transformation_mode", "") == "tf_crop_and_resize"
    ):
        return ""
    axes = node.ints("axes") or tuple(range(len(dims)))
    if not _fit(axes, dims, sizes):
        return ""
    scales = [_ratio(size, dims[axis]) for axis, size in zip(axes, sizes.elements, strict=True)]
    if None in scales:
        return ""
    constant = edit.constant(np.array(scales, np.float32), f"{node.outputs[0]}/scales")
    edit.change(node, inputs=(*node.inputs[:2], constant))
    return f"its sizes are {scales} times the dims in every run"


def _ratio(size: Element, dim: int | Dim) -> int | None:
    """How many times a dim a size is, if that is a whole number in every run."""
    if isinstance(size, Dim) and isinstance(dim, Dim):
        same = (size.tensor, size.axis) == (dim.tensor, dim.axis)
        return size.times // dim.times if same and size.times % dim.times == 0 else None
    if isinstance(size, int) and isinstance(dim, int) and dim > 0 and size % dim == 0:
        return size // dim or None
    return None


def _shape(symbols: Symbols, node: Node, edit: Edit) -> str:
    """Ask the graph's input instead of what has the same shape.

    Of no other tensor: one that is computed would live longer by it, or couldn't be fused.
    """
    dims, inputs = symbols.dims(node.inputs[0]), edit.scope.graph.inputs
    source = next((d.tensor for d in dims or () if isinstance(d, Dim) and d.tensor in inputs), "")
    if not source or source == node.inputs[0] or symbols.dims(source) != dims:
        return ""
    edit.change(node, inputs=(source,))
    return f"'{source}' has the same shape in every run"


_READERS: Mapping[str, _Rule] = {
    "Expand": _expand,
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Slice": _slice,
}
