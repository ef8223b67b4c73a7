"""Cast after Cast, where the first one loses nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from onnx import TensorProto

from ..graph import Node, dtypes
from ..rewrite.edit import Edit
from ..rewrite.facts.stand_in import stand_in
from ..rewrite.pattern import Match, node
from ..rewrite.rewriting import Pass, PatternRule
from ..rewrite.scope import Scope


@dataclass(frozen=True)
class MergeCasts(Pass):
    """Merge a Cast with a lossless one before it: float16 to float32 and back is nothing.

    float32 to float16 and back rounds, so it stays; so does what ends in an integer or a string,
    unless it began as an integer.
    """

    name: ClassVar[str] = "merge-casts"

    def rules(self) -> Sequence[PatternRule]:
        """One."""
        return [PatternRule(node("Cast"), _merge)]


def _merge(m: Match, edit: Edit) -> str:
    scope, outer = m.scope, m["node"]
    inner = scope.graph.producer(outer.inputs[0])
    if inner is None or inner.qualified_type != "Cast":
        return ""
    x = inner.inputs[0]
    given, between, wanted = (scope.dtype(t) for t in (x, *inner.outputs, *outer.outputs))
    if given is None or between is None or not _lossless(given, between):
        return ""
    names = " to ".join(dtypes.name(d or 0) for d in (given, between, wanted))
    if given == wanted:
        stand_in(edit, outer, x)
        return f"{names}: nothing is lost"
    if wanted is None or not _alike(given, between, wanted) or not _only_reader(scope, inner):
        return ""
    edit.remove(inner)
    edit.change(outer, inputs=(x,))
    return f"{names}: the first Cast loses nothing"


def _only_reader(scope: Scope, inner: Node) -> bool:
    tensor = inner.outputs[0]
    return scope.kept(tensor) is None and len(scope.readers(tensor)) == 1


# Bits of the significand, then of the exponent.
_FLOATS: Mapping[int, tuple[int, int]] = {
    dtypes.FLOAT16: (11, 5),
    dtypes.BFLOAT16: (8, 8),
    dtypes.FLOAT: (24, 8),
    dtypes.DOUBLE: (53, 11),
}
# Bits of the value, and whether there is a sign.
_INTEGERS: Mapping[int, tuple[int, bool]] = {
    dtypes.BOOL: (1, False),
    dtypes.UINT8: (8, False),
    TensorProto.UINT16: (16, False),
    TensorProto.UINT32: (32, False),
    TensorProto.UINT64: (64, False),
    dtypes.INT8: (7, True),
    TensorProto.INT16: (15, True),
    dtypes.INT32: (31, True),
    dtypes.INT64: (63, True),
}


def _lossless(given: int, to: int) -> bool:
    """Whether every value of one type is one of the other too."""
    if given in _FLOATS and to in _FLOATS:
        return all(a <= b for a, b in zip(_FLOATS[given], _FLOATS[to], strict=True))
    if given not in _INTEGERS:
        return False
    width, signed = _INTEGERS[given]
    if to in _FLOATS:
        return width <= _FLOATS[to][0]
    room, sign = _INTEGERS.get(to, (0, False))
    return width <= room and signed <= sign


def _alike(given: int, between: int, wanted: int) -> bool:
    """Whether a value that either type holds is cast alike from both.

    What becomes of a float beyond an integer's range depends on the float's type; an integer's
    low bits don't. Runtimes make a large integer a short float by way of float32, which rounds.
    """
    if given in _INTEGERS and wanted in _FLOATS and not _lossless(dtypes.FLOAT, wanted):
        return _lossless(given, dtypes.FLOAT)
    if wanted in _FLOATS or wanted == dtypes.BOOL or _lossless(given, wanted):
        return True
    return wanted in _INTEGERS and given in _INTEGERS and between in _INTEGERS
