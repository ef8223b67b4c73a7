"""Parameters and constants: what counts, and how often.

A parameter is an element of a constant that stands in a weight slot of an operator, or that is
an elementwise operand of more than one element. A shared one counts once. Scales, zero points,
masks, scalars, shape tensors and a BatchNormalization's running statistics stand in no weight
slot, which is how they are told from parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from onnx import AttributeProto, NodeProto, TensorProto

from ..graph import dtypes
from ..graph.graph import Graph
from ..graph.node import Node
from ..graph.shapes import Shapes
from ..graph.shapes.table import Key
from ..graph.tensor import Source, Tensor
from .cost import Costed
from .work import rules

# These hand on a constant's data, or a part of them, as they are: look behind them.
_THROUGH = frozenset(
    {"Cast", "CastLike", "DequantizeLinear", "Dropout", "Expand", "Flatten", "Identity", "Pad"}
    | {"QuantizeLinear", "Reshape", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"}
)

# Operators whose list attributes are data; elsewhere they are axes, pads and the like.
_WITH_TABLES = frozenset({"Constant", "StringNormalizer", "TfIdfVectorizer"})

# What an attribute lists, by its type: the element type, and the field that holds it.
_LISTS = {
    AttributeProto.FLOATS: dtypes.FLOAT,
    AttributeProto.INTS: dtypes.INT64,
    AttributeProto.STRINGS: dtypes.STRING,
}
_SINGLE = {
    AttributeProto.FLOAT: dtypes.FLOAT,
    AttributeProto.INT: dtypes.INT64,
    AttributeProto.STRING: dtypes.STRING,
}


def parameters_by_constant(costs: Iterable[Costed]) -> dict[Key, int]:
    """Parameters that the nodes read, by constant, without what a layout pads it with."""
    found: dict[Key, int] = {}
    for costed, padded in ((p, one.padded_params) for one in costs for p in one.parts or (one,)):
        node, scope = costed.node, costed.scope
        rule = rules().get((node.domain, node.op_type))
        if rule is None or (costed.call is None and rule.parameters is not None):
            continue
        own = sum(_elements(node.attributes.get(name)) for name in rule.attributes)
        if own:
            found[scope.first(node), node.id] = own
        elementwise = rule.weights is None
        slots = range(len(node.inputs)) if rule.weights is None else rule.weights
        for slot in slots:
            name = node.inputs[slot] if slot < len(node.inputs) else ""
            info = scope.get(name) if name else None
            if info is None or not info.constant or info.dtype == dtypes.BOOL:
                continue  # what is read as a boolean is a mask, however it is stored
            for key, size, dtype in leaves(scope, name):
                if elementwise and (size <= 1 or not _is_weight(dtype)):
                    continue
                if not elementwise and not _is_weight(dtype) and dtype != dtypes.INT32:
                    continue  # an integer table (Gather), not a weight; int32 is a bias
                if rule.parameters is not None and costed.call is not None:
                    found[key] = rule.parameters(costed.call, slot)
                else:
                    found[key] = size - padded.get(name, 0)
    return found


def by_path(found: Mapping[Key, int]) -> dict[str, int]:
    """Parameters by the path of their constant."""
    return {scope.graph.prefix + name: size for (scope, name), size in found.items()}


def _elements(attribute: AttributeProto | None) -> int:
    """Numbers in an attribute, a list or a tensor."""
    if attribute is None:
        return 0
    if attribute.type == AttributeProto.TENSOR:
        return math.prod(attribute.t.dims)
    return len(attribute.floats) + len(attribute.ints)


def _is_weight(dtype: int) -> bool:
    return dtypes.is_float(dtype) or dtypes.is_quantised(dtype)


def leaves(scope: Shapes, name: str) -> Iterator[tuple[Key, int, int]]:
    """The constants behind a constant tensor, each once: (key, elements, element type)."""
    behind: list[Key] = [(scope, name)]
    seen: set[Key] = set()
    while behind:
        inner, outer = behind.pop()
        for key in reversed(list(inner.homes(outer))):
            if key in seen:
                continue
            seen.add(key)
            home, own = key
            tensor, maker = home.graph.initializers.get(own), home.graph.producer(own)
            if tensor is not None:
                yield key, tensor.size, tensor.dtype
            elif maker is not None and maker.op_type in ("Constant", "ConstantOfShape"):
                info = home.get(own)
                if info is not None and info.size is not None:
                    yield (home.first(maker), own), info.size, info.dtype
            elif maker is not None and maker.op_type == "Concat":
                behind += [(home, part) for part in reversed(maker.inputs)]
            elif maker is not None and maker.op_type in _THROUGH and maker.inputs:
                behind.append((home, maker.inputs[0]))
            # what others compute counts where they read it


def constants(graph: Graph) -> Iterator[Tensor]:
    """Every constant that the file stores: initializers and attributes, bodies included."""
    yield from graph.initializers.values()
    source = graph.header.source
    for node in graph:
        yield from of_attributes(node, source)
        for body in graph.subgraphs(node).values():
            yield from constants(body)
    if graph.parent is None:
        for function in graph.header.functions.values():
            yield from _of_nodes(function.node, source)


def _of_nodes(nodes: Iterable[NodeProto], source: Source) -> Iterator[Tensor]:
    """The constants that are attributes of a function's nodes, those of their bodies included."""
    for node in nodes:
        yield from _of_attributes(node, node.attribute, source)
        for attribute in node.attribute:
            for body in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                for kind in (body.initializer, body.sparse_initializer):
                    yield from (Tensor.from_proto(tensor, source) for tensor in kind)
                yield from _of_nodes(body.node, source)


def of_attributes(node: Node, source: Source) -> Iterator[Tensor]:
    """The constants that are a node's attributes."""
    return _of_attributes(node, node.attributes.values(), source)


def _of_attributes(
    node: Node | NodeProto, attributes: Iterable[AttributeProto], source: Source
) -> Iterator[Tensor]:
    lists = _LISTS | _SINGLE if node.op_type == "Constant" else _LISTS
    tables = node.op_type in _WITH_TABLES or node.domain == "ai.onnx.ml"
    for attribute in attributes:
        if attribute.ref_attr_name:  # stands where the function is called
            continue
        if attribute.type == AttributeProto.TENSOR:
            yield Tensor.from_proto(attribute.t, source)
        elif attribute.type == AttributeProto.SPARSE_TENSOR:
            yield Tensor.from_proto(attribute.sparse_tensor, source)
        elif tables and (dtype := lists.get(attribute.type)) is not None:
            yield Tensor.from_proto(_listed(attribute, dtype), source)


def _listed(attribute: AttributeProto, dtype: int) -> TensorProto:
    """The type and size of what an attribute lists; of strings the strings too."""
    strings = list(attribute.strings) or [attribute.s] * (attribute.type == AttributeProto.STRING)
    count = len(attribute.ints) + len(attribute.floats) + len(strings)
    single = attribute.type in (AttributeProto.INT, AttributeProto.FLOAT)
    return TensorProto(data_type=dtype, dims=[] if single else [count], string_data=strings)


def param_bytes(stored: Iterable[Tensor]) -> int:
    """Bytes of all constants as stored."""
    return sum(map(stored_bytes, stored))


def stored_bytes(tensor: Tensor) -> int:
    """Bytes of a constant as stored; of strings, their characters."""
    if tensor.nbytes is None and isinstance(tensor.proto, TensorProto):
        return sum(map(len, tensor.proto.string_data))
    return tensor.nbytes or 0
