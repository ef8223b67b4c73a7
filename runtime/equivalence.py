"""Do two models compute the same? Their outputs on random inputs, but for rounding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from ..graph import Graph, OcostError, to_proto
from ..graph.shapes import Given, Shapes, infer
from .closeness import By, Case, OutputCheck, gap, judge, leaves, noise
from .comparable import how, is_quantised, mismatch, random_node
from .inputs import make_feeds
from .noise import shaken, shaken_feeds
from .reference import NoReferenceError, evaluate
from .session import Level, Options, open_session, run_once
from .sizes import groups, open_dims, resized

Array = npt.NDArray[Any]
Feeds = Mapping[str, Array]
Outputs = dict[str, Array]
Run = Callable[[Feeds], Outputs]

# Without the runtime's own fusions, which round differently too.
_AS_WRITTEN = Options(level=Level.DISABLE)
_SHAKES = 3


@dataclass(frozen=True)
class Equivalence:
    """Whether a rewritten model computes what it did before.

    Parameters
    ----------
    inputs
        How many inputs were compared.
    reference
        What the outputs were compared with: the model's own in float64, or those that it gave
        before, in the types that it has.
    max_abs, max_rel, tolerance
        Of the output with the least room; see ``OutputCheck``.
    ok
        None where nothing can be concluded: a random operator, no way to run the model, or
        outputs that rounding alone changes as much.
    reason
        Why it is not ok, in one line.
    worst_output
        Its name.
    outputs
        Every output.
    notes
        What was left out, and why.
    """

    inputs: int
    reference: Literal["float64", "float32"]
    max_abs: float | None
    max_rel: float | None
    tolerance: float | None
    ok: bool | None
    reason: str = ""
    worst_output: str = ""
    outputs: tuple[OutputCheck, ...] = ()
    notes: tuple[str, ...] = ()


def check(
    before: Graph,
    after: Graph,
    *,
    given: Given | None = None,
    inputs: int = 3,
    budget_s: float = 60.0,
) -> Equivalence:
    """Compare the outputs of two models, run as they are written.

    They are compared on random inputs, and on one more for every open dim that can have another
    size. What may differ is found by shaking the weights and inputs of the model before
    (``noise``), and by its distance from the same in float64 (``reference``).

    Parameters
    ----------
    before, after
        Root graphs.
    given
        Shapes, dims and contents of inputs.
    inputs
        How many random inputs.
    budget_s
        Seconds. Where they don't suffice, the float64 reference and further inputs go.

    Raises
    ------
    OcostError
        If what is given contradicts the model, or no valid input can be made.
    """
    odd = random_node(before) or random_node(after)
    if odd:
        return _none(None, f"'{odd}' is random: two runs of one model differ")
    text = mismatch(before, after)
    if text:
        return _none(False, text)
    end = time.monotonic() + budget_s
    shapes = infer(before, given)
    model = to_proto(before, "filled")
    try:
        run = _runner(model, before.outputs)
        notes: list[str] = []
        fed = list(_feeds(run, before, shapes, given or Given(), inputs, end, notes))
    except _CannotRun as error:
        return _none(None, f"the model before can't be run: {error}")
    feeds, wanted = [f for f, _ in fed], [o for _, o in fed]
    try:
        rerun = _runner(to_proto(after, "filled"), after.outputs)
        made = [rerun(f) for f in feeds]
    except _CannotRun as error:
        return _none(False, f"the model after can't be run: {error}")
    ...
