"""What works along an axis."""

from __future__ import annotations

from ..case import Case, activation, cases, value, weight
from ..sizes import Random, shape, size

_MOST = 1.5e6
_RARE = ["ReduceMin", "ReduceL2", "ReduceL1", "ReduceProd", "ReduceLogSumExp", "ReduceSumSquare"]


@cases("Softmax", 2)
def softmax(random: Random, block: int) -> Case | None:
    """Along the last axis for the most part."""
    del block
    name = str(random.choice(["Softmax", "Softmax", "Softmax", "LogSoftmax", "ArgMax"]))
    dims = shape(random, _MOST)
    axis = len(dims) - 1 if random.random() < 0.75 else int(random.integers(len(dims)))
    return Case(name, (activation(*dims),), attributes={"axis": axis})


@cases("layer norms", 3)
def layer_norm(random: Random, block: int) -> Case | None:
    """Of the last axis, after an addition too."""
    del block
    name = str(random.choice(["LayerNormalization"] * 3 + ["SkipLayerNormalization"] * 2 + ["RMS"]))
    if name == "SkipLayerNormalization":
        tokens = (1, size(random, 1, 512), size(random, 8, 2048))
        both = (activation(*tokens), activation(*tokens))
        scales = (weight(tokens[-1]), weight(tokens[-1]))
        return Case(name, (*both, *scales), "com.microsoft", attributes={"epsilon": 1e-5})
    dims = shape(random, _MOST)
    attributes = {"axis": -1, "epsilon": 1e-5}
    source, scale = activation(*dims), weight(dims[-1])
    if name == "RMS":
        return Case("SimplifiedLayerNormalization", (source, scale), attributes=attributes)
    return Case(name, (source, scale, weight(dims[-1])), attributes=attributes)


@cases("reductions", 3)
def reduction(random: Random, block: int) -> Case | None:
    """Along the last axes, or others."""
    del block
    dims = shape(random, _MOST)
    if len(dims) < 2:
        return None
    rank, chance = len(dims), random.random()
    axes = [rank - 1] if chance < 0.5 else [int(random.integers(rank))]
    if 0.5 <= chance < 0.8:
        axes = [rank - 2, rank - 1]
    attributes: dict[str, object] = {"keepdims": int(random.random() < 0.7)}
    name = str(random.choice(["ReduceMean"] * 4 + ["ReduceSum"] * 3 + ["ReduceMax"] * 2 + _RARE))
    return Case(name, (activation(*dims), value(axes)), attributes=attributes)


@cases("norms of channels", 2)
def channel_norm(random: Random, block: int) -> Case | None:
    """BatchNormalization that is left, InstanceNormalization."""
    del block
    dims = shape(random, _MOST, rank=int(random.choice([3, 4, 4])))
    if random.random() < 0.1:
        attributes = {"axis": int(random.integers(len(dims))), "p": int(random.integers(1, 3))}
        return Case("LpNormalization", (activation(*dims),), attributes=attributes)
    if random.random() < 0.6:
        operands = (activation(*dims), *(weight(dims[1]) for _ in range(4)))
        return Case("BatchNormalization", operands)
    return Case("InstanceNormalization", (activation(*dims), weight(dims[1]), weight(dims[1])))
