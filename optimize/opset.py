"""Another opset: onnx's version converter, asked about the nodes whose operators it changes.

Those nodes alone go to the converter, from bodies too, each by itself on inputs of its own, with
the small constants that it reads. So what the conversion does not change comes out as it went in,
large weights are not read, and no model is too large.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    ValueInfoProto,
    defs,
    helper,
    numpy_helper,
)

from ..graph import Graph, Node, OcostError
from ..graph.versions import exists, same_operator
from ..rewrite.edit import Change, Edit
from ..rewrite.rewriting import Rewrite
from ..rewrite.scope import Scope, scopes

OPSET = "opset"
_CHILD = Path(__file__).with_name("opset_child.py")
_PATIENCE_S = 120.0
_SMALL = 1024  # elements of a constant that the converter may look at
_CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap"})  # their bodies are converted
_BATCHED_SCAN = 9  # before this opset a Scan has a batch axis


@dataclass(frozen=True)
class _Asked:
    """A node that the converter is asked about, and its number in what it is asked."""

    scope: Scope
    node: Node
    number: int

    def names(self) -> dict[str, str]:
        """The tensors by what they are called there."""
        read = {f"{self.number}<{name}": name for name in self.node.inputs if name}
        return read | {f"{self.number}>{name}": name for name in self.node.outputs if name}


def convert(graph: Graph, version: int) -> list[Rewrite]:
    """Write a graph, in place, with the operators of another opset of ONNX's own.

    Parameters
    ----------
    graph
        A root graph. Functions of the model must not call what changes.
    version
        The opset, up or down.

    Raises
    ------
    OcostError
        If the installed onnx doesn't know the opset, the opset lacks an operator, or the converter
        refuses a node.
    """
    old = graph.opset.get("", 0)
    known = defs.onnx_opset_version()
    if not 1 <= version <= known:
        raise OcostError(f"--opset {version}: the installed onnx knows opsets 1 to {known}")
    if not old:
        raise OcostError(f"--opset {version}: the model uses no opset of ONNX's own operators")
    _require_functions(graph, version)
    asked = list(_asked(graph, old, version))
    made = _ask([one for one in asked if one.node.op_type not in _CONTROL], old, version)
    graph.set_opset(version)
    text = f"opset {old} became {version}"
    rewrites, same = [], []
    for one in asked:
        change = _write(one, made.get(one.number, []))
        if change is None:
            same.append(one.scope.graph.path(one.node))
        else:
            rewrites.append(
                Rewrite(OPSET, f"{text}: {one.node.op_type} is written otherwise", change)
            )
    if same or not rewrites:
        what = f"written alike: {len(same)}" if same else "no operator has changed"
        alike = Change(tuple(same), tuple(same), rewired={path: path for path in same})
        rewrites.append(Rewrite(OPSET, f"{text}: {what}", alike))
    return rewrites


def _require_functions(graph: Graph, version: int) -> None:
    """The model's functions stay as they are, and so must what they call."""
    header = graph.header
    if header.skeleton.training_info:
        raise OcostError(f"--opset {version}: the model has training graphs, which can't follow")
    for function in header.functions.values():
        own = {i.domain: i.version for i in function.opset_import}
        old = own.get("", own.get("ai.onnx", version))
        for node in _inner(function.node):
            if not same_operator(node.op_type, "", old, version):
                raise OcostError(
                    f"--opset {version}: the model's function '{function.name}' calls "
                    f"{node.op_type}, which is another in opset {old}; inline the functions first"
                )


def _inner(nodes: Sequence[NodeProto]) -> Iterator[NodeProto]:
    """Nodes of ONNX's own operators, those in bodies too."""
    for node in nodes:
        if node.domain in ("", "ai.onnx") and node.op_type not in _CONTROL:
            yield node
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from _inner(body.node)


def _asked(graph: Graph, old: int, version: int) -> Iterator[_Asked]:
    """The nodes whose operators the opsets don't have alike."""
    number = 0
    for scope in scopes(graph):
        for node in scope.graph:
            if node.domain or scope.graph.function(node) is not None:
                continue
            kind, path = node.op_type, scope.graph.path(node)
            if not exists(kind, "", old) and exists(kind, "", version):
                continue  # a runtime's optimiser wrote it before its time
            if same_operator(kind, "", old, version) or (kind == "Constant" and version > old):
                continue  # newer Constants have more ways to hold one
            if version < old and not exists(kind, "", version):
                raise OcostError(f"--opset {version}: it has no {kind}, which '{path}' is")
            if kind == "Scan" and min(old, version) < _BATCHED_SCAN:
                raise OcostError(
                    f"--opset {version}: '{path}' is a Scan, another operator before opset 9"
                )
            yield _Asked(scope, node, number)
            number += 1


def _ask(asked: Sequence[_Asked], old: int, version: int) -> Mapping[int, list[NodeProto]]:
    """What the converter makes of each node, under the names that it was asked with."""
    if not asked:
        return {}
    graph = GraphProto(name="nodes")
    for one in asked:
        _add(graph, one)
    imports = [helper.make_opsetid("", old)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    model = _converted(model, version)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    given = {name for one in asked for name in one.names()}
    owner = {name: one.number for one in asked for name in one.names()}
    made: dict[int, list[NodeProto]] = {}
    for node in reversed(model.graph.node):  # readers first: a new tensor is its reader's
        if not exists(node.op_type, "", version):
            raise OcostError(f"--opset {version}: onnx's version converter leaves {node.op_type}")
        number = next((owner[t] for t in (*node.output, *node.input) if t in owner), None)
        if number is None:
            continue  # nobody reads it
        owner.update((t, number) for t in node.input if t and t not in owner)
        made.setdefault(number, []).insert(0, node)
        for name in node.input:  # some of what it adds is stored, and not made by a node
            if name in constants and name not in given:
                value = helper.make_node("Constant", [], [name], value=constants.pop(name))
                made[number].insert(0, value)
    return made


def _add(graph: GraphProto, one: _Asked) -> None:
    """Put a node where the converter is asked about it, with types and constants as known."""
    scope, proto = one.scope, NodeProto()
    proto.CopyFrom(one.node.as_proto())
    proto.ClearField("name")
    proto.doc_string = scope.graph.path(one.node)  # for what the converter refuses
    called = {name: key for key, name in one.names().items() if "<" in key}
    for slot, name in enumerate(one.node.inputs):
        proto.input[slot] = called.get(name, "")
    for slot, name in enumerate(one.node.outputs):
        proto.output[slot] = f"{one.number}>{name}" if name else ""
        if name:
            graph.output.append(ValueInfoProto(name=proto.output[slot]))
    graph.node.append(proto)
    for name, key in called.items():
        value = scope.known(name)
        if value is None:
            stored = scope.constant(name)
            value = stored.data() if stored is not None and stored.size <= _SMALL else None
        if value is not None:
            graph.initializer.append(numpy_helper.from_array(value, key))
            continue
        info = ValueInfoProto(name=key)
        dtype = scope.dtype(name)
        if dtype is not None:
            info.type.CopyFrom(helper.make_tensor_type_proto(dtype, scope.dims(name)))
        graph.input.append(info)


def _converted(model: ModelProto, version: int) -> ModelProto:
    converter = "onnx's version converter"
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_CHILD), str(version)],
            input=model.SerializeToString(),
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OcostError(f"--opset {version}: {converter} takes over {_PATIENCE_S:g} s") from None
    fine, found = done.stdout[:1], done.stdout[1:]
    if not fine:
        raise OcostError(f"--opset {version}: {converter} died (code {done.returncode})")
    if fine == b"\0":
        raise OcostError(f"--opset {version}: {converter} refuses {found.decode()}")
    return ModelProto.FromString(found)


def _write(one: _Asked, made: Sequence[NodeProto]) -> Change | None:
    """Put what became of a node in its place; None if it is as it was."""
    node, edit = one.node, Edit(one.scope, [one.node])
    names = one.names()
    first = next(filter(None, node.outputs))
    nodes = []
    for proto in made:
        value = next((a.t for a in proto.attribute if a.name == "value"), None)
        storable = one.scope.graph.parent is None or one.scope.graph.header.ir_version >= 4
        if (
            proto.op_type == "Constant"
            and value is not None
            and node.op_type != "Constant"
            and storable
        ):
            array = numpy_helper.to_array(value)
            names[proto.output[0]] = edit.constant(array, f"{first}/{_use(made, proto.output[0])}")
        else:
            nodes.append(proto)
    if not nodes:
        return None
    for proto in nodes:
        for name in filter(None, proto.output):
            if name not in names:
                names[name] = edit.fresh(f"{first}/{proto.op_type}")
    head = next((p for p in nodes if p.op_type == node.op_type), nodes[-1])
    for proto in nodes:
        inputs, outputs = (tuple(names.get(n, "") for n in t) for t in (proto.input, proto.output))
        attributes = {a.name: _attribute(node, a) for a in proto.attribute}
        if proto is head:
            alike = proto.op_type == node.op_type and attributes == dict(node.attributes)
            if alike and (inputs, outputs) == (node.inputs, node.outputs) and len(nodes) == 1:
                return None
            fields = {"inputs": inputs, "outputs": outputs, "attributes": attributes}
            edit.change(node, op_type=proto.op_type, **fields)
        else:
            other = Node.make(proto.op_type, inputs, outputs)
            edit.place(replace(other, attributes=attributes))
    return edit.commit()


def _use(made: Sequence[NodeProto], tensor: str) -> str:
    """What the operator that reads a tensor calls it."""
    reader = next(node for node in made if tensor in node.input)
    formal = defs.get_schema(reader.op_type, "").inputs
    slot = list(reader.input).index(tensor)
    return formal[slot].name if slot < len(formal) else "constant"


def _attribute(node: Node, made: AttributeProto) -> AttributeProto:
    """An attribute as the node has it already, where it says the same."""
    old = node.attributes.get(made.name)
    if old is None or old.type != made.type:
        return made
    plain = AttributeProto()
    plain.CopyFrom(old)
    plain.ClearField("doc_string")
    return old if plain == made or made.type == AttributeProto.TENSOR else made
