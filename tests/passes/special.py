"""Do NaN and infinities stay what they were? The sign of a zero may change (docs/passes.md)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ocost.graph import Graph, OcostError
from ocost.graph.shapes import Given, infer
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options, SessionLevel

Array = npt.NDArray[np.generic]


def moved(before: Graph, after: Graph, given: Given | None = None) -> list[str]:
    """Outputs in which special values of the inputs became others, in words."""
    try:
        feeds = make_feeds(before, infer(before, given))
        sessions = [
            open_session(named(g), Options(level=SessionLevel.DISABLE)) for g in (before, after)
        ]
    except OcostError:
        return []  # whether it runs is for the comparison of outputs to tell
    found = []
    for value in (np.nan, np.inf, -np.inf, -0.0):
        for share in (0.2, 1.0):
            spoilt = {name: _spoilt(np.asarray(x), value, share) for name, x in feeds.items()}
            old, new = (run_once(session, spoilt) for session in sessions)
            for name, a, b in zip(before.outputs, old, new, strict=True):
                if not np.array_equal(_kinds(a), _kinds(b)):
                    found.append(f"{name} where {share:.0%} of the inputs are {value}")
    return found


def _spoilt(x: Array, value: float, share: float) -> Array:
    if x.dtype.kind != "f":
        return x
    chosen = np.random.default_rng(0).random(x.shape) < share
    return np.where(chosen, np.array(value, x.dtype), x)


def _kinds(x: Array) -> Array:
    """What an element is: finite, NaN, one of the infinities."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return x
    return np.isnan(x) * 3 + np.isposinf(x) * 2 + np.isneginf(x) * 1
