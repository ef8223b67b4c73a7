"""What the nodes cost that a runtime really executes, in the sizes that it gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from ..graph import Graph
from ..graph.shapes import Given, Shapes, infer
from ..lineage.attribution import Attribution
from .assemble import assemble
from .blocked import NCHWC
from .cost import Costed, cost_nodes
from .device import Device
from .estimators import estimator_for
from .params import constants
from .result import GraphCost, NodeCost
from .storage import stored

_WHOLE = Fraction(1)


def executed_cost(
    original: Graph,
    optimized: Graph,
    attribution: Attribution,
    device: Device,
    given: Given | None = None,
    channels: Mapping[str, int] | None = None,
) -> GraphCost:
    """Cost the graph that a runtime executes.

    Traffic is physical: channels that a blocked layout pads are read and written. ``flops`` and
    ``macs`` leave them out, ``padded_flops`` and ``padded_bytes`` are what they add. Activation
    memory is as ``storage.stored`` has it.

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

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    shapes = infer(optimized, given)
    if channels is None:
        channels = unpadded_channels(attribution, infer(original, given), shapes)
    costed = executed_nodes(shapes, attribution, channels)
    return assemble(
        shapes,
        costed,
        estimator_for(device),
        "executed",
        stored=list(constants(optimized)),
        source=original,
        alive=stored(shapes, costed),
    )


def executed_nodes(
    shapes: Shapes, attribution: Attribution, channels: Mapping[str, int]
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
    return [
        c._replace(
            cost=padding.apart(c)._replace(
                originals=originals.get(c.cost.name, ()), padded_bytes=padding.bytes(c)
            ),
            executed=True,
        )
        for c in cost_nodes(shapes)
    ]


def unpadded_channels(
    attribution: Attribution, original: Shapes, optimized: Shapes
) -> dict[str, int]:
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
        macs = cost.macs * made * read
        flops = 2 * macs + (cost.flops - 2 * cost.macs) * made
        return cost._replace(macs=int(macs), flops=int(flops), padded_flops=cost.flops - int(flops))

    def bytes(self, costed: Costed) -> int | None:
        """Bytes of padding that a node reads and writes; None where its traffic is not known."""
        cost, scope = costed.cost, costed.scope
        if cost.write_bytes is None:
            return None
        if not costed.node.outputs:
            return 0
        made = self._share(scope, costed.node.outputs[0])
        useful = cost.write_bytes * made
        physical = cost.write_bytes
        for name, amount in costed.reads.items():
            share = self._share(scope, name)
            if costed.node.domain == NCHWC and name in costed.node.inputs[1:3]:
                share = made * (self._read_share(costed) if name == costed.node.inputs[1] else 1)
            useful += amount * cost.trips * share
            physical += amount * cost.trips
        return physical - int(useful)

    def _read_share(self, costed: Costed) -> Fraction:
        """Of a blocked convolution: the share of its input channels that are none of padding."""
        node, call = costed.node, costed.call
        if (node.domain, node.op_type) != (NCHWC, "Conv") or call is None:
            return _WHOLE
        _, per_group, *_ = call.input(1).shape
        blocked = per_group == call.input(0).shape[1]  # else grouped: the groups are what is padded
        return self._share(costed.scope, node.inputs[0]) if blocked else _WHOLE

    def _share(self, scope: Shapes, name: str) -> Fraction:
        """The share of a tensor's channels that the original has too."""
        info = scope.get(name) if name else None
        physical = None if info is None else info.resolved
        channels = self._channels.get(scope.graph.prefix + name)
        if channels is None or physical is None or len(physical) != 4 or not physical[1]:
            return _WHOLE
        return Fraction(channels, physical[1])
