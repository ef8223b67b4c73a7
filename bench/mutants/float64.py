"""A model in float64: in onnxruntime where that has the kernels, else in numpy.

onnx's reference evaluator is slow where windows slide; those operators are mended here. Random
operators draw the same numbers in every model, by the name of their output.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.lib.stride_tricks import sliding_window_view
from onnx import ModelProto
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from ocost.graph.dataflow import RANDOM
from ocost.runtime.equality.reference import widened

from .view import Array, graphs, version

Feeds = Mapping[str, Array]
Dims = Sequence[int] | None
Runner = Callable[[Feeds, int], Sequence[Any]]
_NARROW_KERNELS = ("LSTM", "GRU", "RNN")  # onnxruntime opens them in float64, but can't run them
_NARROW = ("float16", "bfloat16", "float32")


def exact(model: ModelProto) -> Runner:
    """Runs a model in float64 on inputs of its own types; the number of the input seeds noise."""
    wide = widened(model)
    lacking = any(n.op_type in _NARROW_KERNELS for g in graphs(model.graph) for n in g.node)
    run = (None if lacking else _opened(wide)) or reference(wide)
    return lambda feeds, number: run(_widened(feeds), number)


def own(model: ModelProto) -> Runner:
    """Runs a model in its own types."""
    return _opened(model) or reference(model)


def _opened(model: ModelProto) -> Runner | None:
    """In onnxruntime; None where that can't open it, or draws its own noise."""
    if any(node.op_type in {*RANDOM, "Dropout"} for g in graphs(model.graph) for node in g.node):
        return None
    try:
        return session(model)
    except Exception:  # its classes share no base of their own
        return None


def session(model: ModelProto) -> Runner:
    """In onnxruntime, as the model is written."""
    settings = ort.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    opened = ort.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return lambda feeds, _: opened.run(None, dict(feeds))


def reference(model: ModelProto) -> Runner:
    """In onnx's reference evaluator, mended."""
    opset = version(model)
    old = [_BatchNormalization] * (opset < 14) + [QuantizeLinear, DequantizeLinear] * (opset < 19)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = ReferenceEvaluator(model, new_ops=[*_MENDED, *old])

    def run(feeds: Feeds, number: int) -> Sequence[Any]:
        _Noise.number = number
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            outputs: Sequence[Any] = evaluator.run(None, dict(feeds))
        return outputs

    return run


def _widened(feeds: Feeds) -> Feeds:
    return {n: a.astype(np.float64) if a.dtype.name in _NARROW else a for n, a in feeds.items()}


# --- windows ------------------------------------------------------------------------------------


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
        alpha: float = None,
        beta: float = None,
        bias: float = None,
        size: int = None,
    ) -> tuple[Array, ...]:
        before = (size - 1) // 2
        around = [(0, 0), (before, size - 1 - before)] + [(0, 0)] * (x.ndim - 2)
        sums = sliding_window_view(np.pad(x**2, around), size, axis=1).sum(axis=-1)
        return ((x / (bias + alpha / size * sums) ** beta).astype(x.dtype),)


class _BatchNormalization(OpRun):
    """Up to opset 13 onnx takes every one for one in training."""

    op_domain = ""

    def _run(
        self,
        x: Array,
        scale: Array,
        bias: Array,
        mean: Array,
        variance: Array,
        epsilon: float = 1e-5,
        **_: object,
    ) -> tuple[Array, ...]:
        along = (-1, *(1,) * (x.ndim - 2))
        scale, bias, mean, variance = (c.reshape(along) for c in (scale, bias, mean, variance))
        return ((scale * (x - mean) / np.sqrt(variance + epsilon) + bias).astype(x.dtype),)


_BatchNormalization.__name__ = "BatchNormalization"


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


# --- noise --------------------------------------------------------------------------------------


class _Noise(OpRun):
    """Draws that are the same in two models for outputs of one name."""

    op_domain = ""
    number = 0

    def generator(self) -> np.random.Generator:
        name = self.onnx_node.output[0]
        return np.random.default_rng([zlib.crc32(name.encode()), _Noise.number])


class RandomNormalLike(_Noise):
    def _run(
        self,
        x: Array,
        dtype: int | None = None,
        mean: float = 0.0,
        scale: float = 1.0,
        seed: float | None = None,
    ) -> tuple[Array, ...]:
        return ((mean + scale * self.generator().standard_normal(x.shape)).astype(_kind(x, dtype)),)


class RandomUniformLike(_Noise):
    def _run(
        self,
        x: Array,
        dtype: int | None = None,
        high: float = 1.0,
        low: float = 0.0,
        seed: float | None = None,
    ) -> tuple[Array, ...]:
        return ((low + (high - low) * self.generator().random(x.shape)).astype(_kind(x, dtype)),)


class RandomNormal(_Noise):
    def _run(
        self,
        dtype: int | None = None,
        mean: float = 0.0,
        scale: float = 1.0,
        seed: float | None = None,
        shape: Dims = None,
    ) -> tuple[Array, ...]:
        drawn = mean + scale * self.generator().standard_normal(shape)
        return (drawn.astype(np.float64 if dtype == 11 else np.float32),)


class RandomUniform(_Noise):
    def _run(
        self,
        dtype: int | None = None,
        high: float = 1.0,
        low: float = 0.0,
        seed: float | None = None,
        shape: Dims = None,
    ) -> tuple[Array, ...]:
        drawn = low + (high - low) * self.generator().random(shape)
        return (drawn.astype(np.float64 if dtype == 11 else np.float32),)


class Bernoulli(_Noise):
    def _run(
        self, x: Array, dtype: int | None = None, seed: float | None = None
    ) -> tuple[Array, ...]:
        return ((self.generator().random(x.shape) < x).astype(_kind(x, dtype)),)


class Dropout(_Noise):
    def _run(
        self, x: Array, ratio: float = 0.5, training_mode: bool = False, seed: float | None = None
    ) -> tuple[Array, ...]:
        ratio = 0.5 if ratio is None else ratio
        if not training_mode or _without_mode(self) or not ratio:
            return (x, np.ones(x.shape, bool))[: len(self.onnx_node.output)]
        kept = self.generator().random(x.shape) >= ratio
        y = (x * kept / (1 - np.asarray(ratio, np.float64))).astype(x.dtype)
        return (y, kept)[: len(self.onnx_node.output)]


def _without_mode(node: OpRun) -> bool:
    """Whether a Dropout has no input that switches it on."""
    return len(node.onnx_node.input) < 3


def _kind(x: Array, dtype: int | None) -> type:
    kinds = {1: np.float32, 10: np.float16, 11: np.float64, 7: np.int64, 6: np.int32, 9: np.bool_}
    return kinds.get(dtype or 0, x.dtype.type)


_MENDED = [
    Conv,
    MaxPool,
    AveragePool,
    LRN,
    RandomNormal,
    RandomNormalLike,
    RandomUniform,
    RandomUniformLike,
    Bernoulli,
    Dropout,
]
