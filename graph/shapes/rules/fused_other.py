"""com.microsoft operators that select, arrange or transform."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import dtypes
from ..folds.creation import range_length
from ..info import Info, ShapeCall, Unresolved, shape_rule
from ._common import MICROSOFT, bounded, contents, twin


@shape_rule("ExpandDims", domain=MICROSOFT)
def expand_dims(call: ShapeCall) -> Sequence[Info]:
    """A dim of 1 at the axis that input 1 holds."""
    dims = list(call.shape(0))
    axis = int(contents(call, 1)[0])
    dims.insert(axis if axis >= 0 else axis + len(dims) + 1, 1)
    return [Info(call.input(0).dtype, tuple(dims))]


@shape_rule("Rfft", domain=MICROSOFT)
def rfft(call: ShapeCall) -> Sequence[Info]:
    """n real numbers become n // 2 + 1 complex ones, two numbers each."""
    *outer, n = call.shape(0)
    return [Info(call.input(0).dtype, (*outer, n // 2 + 1, 2))]


@shape_rule("Irfft", domain=MICROSOFT)
def irfft(call: ShapeCall) -> Sequence[Info]:
    """The inverse of Rfft for an even number of reals."""
    *outer, bins, _ = call.shape(0)
    return [Info(call.input(0).dtype, (*outer, 2 * (bins - 1)))]


@shape_rule("GridSample", domain=MICROSOFT)
def grid_sample(call: ShapeCall) -> Sequence[Info]:
    """[N, C] of the input, [H, W] of the grid."""
    shape = twin("GridSample", [call.shape(0), call.shape(1)], call.node.attributes)
    return [Info(call.input(0).dtype, shape)]


@shape_rule("Pad", domain=MICROSOFT)
def pad(call: ShapeCall) -> Sequence[Info]:
    """All starts, then all ends; a negative pad crops."""
    dims, pads = call.shape(0), contents(call, 1)
    widths = pads.reshape(2, len(dims)).sum(0)
    return [Info(call.input(0).dtype, tuple(d + int(w) for d, w in zip(dims, widths, strict=True)))]


@shape_rule("Unique", domain=MICROSOFT)
def unique(call: ShapeCall) -> Sequence[Info]:
    """At most every element of a vector; an index for each."""
    (n,) = call.shape(0)
    exact = n <= 1
    return [
        bounded(call.input(0).dtype, (n,), exact),
        Info(dtypes.INT64, (n,)),
        bounded(dtypes.INT64, (n,), exact),
    ]


@shape_rule("Range", domain=MICROSOFT)
def range_(call: ShapeCall) -> Sequence[Info]:
    """Steps are 1 without input 2."""
    start, limit = contents(call, 0), contents(call, 1)
    delta = np.ones(1, start.dtype) if call.get(2) is None else contents(call, 2)
    return [Info(call.input(0).dtype, (range_length(start, limit, delta),))]


@shape_rule("GatherND", domain=MICROSOFT)
def gather_nd(call: ShapeCall) -> Sequence[Info]:
    """Slices at the index tuples in the last dim of input 1."""
    *outer, depth = call.shape(1)
    return [Info(call.input(0).dtype, (*outer, *call.shape(0)[depth:]))]


@shape_rule("CropAndResize", domain=MICROSOFT)
def crop_and_resize(call: ShapeCall) -> Sequence[Info]:
    """[regions, channels] and the size that input 3 holds."""
    height, width = (int(d) for d in contents(call, 3))
    shape = (call.shape(1)[0], call.shape(0)[1], height, width)
    return [Info(call.input(0).dtype, shape)]


@shape_rule("TorchEmbedding", domain=MICROSOFT)
def torch_embedding(call: ShapeCall) -> Sequence[Info]:
    """A row of the table for each index."""
    return [Info(call.input(0).dtype, (*call.shape(1), call.shape(0)[1]))]


@shape_rule("GatherBlockQuantized", domain=MICROSOFT)
def gather_block_quantised(call: ShapeCall) -> Sequence[Info]:
    """Gather, and unpack: uint8 data hold 8 / bits numbers each along the quantised axis."""
    dims = list(call.shape(0))
    if call.input(0).dtype == dtypes.UINT8:
        quantised = call.node.int("quantize_axis", 1)
        dims[quantised] *= 8 // call.node.int("bits", 4)
    axis = call.node.int("gather_axis", 0) % len(dims)
    shape = (*dims[:axis], *call.shape(1), *dims[axis + 1 :])
    return [Info(call.input(2).dtype, shape)]


@shape_rule("UnfoldTensor", domain=MICROSOFT)
def unfold_tensor(call: ShapeCall) -> Sequence[Info]:
    """Windows of a dim; what lies in a window goes last."""
    dims, size = list(call.shape(0)), call.node.int("size", 1)
    axis = call.node.int("dim", -1)
    step = call.node.int("step", 1)
    if step < 1:
        raise Unresolved("UnfoldTensor's step is not positive")
    dims[axis] = (dims[axis] - size) // step + 1
    return [Info(call.input(0).dtype, (*dims, size))]


@shape_rule("CDist", domain=MICROSOFT)
def c_dist(call: ShapeCall) -> Sequence[Info]:
    """The distance of each row of A to each row of B."""
    return [Info(call.input(0).dtype, (call.shape(0)[0], call.shape(1)[0]))]
