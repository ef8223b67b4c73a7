"""What stands in the way of the blocked layout, and what would let a node take it."""

from __future__ import annotations

from functools import partial

from .....graph.dtypes import FLOAT
from ...mends import settle_constant
from ...near import OPEN_SIZES, an, called, plain
from ...node import WorkNode
from ...work import Constant
from ..conditions import overridden
from ..quantisation import dq_of
from .state import NAME, Blocked, State

Layout = tuple[bool, int, int]


def weights(state: State, node: WorkNode) -> bool:
    """Tell why a convolution's weights are no constant; whether they were made one."""
    work = state.work
    for slot in (1, 2):
        tensor = node.input(slot)
        if not tensor or work.constant(tensor) is not None:
            continue
        dq = dq_of(work, tensor)
        if dq is None or work.constant(dq.inputs[0]) is None or not work.single(dq):
            return overridden(work, NAME, (node,), tensor)
        if dq_of(work, node.inputs[0]) is not None:
            return False  # meant to compute in integers
        if not work.decline(
            NAME,
            (dq, node),
            f"'{plain(tensor)}', which {called(node)} reads, is dequantised in each run",
            f"store '{plain(tensor)}' as floats",
            partial(settle_constant, work, dq, FLOAT),
            kind="weights are dequantised in each run",
        ):
            return False
    return True


def layout(state: State, node: WorkNode, found: Constant) -> Layout | None:
    """Tell of channels that don't fit; how they lie once they do."""
    outside, inside, block = found.shape[0], found.shape[1], state.block
    groups = node.int("group", 1)
    depthwise = inside == 1 and outside == groups
    fitting = -(-(outside if depthwise else inside) // 4) * 4
    if groups == 1 or depthwise:
        maker = state.work.maker(node.inputs[0])
        convolved = maker is not None and maker.op in ("Conv", "FusedConv")
        mended = state.work.decline(
            NAME,
            (node,),
            f"the {outside if depthwise else inside} input channels of {called(node)} are no "
            "multiple of 4",
            f"pad '{plain(node.inputs[0])}' to {fitting} channels, as the pass pad-channels does",
            # what else makes it has no channels to add
            (lambda: None) if convolved or state.find(node.inputs[0]) else None,
            kind="the input channels are no multiple of 4",
        )
        if depthwise and mended:
            node.set(group=state.padded(outside))
            return False, 1, state.padded(outside)
        return (False, state.padded(inside), state.padded(outside)) if mended else None
    kind = f"channels a group are no multiple of {block}, nor 1"
    each = outside // groups
    all_inside = inside * groups
    if all_inside % 4 or outside % 4:
        return None
    if not state.work.decline(
        NAME,
        (node,),
        f"{called(node)} has {groups} groups of {inside} input and {each} output channels, which "
        f"would have to be multiples of {block}, or 1",
        f"write {called(node)} without groups, with zeros for what a group doesn't read",
        lambda: None,
        kind=kind,
    ):
        return None
    node.set(group=1)
    if all_inside < block:
        return True, all_inside, state.padded(outside)
    return False, state.padded(all_inside), state.padded(outside)


def channels(state: State, node: WorkNode, tensor: str, count: int) -> bool:
    """Tell of a blocked tensor whose channels don't fill its blocks; whether they do now."""
    return state.work.decline(
        NAME,
        (node,),
        f"the {count} channels of '{plain(tensor)}', which {called(node)} reads, are no multiple "
        f"of {state.block}",
        f"pad '{plain(tensor)}' to {state.padded(count)} channels with zeros",
        lambda: None,
        kind=f"the channels of {an(node.op)} are no multiple of {state.block}",
    )


def size_unknown(state: State, node: WorkNode) -> bool:
    """Tell of a pool whose channels are not known; answers False."""
    tensor = node.inputs[0]
    dims = state.work.dims(tensor)
    if dims is not None and len(dims) == 4 and type(dims[1]) is not int:
        reason = f"the channels of '{plain(tensor)}' are not known before the run"
        fix = "fix the sizes of the model's inputs"
        state.work.decline(NAME, (node,), reason, fix, kind=OPEN_SIZES)
    return False


def constant_operand(state: State, node: WorkNode) -> tuple[int, Blocked] | None:
    """Tell of arithmetic with a constant that the layout nearly takes; once mended, the operand."""
    work = state.work
    if len(node.inputs) != 2 or node.op not in _TAKEN:
        return None
    for slot in (0, 1) if node.op in ("Add", "Mul") else (0,):
        found, tensor = state.find(node.inputs[slot]), node.inputs[1 - slot]
        constant = work.constant(tensor)
        if found is None or constant is None or constant.dtype != FLOAT:
            continue
        if state.is_plain_conv(found):
            continue  # it belongs into the weights: the rules of that tell why it isn't there
        shapes = ((found.channels, 1, 1), (1, found.channels, 1, 1))
        if constant.size != 1 and constant.shape not in shapes:
            continue
        wanted = [1, found.channels, 1, 1]
        if work.decline(
            NAME,
            (node,),
            f"{called(node)} is {an(node.op)} of the constant '{plain(tensor)}', which "
            "ends the blocked layout",
            f"write {called(node)} as {_TAKEN[node.op].format(wanted)}",
            lambda: None,
            kind=f"{an(node.op)} of a constant ends the blocked layout",
        ):
            return slot, found
    return None


_TAKEN = {
    "Mul": "a Mul of a constant of {}",
    "Div": "a Mul of the reciprocal, of {}",
    "Add": "a BatchNormalization whose scale is 1 and whose bias is that constant",
    "Sub": "a BatchNormalization whose scale is 1 and whose bias is that constant's negative",
}


def mean(state: State, node: WorkNode) -> bool:
    """Tell of a ReduceMean that is a GlobalAveragePool; whether it became one."""
    work = state.work
    found = state.find(node.inputs[0])
    axes = node.ints("axes") or (work.numbers(node.input(1)) if node.has_input(1) else None)
    if found is None or axes is None or sorted(a % 4 for a in axes) != [2, 3]:
        return False
    if found.channels % state.block:
        return False
    keeps = node.int("keepdims", 1)
    behind = "" if keeps else ", and a Flatten behind it"
    return work.decline(
        NAME,
        (node,),
        f"{called(node)} takes the mean of height and width, which ends the blocked layout",
        f"write {called(node)} as a GlobalAveragePool{behind}",
        lambda: _pooled(state, node, keeps=bool(keeps)),
        kind="a ReduceMean stands where a GlobalAveragePool would be taken",
    )


def _pooled(state: State, node: WorkNode, *, keeps: bool) -> None:
    work, dims = state.work, state.work.dims(node.inputs[0])
    work.set_inputs(node, node.inputs[:1])
    node.attributes = {}
    work.set_op(node, "GlobalAveragePool")
    if keeps or dims is None:
        return
    output = node.output
    made = work.tensor(f"{output}_pooled", work.type(output)._replace(dims=(*dims[:2], 1, 1)))
    work.set_outputs(node, [made])
    flat = work.add("Flatten", [made], output, name="Flatten")
    flat.glue, flat.covers = True, node.covers


def axis(state: State, node: WorkNode) -> bool:
    """Tell of a Concat on the channels whose axis counts from behind; whether it no longer does."""
    rank = state.work.rank(node.output)
    return rank == 4 and state.work.decline(
        NAME,
        (node,),
        f"the axis of {called(node)} is written as {node.int('axis', 0)}",
        f"write the axis of {called(node)} as 1",
        lambda: node.set(axis=1),
        kind="the axis of a Concat on the channels is not written as 1",
    )


def resize(state: State, node: WorkNode, mode: str, place: str) -> bool:
    """Tell of a Resize by whole numbers whose way to round could be written as one that is taken.

    By nearest at whole scales, half_pixel with any rounding to the nearest is as asymmetric with
    floor; linear, pytorch_half_pixel is as half_pixel where the output has more than one point.
    """
    work = state.work
    if mode == "nearest":
        if place not in ("half_pixel", "asymmetric", "pytorch_half_pixel"):
            return False
        wanted = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        rounding = node.string("nearest_mode", "round_prefer_floor")
        if place == "asymmetric" or rounding not in ("round_prefer_floor", "round_prefer_ceil"):
            return False
    elif place == "pytorch_half_pixel":
        wanted = {"coordinate_transformation_mode": "half_pixel"}
    else:
        return False
    return work.decline(
        NAME,
        (node,),
        f"{called(node)} resizes by {mode} with {place}, which ends the blocked layout",
        f"write {called(node)} with {', '.join(f'{k}={v}' for k, v in wanted.items())}: at whole "
        "scales it is the same",
        lambda: node.set(**wanted),
        kind=f"a Resize by {mode} with {place}",
    )
