"""Operators that the provider has no kernel for are replaced by the bodies that ONNX gives them.

Runtime's condition: no kernel (``kernels.is_expanded``), after the basic level and before the
extended one, at every level; repeated for what the bodies call. 1.20 to 1.32.

    before  HardSwish
    after   HardSigmoid, Mul
"""

from __future__ import annotations

from typing import Any

from onnx import FunctionProto, GraphProto

from ....graph.graph import Graph
from ....graph.load import instantiate
from ....graph.node import Node
from ....graph.schemas import defaults, schema
from ..inference import infer, type_proto
from ..node import WorkNode
from ..read import body_of, constant
from ..rule import Sweep
from ..work import Work
from .kernels import is_expanded


def _apply(work: Work) -> bool:
    changed = False
    for node in list(work.order()):
        if is_expanded(work, node):
            changed |= _expand(work, node)
    return changed


def _expand(work: Work, node: WorkNode) -> bool:
    """Put the body in; a call in it that has no kernel either is replaced as well."""
    opset = work.opset.get("", 1)
    found = schema(node.op, opset, "")
    function = None if found is None else _body(work, node, opset)
    if function is None:
        return False
    call = node.frozen("call")
    filled = {**defaults(node.op, opset, ""), **node.attributes}
    call = Node(call.id, call.op_type, call.inputs, call.outputs, filled)
    assert work.original is not None
    holder = Graph(work.original.header, GraphProto(), {"": opset})
    body = instantiate(holder, call, function)
    work.detach(node)
    prefix = f"_inlfunc_{node.op}_"
    names = dict(zip(body.inputs, node.inputs, strict=False))
    names.update(zip(body.outputs, node.outputs, strict=False))
    made = []
    for inner in body:
        for tensor in inner.outputs:
            if tensor and tensor not in names:
                names[tensor] = work.fresh(prefix + tensor)
        copy = WorkNode(
            inner.op_type,
            [names.get(t, t) for t in inner.inputs],
            [names.get(t, t) for t in inner.outputs],
            inner.attributes,
            domain=inner.domain,
            covers=node.covers,
        )
        copy.glue = node.glue
        copy.captures = tuple(names.get(t, t) for t in body.captures(inner))
        copy.bodies = {
            name: body_of(work, graph, names) for name, graph in body.subgraphs(inner).items()
        }
        if inner.op_type == "Constant":
            constant(work, body, inner, copy)
            continue
        work.insert(copy)
        infer(work, copy)
        made.append(copy)
    for copy in made:
        if is_expanded(work, copy):
            _expand(work, copy)
    return True


def _body(work: Work, node: WorkNode, opset: int) -> FunctionProto | None:
    found: Any = schema(node.op, opset, "")  # onnx's stubs lack what is asked for here
    if found.has_function:
        body: FunctionProto = found.function_body
        return body
    if not found.has_context_dependent_function:
        return None
    if any(not work.type(t).dtype for t in node.inputs if t):
        return None  # the body would be of no type, as in a Scan whose inputs are not followed
    types = [type_proto(work.type(t)).SerializeToString() if t else b"" for t in node.inputs]
    versions = found.context_dependent_function_opset_versions
    version = max((v for v in versions if v <= opset), default=min(versions))
    try:
        text = found.get_context_dependent_function_with_opset_version(
            version, node.frozen().as_proto().SerializeToString(), types
        )
    except (ValueError, RuntimeError):  # of sequences, whose types are not followed
        return None
    return FunctionProto.FromString(text) if text else None


STEP = Sweep("FunctionInlining", (), _apply)
