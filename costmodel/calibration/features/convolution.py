"""Convolutions: blocked (channels in blocks on both sides), direct, depthwise, and plain ones.

The blocked kernels of onnxruntime's CPU provider hold up to four blocks of output channels and
six positions of a row at once; what is left of a row, and positions where the kernel reaches over
the edge, run one at a time. For each row they stream the weights of these four blocks again. The
plain kernel copies its input to a matrix and multiplies.
"""

from __future__ import annotations

from math import ceil, prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ....graph import dtypes
from ...blocked import NCHWC
from ...cost import Costed
from ...work import Call
from ..machine import LEVELS, Machine
from .general import general
from .register import Features, features, log, traffic

_FILTERS = 4  # blocks of output channels that a kernel holds at once
_POSITIONS = 6  # of a row that it computes at once
_BATCH = 128  # input channels that a pointwise kernel takes at once
_ROWS = 12  # of the left side that a matrix product holds at once
_CHEAP = ("Relu",)
_DEAR = ("Sigmoid", "Tanh")


class _Taps(NamedTuple):
    """Taps of a kernel that lie inside the input.

    ``rows`` is their number over all output rows; ``whole`` positions of a row see all columns,
    the others ``partial`` of them together.
    """

    rows: int
    whole: int
    partial: int


@features("Conv", domain=NCHWC)
def blocked(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a convolution in the blocked layout."""
    weight, made = call.input(1).shape, call.output().shape
    if len(weight) != 4 or len(made) != 4:
        return None
    block = machine.block
    group = costed.node.int("group", 1)
    outputs, each = weight[0], weight[1]
    taps = _taps(costed, call)
    terms, coordinates = _common(costed, call, machine)
    if each == 1 and group == outputs:
        rows = made[0] * (outputs // block or 1)
        six = taps.whole // _POSITIONS * _POSITIONS
        alone = (taps.whole - six) * weight[3] + taps.partial
        terms["steps of six"] = float(rows * taps.rows * six * weight[3] * block)
        terms["single steps"] = float(rows * taps.rows * alone * block)
        terms["rows"] = float(rows * made[2])
        terms["edges"] = float(rows * made[2] * (made[3] - taps.whole))
        terms["positions"] = float(rows * made[2] * made[3])
        return Features("blocked depthwise", terms, coordinates)
    direct = each < block
    strides = costed.node.ints("strides") or (1, 1)
    pads = costed.node.ints("pads") or ()
    pointwise = prod(weight[2:]) == 1 and set(strides) == {1} and not any(pads) and not direct
    _filters(terms, call, taps, machine, group, pointwise=pointwise, direct=direct)
    name = "direct" if direct else "pointwise" if pointwise else "grouped" if group > 1 else "dense"
    return Features(f"blocked {name}", terms, coordinates)


def _filters(
    terms: dict[str, float],
    call: Call,
    taps: _Taps,
    machine: Machine,
    group: int,
    *,
    pointwise: bool,
    direct: bool,
) -> None:
    """Terms of the inner loops over positions, filters and input channels."""
    block = machine.block
    outputs, each, height, width = call.input(1).shape
    made, source = call.output().shape, call.input(0).shape
    blocks = max(1, outputs // group // block)
    rest = blocks % _FILTERS
    full = blocks - rest
    sets = ceil(blocks / _FILTERS)
    images = made[0] * group
    if pointwise:  # an image is one long row
        whole, partial, rows, columns = made[2] * made[3], 0, images, 1
        visits = ceil(each / _BATCH)
        streams: float = images * ceil(whole / _POSITIONS)
        terms["calls"] = float(images * sets * visits)
    else:
        whole, partial, rows, columns = taps.whole, taps.partial, images * taps.rows, width
        visits = 1 if direct else each // block
        streams = images * made[2]
        terms["calls"] = float(streams * sets * visits)
    six = whole // _POSITIONS * _POSITIONS
    step = rows * each * block
    together = step * six * columns
    alone = step * ((whole - six) * columns + partial)
    terms["steps of six"] = float(together * full)
    terms["single steps"] = float(alone * full)
    if rest:
        terms[f"steps of six, {rest} filters"] = float(together * rest)
        terms[f"single steps, {rest} filters"] = float(alone * rest)
    terms["sums stored"] = float(prod(made) * visits)
    row = 0.0 if pointwise else each * height * source[3] * 4.0
    for count, filters in ((full // _FILTERS, _FILTERS), (1 if rest else 0, rest)):
        slice_bytes = each * height * width * filters * block * 4.0
        amounts = machine.by_level(streams * count * slice_bytes, slice_bytes + row)
        for level, part in zip(LEVELS, amounts, strict=True):
            if part:
                name = f"weights streamed {level}"
                terms[name] = terms.get(name, 0.0) + part


@features("Conv")
@features("FusedConv", domain="com.microsoft")
def plain(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a convolution that copies its input to a matrix, of any number of dims."""
    if call.input(0).dtype != dtypes.FLOAT:
        return general(costed, call, machine)
    weight, made = call.input(1).shape, call.output().shape
    group = costed.node.int("group", 1)
    outputs, each, *kernel = weight
    positions = prod(made[2:])
    ones = prod(kernel) == 1 and set(costed.node.ints("strides") or (1,)) == {1}
    terms, coordinates = _common(costed, call, machine)
    depth, rows, products = each * prod(kernel), outputs // group, made[0] * group
    padded = ceil(positions / machine.block) * machine.block
    terms["multiply-adds"] = float(products * rows * depth * padded)
    terms["packed"] = float(products * depth * padded)
    terms["sums"] = float(products * rows * padded)
    terms["copied"] = 0.0 if ones else float(products * depth * positions)
    terms["products"] = float(products)
    coordinates["rows"] = log(rows)
    coordinates["depth"] = log(depth)
    name = "depthwise" if each == 1 and group > 1 else "grouped" if group > 1 else "dense"
    if ones and group == 1:
        name = "pointwise"
    return Features(f"plain {name} {len(kernel)}-D", terms, coordinates)


@features("ConvTranspose")
def transposed(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a transposed one: it multiplies, and adds the columns of the product to the image."""
    weight, made, source = call.input(1).shape, call.output().shape, call.input(0).shape
    group = costed.node.int("group", 1)
    inputs, each, *kernel = weight
    positions, products = prod(source[2:]), made[0] * group
    rows, depth = each * prod(kernel), inputs // group
    padded = ceil(positions / machine.block) * machine.block
    manner = " with pads" if any(costed.node.ints("pads") or ()) else ""
    found = general(costed, call, machine, f"{len(kernel)}-D")
    terms = {
        **found.terms,
        "multiply-adds": float(products * rows * depth * padded),
        "packed": float(products * depth * padded),
        f"scattered{manner}": float(products * rows * positions),
        f"runs scattered{manner}": float(products * rows * prod(source[2:-1])),
        "products": float(products),
    }
    coordinates = {
        **found.coordinates,
        "rows": log(rows),
        "depth": log(depth),
        "positions": log(positions),
        "width": log(source[-1]),
        "groups": log(group),
        "taps": log(prod(kernel)),
        "stride": log(prod(costed.node.ints("strides") or (1,))),
    }
    return found._replace(terms=terms, coordinates=coordinates)


def _common(
    costed: Costed, call: Call, machine: Machine
) -> tuple[dict[str, float], dict[str, float]]:
    weight, made = call.input(1).shape, call.output().shape
    terms = traffic(costed, machine)
    activation = costed.node.string("activation", "")
    kind = "cheap" if activation in _CHEAP else "dear" if activation in _DEAR else "clipped"
    if activation:
        terms[f"activations, {kind}"] = float(prod(made))
    group = costed.node.int("group", 1)
    strides = costed.node.ints("strides") or (1,)
    source = costed.node.inputs
    summed = call.has_input(3)
    if summed:
        terms["added"] = float(prod(made))
    width = made[-1] if len(made) > 2 else 1
    coordinates = {
        "channels in": log(weight[1]),
        "channels out": log(weight[0] // group),
        "groups": log(group),
        "width": log(width),
        "height": log(prod(made[2:-1])),
        "images": log(made[0]),
        "taps": log(prod(weight[2:])),
        "stride": log(prod(strides)),
        "multiply-adds": log((costed.cost.macs or 0) / costed.cost.trips),
        "weights' distance": log(costed.distances.get(source[1], 0)),
        "input's distance": log(costed.distances.get(source[0], 0)),
        "filters left": float(weight[0] // group // machine.block % _FILTERS),
        "positions left": width % _POSITIONS / _POSITIONS,
        "dilated": float(max(costed.node.ints("dilations") or (1,)) > 1),
        "summed": float(summed),
    }
    return terms, coordinates


def _taps(costed: Costed, call: Call) -> _Taps:
    node = costed.node
    _, _, height, width = call.input(1).shape
    source, made = call.input(0).shape, call.output().shape
    strides = node.ints("strides") or (1, 1)
    dilations = node.ints("dilations") or (1, 1)
    pads = node.ints("pads") or (0, 0, 0, 0)
    rows = _inside(made[2], height, strides[0], dilations[0], pads[0], source[2])
    columns = _inside(made[3], width, strides[1], dilations[1], pads[1], source[3])
    whole = int((columns == width).sum())
    return _Taps(int(rows.sum()), whole, int(columns.sum()) - whole * width)


def _inside(
    made: int, taps: int, stride: int, dilation: int, pad: int, size: int
) -> npt.NDArray[np.int64]:
    """By output position along a dim: the taps that lie inside the input."""
    start = np.arange(made) * stride - pad
    last = np.clip((size - 1 - start) // dilation + 1, 0, taps)
    first = np.clip(-(start // dilation), 0, taps)
    inside: npt.NDArray[np.int64] = np.maximum(last - first, 0)
    return inside
