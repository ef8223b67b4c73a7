"""Types of what a node makes, local: asked when the node comes, and when what it reads changes.

Unlike ``graph.shapes`` an open dim keeps its symbol, because a runtime compares those.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import lru_cache

from onnx import TypeProto, helper, numpy_helper
from onnx.checker import ValidationError
from onnx.defs import OpSchema
from onnx.shape_inference import InferenceError, infer_node_outputs

from ...graph.dtypes import BOOL, INT32, INT64, UNDEFINED
from ...graph.schemas import schema
from ...graph.shapes.info import Info, ShapeCall, Unresolved, shape_rules
from ...graph.shapes.onnx_inference import answered, question
from .node import WorkNode
from .work import UNKNOWN, Array, Constant, Dim, Dims, Type, Work

_FLOATS = frozenset({"Resize", "Upsample", "Range", "NonMaxSuppression"})
_REFUSALS = (Unresolved, ValueError, TypeError, LookupError, ArithmeticError)
_INTEGERS = (INT32, INT64, BOOL)
_FEW = 16
_MOST = 256  # elements of a constant that decides a shape
# What keeps the type of its first input: onnx need not be asked.
_SAME = frozenset(
    {"Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Clip", "Cos"}
    | {"Cosh", "Elu", "Erf", "Exp", "Floor", "Gelu", "Hardmax", "HardSigmoid", "HardSwish"}
    | {"Identity", "LeakyRelu", "Log", "LogSoftmax", "LRN", "Mish", "Neg", "PRelu"}
    | {"Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax"}
    | {"Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "ThresholdedRelu"}
    | {"InstanceNormalization", "Swish", "Shrink"}
)


_ARITHMETIC = frozenset({"Add", "Div", "Mul", "Sub"})
_BROADCASTS = 7  # the opset from which on they take any two shapes that fit


@lru_cache(maxsize=16384)
def type_proto(kind: Type) -> TypeProto:
    """A type as onnx writes it."""
    return helper.make_tensor_type_proto(kind.dtype, kind.dims)


def from_proto(proto: TypeProto) -> Type:
    """A tensor's type as onnx writes it."""
    if proto.WhichOneof("value") != "tensor_type":
        return UNKNOWN
    tensor = proto.tensor_type
    if not tensor.HasField("shape"):
        return Type(tensor.elem_type, None)
    dims: list[int | str | None] = []
    for dim in tensor.shape.dim:
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            dims.append(dim.dim_value)
        else:
            dims.append(dim.dim_param or None)
    return Type(tensor.elem_type, tuple(dims))


def merge(inferred: Type, stated: Type) -> Type:
    """What is inferred and what the file states of a tensor, together."""
    dtype = inferred.dtype or stated.dtype
    if inferred.dims is None or stated.dims is None or len(inferred.dims) != len(stated.dims):
        return Type(dtype, stated.dims if inferred.dims is None else inferred.dims)
    pairs = zip(inferred.dims, stated.dims, strict=True)
    dims = tuple(i if type(i) is int else (i if s is None else s) for i, s in pairs)
    return Type(dtype, dims)


def infer(work: Work, node: WorkNode) -> bool:
    """Note the types of what a node makes; whether that tells more than before."""
    changed = False
    for name, found in zip(node.outputs, _outputs(work, node), strict=False):
        if not name:
            continue
        kind = merge(found, work.declared.get(name, UNKNOWN))
        old = work.types.get(name)
        if old is not None:
            kind = merge(kind, old)
        if kind != old:
            work.types[name] = kind
            changed = True
    return changed


def refresh(work: Work, nodes: Iterable[WorkNode]) -> None:
    """Infer nodes anew, and what reads them as long as that tells more."""
    queue = deque(nodes)
    while queue:
        node = queue.popleft()
        if work.nodes.get(node.index) is node and infer(work, node):
            for output in node.outputs:
                if output:
                    queue.extend(work.readers(output))


def _outputs(work: Work, node: WorkNode) -> list[Type]:
    if not node.domain:
        if (known := _as_input(work, node)) is not None:
            return [known]
        if node.bodies:
            return _of_bodies(work, node)
    rule = shape_rules().get((node.domain, node.op)) if node.domain else None
    if rule is not None:
        return _by_rule(work, node)
    found = schema(node.op, work.opset.get(node.domain, 1), node.domain)
    if found is None:
        return []
    return _by_onnx(work, node, found)


def _as_input(work: Work, node: WorkNode) -> Type | None:
    """The type of what is shaped as an input, or as two of them broadcast; onnx need not be asked.

    None where it has to be.
    """
    if node.op in _SAME or (node.op == "BatchNormalization" and len(node.outputs) == 1):
        return work.type(node.inputs[0])
    if node.op not in _ARITHMETIC or work.opset.get("", 1) < _BROADCASTS:
        return None
    first, second = map(work.type, node.inputs)
    dims = _broadcast(first.dims, second.dims)
    return None if dims is None or first.dtype == UNDEFINED else Type(first.dtype, dims)


def _by_onnx(work: Work, node: WorkNode, found: OpSchema) -> list[Type]:
    """By onnx's inference for this one node."""
    kinds: list[Type | None] = []
    data: dict[int, Array] = {}
    for slot, name in enumerate(node.inputs):
        kind = work.type(name) if name else None
        kinds.append(kind)
        if kind is None:
            continue
        if kind.dtype == UNDEFINED:
            return []
        constant = work.constant(name)
        if constant is not None and _decides(constant, node):
            value = constant.value()
            if value is not None:
                data[slot] = value

    def ask() -> list[TypeProto | None]:
        pairs = zip(node.inputs, kinds, strict=True)
        types = {name: type_proto(kind) for name, kind in pairs if kind is not None}
        contents = {
            node.inputs[slot]: numpy_helper.from_array(value, node.inputs[slot])
            for slot, value in data.items()
        }
        answer = infer_node_outputs(found, node.frozen().as_proto(), types, contents)
        return [answer.get(name) for name in node.outputs]

    asked = question(found, node.attributes, len(node.outputs), kinds, data)
    try:
        answer = answered(asked, ask)
    except (InferenceError, ValidationError, RuntimeError):
        return []
    return [UNKNOWN if one is None else from_proto(one) for one in answer]


def _broadcast(first: Dims | None, second: Dims | None) -> Dims | None:
    """The dims of two that are known, broadcast; None where onnx has to be asked."""
    if first is None or second is None:
        return None
    long, short = (first, second) if len(first) >= len(second) else (second, first)
    if not all(type(d) is int for d in (*long, *short)):
        return None
    if not short or short == long:
        return long
    lead = len(long) - len(short)
    dims = list(long[:lead])
    for one, other in zip(long[lead:], short, strict=True):
        if one != other and 1 not in (one, other):
            return None
        dims.append(other if one == 1 else one)
    return tuple(dims)


def _decides(constant: Constant, node: WorkNode) -> bool:
    """Whether a constant may decide a shape."""
    if constant.dtype in _INTEGERS:
        return constant.size <= _MOST
    return constant.size <= _FEW and node.op in _FLOATS


def _by_rule(work: Work, node: WorkNode) -> list[Type]:
    """By ocost's own rule, which knows sizes alone.

    Open dims are asked for with two sizes each: what stays is a size, what follows an open dim is
    that dim, and what comes out else is open.
    """
    kinds = [work.type(t) if t else None for t in node.inputs]
    places: dict[Dim, int] = {}
    for slot, kind in enumerate(kinds):
        for axis, dim in enumerate((kind.dims if kind is not None else None) or ()):
            if type(dim) is not int:
                places.setdefault(dim or f"{slot}.{axis}", len(places))
    answers = [_asked(work, node, kinds, places, start) for start in _SIZES[: 1 + bool(places)]]
    symbols = {d for k in kinds if k is not None for d in k.dims or () if type(d) is str}
    found = []
    for one, two in zip(answers[0], answers[-1], strict=True):
        dims: list[Dim] = []
        for first, second in zip(one.dims or (), two.dims or (), strict=False):
            place = None if type(first) is not int else (first - _SIZES[0]) // _STEP
            names = [n for n, p in places.items() if p == place] if first != second else []
            dims.append(first if first == second else names[0] if names else None)
        named = tuple(d if type(d) is int or d in symbols else None for d in dims)
        found.append(Type(one.dtype, None if one.dims is None else named))
    return found


_SIZES = (9973 * 16, 9967 * 16)
_STEP = 64


def _asked(
    work: Work,
    node: WorkNode,
    kinds: list[Type | None],
    places: dict[Dim, int],
    start: int,
) -> list[Type]:
    """The types with a size from ``start`` on for each open dim."""
    infos: list[Info | None] = []
    for slot, kind in enumerate(kinds):
        if kind is None:
            infos.append(None)
            continue
        dims = kind.dims and tuple(
            d if type(d) is int else start + _STEP * places[d or f"{slot}.{axis}"]
            for axis, d in enumerate(kind.dims)
        )
        constant = work.constant(node.inputs[slot])
        value = constant.value() if constant is not None and constant.size <= _FEW else None
        infos.append(Info(kind.dtype, dims, value=value))  # type: ignore[arg-type] # each dim is an int by now
    call = ShapeCall(node.frozen(), infos, work.opset.get(node.domain, 1))
    try:
        found = shape_rules()[node.domain, node.op](call)
    except (*_REFUSALS, InferenceError):
        return [UNKNOWN] * len(node.outputs)
    return [UNKNOWN if i is None else Type(i.dtype, i.shape) for i in found]


def _of_bodies(work: Work, node: WorkNode) -> list[Type]:
    """What the bodies make: of a branch, of a Loop's last trip, or stacked."""
    bodies = list(node.bodies.values())
    if node.op == "If":
        each = [[b.type(o) for o in b.outputs] for b in bodies]
        return [_either(kinds) for kinds in zip(*each, strict=False)]
    body = bodies[0]
    made = [body.type(o) for o in body.outputs]
    if node.op == "Loop":
        carried = len(node.inputs) - 2
        made = made[1:]
    else:
        carried = len(node.inputs) - node.int("num_scan_inputs", 0)
    return [
        Type(k.dtype, k.dims if i < carried else None if k.dims is None else (None, *k.dims))
        for i, k in enumerate(made)
    ]


def _either(kinds: tuple[Type, ...]) -> Type:
    """What holds for all of them."""
    first = kinds[0]
    dims: Dims | None = first.dims
    for kind in kinds[1:]:
        if dims is None or kind.dims is None or len(dims) != len(kind.dims):
            dims = None
        else:
            dims = tuple(a if a == b else None for a, b in zip(dims, kind.dims, strict=True))
    return Type(first.dtype, dims)


def dtype_of(value: Array) -> int:
    """ONNX's element type of an array."""
    return helper.np_dtype_to_tensor_dtype(value.dtype)
