"""Constants that onnxsim computed, computed again by onnx's reference evaluator.

onnxsim lets onnxruntime compute them. Of a few operators that gives something else than the
standard says, as of Resize with aligned corners: as long as the model has the node, it is for
whoever runs the model to get it right.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ..graph import OcostError
from ..graph.dataflow import RANDOM
from ..graph.shapes.fold import fold_functions
from ..rewrite.scope import Array

_LARGEST = 2**20  # elements of what is computed again; numpy takes long for more
_ROUNDINGS = 64  # of the largest element, by which the order of sums may change a result


def disputed(before: ModelProto, after: ModelProto) -> str:
    """Why a constant of ``after`` is not what the standard makes of ``before``; "" if all are.

    Parameters
    ----------
    before, after
        With their data. Of the graph itself, constants are compared that are new in ``after`` and
        that ocost does not compute itself; those of bodies are not.
    """
    held = {tensor.name: tensor for tensor in before.graph.initializer}
    makers = {t: node for node in before.graph.node for t in node.output if t}
    for tensor in after.graph.initializer:
        if tensor.name in held or tensor.name not in makers:
            continue
        nodes = _behind(tensor.name, makers, held)
        strange = [n for n in nodes if n.op_type not in fold_functions()]
        if not strange or any(n.op_type in RANDOM for n in nodes):
            continue
        right = _computed(before, nodes, held, tensor)
        if right is not None and not _same(numpy_helper.to_array(tensor), right):
            kinds = ", ".join(dict.fromkeys(n.op_type for n in strange))
            return (
                f"'{tensor.name}' ({kinds}) is another constant by onnxruntime "
                "than by onnx's reference evaluator"
            )
    return ""


def _behind(
    tensor: str, makers: dict[str, NodeProto], held: dict[str, TensorProto]
) -> list[NodeProto]:
    """The nodes that a tensor is computed by, each behind those that it reads."""
    found: dict[int, NodeProto] = {}
    stack = [tensor]
    while stack:
        node = makers.get(stack.pop())
        if node is not None and id(node) not in found:
            found[id(node)] = node
            stack += [name for name in _reads(node) if name and name not in held]
    order = {id(node): place for place, node in enumerate(makers.values())}
    return sorted(found.values(), key=lambda node: order[id(node)])


def _reads(node: NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs):
            for inner in body.node:
                yield from _reads(inner)


def _computed(
    model: ModelProto, nodes: list[NodeProto], held: dict[str, TensorProto], tensor: TensorProto
) -> Array | None:
    """By the reference evaluator; None where it can't, or it would take long."""
    from ..runtime.equality.reference import evaluator  # noqa: PLC0415 - slow to import

    wanted = {name for node in nodes for name in _reads(node) if name in held}
    sizes = [int(np.prod(t.dims)) for t in (tensor, *(held[name] for name in wanted))]
    if sum(sizes) > _LARGEST:
        return None
    output = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
    part = GraphProto(name="constant", output=[output])
    part.node.extend(nodes)
    part.initializer.extend(held[name] for name in wanted)
    try:
        run = evaluator(
            ModelProto(
                ir_version=model.ir_version,
                graph=part,
                opset_import=model.opset_import,
                functions=model.functions,
            )
        )
        return np.asarray(run({})[0])
    except OcostError:
        return None


def _same(one: Array, other: Array) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind not in "fc":
        return bool((one == other).all())
    size = np.abs(other).max(initial=0, where=np.isfinite(other))
    eps = np.finfo(one.real.dtype.name).eps
    room = _ROUNDINGS * float(eps) * float(size)
    with np.errstate(all="ignore"):
        return np.allclose(one, other, rtol=0, atol=room, equal_nan=True)
