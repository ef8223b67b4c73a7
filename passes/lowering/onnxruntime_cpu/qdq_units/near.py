"""What stands in the way of integer nodes, and what would let a node become one."""

from __future__ import annotations

from .....graph import dtypes
from .....graph.dtypes import FLOAT
from ...mends import quantise_constant, quantise_input, quantise_output, read_dequantised
from ...near import an, called, listed
from ...node import WorkNode
from ...work import Work
from ..quantisation import dq_of, is_dq, is_q, quantised_type, scales

NAME = "QDQSelectorActionTransformer"


def outputs(work: Work, node: WorkNode) -> bool:
    """Tell of what is read as floats though all that goes in is quantised; whether that is mended.

    Of a node of one output: DequantizeLinears make its inputs, and a QuantizeLinear reads it among
    others, or none does. What is read by nothing but a Relu or Clip is told of there.
    """
    output, readers = node.output, work.readers(node.output)
    qs = [r for r in readers if is_q(r)]
    dqs = [dq_of(work, t) for t in node.inputs if t]
    if not dqs or any(dq is None or not work.single(dq) for dq in dqs):
        return False
    first = dqs[0]
    assert first is not None
    maker = work.maker(first.inputs[0])
    if work.constant(first.inputs[0]) is not None or (maker is not None and maker.op == "Gather"):
        return False  # weights, and what is looked up in them
    floats = [r for r in readers if not is_q(r)]
    if qs and (floats or work.is_output(output)):
        who = f"by {listed(floats)}" if floats else "by the user"
        return work.decline(
            NAME,
            (node,),
            f"what {called(node)} makes is quantised, but read as floats {who} too",
            f"let what {called(qs[0])} makes be dequantised for all that read '{output}'",
            lambda: read_dequantised(work, node, qs[0]),
            kind=f"{an(node.op)} between quantised tensors is read as floats too",
        )
    if qs or not (readers or work.is_output(output)) or not first.has_input(2):
        return False
    if len(floats) == 1 and floats[0].op in ("Relu", "Clip"):
        return False
    return work.decline(
        NAME,
        (node,),
        f"nothing quantises what {called(node)} makes of quantised tensors",
        f"put a QuantizeLinear and a DequantizeLinear behind {called(node)}",
        lambda: quantise_output(work, node, first),
        kind=f"nothing quantises what {an(node.op)} makes of quantised tensors",
    )


def inputs(work: Work, node: WorkNode) -> bool:
    """Tell of the one input that isn't quantised where all else is; whether it is now."""
    q = work.next(node)
    floats = [s for s, t in enumerate(node.inputs) if t and dq_of(work, t) is None]
    if q is None or not is_q(q) or len(floats) != 1 or len(node.inputs) < 2 or not q.has_input(2):
        return False
    slot = floats[0]
    tensor = node.inputs[slot]
    if work.dtype(tensor) != FLOAT:
        return False
    constant = work.constant(tensor) is not None
    return work.decline(
        NAME,
        (node,),
        f"'{tensor}', which {called(node)} reads beside quantised tensors, is not quantised",
        f"store '{tensor}' as integers behind a DequantizeLinear"
        if constant
        else f"put a QuantizeLinear and a DequantizeLinear in front of '{tensor}'",
        lambda: (quantise_constant if constant else quantise_input)(work, node, slot, q),
        kind=f"one input of {an(node.op)} between quantised tensors is not quantised",
    )


def types(work: Work, node: WorkNode, parts: list[WorkNode]) -> bool:
    """Tell of integer types that differ; whether the rule is to go on as if they didn't.

    Where int8 has stayed signed since several nodes read it, that is told of at its QuantizeLinear.
    """
    if any(len(work.readers(p.inputs[0] if is_dq(p) else p.output)) > 1 for p in parts):
        return False
    names = sorted({dtypes.name(quantised_type(work, part)) for part in parts})
    if len(names) < 2 or not all(n in ("int8", "uint8", "int16", "uint16") for n in names):
        return False
    return work.decline(
        NAME,
        (node,),
        f"what {called(node)} reads and makes is of {' and '.join(names)}",
        f"quantise all that {called(node)} reads and makes as uint8",
        lambda: None,
        kind=f"{an(node.op)} reads and makes integers of several types",
    )


def parameters(work: Work, node: WorkNode) -> bool:
    """Tell of other scales or zero points behind a node that only moves data than in front."""
    return work.decline(
        NAME,
        (node,),
        f"scale or zero point behind {called(node)} are not those in front of it, or are left out",
        f"quantise behind {called(node)} with the scale and zero point in front of it",
        lambda: None,
        kind=f"{an(node.op)} stands between different scales or zero points",
    )


def bias(work: Work, node: WorkNode, dq: WorkNode) -> bool:
    """Tell of a bias that doesn't fit the scales of input and weights."""
    found = [dq_of(work, t) for t in node.inputs]
    if any(part is None or scales(work, part) is None for part in found):
        return False  # a file without its weights: nothing is known of them
    return work.decline(
        NAME,
        (node,),
        f"the bias '{dq.inputs[0]}' of {called(node)} is not int32 with the scale of input times "
        "weights and zero point 0",
        f"quantise '{dq.inputs[0]}' so, as int32",
        lambda: None,
        kind="the bias does not have the scale of input times weights",
    )
