"""Matrix products in floating point: MatMul, Gemm and what runtimes fuse them into."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Work, formula
from .activation import fused_activation
from .elementwise import GELU_TANH_FLOPS


def product(call: Call, left: int = 0, right: int = 1, depth: int | None = None) -> Work:
    """A numpy-style matrix product of two inputs.

    macs = output elements x K, where K, the summed extent, is the left side's last unless given;
    so 1-D sides and broadcast batches need no special case.
    """
    a, b, out = call.input(left).shape, call.input(right), call.output()
    k = a[-1] if depth is None else depth
    columns = out.shape[-1] if len(b.shape) > 1 else 1
    macs = out.size * k
    kind = KernelKind.GEMM if b.size == k * columns else KernelKind.MATMUL
    return Work(kind, macs=macs, flops=2 * macs)


def gemm_product(call: Call, right: int = 1) -> Work:
    """A [M, K] or, with transA, [K, M], times the input ``right``; times alpha."""
    a = call.input(0).shape
    work = product(call, right=right, depth=a[0] if call.node.int("transA", 0) else a[1])
    return _scaled(call, work._replace(kind=KernelKind.GEMM), right)


def _scaled(call: Call, work: Work, right: int = 1) -> Work:
    """With a multiplication by ``alpha``, unless it is 1: of the smallest of sides and product."""
    if call.node.float("alpha", 1.0) == 1.0:
        return work
    least = min(call.input(0).size, call.input(right).size, call.output().size)
    return work._replace(flops=work.flops + least)


@formula("MatMul", weights=(0, 1))
def matmul(call: Call) -> Work:
    """A [..., M, K] times B [..., K, N]; the batches broadcast, a vector loses its dim."""
    return product(call)


@formula("Gemm", weights=(0, 1, 2))
def gemm(call: Call) -> Work:
    """alpha x A B + beta x C: a factor that is 1 costs nothing, nor does C with beta 0.

    Alpha is multiplied into the smallest of A, B and their product.
    """
    work = gemm_product(call)
    beta = call.node.float("beta", 1.0)
    if not call.has_input(2) or beta == 0.0:
        return work
    scale = 0 if beta == 1.0 else call.input(2).size
    return work._replace(flops=work.flops + scale + call.output().size)


@formula("FusedGemm", domain="com.microsoft", weights=(0, 1, 2))
def fused_gemm(call: Call) -> Work:
    """Gemm, plus the activation."""
    work = gemm(call)
    return work._replace(flops=work.flops + fused_activation(call) * call.output().size)


def _depth(call: Call) -> int:
    """K of A as transA and transBatchA have it; a vector is never transposed.

    transA swaps the last two dims; transBatchA first moves dim 0 behind the batch dims.
    """
    a = call.input(0).shape
    if len(a) == 1 or not call.node.int("transA", 0):
        return a[-1]
    return a[0] if call.node.int("transBatchA", 0) else a[-2]


@formula("FusedMatMul", "TransposeMatMul", domain="com.microsoft", weights=(0, 1))
def fused_matmul(call: Call) -> Work:
    """MatMul of sides that are transposed on the way, times alpha."""
    return _scaled(call, product(call, depth=_depth(call)))


@formula("FusedMatMulActivation", domain="com.microsoft", weights=(0, 1))
def fused_matmul_activation(call: Call) -> Work:
    """FusedMatMul, plus the activation."""
    work = fused_matmul(call)
    return work._replace(flops=work.flops + fused_activation(call) * call.output().size)


@formula("GemmFastGelu", domain="com.microsoft", weights=(1, 2))
def gemm_fast_gelu(call: Call) -> Work:
    """MatMul, plus the bias where there is one, plus Gelu by Tanh (8)."""
    work = product(call)
    epilogue = GELU_TANH_FLOPS + (1 if call.has_input(2) else 0)
    return work._replace(flops=work.flops + epilogue * call.output().size)
