"""What two models answer on each input, and what rounding would: the evidence of a comparison."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...graph import OcostError
from ...graph.shapes import Shapes
from .closeness import By, Case, floor, gap, leaves, moved
from .engines import Engine
from .fitting import Inputs
from .noise import shaken_feeds
from .patience import too_much
from .stage import Staged, shaken
from .workspace import Workspace

Outputs = Mapping[str, npt.NDArray[Any]]

# Beyond this many times what rounding does, the reference itself must be wrong.
_TRUST = 8
_WIDE_BYTES = 1 << 29  # of a model; in float64 it takes twice as many and is held twice


@dataclass
class Record:
    """One input and all outputs for it: leaves of sequences and maps by their own names."""

    draw: Inputs
    before: Outputs
    after: Outputs = field(default_factory=dict)
    noise: dict[str, float] = field(default_factory=dict)
    noise_after: dict[str, float] = field(default_factory=dict)
    flips: dict[str, float] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    shakes: int = 0  # how often the noise was looked for
    reference: Outputs = field(default_factory=dict)

    def differs(self, manners: Mapping[str, By]) -> bool:
        """Whether the two models answer anything different."""
        return any(
            gap(by, self.before[name], self.after[name]) > 0
            for name, by in manners.items()
            if name in self.before
        )

    def case(self, name: str) -> Case:
        """What concerns one output."""
        return Case(
            self.before[name],
            self.after[name],
            self.noise.get(name, 0.0),
            self.reference.get(name),
            self.steps.get(name, 0.0),
            self.flips.get(name, 0.0),
            self.noise_after.get(name, 0.0),
        )


def flat(names: Sequence[str], outputs: Sequence[object]) -> Outputs:
    """Outputs in order, by name and taken apart where they are no tensors."""
    pairs = zip(names, outputs, strict=True)
    return {k: v for name, value in pairs for k, v in leaves(name, value).items()}


def shake(
    records: Sequence[Record],
    workspace: Workspace,
    staged: Staged,
    engine: Engine,
    manners: Mapping[str, By],
    *,
    quantised: bool,
    seconds: float,
    times: int,
) -> None:
    """Add what rounding makes of outputs: so many shaken copies, or one within the time.

    Of an output without a manner that is nothing.
    """
    end = time.monotonic() + seconds
    for number in range(times):
        wanted = [record for record in records if record.shakes <= number]
        if not wanted:
            continue
        if number and time.monotonic() > end:
            return
        generator = np.random.default_rng(number)
        copy = shaken(staged, workspace.place(), generator, quantised=quantised)
        for record in wanted:
            record.shakes = number + 1
            fed = record.draw.feeds()
            feeds = shaken_feeds(fed, generator, quantised=quantised)
            feeds |= {copy: fed[name] for name, copy in copy.copies.items() if name in fed}
            try:
                answer = workspace.run(copy, engine, feeds)
            except OcostError:  # a number of detections, say, that a later Reshape does not take
                continue
            for name, array in flat(copy.outputs, answer).items():
                if name in record.before and name in manners:
                    own = record.before[name]
                    apart = gap(manners[name], own, array)
                    record.noise[name] = max(apart, record.noise.get(name, 0.0))
                    if quantised and own.size and manners[name] == "values":
                        share = moved(own, array, record.steps.get(name, 1.0) / 2) / own.size
                        record.flips[name] = max(share, record.flips.get(name, 0.0))
        copy.remove()


def refer(
    record: Record,
    workspace: Workspace,
    staged: Staged,
    manners: Mapping[str, By],
    shapes: Shapes,
) -> str:
    """Add what the model before should answer, in float64, for the outputs that are numbers.

    Returns why it can't be run so, or that its answers are not those that the model gives.
    """
    if record.reference:
        return ""
    if staged.size > _WIDE_BYTES:
        return f"in float64 the model would take {staged.size >> 28} GB"
    reason = too_much(shapes)
    if reason:
        return reason
    try:
        answer = workspace.run(staged, Engine.FLOAT64, record.draw.feeds())
    except OcostError as error:
        return str(error)
    found = flat(staged.outputs, answer)
    exact = {n: a for n, a in found.items() if manners.get(n) in ("values", "rows")}
    for name, array in exact.items():
        by, own = manners[name], record.before[name]
        explained = max(floor(by, own, own), record.noise.get(name, 0.0))
        if gap(by, own, array) > _TRUST * explained:
            return (
                f"onnx's reference evaluator disagrees with onnxruntime on output '{name}' "
                "of the model before"
            )
    record.reference = exact
    return ""
