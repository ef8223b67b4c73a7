"""What reads or writes at computed places: by the number of pieces, and how long one is."""

from __future__ import annotations

from math import prod

from ....graph import dtypes
from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general, qualified
from .register import Features, features, log, spread


@features("Gather", "GatherND", "GatherElements", "Compress")
@features("GatherND", domain="com.microsoft")
def gathered(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of what takes pieces out of a tensor."""
    return _by_pieces(costed, call, machine, _pieces(costed, call, call.output().size))


@features("ScatterND", "ScatterElements", "Scatter")
def scattered(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """Of a copy into which pieces are put."""
    return _by_pieces(costed, call, machine, _pieces(costed, call, call.input(2).size))


def _by_pieces(costed: Costed, call: Call, machine: Machine, pieces: float) -> Features:
    found = general(costed, call, machine, kernel=qualified(costed))
    terms = {**found.terms, "indices": float(call.input(1).size)}
    spread(terms, "pieces", pieces, costed.distances.get(costed.node.inputs[0], 0), machine)
    return found._replace(
        terms=terms,
        coordinates={
            **found.coordinates,
            "pieces": log(pieces),
            "piece": log(call.output().size / pieces),
            "bits": log(dtypes.bits(call.input(0).dtype) or 0),
            "source": log(call.input(0).size),
        },
    )


def _pieces(costed: Costed, call: Call, moved: int) -> float:
    """How many pieces are moved, of so many elements in all."""
    node, source = costed.node, call.input(0).shape
    indices = call.input(1).shape
    if node.op_type == "Gather":
        axis = node.int("axis", 0) % max(1, len(source))
        together = prod(source[axis + 1 :])
    elif node.op_type.endswith("ND"):
        # the last dim of the indices says how many dims of the source they run over
        skipped = node.int("batch_dims", 0)
        together = prod(source[skipped + (indices[-1] if indices else 1) :])
    elif node.op_type == "Compress" and "axis" in node.attributes:
        together = prod(source[node.int("axis", 0) % max(1, len(source)) + 1 :])
    else:
        together = 1
    return max(1.0, moved / max(1, together))
