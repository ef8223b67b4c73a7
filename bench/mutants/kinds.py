"""What kinds of wrong edits there are, and how they are put into a model."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto

from .view import View

Group = Literal["structural", "numeric"]
Edit = Callable[[View, GraphProto, NodeProto, np.random.Generator], bool]
STRUCTURAL: Group = "structural"
NUMERIC: Group = "numeric"


@dataclass(frozen=True)
class Kind:
    """A kind of wrong edit.

    Parameters
    ----------
    name
        What it does.
    group
        ``numeric`` where it changes how much is computed, ``structural`` where it changes what.
    ops
        Types of the nodes that it is for; empty for all.
    edit
        Changes a node in place and says that it did; where it does not, nothing has changed.
    """

    name: str
    group: Group
    ops: frozenset[str]
    edit: Edit


KINDS: dict[str, Kind] = {}


def kind(name: str, group: Group, *ops: str) -> Callable[[Edit], Edit]:
    """Add an edit to the kinds."""

    def add(edit: Edit) -> Edit:
        KINDS[name] = Kind(name, group, frozenset(ops), edit)
        return edit

    return add


@dataclass(frozen=True)
class Mutant:
    """A model with one wrong edit: of what kind, and at which node."""

    kind: Kind
    node: str
    model: ModelProto


def mutants(
    model: ModelProto, name: str, each: int, seed: int, wanted: Collection[str] = ()
) -> Iterator[Mutant]:
    """A few mutants of each kind that fits a model, the same for the same seed.

    Parameters
    ----------
    model
        With its weights; stays as it is.
    name
        Of the model: each has other places.
    each
        How many of a kind at most.
    seed
        Of the random generators.
    wanted
        Names of kinds; all where there are none.
    """
    view = View.of(model)
    for one in KINDS.values():
        if wanted and one.name not in wanted:
            continue
        generator = np.random.default_rng([seed, *map(_number, (name, one.name))])
        fits = [n for n, (_, o) in enumerate(view.nodes) if not one.ops or o.op_type in one.ops]
        found, copy = 0, None
        for at in generator.permutation(len(fits)):
            copy = copy or view.copy()
            graph, node = copy.nodes[fits[at]]
            label = f"{node.op_type} {node.output[0] if node.output else node.name}"
            if one.edit(copy, graph, node, generator):
                yield Mutant(one, label, copy.model)
                found, copy = found + 1, None
                if found == each:
                    break


def _number(text: str) -> int:
    return zlib.crc32(text.encode())
