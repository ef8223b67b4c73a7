"""Whether the tensors of an optimised graph hold the values that attribution says they do.

Both graphs are run as they stand, with every tensor that attribution links handed out. How far
rounding alone may carry is seen from a third run, of the original with its weights and inputs
shaken by a few units in the last place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, helper, numpy_helper

from ocost.graph import OcostError, from_proto
from ocost.models.walk import consumed, walk
from ocost.runtime.equality.comparable import is_quantised
from ocost.runtime.equality.noise import SPACING, shake, shaken_feeds
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options, SessionLevel

Array = npt.NDArray[Any]
Feeds = Mapping[str, Array]

# Relative distances that are always put down to rounding: few units shaken may change nothing.
SMALLEST = 1e-4
STEP = 2.0**-6  # of 8-bit tensors, whose elements are some 64 steps on the average
ROOM = 16  # how far beyond what the shaken run shows a distance may be: kernels round anew
TELLING = 0.1  # what is farther off may be another tensor
BLOCKS = (8, 16)


@dataclass(frozen=True)
class Values:
    """What the comparison of two graphs' tensors found.

    ``compared`` were close or ``wrong``, ``sensitive`` ones could not be told because rounding
    alone changes them, ``hidden`` ones are in bodies and functions and can't be handed out.
    ``farthest`` is the largest relative distance of those that were close.
    """

    compared: int
    wrong: tuple[str, ...]
    sensitive: int
    hidden: int
    farthest: float


def check(
    model: ModelProto, optimized: ModelProto, tensors: Mapping[str, str], feeds: Feeds
) -> Values:
    """Compare the tensors of two graphs.

    Parameters
    ----------
    model, optimized
        With their weights.
    tensors
        By tensor of the second: that of the first which it stands for.
    feeds
        The inputs.

    Returns
    -------
    Values
        A tensor in another layout, of another integer type or with padded channels is close if
        any arrangement of it is.
    """
    ours, theirs = from_proto(optimized), from_proto(model)
    links = {
        made: origin
        for made, origin in tensors.items()
        if ours.producer(made) is not None and theirs.producer(origin) is not None
    }
    written = inference(model)
    expected = intermediates(written, links.values(), feeds)
    found = intermediates(optimized, links, feeds)
    limits = _limits(written, expected, feeds, quantised=is_quantised(theirs))
    wrong = []
    compared = sensitive = 0
    farthest = 0.0
    for made in found:
        origin = links[made]
        limit = limits.get(origin, np.inf)
        off = distance(found[made], expected[origin], min(limit, TELLING))
        if off <= min(limit, TELLING):
            compared += 1
            farthest = max(farthest, off)
        elif limit > TELLING:
            sensitive += 1
        else:
            wrong.append(f"{made} is not {origin}: {off:.2g} off, {limit:.2g} may be")
    return Values(
        compared + len(wrong), tuple(wrong), sensitive, len(tensors) - len(found), farthest
    )


def inference(model: ModelProto) -> ModelProto:
    """A copy in which Dropout does nothing even where it was exported for training.

    onnxruntime drops such nodes when it optimises, but executes them as they stand.
    """
    made = ModelProto()
    made.CopyFrom(model)
    for node in made.graph.node:
        if node.op_type == "Dropout" and not node.domain:
            del node.input[1:]
    return made


def intermediates(model: ModelProto, names: Iterable[str], feeds: Feeds) -> dict[str, Array]:
    """Values of tensors of a model that is run as it is."""
    there = {output.name for output in model.graph.output}
    wanted = dict.fromkeys(names)
    exposed = ModelProto()
    exposed.CopyFrom(model)
    exposed.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in wanted if name not in there
    )
    session = open_session(exposed, Options(level=SessionLevel.DISABLE))
    del exposed
    order = [output.name for output in session.get_outputs()]
    outputs = zip(order, run_once(session, feeds), strict=True)
    return {
        name: value
        for name, value in outputs
        if name in wanted and isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    }


def _limits(
    model: ModelProto, expected: Mapping[str, Array], feeds: Feeds, *, quantised: bool
) -> dict[str, float]:
    """How far each tensor may be off; none is known of a model that can't be run shaken."""
    generator = np.random.default_rng(0)
    try:
        after = intermediates(
            _shaken(model, generator, quantised=quantised),
            expected,
            shaken_feeds(feeds, generator, quantised=quantised),
        )
    except OcostError:  # a number of detections, say, that a later Reshape does not take
        return {}
    least = STEP if quantised else SMALLEST
    return {
        name: max(least, SPACING.get(array.dtype.name, 0.0), ROOM * apart(array, expected[name]))
        for name, array in after.items()
    }


def _shaken(model: ModelProto, generator: np.random.Generator, *, quantised: bool) -> ModelProto:
    """A copy with every weight shaken but for scalars, whole numbers and scales of a Resize."""
    made = ModelProto()
    made.CopyFrom(model)
    kept = consumed(made, {"Resize": 1, "Upsample": 1}) | consumed(made, {"Resize": 2})
    for tensor, name in walk(made):
        if name in kept or math.prod(tensor.dims) < 2:
            continue
        array = numpy_helper.to_array(tensor)
        if array.dtype.name in SPACING:
            moved = np.where(array == np.rint(array), array, shake(array, generator, quantised))
            tensor.CopyFrom(numpy_helper.from_array(moved.astype(array.dtype), tensor.name))
    return made


def distance(array: Array, like: Array, enough: float) -> float:
    """Of the first arrangement that is near enough, else of the nearest."""
    if array.dtype == np.uint8 and like.dtype == np.int8:
        array = array.astype(np.int16) - 128  # some kernels want it unsigned
    nearest = np.inf
    for arranged in arrangements(array, like.shape):
        nearest = min(nearest, apart(arranged, like))
        if nearest <= enough:
            break
    return nearest


def apart(array: Array, like: Array) -> float:
    """The norm of the difference, relative to that of the second; infinite if not comparable."""
    if array.shape != like.shape:
        return np.inf
    one, other = (np.asarray(a, np.float64) for a in (array, like))
    finite = np.isfinite(one) & np.isfinite(other)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return np.inf
    scale = float(np.linalg.norm(other[finite])) or 1.0
    return float(np.linalg.norm(one[finite] - other[finite])) / scale


def arrangements(array: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """What an array can be in other layouts, as arrays of a shape."""
    for plain in (array, *_unblocked(array, shape)):
        if plain.size != np.prod(shape, dtype=np.int64):
            continue
        yield plain.reshape(shape)
        packed = plain.squeeze()
        wanted = tuple(dim for dim in shape if dim != 1)
        for order in itertools.permutations(range(packed.ndim)):
            if tuple(packed.shape[axis] for axis in order) == wanted:
                yield packed.transpose(order).reshape(shape)


def _unblocked(array: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """As [N, C, H, W] what may be [N, C/b, H, W, b], without channels that are padding."""
    blocks = [array] if array.ndim == 5 else []
    for block in BLOCKS:
        if array.ndim == 4 and array.shape[1] % block == 0:  # it says [N, C, H, W] of itself
            n, c, h, w = array.shape
            blocks.append(array.reshape(n, c // block, h, w, block))
    for split in blocks:
        n, c, h, w, block = split.shape
        joined = split.transpose(0, 1, 4, 2, 3).reshape(n, c * block, h, w)
        yield joined
        if len(shape) == 4:
            yield joined[:, : shape[1]]
