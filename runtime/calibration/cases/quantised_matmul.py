"""Products of matrices of 8-bit integers, and of weights of few bits."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from ..case import Case, Operand, activation, cases, value, weight
from ..sizes import Random, size
from .quantised_convolution import scale, zero

_MOST_MACS = 4e8
_MOST = 4e6  # elements of an operand
_SIGNS = (
    *((TensorProto.UINT8, TensorProto.INT8),) * 5,
    *((TensorProto.UINT8, TensorProto.UINT8),) * 3,
    *((TensorProto.INT8, TensorProto.INT8),) * 2,
)


def _sizes(random: Random, count: int = 1) -> tuple[int, int, int] | None:
    """Rows, depth and columns."""
    rows = 1 if random.random() < 0.3 else size(random, 2, 1024)
    depth, columns = size(random, 8, 4096), size(random, 8, 4096)
    operands = count * max(rows * depth, depth * columns, rows * columns)
    if count * rows * depth * columns > _MOST_MACS or operands > _MOST:
        return None
    return rows, depth, columns


def _signs(random: Random) -> tuple[int, int]:
    return _SIGNS[random.integers(len(_SIGNS))]


@cases("quantised MatMul", 4)
def qlinear(random: Random, block: int) -> Case | None:
    """QLinearMatMul, of a constant or of two computed sides in batches."""
    del block
    computed = random.random() < 0.3
    count = size(random, 1, 32) if computed else 1
    made = _sizes(random, count)
    if made is None:
        return None
    rows, depth, columns = made
    left, right = _signs(random)
    if computed:
        shape = (1, count, depth, columns)
        first, second = (
            activation(1, count, rows, depth, dtype=left),
            activation(*shape, dtype=left),
        )
        right = left
    else:
        first, second = activation(1, rows, depth, dtype=left), weight(depth, columns, dtype=right)
    operands = (
        *(first, scale(random), zero(left), second, scale(random), zero(right)),
        *(scale(random), zero(left)),
    )
    return Case("QLinearMatMul", operands)


@cases("quantised Gemm", 2)
def qgemm(random: Random, block: int) -> Case | None:
    """QGemm, of constant weights."""
    del block
    made = _sizes(random)
    if made is None:
        return None
    rows, depth, columns = made
    left, right = _signs(random)
    operands: tuple[Operand | None, ...] = (
        *(activation(rows, depth, dtype=left), scale(random), zero(left)),
        *(weight(columns, depth, dtype=right), scale(random), zero(right)),
        weight(columns, dtype=TensorProto.INT32),
    )
    if random.random() < 0.8:
        operands = (*operands, scale(random), zero(left))
    return Case("QGemm", operands, "com.microsoft", attributes={"transB": 1})


@cases("dynamically quantised products", 5)
def dynamic(random: Random, block: int) -> Case | None:
    """MatMulInteger, and those that scale its sums."""
    del block
    made = _sizes(random)
    if made is None:
        return None
    rows, depth, columns = made
    right = TensorProto.UINT8 if random.random() < 0.4 else TensorProto.INT8
    second = weight(depth, columns, dtype=right)
    name = str(random.choice(["MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"]))
    signed = random.random() < 0.3 and right == TensorProto.INT8
    dtype = TensorProto.INT8 if signed else TensorProto.UINT8
    first = activation(1, rows, depth, dtype=dtype)
    if name == "MatMulInteger":
        return Case(name, (first, second, zero(dtype), zero(right)))
    bias = weight(columns) if random.random() < 0.6 else None
    operands: tuple[Operand | None, ...]
    if name == "DynamicQuantizeMatMul":
        operands = (activation(1, rows, depth), second, scale(random), zero(right), bias)
        return Case(name, operands, "com.microsoft")
    operands = (first, second, scale(random), scale(random), zero(dtype), zero(right))
    return Case(name, (*operands, bias), "com.microsoft")


@cases("weights of few bits", 3)
def few_bits(random: Random, block: int) -> Case | None:
    """MatMulNBits of 4 and 8 bits."""
    del block
    made = _sizes(random)
    if made is None:
        return None
    rows, depth, columns = made
    bits = 4 if random.random() < 0.7 else 8
    together = int(random.choice([16, 32, 32, 64, 128]))
    blocks = -(-depth // together)
    packed = weight(columns, blocks, together * bits // 8, dtype=TensorProto.UINT8)
    operands: tuple[Operand | None, ...]
    operands = (activation(1, rows, depth), packed, weight(columns, blocks))
    if random.random() < 0.4:
        zeros = value(
            np.full((columns, -(-blocks * bits // 8)), 136 if bits == 4 else 128), np.uint8
        )
        operands = (*operands, zeros)
    attributes = {"K": depth, "N": columns, "bits": bits, "block_size": together}
    if random.random() < 0.5:
        attributes["accuracy_level"] = 4
    return Case("MatMulNBits", operands, "com.microsoft", attributes=attributes)
