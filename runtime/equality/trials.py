"""The inputs on which two models are compared, with what the first answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...graph import Graph, OcostError, dtypes
from ...graph.shapes import Given, Shapes, infer
from ..feeds.inputs import make_feeds
from ..session import run_once
from .noise import SPACING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Feeds = Mapping[str, npt.NDArray[Any]]
Places = list[tuple[str, int]]  # inputs and axes

_PAIRED = 6  # open dims, beyond which there are too many pairs


@dataclass(frozen=True)
class Trial:
    """Inputs and the outputs that a model gives for them, in order."""

    feeds: Feeds
    outputs: Sequence[Any]


def repeated(
    session: InferenceSession, feeds: Sequence[Feeds], seconds: float, notes: list[str]
) -> Iterator[Trial]:
    """A trial for each of the inputs, as far as the time goes, which has to do for more runs.

    Raises
    ------
    OcostError
        If onnxruntime fails.
    """
    start = time.monotonic()
    for number, inputs in enumerate(feeds):
        yield Trial(inputs, run_once(session, inputs))
        taken = time.monotonic() - start
        if number + 1 < len(feeds) and 10 * taken > seconds:
            notes.append(f"compared on {number + 1} of {len(feeds)} random inputs for lack of time")
            return


def overridden(session: InferenceSession, graph: Graph, feeds: Feeds) -> Iterator[Trial]:
    """A trial with other contents of the initializers that a caller may override, if any.

    Raises
    ------
    OcostError
        If onnxruntime fails.
    """
    floats = {
        name: np.asarray(tensor.data())
        for name, tensor in graph.initializers.items()
        if graph.overridable(name) and dtypes.name(tensor.dtype) in SPACING
    }
    if floats:
        others = {n: np.asarray(a * np.float32(1.25), a.dtype) for n, a in floats.items()}
        yield Trial({**feeds, **others}, run_once(session, {**feeds, **others}))


def resized(
    session: InferenceSession, shapes: Shapes, given: Given, notes: list[str]
) -> Iterator[Trial]:
    """A trial with each open dim at a second size, where the model takes it.

    A dim that can't be changed alone is changed along with another: one may be the other's sum
    with a third.
    """
    dims = open_dims(shapes.graph)
    failed = []
    for symbol, places in dims.items():
        trial = _at_other_size(session, shapes, given, places)
        if trial is None:
            failed.append(symbol)
        else:
            yield trial
    stuck = []
    for symbol in failed:
        others = [dims[other] for other in dims if other != symbol and len(dims) <= _PAIRED]
        tries = (_at_other_size(session, shapes, given, dims[symbol] + o) for o in others)
        trial = next((found for found in tries if found is not None), None)
        if trial is None:
            stuck.append(symbol)
        else:
            yield trial
    if stuck:
        notes.append(f"tried at one size only, the model takes no other: {', '.join(stuck)}")


def open_dims(graph: Graph) -> dict[str, Places]:
    """Where each open dim stands, by its symbol, or ``input[axis]`` where it has none."""
    found: dict[str, Places] = {}
    for name in graph.inputs:
        if name in graph.initializers:
            continue
        for axis, dim in enumerate(graph.declared[name].type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value >= 0:
                continue
            symbol = dim.dim_param if dim.dim_param not in ("", "?") else f"{name}[{axis}]"
            found.setdefault(symbol, []).append((name, axis))
    return found


def _at_other_size(
    session: InferenceSession, shapes: Shapes, given: Given, places: Places
) -> Trial | None:
    """One larger, or else, as networks that halve their input several times want it, doubled."""
    for factor, more in ((1, 1), (2, 0)):
        try:
            other = infer(shapes.graph, _changed(shapes, given, places, factor, more))
            feeds = make_feeds(shapes.graph, other)
            return Trial(feeds, run_once(session, feeds))
        except OcostError:
            continue
    return None


def _changed(shapes: Shapes, given: Given, places: Places, factor: int, more: int) -> Given:
    """What is given, at other sizes; contents of inputs that don't fit any more are left out."""
    sizes: dict[str, tuple[int, ...]] = {}
    for name in shapes.graph.inputs:
        info = shapes.get(name)
        if name not in shapes.graph.initializers and info is not None and info.resolved is not None:
            sizes[name] = tuple(
                factor * size + more if (name, axis) in places else size
                for axis, size in enumerate(info.resolved)
            )
    values = {n: v for n, v in given.values.items() if not v.ndim or v.shape == sizes.get(n)}
    return Given(sizes, {}, values)
