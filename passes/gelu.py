"""Gelu where it is written out, with Erf or with Tanh (Hendrycks and Gimpel, 2016)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..graph import Node
from ..graph.dtypes import FLOAT
from ..rewrite.edit import Edit
from ..rewrite.facts.written_out import of_type, scalars, since
from ..rewrite.pattern import Match, Op, find, op, var
from ..rewrite.rewriting import Pass, PatternRule
from ..rewrite.scope import Scope

_X = var("x")
_ERF = (
    op("Erf", op("Div", _X, var("root_two"), name="argument")),
    op("Erf", op("Mul", _X, var("half_root"), name="argument")),
)
_SQUARE = op("Mul", _X, _X, name="square")
_CUBES = (op("Pow", _X, var("three")), op("Mul", _SQUARE, _X, name="cube"))
_SUMS = tuple(
    op("Add", _X, op("Mul", cube, var("cubic"), name="scaled"), name="sum") for cube in _CUBES
)
_FACTORED = op(
    "Add", op("Mul", _SQUARE, var("cubic"), name="scaled"), var("inner_one"), name="factor"
)
_TANH = (
    *(op("Tanh", op("Mul", each, var("root"), name="argument")) for each in _SUMS),
    op("Tanh", op("Mul", op("Mul", _X, var("root"), name="rooted"), _FACTORED, name="argument")),
)
_VALUES = {
    "half": 0.5,
    "one": 1.0,
    "inner_one": 1.0,
    "root_two": math.sqrt(2),
    "half_root": math.sqrt(0.5),
    "three": 3.0,
    "cubic": 0.044715,
    "root": math.sqrt(2 / math.pi),
}


@dataclass(frozen=True)
class RecomposeGelu(Pass):
    """Make one Gelu (opset 20) of x / 2 * (1 + erf(x / sqrt(2))), or of its form with Tanh.

    Of float32 only: for other types onnxruntime's CPU provider has no Gelu and writes it out
    again, in more nodes than exporters do.
    """

    name: ClassVar[str] = "recompose-gelu"

    def rules(self) -> Sequence[PatternRule]:
        """Each order in which x, 1/2 and 1 + erf can be multiplied."""
        return [PatternRule(p, _recompose) for gate in (*_ERF, *_TANH) for p in _products(gate)]


def is_gelu(scope: Scope, node: Node) -> bool:
    """Whether a node is the last one of a Gelu that is written out, of whatever type and opset."""
    if node.op_type != "Mul" or node.domain:
        return False
    found = (find(scope, node, rule.pattern) for rule in RecomposeGelu().rules())
    return any(m is not None and not m.obstacle and _is_one(m) for m in found)


def _products(gate: Op) -> tuple[Op, ...]:
    raised = op("Add", gate, var("one"), name="raised")
    return (
        op("Mul", op("Mul", _X, raised, name="gated"), var("half"), name="last"),
        op("Mul", op("Mul", _X, var("half"), name="gated"), raised, name="last"),
        op("Mul", op("Mul", raised, var("half"), name="gated"), _X, name="last"),
    )


def _is_one(m: Match) -> bool:
    """Whether the constants are those of a Gelu."""
    return scalars(m, **{name: _VALUES[name] for name in m.tensors if name != "x"})


def _recompose(m: Match, edit: Edit) -> str:
    if not _is_one(m):
        return ""
    since(m.scope, 20, "Gelu")
    of_type(m.scope, m.tensor("x"), (FLOAT,), "onnxruntime's CPU provider has a float32 Gelu only")
    approximate = "tanh" if "Tanh" in m.bound else None  # by default none
    edit.add("Gelu", [m.tensor("x")], m["last"].outputs[0], approximate=approximate)
    return "the arithmetic of a Gelu" + (" by Tanh" if approximate else "")
