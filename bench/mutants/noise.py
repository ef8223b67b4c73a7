"""Random operators that draw the same in two models, so that these can be compared."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from onnx.reference.op_run import OpRun

from .view import Array


class Noise(OpRun):
    """Draws that are the same in two models for outputs of one name."""

    op_domain = ""
    number = 0

    def generator(self) -> np.random.Generator:
        name = self.onnx_node.output[0]
        return np.random.default_rng([zlib.crc32(name.encode()), Noise.number])


class RandomNormalLike(Noise):
    def _run(
        self,
        x: Array,
        dtype: int | None = None,
        mean: float = 0.0,
        scale: float = 1.0,
        seed: float | None = None,
    ) -> tuple[Array, ...]:
        return ((mean + scale * self.generator().standard_normal(x.shape)).astype(_kind(x, dtype)),)


class RandomUniformLike(Noise):
    def _run(
        self,
        x: Array,
        dtype: int | None = None,
        high: float = 1.0,
        low: float = 0.0,
        seed: float | None = None,
    ) -> tuple[Array, ...]:
        return ((low + (high - low) * self.generator().random(x.shape)).astype(_kind(x, dtype)),)


class RandomNormal(Noise):
    def _run(
        self,
        dtype: int | None = None,
        mean: float = 0.0,
        scale: float = 1.0,
        seed: float | None = None,
        shape: Sequence[int] | None = None,
    ) -> tuple[Array, ...]:
        drawn = mean + scale * self.generator().standard_normal(shape)
        return (drawn.astype(np.float64 if dtype == 11 else np.float32),)


class RandomUniform(Noise):
    def _run(
        self,
        dtype: int | None = None,
        high: float = 1.0,
        low: float = 0.0,
        seed: float | None = None,
        shape: Sequence[int] | None = None,
    ) -> tuple[Array, ...]:
        drawn = low + (high - low) * self.generator().random(shape)
        return (drawn.astype(np.float64 if dtype == 11 else np.float32),)


class Bernoulli(Noise):
    def _run(
        self, x: Array, dtype: int | None = None, seed: float | None = None
    ) -> tuple[Array, ...]:
        return ((self.generator().random(x.shape) < x).astype(_kind(x, dtype)),)


class Dropout(Noise):
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


PAIRED = (RandomNormal, RandomNormalLike, RandomUniform, RandomUniformLike, Bernoulli, Dropout)
