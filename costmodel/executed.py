"""What the nodes cost that a runtime really executes, in the sizes that it gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from ..graph import Graph
from ..graph.shapes import Given, Shapes, infer
from ..lineage.lineage import Lineage
from .assemble import assemble
from .cost import Costed, cost_nodes
from .device import Device
from .estimators import estimator_for
from .footprint import Footprints
from .memory import Memory
from .params import constants
from .result import GraphCost, NodeCost
from .reuse import distances
from .session_memory import Footprint
from .storage import stored


def executed_cost(
    original: Graph,
    optimized: Graph,
    attribution: Lineage,
    device: Device,
    given: Given | None = None,
    channels: Mapping[str, int] | None = None,
    activations: Callable[[Shapes, Sequence[Costed]], Memory | None] = stored,
    footprints: Footprints | None = None,
) -> GraphCost:
    """Cost the graph that a runtime executes.

    Traffic is physical: channels that a blocked layout pads are read and written. ``flops`` and
    ``macs`` leave them out, ``padded_flops`` and ``padded_bytes`` are what they add. Activation
    memory is as ``activations`` has it.

    Parameters
    ----------
    original
        The graph that the runtime was given.
    optimized
        The graph that it executes: what it saved, or what rules say.
    attribution
        Of the second to the first: each node's originals.
    device
        Whose roofline to use.
    given
        Shapes, dims and values of inputs.
    channels
        By path of a tensor in a blocked layout: its channels without padding. By default those of
        the original tensors that the attribution names.
    activations
        The memory that activations take in the graph that is executed.
    footprints
        Says how much memory running it takes, when somebody wants to know; None where there are
        no rules for that.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    shapes = infer(optimized, as_executed(given, attribution))
    if channels is None:
        channels = unpadded_channels(attribution, infer(original, given), shapes)
    costed = executed_nodes(shapes, attribution, channels)
    cost = assemble(
        shapes,
        costed,
        estimator_for(device),
        "executed",
        stored=list(constants(optimized)),
        source=original,
        alive=activations(shapes, costed),
    )

    if footprints is None:
        return cost
    file = cost.totals.file_bytes

    @cache
    def taken() -> Footprint:
        return footprints(original, shapes, costed, given, device.cores, file)

    return replace(cost, footprint=taken)


def as_executed(given: Given | None, attribution: Lineage) -> Given | None:
    """What the user says, with trips by the names that loops have where they are executed."""
    if given is None or not given.trips:
        return given
    trips = {
        one.name: given.trips[path]
        for one in attribution.executed
        for path in one.originals
        if path in given.trips
    }
    return given._replace(trips=trips)


def executed_nodes(
    shapes: Shapes, attribution: Lineage, channels: Mapping[str, int]
) -> list[Costed]:
    """The nodes that a runtime executes, costed, what padding adds told apart.

    Parameters
    ----------
    shapes
        Of the graph that it executes.
    attribution
        To the graph that it was given.
    channels
        By path of a tensor in a blocked layout: its channels without padding.
    """
    padding = _Padding(channels)
    originals = {node.name: node.originals for node in attribution.executed}
    costed = cost_nodes(shapes)
    return [
        c._replace(
            cost=padding.apart(c)._replace(
                originals=originals.get(c.cost.name, ()), padded_bytes=padding.bytes(c)
            ),
            executed=True,
            padded_params=padding.params(c),
            distances=near,
        )
        for c, near in zip(costed, distances(costed), strict=True)
    ]


def unpadded_channels(attribution: Lineage, original: Shapes, optimized: Shapes) -> dict[str, int]:
    """By path of a 4-D tensor that is executed: the channels that its original has."""
    logical = dict(_shapes(original))
    found = {}
    for path, physical in _shapes(optimized):
        shape = logical.get(attribution.tensors.get(path, ""))
        if shape is None or len(shape) != 4 or len(physical) != 4:
            continue
        if (shape[0], *shape[2:]) == (physical[0], *physical[2:]):
            found[path] = shape[1]
    return found


def _shapes(scope: Shapes) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name in scope.graph.live_tensors():
        info = scope.get(name)
        if info is not None and info.resolved is not None:
            yield scope.graph.prefix + name, info.resolved
    for body in scope.bodies.values():
        yield from _shapes(body)


class _Share(NamedTuple):
    """The part of a tensor that the original has too: so many of so many channels."""

    kept: int
    of: int

    def also(self, other: _Share) -> _Share:
        """That part of another part."""
        return _Share(self.kept * other.kept, self.of * other.of)


_WHOLE = _Share(1, 1)


class _Padding:
    """What a layout adds that pads channels; ``channels`` are those without, by path."""

    def __init__(self, channels: Mapping[str, int]) -> None:
        self._channels = channels

    def apart(self, costed: Costed) -> NodeCost:
        """A node's cost with what padding adds told apart."""
        cost = costed.cost
        made = self._share(costed.scope, costed.node.outputs[0]) if costed.node.outputs else _WHOLE
        read = self._read_share(costed)
        if cost.macs is None or cost.flops is None or made == read == _WHOLE:
            return cost
        both = made.also(read)
        macs = cost.macs * both.kept
        others = (cost.flops - 2 * cost.macs) * made.kept
        flops = (2 * macs * made.of + others * both.of) // (both.of * made.of)
        return cost._replace(macs=macs // both.of, flops=flops, padded_flops=cost.flops - flops)

    def bytes(self, costed: Costed) -> int | None:
        """Bytes of padding that a node reads and writes; None where its traffic is not known."""
        cost, scope = costed.cost, costed.scope
        if cost.write_bytes is None:
            return None
        if not costed.node.outputs:
            return 0
        made = self._share(scope, costed.node.outputs[0])
        conv = _convolution(costed)
        weights = None if conv is None else conv.node.inputs[1]
        parts = [(cost.write_bytes, made)]
        for name, amount in costed.reads.items():
            share = self._share(scope, name)
            if name == weights:
                share = made.also(self._read_share(costed))
            elif made is not _WHOLE and _is_per_channel(costed, name):
                share = made
            parts.append((amount * cost.trips, share))
        return _padding(parts)

    def params(self, costed: Costed) -> Mapping[str, int]:
        """Elements that padding adds to a convolution's constant weights and bias, by name."""
        conv = _convolution(costed)
        if conv is None:
            return {}
        made = self._share(costed.scope, costed.node.outputs[0])
        shares = made.also(self._read_share(costed)), made
        found = {}
        for name, share in zip(conv.node.inputs[1:3], shares, strict=False):
            info = conv.scope.get(name) if name else None
            if share.kept != share.of and info is not None and info.constant and info.size:
                found[name] = info.size - info.size * share.kept // share.of
        return found

    def _read_share(self, costed: Costed) -> _Share:
        """Of a convolution: the share of its input channels that are none of padding."""
        conv = _convolution(costed)
        if conv is None or conv.call is None:
            return _WHOLE
        if conv.node.int("group", 1) > 1:  # the groups are what is padded
            return _WHOLE
        return self._share(costed.scope, costed.node.inputs[0])

    def _share(self, scope: Shapes, name: str) -> _Share:
        """The share of a tensor's channels that the original has too."""
        channels = self._channels.get(scope.graph.prefix + name)
        info = scope.get(name) if channels is not None else None
        physical = None if info is None else info.resolved
        if channels is None or physical is None or len(physical) != 4 or not physical[1]:
            return _WHOLE
        return _WHOLE if channels == physical[1] else _Share(channels, physical[1])


def _padding(parts: Iterable[tuple[int, _Share]]) -> int:
    """What of so many bytes in all is none of the original's, in whole bytes."""
    physical = kept = 0
    of = 1
    for amount, share in parts:
        if share is not _WHOLE:  # the sum of kept / of, exactly
            physical += amount
            kept, of = kept * share.of + amount * share.kept * of, of * share.of
    return physical - kept // of


def _convolution(costed: Costed) -> Costed | None:
    """The convolution that a node runs, alone or among others."""
    found = costed.parts or (costed,)
    return next((c for c in found if c.node.op_type in ("Conv", "ConvTranspose")), None)


def _is_per_channel(costed: Costed, name: str) -> bool:
    """Whether a node reads a constant of one value for each channel that it makes."""
    info, made = costed.scope.get(name), costed.scope.get(costed.node.outputs[0])
    if info is None or not info.constant or made is None or made.resolved is None:
        return False
    return len(made.resolved) == 4 and info.size == made.resolved[1]
