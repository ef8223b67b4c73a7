"""The time of every executed node, as onnxruntime's profiler sees it, less what that adds."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto

from ..graph import Graph, from_proto
from ..graph.tensor import every_tensor
from .alignment import align
from .session import Options, open_session, run_once
from .timing import WARM_UPS, Timing, measure, pinned
from .trace import Body, Trace, read_profile

Floats = npt.NDArray[np.float64]

LIMIT = 1_000_000  # events that onnxruntime records in a session
_ENOUGH = 200_000  # a file of some 120 MB; beyond that only for the least number of runs
_LEAST = 10
_BIAS_S = 5e-6  # more than the profiler adds to a node anywhere
_FLOOR_S = 1e-7  # less than any node takes
_LARGE = 1024  # elements; the contents of larger constants decide no shape
_PAYLOADS = ("raw_data", "float_data", "double_data", "int32_data", "int64_data", "uint64_data")


@dataclass(frozen=True)
class NodeTime:
    """The seconds of an executed node in a run, over all trips of the loop that it is in."""

    name: str
    op_type: str
    seconds: float


@dataclass(frozen=True)
class Profile:
    """A session's executed nodes and their times.

    Parameters
    ----------
    optimized
        The graph that the session executes, without the contents of large constants.
    nodes
        Those of its nodes that were executed, an owner before its bodies' nodes. Their times
        sum up to the latency.
    latency
        Of the same session without the profiler.
    bias_s
        What the profiler adds to a node, which is taken off.
    runs
        That were profiled.
    """

    optimized: Graph
    nodes: tuple[NodeTime, ...]
    latency: Timing
    bias_s: float
    runs: int


def take_profile(
    model: ModelProto,
    options: Options,
    feeds: Mapping[str, npt.NDArray[Any]],
    *,
    runs: int = 50,
    budget_s: float = 5.0,
) -> Profile:
    """Profile a model on this machine.

    One session saves the graph that it executes, is profiled, and then timed without the
    profiler: what onnxruntime makes up names from differs between sessions. A node's time is
    its lower quartile over the runs. All files are temporary.

    Parameters
    ----------
    model
        ``named``, with its weights.
    options
        Of the session.
    feeds
        Its inputs.
    runs
        To profile; fewer where the profile would become too large.
    budget_s
        For timing it without the profiler.

    Raises
    ------
    OcostError
        If onnxruntime refuses the model or fails, or a single run has more events than it
        records.
    """
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        saved = Path(folder) / "optimized.onnx"
        prefix = Path(folder) / "profile"
        session = open_session(model, options, optimized=saved, profile_prefix=prefix)
        run = partial(run_once, session, feeds)
        try:
            optimized = _skeleton(saved)
            ...
        finally:
            written = session.end_profiling()
