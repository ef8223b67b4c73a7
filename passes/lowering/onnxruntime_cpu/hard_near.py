"""HardSigmoid and HardSwish written out behind a convolution: Add of 3, Clip to 0 and 6, over 6.

The blocked layout computes both with the convolution, but only where it sees a HardSigmoid, or that
and a Mul by it.
"""

from __future__ import annotations

from ..near import called
from ..node import WorkNode
from ..work import Work
from .conditions import near, other

_NAME = "NchwcTransformer"


def tell(work: Work, conv: WorkNode) -> bool:
    """Tell of either behind a convolution; whether it is an operator now."""
    for add in work.readers(conv.output):
        clip = _clipped(work, conv.output, add) if add.op == "Add" else None
        if clip is None:
            continue
        sixth = _over(work, clip)
        if sixth is not None and len(work.readers(conv.output)) == 1:
            return _told(work, conv, [add, clip, sixth], swish=False)
        gate = sixth or clip
        product = work.next(gate, "Mul")
        if product is None or other(product, gate.output) != conv.output:
            continue
        last = None if sixth is not None else _over(work, product)
        if sixth is not None:
            return _told(work, conv, [add, clip, sixth, product], swish=True)
        if last is not None:
            return _told(work, conv, [add, clip, product, last], swish=True)
    return False


def _clipped(work: Work, x: str, add: WorkNode) -> WorkNode | None:
    """The Clip to 0 and 6 of x and 3."""
    three = other(add, x)
    clip = work.next(add, "Clip")
    if three is None or clip is None or not near(work.number(three), 3):
        return None
    low, high = clip.float("min", 0.0), clip.float("max", 6.0)
    bounds = [
        work.number(clip.inputs[s]) if clip.has_input(s) else d for s, d in ((1, low), (2, high))
    ]
    return clip if near(bounds[0], 0) and near(bounds[1], 6) else None


def _over(work: Work, node: WorkNode) -> WorkNode | None:
    """The division by 6 behind a node."""
    behind = work.next(node, "Div", "Mul")
    if behind is None:
        return None
    if behind.op == "Div":
        fits = behind.inputs[0] == node.output and near(work.number(behind.inputs[1]), 6)
        return behind if fits else None
    factor = other(behind, node.output)
    return behind if factor is not None and near(work.number(factor), 1 / 6) else None


def _told(work: Work, conv: WorkNode, nodes: list[WorkNode], *, swish: bool) -> bool:
    x, outputs = nodes[0].inputs[nodes[0].inputs[1] == conv.output], nodes[-1].outputs
    op = "HardSwish" if swish else "HardSigmoid"

    def mend() -> None:
        made = outputs[0]
        if swish:
            made = work.tensor(f"{made}_gate", work.type(made))
        attributes = {"alpha": 1 / 6, "beta": 0.5}
        gate = work.replace(nodes, "HardSigmoid", [x], made, attributes=attributes)
        if swish:
            work.add("Mul", [x, made], outputs, covers=(gate,))

    return work.decline(
        _NAME,
        (conv, *nodes),
        f"{called(nodes[0])} to {called(nodes[-1])} write out a {op}, which {called(conv)} could "
        "compute with its result",
        f"write {called(nodes[0])} to {called(nodes[-1])} as "
        + (f"a {op}" if swish else f"a {op} of alpha 1/6 and beta 0.5"),
        mend,
        kind=f"a {op} is written out",
    )
