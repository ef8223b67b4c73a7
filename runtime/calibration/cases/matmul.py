"""Matrix products: Gemm, and MatMul of one matrix, of batches, of one row."""

from __future__ import annotations

from ..case import Case, activation, cases, weight
from ..sizes import Random, size

_MOST_FLOP = 1.2e9
_MOST = 3e6  # elements of an operand


@cases("Gemm", 8)
def gemm(random: Random, block: int) -> Case | None:
    """With constant weights and a bias."""
    del block
    rows = 1 if random.random() < 0.3 else size(random, 1, 1024)
    depth, columns = size(random, 8, 4096), size(random, 8, 4096)
    if _too_large(1, rows, depth, columns):
        return None
    flipped = int(random.random() < 0.6)
    right = (columns, depth) if flipped else (depth, columns)
    operands = (activation(rows, depth), weight(*right), weight(columns))
    if random.random() < 0.15:
        attributes = {"transB": flipped, "activation": "Relu"}
        return Case("FusedGemm", operands, "com.microsoft", attributes=attributes)
    return Case("Gemm", operands, attributes={"transB": flipped})


@cases("MatMul", 5)
def matmul(random: Random, block: int) -> Case | None:
    """With constant weights for the most part."""
    del block
    rows = 1 if random.random() < 0.2 else size(random, 1, 512)
    depth, columns = size(random, 4, 2048), size(random, 4, 2048)
    if _too_large(1, rows, depth, columns):
        return None
    left = activation(rows, depth) if random.random() < 0.3 else activation(1, rows, depth)
    computed = random.random() < 0.2
    right = activation(depth, columns) if computed else weight(depth, columns)
    return Case("MatMul", (left, right))


@cases("batches of MatMul", 4)
def batched(random: Random, block: int) -> Case | None:
    """As attention has them: both sides computed."""
    del block
    rows = 1 if random.random() < 0.2 else size(random, 1, 512)
    depth, columns, count = size(random, 4, 512), size(random, 4, 512), size(random, 2, 64)
    if _too_large(count, rows, depth, columns):
        return None
    batch = (1, count) if random.random() < 0.5 else (count,)
    left = activation(*batch, rows, depth)
    if random.random() < 0.4:
        right = activation(*batch, columns, depth)
        attributes = {"transB": 1, "alpha": 0.125}
        return Case("FusedMatMul", (left, right), "com.microsoft", attributes=attributes)
    return Case("MatMul", (left, activation(*batch, depth, columns)))


def _too_large(count: int, rows: int, depth: int, columns: int) -> bool:
    operands = count * max(rows * depth, depth * columns, rows * columns)
    return 2 * count * rows * depth * columns > _MOST_FLOP or operands > _MOST


@cases("Einsum", 0.7)
def einsum(random: Random, block: int) -> Case | None:
    """A product of batches, in the forms that attention is written in."""
    del block
    rows, depth, columns = (size(random, 4, 256) for _ in range(3))
    count = size(random, 1, 16)
    if _too_large(count, rows, depth, columns):
        return None
    first = (1, count, rows, depth)
    forms = {
        "bhid,bhjd->bhij": (first, (1, count, columns, depth)),
        "bhij,bhjd->bhid": (first, (1, count, depth, columns)),
        "bihd,bjhd->bhij": ((1, rows, count, depth), (1, columns, count, depth)),
        "bij,jk->bik": ((count, rows, depth), (depth, columns)),
    }
    equation = str(random.choice(list(forms)))
    operands = tuple(activation(*dims) for dims in forms[equation])
    return Case("Einsum", operands, attributes={"equation": equation})
