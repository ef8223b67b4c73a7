"""ONNX in: a file or a ModelProto becomes a Graph; no weight is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    TensorProto,
    ValueInfoProto,
    defs,
)

from ..collection import uncollected
from ..models import instead_of, resolve
from ..models.walk import walk
from ..models.weightless import is_weightless
from . import wire
from .errors import OcostError
from .external import check_place
from .graph import Graph, Header
from .node import Node
from .tensor import Source, Tensor, every_tensor


@uncollected()
def load(path: str | Path) -> Graph:
    """Open a model file, or the bundled sample ``@name``.

    Raises
    ------
    OcostError
        If the file is missing, no ONNX model, truncated, cyclic, of an opset that the installed
        onnx doesn't know, or if its external data lies outside its folder. Whether it is there
        is asked by what reads it.
    """
    file = resolve(str(path))
    try:
        return from_proto(_read(file), Source.of(file))
    except OcostError as error:
        text = str(error)
        raise OcostError(text if text.startswith(str(file)) else f"{file}: {text}") from error


def _read(file: Path) -> ModelProto:
    try:
        if file.is_dir():
            raise OcostError(f"{file}: a directory; give the .onnx file in it")
        if file.stat().st_size == 0:
            raise OcostError(f"{file}: the file is empty")
        model = wire.read(file)
    except FileNotFoundError as error:
        raise OcostError(f"{file}: no such file{instead_of(file)}") from error
    except OSError as error:
        raise OcostError(f"{file}: can't be read ({error.strerror or error})") from error
    except wire.Malformed as error:
        raise OcostError(
            f"{file}: not an ONNX model, or truncated ({str(error).strip() or 'no protobuf'})"
        ) from error
    if not model.HasField("graph") or not (model.opset_import or model.ir_version):
        raise OcostError(f"{file}: not an ONNX model (it has no graph)")
    return model


def from_proto(model: ModelProto, source: Source | None = None) -> Graph:
    """The IR of a model in memory. The proto is kept, not copied: don't change it afterwards.

    Raises
    ------
    OcostError
        As ``load``.
    """
    source = source or Source()
    if is_weightless(model):
        from ..models import pack  # noqa: PLC0415 - few models need it

        model = _copy(model)  # the marks below are ours
        fillers = pack.fillers(model)
        for index, (tensor, _) in enumerate(walk(model)):
            if index in fillers:
                wire.mark(tensor, f"fill:{index}")
        source = replace(source, fillers=fillers)
    opset = _opsets(model.opset_import)
    _check_opset(opset)
    for part in (*model.functions, *model.training_info):
        _check_tensors(part, source)
    skeleton = _without(model, ModelProto(), ("graph",))
    functions = {(f.domain, f.name, f.overload): f for f in skeleton.functions}
    header = Header(model.ir_version, skeleton, functions, source)
    return _build(header, model.graph, opset, None, "")


def _opsets(imports: Iterable[OperatorSetIdProto]) -> dict[str, int]:
    return {"" if i.domain == "ai.onnx" else i.domain: i.version for i in imports}


def _check_opset(opset: dict[str, int]) -> None:
    known = defs.onnx_opset_version()
    version = opset.get("", 1)
    if not 1 <= version <= known:
        raise OcostError(
            f"opset {version} is not known to the installed onnx, which goes up to {known}; "
            "install a newer onnx or export with an older opset"
        )


_NOT_UTF8 = "a text in the model is not UTF-8; export it again"
_Message = TypeVar("_Message", ModelProto, GraphProto)


def _without(message: _Message, into: _Message, names: tuple[str, ...]) -> _Message:
    """Copy all fields but those named."""
    if len(UnknownFieldSet(message)):  # of a newer onnx: only a whole copy keeps them
        into.CopyFrom(message)
        for name in names:
            into.ClearField(name)
        return into
    for field, value in message.ListFields():
        if field.name in names:
            continue
        if field.cpp_type == field.CPPTYPE_STRING and isinstance(value, bytes):
            raise OcostError(_NOT_UTF8)
        target = getattr(into, field.name)
        if hasattr(target, "extend"):
            target.extend(value)
        elif hasattr(target, "CopyFrom"):
            target.CopyFrom(value)
        else:
            setattr(into, field.name, value)
    return into


def _copy(model: ModelProto) -> ModelProto:
    copied = ModelProto()
    copied.CopyFrom(model)
    return copied


def _build(
    header: Header, proto: GraphProto, opset: dict[str, int], parent: Graph | None, prefix: str
) -> Graph:
    named = (*proto.input, *proto.output, *proto.value_info)
    _check_text(*(v.name for v in named), *(t.name for t in proto.initializer))
    skeleton = _without(proto, GraphProto(), ("node", "initializer", "sparse_initializer"))
    graph = Graph(header, skeleton, opset, parent=parent, prefix=prefix)
    for kind in (proto.initializer, proto.sparse_initializer):
        for constant in kind:
            tensor = Tensor.from_proto(constant, header.source)
            _check_tensors(constant, header.source)
            graph.initializers[tensor.name] = tensor
    declare(graph, (*proto.value_info, *proto.output, *proto.input))  # an output may be an input
    graph.set_interface([i.name for i in proto.input], [o.name for o in proto.output])
    add_nodes(graph, proto.node)
    iter(graph)  # sorts it: a cycle is found now
    graph.edited = False
    return graph


def declare(graph: Graph, infos: Iterable[ValueInfoProto]) -> None:
    """Take in the types that the file declares."""
    graph.declared.update((info.name, info) for info in infos)


def add_nodes(graph: Graph, protos: Sequence[NodeProto]) -> None:
    """Add nodes of a file, each under its name if that is unique, else its first output."""
    names: dict[str, int] = {}
    for proto in protos:
        names[proto.name] = names.get(proto.name, 0) + 1
    taken = {name for name, count in names.items() if name and count == 1}
    for index, proto in enumerate(protos):
        name = proto.name
        _check_text(name, proto.op_type, proto.domain, *proto.input, *proto.output)
        if name and names[name] == 1:
            node_id = name
        else:
            outputs = (output for output in proto.output if output)
            node_id = next(outputs, "") or f"{proto.op_type}_{index}"
            while node_id in taken:
                node_id += "'"
            taken.add(node_id)
        node = Node(
            node_id,
            proto.op_type,
            tuple(proto.input),
            tuple(proto.output),
            {a.name: a for a in proto.attribute},
            "" if proto.domain == "ai.onnx" else proto.domain,
            name,
            proto.overload,
            proto,
        )
        graph.add_node(node, _bodies(graph, node))


def _check_text(*names: str) -> None:
    """Refuse text that is not UTF-8: protobuf hands it out as bytes."""
    try:
        "".join(names)
    except TypeError as error:
        raise OcostError(_NOT_UTF8) from error


def _bodies(graph: Graph, node: Node) -> dict[str, Graph]:
    bodies: dict[str, GraphProto] = {}
    for name, attribute in node.attributes.items():
        if attribute.type in _PLAIN:
            continue
        if attribute.HasField("g"):
            bodies[name] = attribute.g
        bodies.update((f"{name}.{i}", g) for i, g in enumerate(attribute.graphs))
        if name not in bodies and not attribute.graphs:
            _check_tensors(attribute, graph.header.source)
    return {
        name: _build(graph.header, body, graph.opset, graph, f"{graph.path(node)}/{name}/")
        for name, body in bodies.items()
    }


# Attributes that hold neither graphs nor tensors, which is most of them.
_PLAIN = frozenset(
    {AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.STRING}
    | {AttributeProto.FLOATS, AttributeProto.INTS, AttributeProto.STRINGS}
)


def _check_tensors(message: Message, source: Source) -> None:
    """The external data of every tensor in a message has to lie where it may."""
    for tensor in every_tensor(message):
        if tensor.data_location == TensorProto.EXTERNAL:
            check_place(tensor, source.path)


def instantiate(graph: Graph, node: Node, function: FunctionProto) -> Graph:
    """The body of a function as this node calls it: its attributes bound, its names local.

    An input that the call leaves out is left out of the body's nodes. The body's inputs and
    outputs are the function's own; the caller maps them by position.
    """
    body = Graph(
        graph.header,
        GraphProto(name=function.name),
        _opsets(function.opset_import),
        prefix=graph.path(node) + "/",
    )
    declare(body, function.value_info)
    body.set_interface(function.input, function.output)
    bound = {a.name: a for a in function.attribute_proto} | dict(node.attributes)
    given = zip_longest(function.input, node.inputs)
    absent = frozenset(name for name, argument in given if not argument)
    protos = list(function.node)
    if bound or absent or function.attribute:
        protos = [_bind(proto, bound, absent) for proto in function.node]
    add_nodes(body, protos)
    return body


def _bind(
    proto: NodeProto, bound: Mapping[str, AttributeProto], absent: Collection[str]
) -> NodeProto:
    made = NodeProto()
    made.CopyFrom(proto)
    for slot, name in enumerate(proto.input):
        if name in absent:
            made.input[slot] = ""
    del made.attribute[:]
    for attribute in proto.attribute:
        if attribute.ref_attr_name:
            value = bound.get(attribute.ref_attr_name)
            if value is not None:
                entry = made.attribute.add()
                entry.CopyFrom(value)
                entry.name = attribute.name
            continue
        entry = made.attribute.add()
        entry.CopyFrom(attribute)
        for body in [entry.g] if entry.HasField("g") else entry.graphs:
            bodies = [_bind(inner, bound, absent) for inner in body.node]
            del body.node[:]
            body.node.extend(bodies)
    return made
