"""Operators that arrange elements anew without looking at them."""

from __future__ import annotations

import numpy as np

from ..fold import FoldCall, Unfoldable, Values, folds


@folds("Concat")
def concat(call: FoldCall) -> Values:
    """Joined along an axis, 1 by default before opset 4."""
    return np.concatenate(call.values(), call.node.int("axis", 1))


@folds("Unsqueeze")
def unsqueeze(call: FoldCall) -> Values:
    """Axes are counted in the output."""
    axes = call.integers(1, "axes")
    if axes is None:
        raise Unfoldable
    return np.expand_dims(call.value(0), axes)


@folds("Squeeze")
def squeeze(call: FoldCall) -> Values:
    """Without axes, every dim of 1 goes."""
    return np.squeeze(call.value(0), call.integers(1, "axes") or None)


@folds("Reshape")
def reshape(call: FoldCall) -> Values:
    """0 copies the input's dim unless allowzero is set, -1 is the rest."""
    x = call.value(0)
    target = call.integers(1, "shape")
    if target is None:
        raise Unfoldable
    if not call.node.int("allowzero", 0):
        target = tuple(x.shape[i] if d == 0 else d for i, d in enumerate(target))
    return x.reshape(target)


@folds("Flatten")
def flatten(call: FoldCall) -> Values:
    """To two dims, divided at an axis."""
    x = call.value(0)
    axis = call.node.int("axis", 1)
    first = x.shape[: axis if axis >= 0 else x.ndim + axis]
    rows = int(np.prod(first, dtype=np.int64))
    return x.reshape(rows, x.size // rows if rows else 0)


@folds("Transpose")
def transpose(call: FoldCall) -> Values:
    """Dims reversed, or in the order given."""
    return np.transpose(call.value(0), call.node.ints("perm"))


@folds("Expand")
def expand(call: FoldCall) -> Values:
    """Both ways: the shape's own 1s take the input's dims."""
    x = call.value(0)
    dims = np.broadcast_shapes(x.shape, tuple(int(d) for d in call.value(1)))
    call.room(*dims)
    return np.broadcast_to(x, dims)


@folds("Tile")
def tile(call: FoldCall) -> Values:
    """Repeats of each dim; before opset 6, of one axis."""
    x = call.value(0)
    repeats = [int(r) for r in call.value(1).reshape(-1)]
    if call.get(2) is not None:
        axis, times = int(call.value(2).reshape(-1)[0]), repeats[0]
        repeats = [times if i == axis else 1 for i in range(x.ndim)]
    call.room(*(d * r for d, r in zip(x.shape, repeats, strict=True)))
    return np.tile(x, repeats)


def slice_range(dim: int, start: int, end: int, step: int) -> range:
    """The indices that Slice takes of a dim, its bounds clamped as ONNX clamps them."""
    start += dim if start < 0 else 0
    end += dim if end < 0 else 0
    if step > 0:
        return range(min(max(start, 0), dim), min(max(end, 0), dim), step)
    return range(min(max(start, 0), dim - 1), min(max(end, -1), dim - 1), step)


@folds("Slice")
def slice_(call: FoldCall) -> Values:
    """Attributes before opset 10, inputs after."""
    x = call.value(0)
    starts, ends = call.integers(1, "starts"), call.integers(2, "ends")
    if starts is None or ends is None:
        raise Unfoldable
    axes = call.integers(3, "axes") or tuple(range(len(starts)))
    steps = call.integers(4, "steps") or (1,) * len(starts)
    taken = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        span = slice_range(x.shape[axis], start, end, step)
        stop = span.stop if span.stop >= 0 else None
        taken[axis] = slice(span.start, stop, span.step) if span else slice(0, 0)
    return x[tuple(taken)]


@folds("Split")
def split(call: FoldCall) -> list[Values]:
    """In parts of the sizes given, else in equal ones, the last one smaller if need be."""
    x, axis = call.value(0), call.node.int("axis", 0)
    sizes = call.integers(1, "split")
    if sizes is None:
        parts = call.node.int("num_outputs", len(call.node.outputs))
        chunk = -(-x.shape[axis] // parts)
        ends = [min(chunk * (i + 1), x.shape[axis]) for i in range(parts)]
    else:
        ends = [int(e) for e in np.cumsum(sizes)]
    if ends[-1] != x.shape[axis]:
        raise Unfoldable
    return list(np.split(x, ends[:-1], axis))


@folds("Pad")
def pad(call: FoldCall) -> Values:
    """Attributes before opset 11; a negative pad crops."""
    x = call.value(0)
    pads = call.integers(1, "paddings" if call.opset < 2 else "pads")
    axes = call.integers(3, "axes") or tuple(range(x.ndim))
    if pads is None or len(pads) != 2 * len(axes):
        raise Unfoldable
    before, after = [0] * x.ndim, [0] * x.ndim
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    call.room(*(d + b + a for d, b, a in zip(x.shape, before, after, strict=True)))
    crop = tuple(
        slice(max(0, -b), d - max(0, -a)) for d, b, a in zip(x.shape, before, after, strict=True)
    )
    widths = [(max(0, b), max(0, a)) for b, a in zip(before, after, strict=True)]
    mode = call.node.string("mode", "constant")
    if mode != "constant":
        return np.pad(x[crop], widths, mode)  # type: ignore[call-overload,no-any-return] # any mode
    given = call.get(2)
    fill = call.node.float("value", 0) if given is None else given.reshape(-1)[0]
    return np.pad(x[crop], widths, constant_values=np.asarray(fill).astype(x.dtype))


@folds("Trilu")
def trilu(call: FoldCall) -> Values:
    """The upper or lower triangle of the last two dims, zeros elsewhere."""
    x, given = call.value(0), call.get(1)
    k = 0 if given is None else int(given.reshape(-1)[0])
    return np.triu(x, k) if call.node.int("upper", 1) else np.tril(x, k)
