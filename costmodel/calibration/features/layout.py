"""What moves elements: Transpose by the class of its permutation, Concat, Split, Slice, Gather."""

from __future__ import annotations

from math import prod

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general
from .register import Features, features, log


@features("Transpose")
def transpose(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By how many dims really change their place, and how long a run stays together."""
    shape = call.input(0).shape
    permutation = costed.node.ints("perm") or tuple(reversed(range(len(shape))))
    merged = _merged(shape, permutation)
    if len(merged) <= 1:
        manner, run = "in place", prod(shape)
    elif merged[-1][0] == max(at for at, _ in merged):
        manner, run = "runs", merged[-1][1]
    elif len(merged) == 2:
        manner, run = "matrix", 1
    else:
        manner, run = "elements", 1
    found = general(costed, call, machine, manner)
    return found._replace(
        terms={**found.terms, "runs": prod(shape) / max(1, run)},
        coordinates={
            **found.coordinates,
            "run": log(run),
            "dims": float(len(merged)),
            "last": log(shape[-1] if shape else 1),
            "first": log(merged[0][1] if merged else 1),
        },
    )


def _merged(shape: tuple[int, ...], permutation: tuple[int, ...]) -> list[tuple[int, int]]:
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


@features("Concat", "Split", "Slice", "Gather")
@features("QLinearConcat", domain="com.microsoft")
def copied(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of copies: by the number of pieces that lie together."""
    node = costed.node
    pieces = max(1.0, _pieces(costed, call))
    inner = node.op_type == "Slice" and _step(call) != 1
    found = general(costed, call, machine, "strided" if inner else "")
    ports = sum(t is not None for t in (*call.inputs, *call.outputs))
    return found._replace(
        terms={**found.terms, "pieces": pieces, "ports": float(ports)},
        coordinates={**found.coordinates, "pieces": log(pieces), "ports": log(ports)},
    )


def _pieces(costed: Costed, call: Call) -> float:
    node = costed.node
    made = call.output().shape
    if node.op_type == "Slice":
        source = call.input(0).shape
        cut = [at for at, (a, b) in enumerate(zip(source, made, strict=False)) if a != b]
        return float(prod(made[: max(cut) + 1]) / max(1, made[max(cut)])) if cut else 1.0
    source = call.input(0).shape
    if node.op_type == "Gather":
        axis = node.int("axis", 0) % max(1, len(source))
        return call.output().size / max(1, prod(source[axis + 1 :]))
    whole = made if "Concat" in node.op_type else source
    axis = node.int("axis", 0) % max(1, len(whole))
    parts = call.inputs if "Concat" in node.op_type else call.outputs
    return float(prod(whole[:axis]) * sum(part is not None for part in parts))


def _step(call: Call) -> int:
    steps = call.values.get(4)
    return 1 if steps is None or not steps.size else int(abs(steps).max())
