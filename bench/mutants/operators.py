"""Operators that onnx's reference evaluator is slow at, lacks or has wrong, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from onnx.reference.op_run import OpRun

from .view import Array

Dims = Sequence[int] | None


def _pads(
    x: Array,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int] | None,
    auto_pad: str | None,
) -> list[tuple[int, int]]:
    """Begin and end by spatial axis."""
    rank = x.ndim - 2
    if auto_pad in (None, "", "NOTSET"):
        pads = pads or [0] * 2 * rank
        return list(zip(pads[:rank], pads[rank:], strict=True))
    found = []
    for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True):
        whole = (
            0 if auto_pad == "VALID" else max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        )
        small = whole // 2
        pair = (small, whole - small)
        found.append(pair if auto_pad == "SAME_UPPER" else pair[::-1])
    return found


def _windows(
    x: Array, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Array:
    """[N, C, *out, *kernel] of a padded input."""
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    axes = tuple(range(2, x.ndim))
    view = sliding_window_view(x, spans, axis=axes)
    steps = [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
    return view[(slice(None), slice(None), *steps)]


class Conv(OpRun):
    """A product of each window, laid out in a row, with the weights."""

    op_domain = ""

    def _run(
        self,
        x: Array,
        w: Array,
        b: Array | None = None,
        auto_pad: str | None = None,
        dilations: Dims = None,
        group: int = 1,
        kernel_shape: Dims = None,
        pads: Dims = None,
        strides: Dims = None,
    ) -> tuple[Array, ...]:
        rank, group = x.ndim - 2, group or 1
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        kernel = w.shape[2:]
        around = _pads(x, kernel, strides, dilations, pads, auto_pad)
        windows = _windows(np.pad(x, [(0, 0), (0, 0), *around]), kernel, strides, dilations)
        n, out = x.shape[0], windows.shape[2 : 2 + rank]
        columns = windows.reshape(n, group, w.shape[1], *out, *kernel)
        order = (0, 1, *range(3, 3 + rank), 2, *range(3 + rank, 3 + 2 * rank))
        rows = columns.transpose(order).reshape(n, group, int(np.prod(out)), -1)
        y = rows @ w.reshape(group, w.shape[0] // group, -1).swapaxes(1, 2)
        y = y.swapaxes(2, 3).reshape(n, w.shape[0], *out)
        if b is not None:
            y = y + b.reshape(-1, *(1,) * rank)
        return (y.astype(x.dtype),)


def _ceiled(
    x: Array,
    kernel: Sequence[int],
    strides: Dims,
    dilations: Dims,
    around: list[tuple[int, int]],
    ceil_mode: int,
) -> list[tuple[int, int]]:
    """Padding at the ends so that a last window that hangs over is there too."""
    if not ceil_mode:
        return around
    made = []
    sizes = zip(x.shape[2:], kernel, strides, dilations, around, strict=True)
    for size, k, s, d, (begin, end) in sizes:
        span = (k - 1) * d + 1
        count = -(-(size + begin + end - span) // s) + 1
        if (count - 1) * s >= size + begin:  # it would start behind the input
            count -= 1
        made.append((begin, max(end, (count - 1) * s + span - size - begin)))
    return made


class MaxPool(OpRun):
    """The largest of each window; where its places are asked for, onnx's own."""

    op_domain = ""

    def _run(
        self,
        x: Array,
        auto_pad: str | None = None,
        ceil_mode: int = 0,
        dilations: Dims = None,
        kernel_shape: Dims = None,
        pads: Dims = None,
        storage_order: int = 0,
        strides: Dims = None,
    ) -> tuple[Array, ...]:
        rank = x.ndim - 2
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        around = _pads(x, kernel_shape, strides, dilations, pads, auto_pad)
        around = _ceiled(x, kernel_shape, strides, dilations, around, ceil_mode)
        least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        padded = np.pad(x, [(0, 0), (0, 0), *around], constant_values=least)
        windows = _windows(padded, kernel_shape, strides, dilations)
        return (windows.max(axis=tuple(range(-rank, 0))).astype(x.dtype),)


class AveragePool(OpRun):
    """The sum of each window by the number of elements that count."""

    op_domain = ""

    def _run(
        self,
        x: Array,
        auto_pad: str | None = None,
        ceil_mode: int = 0,
        count_include_pad: int = 0,
        dilations: Dims = None,
        kernel_shape: Dims = None,
        pads: Dims = None,
        strides: Dims = None,
    ) -> tuple[Array, ...]:
        rank = x.ndim - 2
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        own = _pads(x, kernel_shape, strides, dilations, pads, auto_pad)
        around = _ceiled(x, kernel_shape, strides, dilations, own, ceil_mode)
        counted = np.ones((1, 1, *x.shape[2:]))
        counted = np.pad(counted, [(0, 0), (0, 0), *own], constant_values=count_include_pad or 0)
        beyond = [(a[0] - o[0], a[1] - o[1]) for a, o in zip(around, own, strict=True)]
        counted = np.pad(counted, [(0, 0), (0, 0), *beyond])
        axes = tuple(range(-rank, 0))
        sums = [
            _windows(array, kernel_shape, strides, dilations).sum(axis=axes)
            for array in (np.pad(x, [(0, 0), (0, 0), *around]), counted)
        ]
        return ((sums[0] / sums[1]).astype(x.dtype),)


class LRN(OpRun):
    """Squares summed over the channels around."""

    op_domain = ""

    def _run(
        self,
        x: Array,
        alpha: float = 1e-4,
        beta: float = 0.75,
        bias: float = 1.0,
        size: int = 1,
    ) -> tuple[Array, ...]:
        before = (size - 1) // 2
        around = [(0, 0), (before, size - 1 - before)] + [(0, 0)] * (x.ndim - 2)
        sums = sliding_window_view(np.pad(x**2, around), size, axis=1).sum(axis=-1)
        return ((x / (bias + alpha / size * sums) ** beta).astype(x.dtype),)


class QuantizeLinear(OpRun):
    """onnx has it from opset 19 on only."""

    op_domain = ""

    def _run(
        self, x: Array, scale: Array, zero: Array | None = None, axis: int = 1, **_: object
    ) -> tuple[Array, ...]:
        zero = np.zeros((), np.uint8) if zero is None else zero
        scale, point = _along(x, scale, axis), _along(x, zero, axis)
        limits = np.iinfo(zero.dtype)
        steps = np.rint(x / scale) + point
        return (np.clip(steps, limits.min, limits.max).astype(zero.dtype),)


class DequantizeLinear(OpRun):
    """As above."""

    op_domain = ""

    def _run(
        self, x: Array, scale: Array, zero: Array | None = None, axis: int = 1, **_: object
    ) -> tuple[Array, ...]:
        point = 0 if zero is None else _along(x, zero, axis).astype(np.int64)
        return ((x.astype(np.int64) - point) * _along(x, scale, axis),)


def _along(x: Array, values: Array, axis: int) -> Array:
    """Values per channel, so that they fit along an axis; a single one as it is."""
    if values.size == 1:
        return values.reshape(())
    shape = [1] * x.ndim
    shape[axis] = -1
    return values.reshape(shape)


ALWAYS = (Conv, MaxPool, AveragePool, LRN)
BEFORE_19 = (QuantizeLinear, DequantizeLinear)
