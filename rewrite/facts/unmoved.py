"""Proofs that a node which moves or resizes gives its first input as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ...graph import Node
from ..scope import Scope
from .arguments import OPEN_END, Cut, cuts_of, has_input, integers


def _same_shape(scope: Scope, found: Node) -> bool:
    shape = scope.shape(found.inputs[0])
    return shape is not None and shape == scope.shape(found.outputs[0])


def _reshape(scope: Scope, found: Node) -> bool:
    if _same_shape(scope, found):
        return True
    dims = scope.dims(found.inputs[0])
    target = integers(scope, found, 1, "shape")
    if dims is None or target is None or len(dims) != len(target) or target.count(-1) > 1:
        return False
    copies = not found.int("allowzero", 0)
    same = [
        (wanted == 0 and copies) or (dim is not None and wanted == dim)
        for dim, wanted in zip(dims, target, strict=True)
    ]
    # with a zero among the other dims, -1 would have no value
    rest = all(wanted != 0 or copies for wanted in target)
    return rest and all(s or t == -1 for s, t in zip(same, target, strict=True))


def _flatten(scope: Scope, found: Node) -> bool:
    dims = scope.dims(found.inputs[0])
    matrix = dims is not None and len(dims) == 2
    return (matrix and found.int("axis", 1) in (1, -1)) or _same_shape(scope, found)


def _squeeze(scope: Scope, found: Node) -> bool:
    shape = scope.shape(found.inputs[0])  # an empty list of axes may mean none or all
    return shape is not None and 1 not in shape


def _expand(scope: Scope, found: Node) -> bool:
    if _same_shape(scope, found):
        return True
    dims, target = scope.dims(found.inputs[0]), scope.known(found.inputs[1])
    if dims is None or target is None or target.size > len(dims):
        return False
    last = dims[len(dims) - target.size :]
    return all(wanted in (1, dim) for dim, wanted in zip(last, target.tolist(), strict=True))


def _tile(scope: Scope, found: Node) -> bool:
    if scope.opset() < 6:
        return False
    repeats = scope.known(found.inputs[1])
    return repeats is not None and bool(np.all(repeats == 1))


def _transpose(scope: Scope, found: Node) -> bool:
    dims = scope.dims(found.inputs[0])
    default = () if dims is None else tuple(range(len(dims)))[::-1]
    perm = found.ints("perm") or default
    known = dims is not None or bool(perm)
    return known and perm == tuple(range(len(perm)))


def _slice(scope: Scope, found: Node) -> bool:
    cuts = cuts_of(scope, found)
    dims = scope.dims(found.inputs[0])
    return cuts is not None and all(_whole(cut, dims) for cut in cuts)


def _whole(cut: Cut, dims: tuple[int | None, ...] | None) -> bool:
    dim = None if dims is None else dims[cut.axis]
    from_first = cut.start == 0 or (dim is not None and cut.start <= -dim)
    return cut.step == 1 and from_first and cut.end >= (OPEN_END if dim is None else dim)


def _pad(scope: Scope, found: Node) -> bool:
    old = "paddings" if scope.opset() < 2 else "pads"
    pads = integers(scope, found, 1, old)
    return pads is not None and not any(pads)


def _one_input(_scope: Scope, found: Node) -> bool:
    return len(found.inputs) == 1


def _one_output(_scope: Scope, found: Node) -> bool:
    return len(found.outputs) == 1


def _one_block(_scope: Scope, found: Node) -> bool:
    return found.int("blocksize", 0) == 1


def _resize(scope: Scope, found: Node) -> bool:
    # the one crops, the other reads half an element further on
    moving = ("tf_crop_and_resize", "tf_half_pixel_for_nn")
    if found.string("coordinate_transformation_mode", "") in moving:
        return False
    slot = 1 if scope.opset() < 11 else 2
    if has_input(found, slot):
        scales = scope.known(found.inputs[slot])
        return scales is not None and scales.size > 0 and bool(np.all(scales == 1))
    stretched = found.string("keep_aspect_ratio_policy", "stretch") == "stretch"
    return has_input(found, 3) and stretched and _same_shape(scope, found)


UNMOVED: Mapping[str, Callable[[Scope, Node], bool]] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _same_shape,
    "Expand": _expand,
    "Tile": _tile,
    "Transpose": _transpose,
    "Slice": _slice,
    "Pad": _pad,
    **dict.fromkeys(("Concat", "Sum", "Max", "Min", "Mean"), _one_input),
    "Split": _one_output,
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), _one_block),
    "Resize": _resize,
}
