"""A model's open dims, each at a second size: a rewrite must not depend on the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from ..graph import Graph
from ..graph.shapes import Given, Shapes

Places = list[tuple[str, int]]  # inputs and axes


def open_dims(graph: Graph) -> dict[str, Places]:
    """Where each open dim stands, by its symbol, or ``input[axis]`` where it has none."""
    found: dict[str, Places] = {}
    for name in graph.inputs:
        if name in graph.initializers:
            continue
        for axis, dim in enumerate(graph.declared[name].type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value >= 0:
                continue
            symbol = dim.dim_param if dim.dim_param not in ("", "?") else f"{name}[{axis}]"
            found.setdefault(symbol, []).append((name, axis))
    return found


def resized(given: Given, shapes: Shapes, dims: Mapping[str, Places], doubled: bool) -> Given:
    """What is given, with these dims one larger, or twice as large, than they are.

    Contents of inputs that do not fit any more are left out.
    """
    sizes = {
        name: list(info.resolved)
        for name in shapes.graph.inputs
        if name not in shapes.graph.initializers
        and (info := shapes.get(name)) is not None
        and info.resolved is not None
    }
    for places in dims.values():
        for name, axis in places:
            sizes[name][axis] += sizes[name][axis] if doubled else 1
    made = {name: tuple(size) for name, size in sizes.items()}
    fitting = {n: v for n, v in given.values.items() if not v.ndim or v.shape == made[n]}
    return Given(made, {}, fitting)


def groups(failed: Mapping[str, Places]) -> Iterator[dict[str, Places]]:
    """Pairs of dims that could not be changed alone: one may be the other's sum with a third."""
    if len(failed) <= 4:
        for pair in combinations(failed, 2):
            yield {symbol: failed[symbol] for symbol in pair}
