"""Matrix products whose right side is stored in few bits and dequantised on the way.

They replace a DequantizeLinear of the weight and a MatMul, so they cost both. What counts as
parameters is the K x N weight that the packed bytes stand for.
"""

from __future__ import annotations

from ...graph.dtypes import INT8
from ..kinds import KernelKind
from ..work import Call, Work, formula
from .attributes import required_int
from .quantise import DEQUANTISE_FLOPS


def _weight(call: Call) -> tuple[int, int]:
    """K and N: rows and columns of the weight."""
    return required_int(call, "K"), required_int(call, "N")


def _unpacked(call: Call, slot: int) -> int:
    k, n = _weight(call)
    return k * n if slot == 1 else call.input(slot).size


def _unpacked_fp_q4(call: Call, slot: int) -> int:
    return call.input(0).shape[-1] * call.output().shape[-1]


def _product(call: Call, depth: int, weight: int) -> Work:
    """macs = output elements x summed extent; flops = 2 x macs + dequantising the weight."""
    macs = call.output().size * depth
    return Work(KernelKind.GEMM, macs=macs, flops=2 * macs + DEQUANTISE_FLOPS * weight)


@formula("MatMulNBits", domain="com.microsoft", weights=(1, 5), parameters=_unpacked)
def matmul_n_bits(call: Call) -> Work:
    """A [..., K] times the K x N weight, optional bias in slot 5.

    ``accuracy_level`` 4 asks for products of 8-bit integers. An empty B stands for an omitted
    projection, whose output is the bias or zero.
    """
    out, (k, n) = call.output().size, _weight(call)
    present = call.input(1).size > 0
    work = _product(call, k if present else 0, k * n if present else 0)
    bias = out if call.has_input(5) else 0
    dtype = INT8 if call.node.int("accuracy_level", 0) == 4 else None
    return Work(work.kind, work.macs, work.flops + bias, dtype=dtype)


@formula("MatMulBnb4", domain="com.microsoft", weights=(1,), parameters=_unpacked)
def matmul_bnb4(call: Call) -> Work:
    """A times the N x K weight transposed, or with transB=0 as it lies."""
    k, n = _weight(call)
    return _product(call, k if call.node.int("transB", 1) else n, k * n)


@formula("MatMulFpQ4", domain="com.microsoft", weights=(1,), parameters=_unpacked_fp_q4)
def matmul_fp_q4(call: Call) -> Work:
    """A [..., K] times a K x N weight in a packed blob, its shape in slot 2."""
    return _product(call, call.input(0).shape[-1], _unpacked_fp_q4(call, 1))
