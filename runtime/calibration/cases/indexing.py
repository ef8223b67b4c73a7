"""What reads or writes at computed places."""

from __future__ import annotations

from math import prod

import numpy as np
from onnx import TensorProto

from ..case import BOOL, FLOAT, INT64, Case, Operand, activation, cases, value, weight
from ..sizes import Random, shape, size

_MOST = 2e6
_TYPES = (*(FLOAT,) * 8, INT64, TensorProto.UINT8, BOOL)


@cases("Gather", 2.5)
def gather(random: Random, block: int) -> Case | None:
    """One index or many, of a table or of what was computed."""
    del block
    dims = shape(random, _MOST)
    axis = int(random.integers(len(dims))) if random.random() < 0.6 else 0
    count = size(random, 1, 512)
    if prod(dims) / dims[axis] * count > 2 * _MOST:
        return None
    table = weight if random.random() < 0.5 and prod(dims) < _MOST / 4 else activation
    dtype = int(random.choice(_TYPES))
    indices = random.integers(0, dims[axis], count)
    chosen = value(indices[0]) if random.random() < 0.3 else value(indices)
    return Case("Gather", (table(*dims, dtype=dtype), chosen), attributes={"axis": axis})


@cases("other gathering", 1.5)
def elements(random: Random, block: int) -> Case | None:
    """GatherElements, GatherND, Compress, OneHot, NonZero."""
    del block
    dims = shape(random, _MOST / 8)
    source, rank = activation(*dims), len(dims)
    names = ["GatherElements", "GatherElements", "GatherND", "GatherND", "OneHot", "NonZero"]
    name = str(random.choice([*names, "Compress"]))
    if name == "GatherElements":
        axis = int(random.integers(rank))
        indices = value(random.integers(0, dims[axis], dims))
        return Case(name, (source, indices), attributes={"axis": axis})
    if name == "GatherND":
        return Case(name, (source, _places(random, dims)))
    if name == "OneHot":
        classes, count = size(random, 2, 512), size(random, 1, 512)
        indices = value(random.integers(0, classes, count))
        return Case(name, (indices, value(classes), value([0, 1], np.float32)))
    if name == "NonZero":
        return Case(name, (activation(*dims, dtype=BOOL),))
    return Case(
        name, (source, value(random.random(dims[0]) < 0.5, np.bool_)), attributes={"axis": 0}
    )


@cases("scattering", 1)
def scatter(random: Random, block: int) -> Case | None:
    """ScatterND, ScatterElements."""
    del block
    dims = shape(random, _MOST / 8)
    if random.random() < 0.6:
        places = _places(random, dims)
        updates = activation(*places.shape[:-1], *dims[places.shape[-1] :])
        return Case("ScatterND", (activation(*dims), places, updates))
    axis = int(random.integers(len(dims)))
    part = (*dims[:axis], max(1, dims[axis] // 2), *dims[axis + 1 :])
    order = np.argsort(random.random(dims), axis=axis)  # no place twice
    indices = np.take(order, range(part[axis]), axis=axis)
    operands = (activation(*dims), value(indices), activation(*part))
    return Case("ScatterElements", operands, attributes={"axis": axis})


def _places(random: Random, dims: tuple[int, ...]) -> Operand:
    """Indices of a few places along the first dims, none twice."""
    depth = int(random.integers(1, len(dims) + 1))
    room = prod(dims[:depth])
    count = min(room, size(random, 1, 512))
    flat = random.choice(room, count, replace=False)
    return value(np.stack(np.unravel_index(flat, dims[:depth]), axis=-1))
