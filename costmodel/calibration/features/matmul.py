"""Products of float matrices: Gemm and MatMul of either side constant or not."""

from __future__ import annotations

from math import ceil, prod
from typing import NamedTuple

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import kernel_name
from .register import Features, features, kept, log, traffic

_ROWS = 12  # of the left side that a kernel holds at once
_COLUMNS = 16
_DEPTH = 256  # that it multiplies before it stores sums


class Product(NamedTuple):
    """So many products of [rows, depth] with [depth, columns]."""

    products: int
    rows: int
    depth: int
    columns: int


@features("Gemm", "MatMul")
@features("FusedGemm", "FusedMatMul", "TransposeMatMul", domain="com.microsoft")
def product(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a matrix product."""
    node = costed.node
    found = product_of(call, 1, node.int("transA", 0), node.int("transB", 0))
    packed = kept(costed, 1)
    flipped = bool(node.int("transB", 0))
    count, rows, depth, columns = found
    wide = ceil(columns / _COLUMNS) * _COLUMNS
    terms = traffic(costed, machine)
    terms["multiply-adds"] = float(count * rows * depth * wide)
    terms["multiply-adds in whole tiles"] = float(count * ceil(rows / _ROWS) * _ROWS * depth * wide)
    terms["panels read"] = float(count * ceil(rows / _ROWS) * depth * wide)
    terms["sums stored"] = float(count * rows * wide * ceil(depth / _DEPTH))
    terms["left side read"] = float(count * rows * depth)
    terms["products"] = float(count)
    if not packed:
        terms["transposed" if flipped else "packed"] = float(count * depth * wide)
    if len([t for t in call.inputs if t is not None]) > 2:  # a bias or an addend
        terms["biased"] = float(call.output().size)
    coordinates = {
        "rows": log(rows),
        "depth": log(depth),
        "columns": log(columns),
        "products": log(count),
        "multiply-adds": log(count * rows * depth * columns),
        "right's distance": log(costed.distances.get(node.inputs[1], 0)),
        "left's distance": log(costed.distances.get(node.inputs[0], 0)),
        "rows left": rows % _ROWS / _ROWS if rows < 5 * _ROWS else 0.0,
        "columns left": columns % _COLUMNS / _COLUMNS if columns < 8 * _COLUMNS else 0.0,
        "few rows": log(min(rows, _ROWS)),
        "transposed": float(flipped),
    }
    variant = ("packed" if packed else "both computed") + (", one row" if rows == 1 else "")
    return Features(kernel_name(costed, call, variant), terms, coordinates)


def product_of(call: Call, right: int, flipped_left: int, flipped_right: int) -> Product:
    """The products of the first input with the one in the slot ``right``."""
    first, second = call.input(0).shape, call.input(right).shape
    first = first if len(first) > 1 else (1, *first)
    rows, depth = first[-2:]
    if flipped_left:
        rows, depth = depth, rows
    columns = second[-2 if flipped_right else -1] if len(second) > 1 else 1
    if len(second) <= 2:  # one matrix on the right: all rows are multiplied at once
        return Product(1, rows * prod(first[:-2]), depth, columns)
    return Product(max(prod(first[:-2]), prod(second[:-2])), rows, depth, columns)
