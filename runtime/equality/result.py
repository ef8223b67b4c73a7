"""What a comparison of two models found: equal, different or not compared, for each output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .closeness import OutputCheck, Status, status

Precision = Literal["float64", "float32"]


@dataclass(frozen=True)
class Equivalence:
    """Whether a rewritten model computes what it did before.

    Parameters
    ----------
    inputs
        How many inputs were compared.
    reference
        What the outputs for the first input were compared with: the model's in float64, or what
        it gave before, in the types that it has. Those for the other inputs: always the latter.
    max_abs, max_rel, tolerance
        Of the output with the least room; see ``OutputCheck``. None where nothing was compared.
    ok
        None where an output was not compared, or nothing can be concluded of it.
    reason
        Why it is not ok, in one line.
    worst_output
        The output with the least room.
    outputs
        Every output.
    notes
        What was left out, and why.
    engine
        What ran the models; "" where nothing did.
    """

    inputs: int
    reference: Precision
    max_abs: float | None
    max_rel: float | None
    tolerance: float | None
    ok: bool | None
    reason: str = ""
    worst_output: str = ""
    outputs: tuple[OutputCheck, ...] = ()
    notes: tuple[str, ...] = ()
    engine: str = ""

    @property
    def status(self) -> Status:
        """The verdict in words."""
        return status(self.ok)


def nothing(ok: bool | None, reason: str, notes: tuple[str, ...] = ()) -> Equivalence:
    """A verdict that no outputs were looked at for."""
    return Equivalence(0, "float32", None, None, None, ok, reason, notes=notes)
