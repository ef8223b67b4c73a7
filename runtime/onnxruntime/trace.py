"""onnxruntime's profile, as its JSON file has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ...graph import OcostError

_KERNEL = "_kernel_time"  # older versions also write <node>_fence_before and _fence_after
_EXECUTOR = "::Execute"
_RUN = "model_run"
_DELTA = "mem_requested_in_use_delta"


class Arena(NamedTuple):
    """What was asked of the provider's arena, in bytes.

    ``in_use`` is when the node has finished and before its inputs are freed, ``delta`` what the
    node adds to it. ``high_water`` is the most ever in use, scratch memory of kernels and slack
    of the arena's chunks included; ``held`` is what the arena took from the system.
    """

    in_use: int
    delta: int
    high_water: int
    held: int


class Event(NamedTuple):
    """An executed node. Its time includes its bodies'.

    ``bodies`` are their executions in order, one for each trip of a loop. ``arena`` is None where
    the profile doesn't say: without an arena, or by an older version.
    """

    name: str
    op_type: str
    provider: str
    start_us: int
    duration_us: int
    bodies: tuple[Body, ...] = ()
    arena: Arena | None = None

    @property
    def own_us(self) -> int:
        """Without its bodies."""
        return max(0, self.duration_us - sum(body.duration_us for body in self.bodies))


class Body(NamedTuple):
    """An execution of a graph, the root's or a body's: its nodes in the order of execution."""

    start_us: int
    duration_us: int
    events: tuple[Event, ...]


_Timed = TypeVar("_Timed", Event, Body)


@dataclass(frozen=True)
class Trace:
    """A profile.

    Parameters
    ----------
    runs
        The complete ones.
    truncated
        Whether the file ends within a run: it was cut, or onnxruntime's limit of 1,000,000
        events was reached.
    """

    runs: tuple[Body, ...]
    truncated: bool


def read_profile(path: str | Path) -> Trace:
    """Read a profile that onnxruntime wrote.

    Its format is one event a line, an operator's after those of its bodies; times are whole
    microseconds.

    Raises
    ------
    OcostError
        If the file can't be read, is no profile, or holds no complete run.
    """
    file = Path(path)
    runs: list[Body] = []
    events: list[Event] = []  # of the run or body at hand
    bodies: list[Body] = []  # that belong to a node to come
    seen = False
    try:
        for record in records(file):
            kind, name = record.get("cat"), str(record.get("name", ""))
            if kind == "Node" and name.endswith(_KERNEL):
                seen = True
                event = _event(name.removesuffix(_KERNEL), record)
                events.append(event._replace(bodies=_since(event.start_us, bodies)))
            elif kind == "Session" and name.endswith(_EXECUTOR):
                start, duration = int(record["ts"]), int(record["dur"])
                bodies.append(Body(start, duration, _since(start, events)))
            elif kind == "Session" and name == _RUN:
                runs.append(_run(record, events, bodies))
                events, bodies = [], []
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise OcostError(f"{file}: not a profile of onnxruntime ({error})") from error
    if not seen:
        raise OcostError(f"{file}: not a profile of onnxruntime (no node in it); give its JSON")
    if not runs:
        raise OcostError(f"{file}: holds no complete run; profile at least one and end_profiling")
    return Trace(tuple(runs), truncated=bool(events or bodies))


def _since(start_us: int, items: list[_Timed]) -> tuple[_Timed, ...]:
    """Take those off a list's end that began since then."""
    first = len(items)
    while first and items[first - 1].start_us >= start_us:
        first -= 1
    found = tuple(items[first:])
    del items[first:]
    return found


def _event(name: str, record: dict[str, Any]) -> Event:
    args = record["args"]
    provider = str(args.get("provider", ""))
    start, duration = int(record["ts"]), int(record["dur"])
    return Event(name, args["op_name"], provider, start, duration, arena=_arena(args))


def _arena(args: dict[str, Any]) -> Arena | None:
    if _DELTA not in args:
        return None
    return Arena(
        int(args["mem_bytes_requested_in_use"]),
        int(args[_DELTA]),
        int(args["mem_in_use_peak"]),
        int(args["mem_arena_held"]),
    )


def _run(record: dict[str, Any], events: list[Event], bodies: list[Body]) -> Body:
    """A run: what its executor did, in the time that the caller waited."""
    if len(bodies) == 1 and not events:
        events = list(bodies[0].events)
    return Body(int(record["ts"]), int(record["dur"]), tuple(events))


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a file as it has them, one at a time; a last one that is cut is left out.

    Raises
    ------
    OcostError
        If the file can't be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = filter(None, (line.strip().rstrip(",") for line in file))
            for line in lines:
                if line in "[]":
                    continue
                try:
                    record = json.loads(line)
                except ValueError:
                    if next(lines, None) is None:
                        return
                    break  # not one event a line
                yield from _listed(record)
            else:
                return
        yield from _listed(json.loads(path.read_text(encoding="utf-8", errors="replace")))
    except OSError as error:
        raise OcostError(f"{path}: can't be read ({error.strerror or error})") from error


def _listed(content: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - whatever the file has
    """An event, or all that a file has that something else wrote anew."""
    if isinstance(content, dict):
        content = content.get("traceEvents", [content])
    yield from content
