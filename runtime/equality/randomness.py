"""The same noise for two models: what is random in both is read from inputs that both have."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, TensorProto, helper, inliner

from ...graph import Graph, from_proto, to_proto
from ...graph.graph import FunctionKey
from ...graph.save import drop_manifest
from ...graph.shapes import prove
from .randomness_draws import LENGTH, Feeder, Names
from .randomness_nodes import FAMILIES, Draw, Scopes, draws
from .randomness_pairs import pair

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Noise:
    """An input of noise: float32, of one axis of ``length`` numbers, whatever the model's sizes.

    ``normal`` is standard normal, ``uniform`` at least 0 and below 1.
    """

    name: str
    distribution: Literal["normal", "uniform"]
    length: int = LENGTH


@dataclass(frozen=True)
class Shared:
    """Two graphs whose random nodes read the same noise.

    Parameters
    ----------
    before, after
        Copies in which each random node that matters reads its noise from an extra input.
    noise
        The extra inputs.
    different
        Why the graphs can't be the same, "" if every random node has its counterpart.
    uncomparable
        Why an output can't be compared, by its name: it depends on a random node that can't
        be fed, or that has no counterpart.
    """

    before: Graph
    after: Graph
    noise: tuple[Noise, ...]
    different: str
    uncomparable: Mapping[str, str]


def share_noise(before: Graph, after: Graph) -> Shared | None:
    """Let two graphs read the same noise; None if no output of either depends on any.

    Random nodes of one distribution are paired by what became of them. One without a
    counterpart makes the graphs different: two draws that became one are not the same as two.
    Nodes with an explicit seed are the exception: those of equal seed draw the same anyway.

    Parameters
    ----------
    before, after
        Root graphs, which stay as they are.
    """
    if not any(map(_may_draw, (before, after))):
        return None
    sides = []
    for graph in (before, after):
        made = _inlined(graph)
        scopes = Scopes(prove(made))
        sides.append((made, scopes, draws(scopes)))
    (first, _, old), (second, _, new) = sides
    if not old and not new:
        return None
    names = Names((first, second))
    feeders = [Feeder(scopes, names) for _, scopes, _ in sides]
    pairs = pair((first, second), old, new)
    alone = _unpaired(old, new, pairs)
    feeding: dict[object, tuple[Noise, list[tuple[int, Draw]]]] = {}
    uncomparable: dict[str, str] = {}
    for couple in pairs:
        reason = next(
            (
                f"{draw.text} is random, and {text}"
                for feeder, draw in zip(feeders, couple, strict=True)
                if (text := feeder.obstacle(draw))
            ),
            "",
        )
        if reason:
            for draw in couple:
                uncomparable.update(dict.fromkeys(draw.reaches, reason))
            continue
        one = couple[0]
        kind: Literal["normal", "uniform"] = "normal" if one.family == "normal" else "uniform"
        key = one.signature if one.seeded else len(feeding)
        if key not in feeding:
            feeding[key] = Noise(names.noise(len(feeding)), kind), []
        feeding[key][1].extend(enumerate(couple))
    different = ""
    for side, draw in alone:
        if draw.seeded and draw.signature in feeding and not feeders[side].obstacle(draw):
            feeding[draw.signature][1].append((side, draw))  # it draws what the others do
            continue
        reason = f"{draw.text} has no counterpart {('after', 'before')[side]}"
        different = different or reason
        uncomparable.update(dict.fromkeys(draw.reaches, reason))
    for noise, fed in feeding.values():
        for side, draw in fed:
            feeders[side].feed(draw, noise.name)
    noises = tuple(noise for noise, _ in feeding.values())
    for made in (first, second):
        _recapture(made)
        _declare(made, noises)
    return Shared(first, second, noises, different, uncomparable)


def _unpaired(
    old: Sequence[Draw], new: Sequence[Draw], pairs: Sequence[tuple[Draw, Draw]]
) -> list[tuple[int, Draw]]:
    known = {id(draw) for couple in pairs for draw in couple}
    return [(s, d) for s, side in enumerate((old, new)) for d in side if id(d) not in known]


def draw_noise(noise: Sequence[Noise], seed: int = 0) -> dict[str, Array]:
    """Contents for inputs of noise, the same for the same seed and name."""
    made = {}
    for one in noise:
        generator = np.random.default_rng((seed, zlib.crc32(one.name.encode())))
        if one.distribution == "normal":
            made[one.name] = generator.standard_normal(one.length, np.float32)
        else:
            made[one.name] = generator.random(one.length, np.float32)
    return made


def _may_draw(graph: Graph) -> bool:
    random = _random_functions(graph)
    return any(
        (node.domain, node.op_type) in FAMILIES
        or (node.domain, node.op_type, node.overload) in random
        for _, node in graph.walk()
    )


def _random_functions(graph: Graph) -> set[FunctionKey]:
    """The model's own functions that draw random numbers, or call one that does."""
    functions = graph.header.functions
    random: set[FunctionKey] = set()
    growing = True
    while growing:  # a function that calls such a function is one
        more = {key for key in functions if key not in random and _draws(functions[key], random)}
        random |= more
        growing = bool(more)
    return random


def _inlined(graph: Graph) -> Graph:
    """A copy, in which functions that draw random numbers are written out."""
    random = _random_functions(graph)
    if not random:
        return graph.copy()
    model = to_proto(graph, "none")
    drop_manifest(model)
    made = inliner.inline_selected_functions(model, [(domain, name) for domain, name, _ in random])
    return from_proto(made, graph.header.source)


def _draws(holder: Any, random: set[FunctionKey]) -> bool:  # noqa: ANN401 - a function or graph
    return any(
        (node.domain if node.domain != "ai.onnx" else "", node.op_type) in FAMILIES
        or (node.domain, node.op_type, node.overload) in random
        or any(_draws(g, random) for a in node.attribute for g in (a.g, *a.graphs))
        for node in holder.node
    )


def _recapture(graph: Graph) -> None:
    """Read anew what the bodies capture, the innermost first."""
    for node in list(graph):
        bodies = graph.subgraphs(node)
        for body in bodies.values():
            _recapture(body)
        if bodies:
            graph.recapture(node.id)


def _declare(graph: Graph, noises: Sequence[Noise]) -> None:
    """Give the graph the inputs of noise."""
    skeleton = GraphProto()
    skeleton.CopyFrom(graph.skeleton)
    for noise in noises:
        info = helper.make_tensor_value_info(noise.name, TensorProto.FLOAT, [noise.length])
        skeleton.input.append(info)
        graph.declared[noise.name] = info
    graph.skeleton = skeleton
    graph.set_interface((*graph.inputs, *(noise.name for noise in noises)), graph.outputs)
