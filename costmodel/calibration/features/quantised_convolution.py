"""Convolutions of 8-bit integers.

QLinearConv takes channels last: it transposes what has them first, copies the taps of each
position to a row of a matrix, multiplies it by the weights, and quantises the sums. ConvInteger
multiplies the weights by the matrix, which it has to pack anew each time. Depthwise ones of
QLinearConv have a kernel of their own. Which instructions there are depends on the signs.
"""

from __future__ import annotations

from math import ceil, prod

from ....graph.dtypes import UINT8
from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .register import Features, features, log, traffic

TILES = (4, 16, 64)  # that products of integers run in: of depth, of rows and columns, of depth


@features("QLinearConv", "ConvInteger")
@features("QLinearConv", domain="com.microsoft")
def quantised(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a convolution of any number of dims."""
    node = costed.node
    integer = node.op_type == "ConvInteger"
    right = 1 if integer else 3
    source, weight, made = call.input(0), call.input(right), call.output()
    last = bool(node.int("channels_last", 0))
    sides = made.shape[1:-1] if last else made.shape[2:]
    group = node.int("group", 1)
    outputs, each, *kernel = weight.shape
    images, positions, taps = made.shape[0], prod(sides), prod(kernel)
    rows, depth, products = outputs // group, each * taps, made.shape[0] * group
    depthwise = each == 1 and group > 1 and rows == 1
    strides = node.ints("strides") or (1,)
    pointwise = taps == 1 and set(strides) == {1} and not any(node.ints("pads") or ())
    terms = traffic(costed, machine, coarse=True)
    if depthwise and not integer:
        terms["taps"] = float(made.size * taps)
        terms["taps in whole blocks"] = float(images * positions * taps * (outputs // 8))
        terms["taps alone"] = float(images * positions * taps * (outputs % 8))
    else:
        terms |= multiplied(products, positions, rows, depth)
        terms["packed"] = float(products * positions * depth)
        terms["copied"] = 0.0 if pointwise else float(products * positions * depth)
        terms["runs copied"] = 0.0 if pointwise else float(products * positions * taps)
        if not pointwise and each % TILES[0]:
            terms["odd runs copied"] = float(products * positions * taps)
    terms["positions"] = float(images * positions)
    terms["looked up"] = float(images * positions * taps)
    terms["products"] = float(products)
    terms["made"] = float(made.size)
    if not last:
        terms["transposed"] = 0.0 if integer else float(source.size + made.size)
    coordinates = {
        "channels in": log(each),
        "channels out": log(rows),
        "groups": log(group),
        "positions": log(positions),
        "images": log(images),
        "taps": log(taps),
        "depth": log(depth),
        "stride": log(prod(strides)),
        "multiply-adds": log((costed.cost.macs or 0) / costed.cost.trips),
        "weights' distance": log(costed.distances.get(node.inputs[right], 0)),
        "input's distance": log(costed.distances.get(node.inputs[0], 0)),
        "channels last": float(last),
        "by channel": float(not integer and call.input(4).size > 1),
        "columns left": rows % 16 / 16 if rows < 128 else 0.0,
        "depth left": depth % 64 / 64 if depth < 512 else 0.0,
    }
    name = f"{'integer' if integer else 'quantised'}{' depthwise' if depthwise else ''}"
    signs = f"{sign(source.dtype)}{sign(weight.dtype)}"
    return Features(f"{name} convolution {signs}", terms, coordinates)


def multiplied(products: int, rows: int, columns: int, depth: int) -> dict[str, float]:
    """Terms of products of 8-bit integers, as different instructions round the sizes up.

    What packs the left side is slow on the rest of a row that is no multiple of 4, and what brings
    the sums back takes those of 16, of 4 and single columns in their turn.
    """
    short, side, deep = TILES
    wide = up(columns, side)
    return {
        "multiply-adds": float(products * rows * wide * up(depth, short)),
        "multiply-adds in whole tiles": float(
            products * up(rows, side) * up(columns, 2 * side) * up(depth, deep)
        ),
        "panels read": float(products * ceil(rows / side) * wide * up(depth, short)),
        "sums": float(products * rows * wide),
        "sums by four": float(products * rows * (columns % side // short)),
        "single sums": float(products * rows * (columns % short)),
        "odd rows": float(products * rows * bool(depth % short)),
    }


def up(count: int, multiple: int) -> int:
    """The next multiple."""
    return ceil(count / multiple) * multiple


def sign(dtype: int) -> str:
    """An 8-bit type in short."""
    return "u8" if dtype == UINT8 else "s8"
