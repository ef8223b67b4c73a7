"""What is to be known of a graph that ``optimize`` made, beside the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A pass that failed, by a bug of its own, and was undone.

    Parameters
    ----------
    by
        The pass; ``onnxsim:NAME`` for one of onnxsim's optimisers.
    reason
        What happened, as a clause.
    """

    by: str
    reason: str


@dataclass(frozen=True)
class Standing:
    """On what rewrites stand, what was left out of the graph, and what failed.

    Parameters
    ----------
    proofs
        How many rewrites stand on which proof; empty where the whole model proves or refutes them.
    broken
        How many rewrites were left out since outputs differed with them.
    unproven
        How many were left out since they could not be compared in any way.
    faults
        Passes that failed by a bug, and were undone.
    unconverted
        Why the conversion to another opset, which is none of those, was left out; "" if it wasn't.
    """

    proofs: Mapping[str, int]
    broken: int
    unproven: int
    faults: tuple[Fault, ...]
    unconverted: str = ""
