"""onnx's own shape inference, asked node by node."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from onnx import NodeProto, TensorProto, TypeProto, defs, helper, numpy_helper
from onnx.checker import ValidationError
from onnx.shape_inference import infer_node_outputs

from .. import dtypes
from .info import Info, ShapeCall, Unresolved

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
    types = {}
    data = {}
    floats = node.op_type in _LOOKS_AT_FLOATS
    for name, info in zip(node.inputs, call.inputs, strict=True):
        if not name:
            continue
        if info is None or (info.dtype == dtypes.UNDEFINED and info.type is None):
            reason = info.reason if info is not None else ""
            raise Unresolved(reason or f"the type of '{name}' is not known")
        types[name] = type_proto(info)
        value = info.value
        if value is not None and value.size <= DATA_LIMIT and (floats or value.dtype.kind in "iub"):
            data[name] = numpy_helper.from_array(value, name)
    outputs = _ask(found, node.as_proto(), types, data)
    return [from_type(outputs[o]) if o in outputs else None for o in node.outputs]
