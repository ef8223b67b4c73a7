"""onnx's own shape inference, asked node by node."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache

from onnx import AttributeProto, NodeProto, TensorProto, TypeProto, defs, helper, numpy_helper
from onnx.checker import ValidationError
from onnx.shape_inference import infer_node_outputs

from .. import dtypes
from .info import Array, Info, ShapeCall, Unresolved

# Contents of more elements than this never decide a shape.
DATA_LIMIT = 256
_LOOKS_AT_FLOATS = frozenset({"Resize", "Upsample", "Range", "NonMaxSuppression"})


@lru_cache(maxsize=4096)
def schema(op_type: str, opset: int, domain: str) -> defs.OpSchema | None:
    """The operator's schema at an opset, or None if onnx doesn't know it.

    onnxruntime's optimiser writes operators into graphs of an opset that does not have them yet
    (LayerNormalization before 17): those take the first schema that there is.
    """
    for version in (opset, defs.onnx_opset_version()):
        try:
            return defs.get_schema(op_type, version, domain)
        except defs.SchemaError:
            continue
    return None


@lru_cache(maxsize=16384)
def _type_proto(dtype: int, shape: tuple[int | None, ...] | None) -> TypeProto:
    return helper.make_tensor_type_proto(dtype, shape)


def type_proto(info: Info) -> TypeProto:
    """The type as onnx writes it."""
    return info.type if info.type is not None else _type_proto(info.dtype, info.shape)


def from_type(proto: TypeProto) -> Info:
    """What a type says; a symbolic or negative dim is not known."""
    kind = proto.WhichOneof("value")
    if kind != "tensor_type":
        return Info(dtypes.UNDEFINED, None, type=None if kind is None else proto)
    tensor = proto.tensor_type
    if not tensor.HasField("shape"):
        return Info(tensor.elem_type, None)
    shape = tuple(
        d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None
        for d in tensor.shape.dim
    )
    return Info(tensor.elem_type, shape)


def _ask(
    found: defs.OpSchema,
    node: NodeProto,
    types: dict[str, TypeProto],
    data: dict[str, TensorProto],
) -> dict[str, TypeProto]:
    """onnx's answer; a second time without the attributes that the schema doesn't know.

    Converters leave attributes of other opsets behind, which runtimes pass over.
    """
    try:
        return infer_node_outputs(found, node, types, data)
    except ValidationError as error:
        known = [a for a in node.attribute if a.name in found.attributes]
        if len(known) == len(node.attribute):
            raise Unresolved(f"onnx refuses the node: {' '.join(str(error).split())}") from error
        bare = NodeProto()
        bare.CopyFrom(node)
        del bare.attribute[:]
        bare.attribute.extend(known)
        return _ask(found, bare, types, data)
    except RuntimeError as error:
        raise Unresolved(f"onnx refuses the node: {' '.join(str(error).split())}") from error


Question = tuple[Hashable, ...]
_answers: dict[Question, Sequence[TypeProto | None]] = {}
_MOST = 1 << 14


def question(
    found: defs.OpSchema,
    attributes: Mapping[str, AttributeProto],
    outputs: int,
    kinds: Iterable[Hashable],
    data: Mapping[int, Array],
) -> Question:
    """What onnx's answer for a node rests on: a network repeats its nodes, and asking takes time.

    ``kinds`` are the element type and dims of each input, None for one that is left out; ``data``
    the contents of those that may decide a shape, by slot.
    """
    return (
        (found.domain, found.name, found.since_version, outputs),
        tuple(kinds),
        tuple((name, one.SerializeToString()) for name, one in attributes.items()),
        tuple(
            (slot, value.dtype.str, value.shape, value.tobytes()) for slot, value in data.items()
        ),
    )


def answered(
    asked: Question, ask: Callable[[], Sequence[TypeProto | None]]
) -> Sequence[TypeProto | None]:
    """The types of a node's outputs by slot, asked for once. They are not to be changed."""
    known = _answers.get(asked)
    if known is None:
        if len(_answers) >= _MOST:
            _answers.clear()
        known = _answers[asked] = ask()
    return known


def infer(call: ShapeCall) -> Sequence[Info | None]:
    """Types of a node's outputs by onnx's rule for the operator.

    Raises
    ------
    Unresolved
        If onnx doesn't know the operator, or an input's type is not known.
    InferenceError
        If the inputs' shapes contradict the operator.
    """
    node = call.node
    found = schema(node.op_type, call.opset, node.domain)
    if found is None:
        where = f"opset {call.opset}" if not node.domain else f"domain '{node.domain}'"
        raise Unresolved(f"no shape rule for {node.qualified_type} of {where}")
    kinds: list[Hashable] = []
    data: dict[int, Array] = {}
    floats = node.op_type in _LOOKS_AT_FLOATS
    plain = True  # tensors alone
    for slot, (name, info) in enumerate(zip(node.inputs, call.inputs, strict=True)):
        if not name:
            kinds.append(None)
            continue
        if info is None or (info.dtype == dtypes.UNDEFINED and info.type is None):
            reason = info.reason if info is not None else ""
            raise Unresolved(reason or f"the type of '{name}' is not known")
        plain = plain and info.type is None
        kinds.append((info.dtype, info.shape))
        value = info.value
        if value is not None and value.size <= DATA_LIMIT and (floats or value.dtype.kind in "iub"):
            data[slot] = value

    def ask() -> Sequence[TypeProto | None]:
        pairs = zip(node.inputs, call.inputs, strict=True)
        types = {name: type_proto(info) for name, info in pairs if name and info is not None}
        contents = {
            node.inputs[slot]: numpy_helper.from_array(value, node.inputs[slot])
            for slot, value in data.items()
        }
        outputs = _ask(found, node.as_proto(), types, contents)
        return [outputs.get(name) for name in node.outputs]

    answer = (
        answered(question(found, node.attributes, len(node.outputs), kinds, data), ask)
        if plain
        else ask()
    )
    return [None if one is None else from_type(one) for one in answer]
