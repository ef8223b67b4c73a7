"""What moves elements, and copies between layouts."""

from __future__ import annotations

from onnx import TensorProto

from ....costmodel.blocked import NCHWC
from ..case import FLOAT, INT64, Case, activation, cases, value
from ..sizes import Random, channels, image, shape, size, uniform, up

_MOST = 2e6
_TYPES = (*(FLOAT,) * 12, INT64, *(TensorProto.UINT8,) * 3, TensorProto.FLOAT16)


def _dtype(random: Random) -> int:
    return int(random.choice(_TYPES))


@cases("Transpose", 3)
def transpose(random: Random, block: int) -> Case | None:
    """Permutations that networks have, and any."""
    del block
    dims = shape(random, _MOST)
    rank, chance = len(dims), random.random()
    if rank < 2:
        return None
    permutation = [int(at) for at in random.permutation(rank)]
    if rank == 4 and chance < 0.5:
        permutation = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 3, 1, 2]][random.integers(3)]
    elif chance < 0.65:
        permutation = [*range(rank - 2), rank - 1, rank - 2]
    source = activation(*dims, dtype=_dtype(random))
    return Case("Transpose", (source,), attributes={"perm": permutation})


@cases("Concat", 2)
def concat(random: Random, block: int) -> Case | None:
    """Of two to five tensors."""
    del block
    dims, dtype = shape(random, _MOST / 2), _dtype(random)
    axis = int(random.integers(len(dims))) if random.random() < 0.5 else min(1, len(dims) - 1)
    parts = []
    for _ in range(int(random.integers(2, 6))):
        part = max(1, int(dims[axis] * uniform(random, 0.1, 1)))
        parts.append(activation(*dims[:axis], part, *dims[axis + 1 :], dtype=dtype))
    return Case("Concat", tuple(parts), attributes={"axis": axis})


@cases("Split", 1)
def split(random: Random, block: int) -> Case | None:
    """Into two to four tensors, along the last dim or that of the channels for the most part."""
    del block
    dims, chance = shape(random, _MOST), random.random()
    axis = len(dims) - 1 if chance < 0.4 else min(1, len(dims) - 1)
    axis = int(random.integers(len(dims))) if chance > 0.7 else axis
    parts = int(random.integers(2, 5))
    if dims[axis] < parts:
        return None
    each = dims[axis] // parts
    sizes = [each] * (parts - 1) + [dims[axis] - each * (parts - 1)]
    operands = (activation(*dims, dtype=_dtype(random)), value(sizes))
    return Case("Split", operands, outputs=parts, attributes={"axis": axis})


@cases("Slice", 2)
def slices(random: Random, block: int) -> Case | None:
    """Along one axis."""
    del block
    dims = shape(random, _MOST)
    axis = int(random.integers(len(dims))) if random.random() < 0.6 else len(dims) - 1
    start = int(random.integers(0, max(1, dims[axis] // 2)))
    end = int(random.integers(start + 1, dims[axis] + 1))
    step = 1 if random.random() < 0.7 else 2
    bounds = tuple(value([bound]) for bound in (start, end, axis, step))
    return Case("Slice", (activation(*dims, dtype=_dtype(random)), *bounds))


@cases("repeated and padded", 2)
def grown(random: Random, block: int) -> Case | None:
    """Expand, Tile, Pad."""
    del block
    dims = shape(random, _MOST)
    rank = len(dims)
    name, dtype = str(random.choice(["Expand", "Expand", "Tile", "Pad", "Pad"])), _dtype(random)
    if name == "Expand":
        part = tuple(d if random.random() < 0.5 else 1 for d in dims)
        return Case(name, (activation(*part, dtype=dtype), value(list(dims))))
    if name == "Tile":
        half = tuple(max(1, d // 2) for d in dims)
        times = value([2 if d > 1 and random.random() < 0.7 else 1 for d in dims])
        return Case(name, (activation(*half, dtype=dtype), times))
    mode = str(random.choice(["constant", "constant", "constant", "reflect", "edge"]))
    pads = [int(random.integers(0, 4)) if at >= rank - 2 else 0 for at in range(rank)]
    if mode == "reflect" and any(pad >= dim for pad, dim in zip(pads, dims, strict=True)):
        return None
    return Case(name, (activation(*dims), value(pads + pads)), attributes={"mode": mode})


@cases("pixel shuffles", 1)
def shuffle(random: Random, block: int) -> Case | None:
    """DepthToSpace and its inverse."""
    del block
    height, width = image(random, 64)
    count = 4 * size(random, 1, 64)
    if random.random() < 0.3:
        source = activation(1, count, 2 * height, 2 * width)
        return Case("SpaceToDepth", (source,), attributes={"blocksize": 2})
    attributes = {"blocksize": 2, "mode": str(random.choice(["DCR", "CRD"]))}
    return Case("DepthToSpace", (activation(1, count, height, width),), attributes=attributes)


@cases("copies between layouts", 4)
def reorder(random: Random, block: int) -> Case | None:
    """Into the blocked layout and back."""
    height, width = image(random)
    if block == 1:
        return None
    count = channels(random, 4, 1024)
    if count * height * width > 1.5 * _MOST:
        return None
    if random.random() < 0.5:
        return Case("ReorderInput", (activation(1, up(count, 4), height, width),), NCHWC)
    source = activation(1, up(count, block), height, width)
    return Case("ReorderOutput", (source,), NCHWC, attributes={"channels": count})
