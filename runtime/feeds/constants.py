"""What a graph itself holds that its inputs may be compared with: numbers and texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from onnx import AttributeProto, TensorProto

from ...graph import Graph, Node, OcostError, Tensor, dtypes

_SMALL = 8  # elements: larger ones are weights
_FINITE = 1e6  # what is larger stands for infinity
_MOST = 64  # of each
_NUMBERS = frozenset({dtypes.FLOAT, dtypes.DOUBLE, dtypes.FLOAT16, dtypes.BFLOAT16})
_INTEGERS = frozenset({dtypes.INT8, dtypes.UINT8, dtypes.INT32, dtypes.INT64})


@dataclass(frozen=True)
class Constants:
    """Small constants of a graph, each once, in order of appearance."""

    numbers: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, graph: Graph) -> Constants:
        """Those of a graph, its bodies and its functions."""
        return cls._among(_values(graph))

    @classmethod
    def of_tensors(cls, tensors: Iterable[Tensor]) -> Constants:
        """Those among some tensors."""
        return cls._among(value for tensor in tensors for value in _contents(tensor))

    @classmethod
    def _among(cls, values: Iterable[float | str]) -> Constants:
        numbers: dict[float, None] = {}
        texts: dict[str, None] = {}
        for value in values:
            if isinstance(value, str):
                texts.setdefault(value)
            elif np.isfinite(value) and abs(value) <= _FINITE:
                numbers.setdefault(float(value))
        return cls(tuple(numbers)[:_MOST], tuple(texts)[:_MOST])

    def __or__(self, other: Constants) -> Constants:
        """These, then those of the other."""
        numbers = dict.fromkeys((*self.numbers, *other.numbers))
        return Constants(tuple(numbers), tuple(dict.fromkeys((*self.texts, *other.texts))))


def _values(graph: Graph) -> Iterator[float | str]:
    seen: set[int] = set()
    for scope, node in graph.walk():
        if id(scope) not in seen:
            seen.add(id(scope))
            for tensor in scope.initializers.values():
                yield from _contents(tensor)
        yield from _of_node(node, graph)
    for function in graph.header.functions.values():
        for proto in function.node:
            for attribute in proto.attribute:
                yield from _of_attribute(attribute, graph)


def _of_node(node: Node, graph: Graph) -> Iterator[float | str]:
    for attribute in node.attributes.values():
        yield from _of_attribute(attribute, graph)


def _of_attribute(attribute: AttributeProto, graph: Graph) -> Iterator[float | str]:
    if attribute.type == AttributeProto.TENSOR:
        yield from _contents(Tensor.from_proto(attribute.t, graph.header.source))
    elif attribute.type == AttributeProto.STRINGS:
        yield from (text.decode("utf-8", "replace") for text in attribute.strings[:_MOST])
    elif attribute.type == AttributeProto.FLOATS:
        yield from attribute.floats[:_MOST]
    elif attribute.type == AttributeProto.FLOAT:
        yield attribute.f
    elif attribute.name.startswith(("keys_", "cats_", "pool_", "classlabels_")):
        yield from attribute.ints[:_MOST]


def _contents(tensor: Tensor) -> Iterator[float | str]:
    if tensor.dtype == dtypes.STRING:
        proto = tensor.proto
        if isinstance(proto, TensorProto):
            yield from (s.decode("utf-8", "replace") for s in proto.string_data[:_MOST])
    elif tensor.size <= _SMALL and (tensor.dtype in _NUMBERS or tensor.dtype in _INTEGERS):
        try:
            yield from (float(number) for number in tensor.data().reshape(-1))
        except OcostError:  # its data are not there: others have to do
            return
