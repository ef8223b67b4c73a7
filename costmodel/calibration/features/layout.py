"""What moves elements: Transpose by the class of its permutation, copies by their pieces."""

from __future__ import annotations

from math import prod

from ....graph import dtypes
from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general, qualified
from .register import Features, features, log, width

Shape = tuple[int, ...]


@features("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Shape", "Size")
@features("ExpandDims", domain="com.microsoft")
def view(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of what gives a tensor another shape, or tells its shape: whatever its type."""
    return general(costed, call, machine, kernel=qualified(costed))


@features("Transpose")
def transpose(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By how many dims really change their place, and how long a run stays together."""
    source = call.input(0)
    shape = source.shape
    permutation = costed.node.ints("perm") or tuple(reversed(range(len(shape))))
    merged = _merged(shape, permutation)
    if len(merged) <= 1:
        manner, run = "in place", prod(shape)
    elif merged[-1][0] == max(at for at, _ in merged):
        manner, run = "runs", merged[-1][1]
    elif _one_moves(merged):
        manner, run = "matrix", 1
    else:
        manner, run = "elements", 1
    typed = width(source) if manner == "matrix" else ""  # of 8 and 32 bits there are fast ones
    found = general(costed, call, machine, kernel=f"Transpose {manner}{typed}")
    return found._replace(
        terms={**found.terms, "runs": prod(shape) / max(1, run)},
        coordinates={
            **found.coordinates,
            "run": log(run),
            "bits": log(dtypes.bits(source.dtype) or 0),
            "dims": float(len(merged)),
            "last": log(merged[-1][1] if merged else 1),
            "first": log(merged[0][1] if merged else 1),
        },
    )


def _one_moves(merged: list[tuple[int, int]]) -> bool:
    """Whether taking one dim out and putting it elsewhere makes the order that is wanted."""
    order = [at for at, _ in merged]
    wanted = sorted(order)
    return any([x for x in order if x != at] == [x for x in wanted if x != at] for at in order)


def _merged(shape: Shape, permutation: Shape) -> list[tuple[int, int]]:
    """Dims of more than one element, neighbours that stay neighbours as one: (place, size)."""
    places = [at for at in permutation if shape[at] != 1]
    order = {at: rank for rank, at in enumerate(sorted(places))}
    found: list[tuple[int, int]] = []
    previous = None
    for at in places:
        if previous is not None and order[at] == order[previous] + 1:
            found[-1] = (found[-1][0], found[-1][1] * shape[at])
        else:
            found.append((order[at], shape[at]))
        previous = at
    return found


@features("Concat", "Split", "Slice", "Expand", "Tile", "DepthToSpace", "SpaceToDepth")
def copied(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of copies: by the number of pieces that lie together."""
    node = costed.node
    source, made = call.input(0).shape, call.output().shape
    pieces, variant = _PIECES[node.op_type](costed, call, source, made)
    pieces = max(1.0, pieces)
    kernel = f"{node.op_type}{' ' + variant if variant else ''}"
    found = general(costed, call, machine, kernel=kernel)
    ports = sum(t is not None for t in (*call.inputs, *call.outputs))
    return found._replace(
        terms={**found.terms, "pieces": pieces, "ports": float(ports)},
        coordinates={
            **found.coordinates,
            "pieces": log(pieces),
            "bits": log(dtypes.bits(call.input(0).dtype) or 0),
            "piece": log(prod(made) / pieces),
            "ports": log(ports),
        },
    )


def _joined(costed: Costed, call: Call, source: Shape, made: Shape) -> tuple[float, str]:
    whole, parts = (
        (made, call.inputs) if costed.node.op_type == "Concat" else (source, call.outputs)
    )
    axis = costed.node.int("axis", 0) % max(1, len(whole))
    return float(prod(whole[:axis]) * sum(part is not None for part in parts)), ""


def _sliced(costed: Costed, call: Call, source: Shape, made: Shape) -> tuple[float, str]:
    del costed
    steps = call.values.get(4)
    if steps is not None and steps.size and int(abs(steps).max()) != 1:
        return float(prod(made)), "strided"
    cut = [at for at, (a, b) in enumerate(zip(source, made, strict=False)) if a != b]
    return float(prod(made[: max(cut) + 1]) / max(1, made[max(cut)])) if cut else 1.0, ""


def _repeated(costed: Costed, call: Call, source: Shape, made: Shape) -> tuple[float, str]:
    """What lies behind the last dim that is repeated stays together."""
    del costed, call
    aligned = (1,) * (len(made) - len(source)) + tuple(source)
    grown = [at for at, (a, b) in enumerate(zip(aligned, made, strict=True)) if a != b]
    return float(prod(made[: max(grown) + 1])) if grown else 1.0, ""


def _shuffled(costed: Costed, call: Call, source: Shape, made: Shape) -> tuple[float, str]:
    del call
    return float(prod(made)), costed.node.string("mode", "") if len(source) == 4 else ""


_PIECES = {
    "Concat": _joined,
    "Split": _joined,
    "Slice": _sliced,
    "Expand": _repeated,
    "Tile": _repeated,
    "DepthToSpace": _shuffled,
    "SpaceToDepth": _shuffled,
}
