"""Fixes that a user could make, made in the working graph to tell what they would save."""

from __future__ import annotations

from .node import WorkNode
from .work import Constant, Type, Work


def swap_inputs(work: Work, node: WorkNode) -> None:
    """Exchange the first two inputs."""
    work.set_inputs(node, [node.inputs[1], node.inputs[0], *node.inputs[2:]])


def copy_for(work: Work, node: WorkNode, reader: WorkNode) -> None:
    """Leave a node to one reader: the others read a copy of it."""
    others = [r for r in work.readers(node.output) if r is not reader]
    if any(node.output in other.captures for other in others):
        return  # what bodies read stays
    made = work.tensor(node.output, work.type(node.output))
    copy = work.add(
        node.op,
        list(node.inputs),
        made,
        covers=(node,),
        domain=node.domain,
        name=node.name,
        attributes=dict(node.attributes),
    )
    copy.glue, copy.covers = node.glue, node.covers
    for other in dict.fromkeys(others):
        for slot, tensor in enumerate(other.inputs):
            if tensor == node.output:
                work.set_input(other, slot, made)


def off_outputs(work: Work, node: WorkNode) -> None:
    """Take what a node makes off the outputs of the graph."""
    work.set_graph_outputs([t for t in work.outputs if t not in node.outputs])
    work.version += 1


def reshape_constant(work: Work, node: WorkNode, slot: int, shape: tuple[int, ...]) -> None:
    """Let a node read a constant in another shape, or spread to it."""
    tensor = node.inputs[slot]
    constant = work.constant(tensor)
    assert constant is not None
    work.set_input(node, slot, work.store(tensor, constant.dtype, shape))


def leave_out(work: Work, node: WorkNode, source: str) -> None:
    """Take out a node that answers what it reads: its readers read that."""
    if work.is_output(node.output) and work.maker(source) is None:
        return  # an input of the graph is no output without a node between
    work.bypass(node, source)


def settle_constant(work: Work, node: WorkNode, dtype: int) -> None:
    """Make a constant of what a node makes of constants."""
    kind = work.type(node.output)
    shape = work.shape(node.output) or ()
    output = node.output
    work.drop(node, "folded")
    work.settle(output, Constant(dtype or kind.dtype, shape))


def exchange(work: Work, view: WorkNode, behind: WorkNode) -> None:
    """Let a node of one input compute in front of the view that it alone reads."""
    source, middle, out = view.inputs[0], view.output, behind.output
    kind = work.type(source)
    work.set_input(behind, 0, source)
    work.set_outputs(behind, [middle])
    work.set_input(view, 0, middle)
    work.set_outputs(view, [out])
    work.types[middle] = Type(work.dtype(out), kind.dims)


def quantise_input(work: Work, node: WorkNode, slot: int, like: WorkNode) -> None:
    """Quantise an input of a node with the parameters of a QuantizeLinear or its counterpart."""
    tensor = node.inputs[slot]
    middle = _q(work, tensor, like, node)
    work.set_input(node, slot, _dq(work, middle, tensor, like, node))


def quantise_constant(work: Work, node: WorkNode, slot: int, like: WorkNode) -> None:
    """Let a node read integers behind a DequantizeLinear in the place of a constant."""
    tensor = node.inputs[slot]
    constant = work.constant(tensor)
    assert constant is not None
    integers = work.store(f"{tensor}_q", work.dtype(like.input(2)), constant.shape)
    work.set_input(node, slot, _dq(work, integers, tensor, like, node))


def quantise_output(work: Work, node: WorkNode, like: WorkNode) -> None:
    """Quantise what a node makes; each reader gets a DequantizeLinear."""
    output = node.output
    raw = work.tensor(f"{output}_raw", work.type(output))
    readers = list(dict.fromkeys(work.readers(output)))
    work.set_outputs(node, [raw, *node.outputs[1:]])
    _dequantise(work, readers, output, _q(work, raw, like, node), like, node)


def read_dequantised(work: Work, node: WorkNode, q: WorkNode) -> None:
    """Let all other readers of a tensor read what a QuantizeLinear of it makes, dequantised."""
    output = node.output
    readers = [r for r in dict.fromkeys(work.readers(output)) if r is not q]
    raw = work.tensor(f"{output}_raw", work.type(output))
    work.set_outputs(node, [raw, *node.outputs[1:]])
    work.set_input(q, 0, raw)
    _dequantise(work, readers, output, q.output, q, node)


def _dequantise(
    work: Work,
    readers: list[WorkNode],
    tensor: str,
    integers: str,
    like: WorkNode,
    near: WorkNode,
) -> None:
    for reader in readers:
        for slot, read in enumerate(reader.inputs):
            if read == tensor:
                work.set_input(reader, slot, _dq(work, integers, tensor, like, near))
    if work.is_output(tensor) or work.readers(tensor):
        _dq(work, integers, tensor, like, near, tensor)


def _q(work: Work, tensor: str, like: WorkNode, near: WorkNode) -> str:
    made = work.tensor(f"{tensor}_q", Type(work.dtype(like.input(2)), work.dims(tensor)))
    _part(work, "QuantizeLinear", tensor, made, like, near)
    return made


def _dq(
    work: Work, integers: str, like_tensor: str, like: WorkNode, near: WorkNode, output: str = ""
) -> str:
    made = output or work.tensor(f"{like_tensor}_dq", work.type(like_tensor))
    _part(work, "DequantizeLinear", integers, made, like, near)
    return made


def _part(work: Work, op: str, tensor: str, made: str, like: WorkNode, near: WorkNode) -> None:
    part = work.add(op, [tensor, *like.inputs[1:]], made, domain=like.domain, name=f"{made}_{op}")
    part.glue, part.covers = True, near.covers
