"""What two models answer on each input, and what rounding would: the evidence of a comparison."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from ...graph import OcostError
from ...graph.shapes import Shapes
from ..session import Level, Options, open_session, run_once
from .closeness import By, Case, gap, leaves, noise
from .noise import shaken, shaken_feeds
from .reference import NoReferenceError, evaluate

Outputs = Mapping[str, npt.NDArray[Any]]

# Without the runtime's own fusions, which round differently too.
AS_WRITTEN = Options(level=Level.DISABLE)
_SHAKES = 3
# Beyond this many times what rounding does, the reference itself must be wrong.
_TRUST = 8


@dataclass
class Record:
    """One input and all outputs for it: leaves of sequences and maps by their own names."""

    feeds: Outputs
    before: Outputs
    after: Outputs
    shaken: list[Outputs] = field(default_factory=list)
    reference: Outputs = field(default_factory=dict)

    def differs(self, manners: Mapping[str, By]) -> bool:
        """Whether the two models answer anything different."""
        return any(gap(manners[n], x, self.after[n]) > 0 for n, x in self.before.items())

    def case(self, name: str) -> Case:
        """What concerns one output."""
        found = [outputs[name] for outputs in self.shaken if name in outputs]
        return Case(self.before[name], self.after[name], found, self.reference.get(name))


def flat(names: Sequence[str], outputs: Sequence[object]) -> Outputs:
    """Outputs in order, by name and taken apart where they are no tensors."""
    pairs = zip(names, outputs, strict=True)
    return {k: v for name, value in pairs for k, v in leaves(name, value).items()}


def shake(
    records: Sequence[Record],
    model: ModelProto,
    names: Sequence[str],
    *,
    quantised: bool,
    seconds: float,
) -> None:
    """Add what the model before answers when it is shaken: three times, or once within the time."""
    end = time.monotonic() + seconds
    generator = np.random.default_rng(0)
    for number in range(_SHAKES):
        if number and time.monotonic() > end:
            return
        try:
            session = open_session(shaken(model, generator, quantised=quantised), AS_WRITTEN)
            for record in records:
                feeds = shaken_feeds(record.feeds, generator, quantised=quantised)
                record.shaken.append(flat(names, run_once(session, feeds)))
        except OcostError:  # a number of detections, say, that a later Reshape does not take
            continue


def refer(
    record: Record,
    model: ModelProto,
    names: Sequence[str],
    manners: Mapping[str, By],
    shapes: Shapes,
    seconds: float,
) -> None:
    """Add what the model before should answer, in float64, for the outputs that are numbers.

    Raises
    ------
    NoReferenceError
        If it can't be run so, or if its answers are not those that the model gives.
    """
    found = flat(names, evaluate(model, record.feeds, shapes, seconds))
    exact = {n: a for n, a in found.items() if manners.get(n) in ("values", "rows")}
    for name, array in exact.items():
        by, case = manners[name], record.case(name)
        if gap(by, case.before, array) > _TRUST * noise(by, case):
            raise NoReferenceError(
                f"onnx's reference evaluator disagrees with onnxruntime on output '{name}' "
                "of the model before"
            )
    record.reference = exact
