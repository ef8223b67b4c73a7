"""How a Transpose is pushed through each operator.

Operators without an entry stop it. Elu, and Reshapes that split axes, since 1.30; Gather, by a
constant index without dims, since 1.28.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .....graph.dtypes import INT64
from ...node import WorkNode
from ...work import Work, cover
from ..conditions import hand_on
from .moves import Handler, Perm, Push, compose, perm_of, settle

_UNARY = frozenset(
    {"Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cast", "Ceil", "Celu", "Cos"}
    | {"Cosh", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity"}
    | {"IsInf", "IsNaN", "LeakyRelu", "Log", "Neg", "Not", "Reciprocal", "Relu", "Round"}
    | {"Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt"}
    | {"Tan", "Tanh", "ThresholdedRelu"}
)
_BROADCAST = frozenset(
    {"Add", "And", "BitShift", "Div", "Equal", "Greater", "GreaterOrEqual", "Less"}
    | {"LessOrEqual", "Max", "Mean", "Min", "Mod", "Mul", "Or", "Pow", "PRelu", "Sub", "Sum"}
    | {"Where", "Xor"}
)
_REDUCE = frozenset(
    {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"}
    | {"ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"}
)


def first(_work: Work, _node: WorkNode) -> Sequence[int]:
    """The first input alone."""
    return (0,)


def every(_work: Work, node: WorkNode) -> Sequence[int]:
    """All inputs."""
    return range(len(node.inputs))


def not_scalars(work: Work, node: WorkNode) -> Sequence[int]:
    """All inputs but scalars."""
    return [s for s, t in enumerate(node.inputs) if work.rank(t) != 0]


def simple(push: Push) -> bool:
    """Inputs and outputs alike."""
    push.inputs()
    push.outputs()
    return True


def broadcast(push: Push) -> bool:
    """Inputs of fewer dims get more first."""
    ranks = [push.work.rank(push.node.inputs[s]) for s in push.slots]
    if any(r is None or r > len(push.perm) for r in ranks) or not push.ranks(len(push.perm)):
        return False
    return simple(push)


def softmax(push: Push) -> bool:
    """Below opset 13 all axes from one on are one: they have to stay so."""
    node, rank = push.node, len(push.perm)
    if push.work.since(node) >= 13:
        node.set(axis=push.perm[node.int("axis", -1) % rank])
        return simple(push)
    axis = node.int("axis", 1) % rank
    if any(p >= axis for p in push.perm[:axis]):
        return False
    return simple(push)


def split(push: Push) -> bool:
    """Split and Concat: the axis."""
    push.node.set(axis=push.perm[push.node.int("axis", 0) % len(push.perm)])
    return simple(push)


def squeezed(perm: Perm, axes: Sequence[int]) -> Perm:
    """What a permutation is without some axes of its output."""
    kept = [p for place, p in enumerate(perm) if place not in axes]
    ranked = sorted(kept)
    return tuple(ranked.index(p) for p in kept)


def _axes(push: Push, slot: int) -> list[int] | None:
    node, work = push.node, push.work
    found = node.ints("axes") if "axes" in node.attributes else work.numbers(node.input(slot))
    return None if found is None else [a % len(push.perm) for a in found]


def _set_axes(push: Push, slot: int, axes: Sequence[int]) -> None:
    if "axes" in push.node.attributes:
        push.node.set(axes=list(axes))
    else:
        name = push.work.store("axes", INT64, (len(axes),), np.array(axes, np.int64))
        push.work.set_input(push.node, slot, name)


def reduce(push: Push) -> bool:
    """The axes; without them all are reduced."""
    node = push.node
    given = "axes" in node.attributes or node.has_input(1)
    axes = _axes(push, 1) if given else list(range(len(push.perm)))
    if axes is None:
        return False
    if given:
        _set_axes(push, 1, sorted(push.perm[a] for a in axes))
    push.inputs()
    kept = node.int("keepdims", 1)
    push.outputs(push.perm if kept else squeezed(push.perm, axes))
    return True


def arg(push: Push) -> bool:
    """ArgMin and ArgMax."""
    node = push.node
    axis = node.int("axis", 0) % len(push.perm)
    node.set(axis=push.perm[axis])
    push.inputs()
    push.outputs(push.perm if node.int("keepdims", 1) else squeezed(push.perm, [axis]))
    return True


def squeeze(push: Push) -> bool:
    """The axes have to be given."""
    given = "axes" in push.node.attributes or push.node.has_input(1)
    axes = _axes(push, 1) if given else None
    if axes is None:
        return False
    _set_axes(push, 1, sorted(push.perm[a] for a in axes))
    push.inputs()
    push.outputs(squeezed(push.perm, axes))
    return True


def unsqueeze(push: Push) -> bool:
    """New axes stay where they are in the output."""
    node, work = push.node, push.work
    found = node.ints("axes") if "axes" in node.attributes else work.numbers(node.input(1))
    if found is None:
        return False
    rank = len(push.perm) + len(found)
    axes = sorted(a % rank for a in found)
    places = [a for a in range(rank) if a not in axes]
    perm = list(range(rank))
    for place, p in zip(places, push.perm, strict=True):
        perm[place] = places[p]
    push.inputs()
    push.outputs(tuple(perm))
    return True


def cut(push: Push) -> bool:
    """Slice: the axes."""
    node, work = push.node, push.work
    if "starts" in node.attributes:
        starts = node.ints("starts") or ()
        axes = node.ints("axes") or tuple(range(len(starts)))
        node.set(axes=[push.perm[a % len(push.perm)] for a in axes])
        return simple(push)
    axes_given = work.numbers(node.input(3)) if node.has_input(3) else None
    if axes_given is None:
        starts_dims = work.shape(node.input(1))
        if node.has_input(3) or starts_dims is None:
            return False
        axes_given = tuple(range(starts_dims[0]))
    moved = [push.perm[a % len(push.perm)] for a in axes_given]
    name = work.store("axes", INT64, (len(moved),), np.array(moved, np.int64))
    work.set_input(node, 3, name)
    return simple(push)


def gather(push: Push) -> bool:
    """By a constant index without dims, whose axis goes."""
    node, work = push.node, push.work
    index = work.constant(node.inputs[1])
    if work.target.version < (1, 28) or index is None or index.shape != ():
        return False
    axis = node.int("axis", 0) % len(push.perm)
    node.set(axis=push.perm[axis])
    push.inputs()
    push.outputs(squeezed(push.perm, [axis]))
    return True


def pad(push: Push) -> bool:
    """The pads, permuted; computed ones by a Gather."""
    node, work = push.node, push.work
    if node.has_input(3):
        return False
    rank = len(push.perm)
    order = [*push.inverse, *(p + rank for p in push.inverse)]
    if "pads" in node.attributes:
        pads = node.ints("pads") or ()
        node.set(pads=[pads[i] for i in order])
        return simple(push)
    known = work.numbers(node.input(1))
    if known is not None:
        array = np.array([known[i] for i in order], np.int64)
        work.set_input(node, 1, work.store("pads", INT64, array.shape, array))
    else:
        work.set_input(node, 1, _permuted(push, node.input(1), order))
    return simple(push)


def _permuted(push: Push, tensor: str, order: Sequence[int]) -> str:
    work = push.work
    index = work.store("perm", INT64, (len(order),), np.array(order, np.int64))
    made = work.tensor("gathered", work.type(tensor))
    node = work.add("Gather", [tensor, index], made, name="Gather", attributes={"axis": 0})
    node.glue, node.covers = True, push.node.covers
    return made


def tile(push: Push) -> bool:
    """The repeats."""
    node, work = push.node, push.work
    known = work.numbers(node.input(1))
    if known is None:
        work.set_input(node, 1, _permuted(push, node.input(1), push.inverse))
    else:
        array = np.array([known[i] for i in push.inverse], np.int64)
        work.set_input(node, 1, work.store("repeats", INT64, array.shape, array))
    return simple(push)


def shape(push: Push) -> bool:
    """Sizes of what comes before, put in order by a Gather."""
    node, work = push.node, push.work
    start, end = node.int("start", 0), node.int("end", len(push.perm))
    order = push.perm[start:end]
    push.inputs()
    for gone in push.covers:
        cover(node, gone)
    node.attributes = {}
    old = node.output
    made = work.tensor("shape", work.type(old))
    work.set_outputs(node, [made])
    index = work.store("perm", INT64, (len(order),), np.array(order, np.int64))
    last = work.add("Gather", [made, index], old, name="Gather", attributes={"axis": 0})
    last.covers = node.covers
    last.glue = node.glue
    return True


def quantise(push: Push) -> bool:
    """Q and DQ, an axis for parameters by channel."""
    node = push.node
    rank = push.work.rank(node.inputs[1])
    if node.int("block_size", 0):
        return False
    if rank:
        node.set(axis=push.perm[node.int("axis", 1) % len(push.perm)])
    return simple(push)


def transpose(push: Push) -> bool:
    """Two in a row: one, or none."""
    node, work = push.node, push.work
    own = perm_of(work, node)
    before = work.maker(node.inputs[0])
    if own is None or before is None:
        return False
    both = tuple(push.perm[p] for p in own)
    source, old = before.inputs[0], node.inputs[0]
    if both == tuple(range(len(both))):
        _cancel(work, before, node)
    else:
        node.set(perm=list(both))
        work.set_input(node, 0, source)
        if not before.moved:
            cover(node, before)
        elif not work.readers(old):
            compose(work, before)
    there = work.nodes.get(before.index) is before
    if there and not work.readers(old) and not work.is_output(old):
        work.detach(before)
    return True


def _cancel(work: Work, before: WorkNode, node: WorkNode) -> None:
    """Let readers of the second Transpose read what the first reads."""
    source, output = before.inputs[0], node.output
    maker = work.maker(source)
    if work.is_output(output) and (maker is None or work.is_output(source)):
        node.attributes = {}
        work.set_op(node, "Identity")
        work.set_input(node, 0, source)
        cover(node, before)
        return
    heirs = list(work.readers(output))
    if len(heirs) == 1 and not work.is_output(output):
        pass
    elif (before.moved or work.is_output(output)) and maker is not None:
        heirs = [maker]
    settle(work, before, heirs)
    hand_on(work, node, heirs)
    work.drop(node, "cse")
    if work.is_output(output):
        if not work.readers(before.output) and not work.is_output(before.output):
            work.detach(before)
        work.rename(source, output)
    else:
        work.rewire(output, source)


def reshape(push: Push) -> bool:
    """One that moves dims of 1 becomes a Transpose, and merges; one that splits axes is passed."""
    node, work = push.node, push.work
    into, out = work.shape(node.inputs[0]), work.shape(node.output)
    if into is None or out is None:
        return False
    if len(into) == len(out) and [d for d in into if d != 1] == [d for d in out if d != 1]:
        bigs = iter([a for a, d in enumerate(into) if d != 1])
        ones = iter([a for a, d in enumerate(into) if d == 1])
        perm = tuple(next(ones) if d == 1 else next(bigs) for d in out)
        work.set_op(node, "Transpose")
        node.attributes = {}
        node.set(perm=list(perm))
        work.set_inputs(node, node.inputs[:1])
        return transpose(push)
    groups = _split_axes(into, out) if work.target.version >= _SPLITS else None
    return groups is not None and _past_split(push, groups, out)


_SPLITS = (1, 30)


def _split_axes(into: Sequence[int], out: Sequence[int]) -> list[list[int]] | None:
    """The axes of the output that each axis of the input is split into; None if any merge."""
    groups: list[list[int]] = []
    place = 0
    for size in into:
        group: list[int] = []
        product = 1
        while place < len(out) and (product < size or not group):
            product *= out[place]
            group.append(place)
            place += 1
        if product != size:
            return None
        groups.append(group)
    return groups if place == len(out) else None


def _past_split(push: Push, groups: list[list[int]], out: Sequence[int]) -> bool:
    node, work = push.node, push.work
    ahead = [axis for source in push.inverse for axis in groups[source]]
    shape = np.array([out[axis] for axis in ahead], np.int64)
    work.set_input(node, 1, work.store("shape", INT64, shape.shape, shape))
    push.inputs()
    push.outputs(tuple(ahead.index(axis) for axis in range(len(out))))
    return True


def resize(push: Push) -> bool:
    """Scales and sizes, permuted."""
    node, work = push.node, push.work
    if "axes" in node.attributes:
        return False
    rank = len(push.perm)
    slots = (1,) if work.since(node) < 11 else (1, 2, 3)
    for slot in slots:
        if not node.has_input(slot):
            continue
        constant = work.constant(node.inputs[slot])
        if constant is None:
            return False
        if constant.size not in (rank, 2 * rank):
            continue
        value = constant.value()
        order = list(push.inverse)
        if constant.size == 2 * rank:
            order += [p + rank for p in push.inverse]
        moved = None if value is None else value[order]
        work.set_input(node, slot, work.store("moved", constant.dtype, constant.shape, moved))
    return simple(push)


_SIMPLE = Handler(every, simple)
_FIRST = Handler(first, simple)

HANDLERS: dict[tuple[str, str], Handler] = {
    **{("", op): _SIMPLE for op in _UNARY},
    **{("", op): Handler(not_scalars, broadcast) for op in _BROADCAST},
    **{("", op): Handler(first, reduce) for op in _REDUCE},
    **{("", op): Handler(first, softmax) for op in ("Softmax", "LogSoftmax", "Hardmax")},
    **{("", op): Handler(first, arg) for op in ("ArgMin", "ArgMax")},
    ("", "QuantizeLinear"): Handler(first, quantise),
    ("", "DequantizeLinear"): Handler(first, quantise),
    ("", "Clip"): _FIRST,
    ("", "CastLike"): _FIRST,
    ("", "Concat"): Handler(every, split),
    ("", "Split"): Handler(first, split),
    ("", "Shape"): Handler(first, shape, outward=False),
    ("", "Pad"): Handler(first, pad),
    ("", "Squeeze"): Handler(first, squeeze),
    ("", "Unsqueeze"): Handler(first, unsqueeze),
    ("", "Slice"): Handler(first, cut),
    ("", "Gather"): Handler(first, gather),
    ("", "Tile"): Handler(first, tile),
    ("", "Transpose"): Handler(first, transpose, outward=False),
    ("", "Reshape"): Handler(first, reshape, outward=False),
}
