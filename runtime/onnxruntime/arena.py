"""The most memory that a run takes, as onnxruntime's own arena counts it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from onnx import ModelProto

from ..profiles import MemoryPeak
from ..protocol import Feeds, Options
from .session import open_session, repeatable
from .trace import Body, Event, read_profile, records


def arena_peak(model: ModelProto, options: Options, feeds: Feeds) -> MemoryPeak | None:
    """Run a model once and read what its nodes asked of the arena.

    It is the first run that tells: in later ones onnxruntime takes all that the first run asked
    for in one piece.

    Returns
    -------
    MemoryPeak or None
        None where the profile doesn't say: the provider has no arena, the version of onnxruntime
        doesn't write it, or no node is executed.

    Raises
    ------
    OcostError
        If onnxruntime refuses the model or fails on the inputs.
    """
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        session = open_session(model, options, profile_prefix=Path(folder) / "arena")
        try:
            repeatable(session, feeds)()
        finally:
            written = session.end_profiling()
        if not any(record["cat"] == "Node" for record in records(Path(written))):
            return None  # all of the model is folded
        (run, *_) = read_profile(written).runs
    return peak(run)


def peak(run: Body) -> MemoryPeak | None:
    """What a session's first run took of the arena; None where its profile doesn't say."""
    found = [(event, event.arena) for event in _finished(run) if event.arena is not None]
    first = run.events[0].arena if run.events else None
    if first is None:
        return None
    # An owner has its bodies' outputs before their nodes begin: its own delta holds both.
    baseline = first.in_use - first.delta
    at, most = max(found, key=lambda one: one[1].in_use)
    last = found[-1][1]
    raised = last.high_water > found[0][1].high_water
    return MemoryPeak(
        most.in_use - baseline,
        at.name,
        baseline,
        last.high_water - baseline if raised else None,
        last.held,
    )


def _finished(run: Body) -> Iterator[Event]:
    """All nodes in the order in which they finished: those of bodies before their owner."""
    for event in run.events:
        for body in event.bodies:
            yield from _finished(body)
        yield event
