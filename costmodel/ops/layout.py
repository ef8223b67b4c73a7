"""Operators that move elements without computing, and those that only rename them."""

from __future__ import annotations

from math import prod

import numpy as np

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula


@formula("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "OptionalGetElement")
def view(_: Call) -> Work:
    """0: the same bytes under another name, nothing moves."""
    return Work(KernelKind.VIEW, view=True)


@formula("Transpose")
def transpose(call: Call) -> Work:
    """0: a copy; a view where the dims larger than 1 keep their order."""
    shape = call.input(0).shape
    given = call.node.ints("perm")
    perm = tuple(reversed(range(len(shape)))) if given is None else given
    moved = [axis for axis in perm if shape[axis] != 1]
    if moved == sorted(moved):
        return Work(KernelKind.VIEW, view=True)
    return Work(KernelKind.LAYOUT)


@formula("Concat", "Split", "Expand", "Tile", "DepthToSpace", "SpaceToDepth", "ReverseSequence")
def copy(_: Call) -> Work:
    """0: a copy; an input is read once, however often its elements are repeated."""
    return Work(KernelKind.LAYOUT)


@formula("Slice")
def slice_(call: Call) -> Work:
    """0: reads the elements that it returns."""
    return Work(KernelKind.LAYOUT, reads={0: call.output().size})


@formula("CenterCropPad")
def center_crop_pad(call: Call) -> Work:
    """0: reads what remains of each dim."""
    x, out = call.input(0).shape, call.output().shape
    return Work(KernelKind.LAYOUT, reads={0: prod(map(min, x, out))})


@formula("Pad")
def pad(call: Call) -> Work:
    """0: reads what negative pads leave of the input."""
    x, out = call.input(0).shape, call.output().shape
    kept = list(map(min, x, out))  # the most that unknown pads of either sign can leave
    pads = _pads(call)
    if pads is not None:
        rank = len(x)
        axes = list(range(rank))
        if call.has_input(3):
            axes = [int(axis) % rank for axis in call.values[3].ravel()]
        for axis, before, after in zip(axes, pads, pads[len(pads) // 2 :], strict=False):
            kept[axis] = max(x[axis] + min(before, 0) + min(after, 0), 0)
    return Work(KernelKind.LAYOUT, reads={0: prod(kept)})


def _pads(call: Call) -> tuple[int, ...] | None:
    """All begins, then all ends; None where they are not known before the run."""
    if call.has_input(1):
        if 1 not in call.values or (call.has_input(3) and 3 not in call.values):
            return None
        return tuple(int(pad) for pad in call.values[1].ravel())
    return call.node.ints("pads") or call.node.ints("paddings")


_ROWS = 10**7  # of a matrix whose triangle is counted row by row


@formula("Trilu")
def trilu(call: Call) -> Work:
    """0: reads the triangle, writes zeros elsewhere; reads all where k is not known."""
    *batch, height, width = call.input(0).shape
    k = 0
    if call.has_input(1):
        if 1 not in call.values:
            return Work(KernelKind.LAYOUT)
        k = int(call.values[1].item())
    if height > _ROWS:
        raise Unknown(f"a Trilu of {height} rows")
    below = np.arange(height) + k  # elements of each row before the diagonal, not clipped
    upper = call.node.int("upper", 1)
    row = width - np.clip(below, 0, width) if upper else np.clip(below + 1, 0, width)
    return Work(KernelKind.LAYOUT, reads={0: prod(batch) * int(row.sum())})
