"""Products of matrices of 8-bit integers, and of weights of few bits."""

from __future__ import annotations

from math import prod

from ....graph import dtypes
from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .matmul import Product, product_of
from .quantised_convolution import multiplied, sign
from .register import Features, features, kept, log, traffic

# Where the right side is.
_RIGHT = {"QLinearMatMul": 3, "QGemm": 3}


@features("MatMulInteger", "QLinearMatMul")
@features("DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QGemm", domain="com.microsoft")
def integers(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of 8-bit integers, whose sums stay int32, become float32 or are quantised again.

    DynamicQuantizeMatMul quantises its left side first, in two passes.
    """
    node = costed.node
    right = _RIGHT.get(node.op_type, 1)
    found = product_of(call, right, node.int("transA", 0), node.int("transB", 0))
    packed, left = kept(costed, right), call.input(0).dtype
    made = call.output()
    terms = traffic(costed, machine, coarse=True)
    terms |= multiplied(found.products, found.rows, found.columns, found.depth)
    terms["left side"] = float(found.products * found.rows * found.depth)
    terms["products"] = float(found.products)
    terms[f"made {dtypes.name(made.dtype)[:3]}"] = float(made.size)
    if left == dtypes.FLOAT:
        terms["quantised"] = float(call.input(0).size)
        terms["quantised first"] = 1.0
    if not packed:
        terms["right side packed"] = float(found.products * found.depth * found.columns)
    signs = f"{'u8' if left == dtypes.FLOAT else sign(left)}{sign(call.input(right).dtype)}"
    variant = ("packed" if packed else "both computed") + (", one row" if found.rows == 1 else "")
    coordinates = _coordinates(costed, found, right)
    coordinates["float"] = float(made.dtype == dtypes.FLOAT)
    coordinates["quantised first"] = float(left == dtypes.FLOAT)
    return Features(f"product of integers {variant} {signs}", terms, coordinates)


@features("MatMulNBits", domain="com.microsoft")
def few_bits(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a constant right side in blocks of few bits, each with its scale.

    At accuracy level 4 the left side becomes 8-bit integers, else the right side becomes float.
    """
    node = costed.node
    depth, columns = node.int("K", 1), node.int("N", 1)
    rows = prod(call.input(0).shape[:-1])
    bits, block = node.int("bits", 4), max(1, node.int("block_size", 32))
    terms = traffic(costed, machine, coarse=True)
    terms |= multiplied(1, rows, columns, depth)
    terms[f"unpacked of {bits} bits"] = float(depth * columns)
    terms["scales"] = float(depth * columns / block)
    terms["scaled"] = float(rows * depth * columns / block)
    terms["left side"] = float(rows * depth)
    terms["made"] = float(rows * columns)
    accurate = "" if node.int("accuracy_level", 0) == 4 else " as float"
    coordinates = _coordinates(costed, Product(1, rows, depth, columns), 1)
    coordinates["block"] = log(block)
    coordinates["bits"] = log(bits)
    return Features(f"MatMulNBits{accurate}{', one row' if rows == 1 else ''}", terms, coordinates)


def _coordinates(costed: Costed, found: Product, right: int) -> dict[str, float]:
    products, rows, depth, columns = found
    inputs = costed.node.inputs
    return {
        "rows": log(rows),
        "depth": log(depth),
        "columns": log(columns),
        "products": log(products),
        "multiply-adds": log(products * rows * depth * columns),
        "right's distance": log(costed.distances.get(inputs[right], 0)),
        "left's distance": log(costed.distances.get(inputs[0], 0)),
        "columns left": columns % 16 / 16 if columns < 128 else 0.0,
        "depth left": depth % 64 / 64 if depth < 512 else 0.0,
    }
