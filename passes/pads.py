"""Pad into what follows it: another Pad, a Conv, a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from onnx import helper

from ..graph import Node, dtypes
from ..rewrite.edit import Edit
from ..rewrite.facts.arguments import attributes, axes_of, has_input, int64s, integers
from ..rewrite.facts.bounds import bounds
from ..rewrite.pattern import Match, maybe, op, var
from ..rewrite.rewriting import Pass, PatternRule, Refused
from ..rewrite.scope import Scope

_PAD = op("Pad", var("x"), maybe(var("pads")), maybe(var("value")), maybe(var("axes")), name="pad")
_REST = [maybe(var(name)) for name in ("second", "third", "fourth")]


@dataclass(frozen=True)
class FoldPads(Pass):
    """Fold a Pad into the Pad, Conv, MaxPool or AveragePool behind it.

    A Conv pads with zeros. A MaxPool ignores its own pads, so that what the Pad puts there must
    not be larger than anything else: -inf, the type's lowest, or 0 behind a Relu. An AveragePool
    has to count its pads, and may have had no others that it didn't count.

    What a MaxPool makes of NaN beside a pad, and of nothing but -inf beside the type's lowest, may
    change.
    """

    name: ClassVar[str] = "fold-pads"
    assumes_finite: ClassVar[bool] = True

    def rules(self) -> Sequence[PatternRule]:
        """One for each operator that pads."""
        return [
            PatternRule(op("Pad", _PAD, *_REST, name="after"), _into_pad),
            PatternRule(op("Conv", _PAD, *_REST[:2], name="after"), _into_conv),
            PatternRule(op("MaxPool", _PAD, name="after"), _into_max_pool),
            PatternRule(op("AveragePool", _PAD, name="after"), _into_average_pool),
        ]


@dataclass(frozen=True)
class _Padding:
    mode: str
    value: float
    begins: tuple[int, ...]  # an entry for every axis
    ends: tuple[int, ...]


def _padding(scope: Scope, pad: Node) -> _Padding:
    """What a Pad does.

    Raises
    ------
    Refused
        If that isn't the same in every run, or it takes something away.
    """
    pads = integers(scope, pad, 1, "pads")
    dims = scope.dims(pad.inputs[0])
    if pads is None or dims is None:
        raise Refused("the Pad's widths, or the rank of what it pads, aren't constant")
    rank, half = len(dims), len(pads) // 2
    axes = axes_of(scope, pad, 3, rank) if has_input(pad, 3) else tuple(range(rank))
    if axes is None or len(axes) != half:
        raise Refused("the Pad's axes aren't constant")
    if min(pads, default=0) < 0:
        raise Refused("the Pad has negative widths, which cut")
    begins, ends = [0] * rank, [0] * rank
    for axis, begin, end in zip(axes, pads[:half], pads[half:], strict=True):
        begins[axis], ends[axis] = begin, end
    return _Padding(pad.string("mode", "constant"), _value(scope, pad), tuple(begins), tuple(ends))


def _value(scope: Scope, pad: Node) -> float:
    if not has_input(pad, 2):
        return pad.float("value", 0.0)
    value = scope.value(pad.inputs[2])
    if value is None or value.size != 1:
        raise Refused("the Pad's value isn't constant")
    exact: float = value.reshape(()).item()  # an int stays one: not every int64 is a float
    return exact


def _into_pad(m: Match, edit: Edit) -> str:
    first, second = _padding(m.scope, m["pad"]), _padding(m.scope, m["after"])
    same = first.mode == second.mode and first.value == second.value
    if not same or first.mode not in ("constant", "edge"):
        raise Refused("the two Pads fill differently, or reflect what the other one filled")
    begins, ends = (
        [a + b for a, b in zip(*both, strict=True)]
        for both in ((first.begins, second.begins), (first.ends, second.ends))
    )
    after, x = m["after"], m.tensor("x")
    if "pads" in after.attributes:
        made = {**after.attributes, **attributes(pads=[*begins, *ends])}
        edit.change(after, inputs=(x,), attributes=made)
    else:
        pads = int64s(edit, [*begins, *ends], f"{after.outputs[0]}/pads")
        value = after.inputs[2:3]  # axes are all now
        edit.change(after, inputs=(x, pads, *value))
    return "two Pads are one"


def _into_conv(m: Match, edit: Edit) -> str:
    padding = _padding(m.scope, m["pad"])
    if padding.mode != "constant" or padding.value != 0:
        raise Refused("a Conv pads with zeros")
    _absorb(m, edit, padding)
    return "the Conv pads by itself"


def _into_max_pool(m: Match, edit: Edit) -> str:
    padding, pool = _padding(m.scope, m["pad"]), m["after"]
    if padding.mode != "constant" or padding.value > _least(m.scope, m.tensor("x")):
        raise Refused(
            f"a MaxPool ignores its pads, and {padding.value:g} may be larger than what is there"
        )
    if len(pool.outputs) > 1:
        raise Refused("the MaxPool's indices count the padding")
    _check_windows(padding, pool)
    _absorb(m, edit, padding)
    return "the MaxPool pads by itself, with nothing larger than what is there"


def _least(scope: Scope, tensor: str) -> float:
    """What no element of a tensor is less than."""
    maker = scope.graph.producer(tensor)
    kept = None if maker is None else bounds(scope, maker)
    if kept is not None and kept.low > -np.inf:
        return kept.low
    dtype = scope.dtype(tensor)
    if dtype is None:
        raise Refused("the type of what is padded isn't known")
    numpy_type = helper.tensor_dtype_to_np_dtype(dtype)
    if dtypes.is_float(dtype):
        return float(np.finfo(numpy_type).min)
    return float(np.iinfo(numpy_type).min)


def _into_average_pool(m: Match, edit: Edit) -> str:
    padding, pool = _padding(m.scope, m["pad"]), m["after"]
    if padding.mode != "constant" or padding.value != 0:
        raise Refused("an AveragePool pads with zeros")
    counted = pool.int("count_include_pad", 0)
    if not counted and any(pool.ints("pads") or ()):
        raise Refused("the AveragePool has pads that it doesn't count, and would count them then")
    if m.scope.opset() < 7:
        raise Refused("an AveragePool below opset 7 can't count its pads; convert with --opset 7")
    _check_windows(padding, pool)
    _absorb(m, edit, padding, count_include_pad=1)
    return "the AveragePool pads by itself, and counts that"


def _check_windows(padding: _Padding, pool: Node) -> None:
    """Make sure that every window has an element that isn't padding, as runtimes insist.

    Raises
    ------
    Refused
        If that can't be told.
    """
    kernel = pool.ints("kernel_shape") or ()
    if pool.int("ceil_mode", 0) or any(d != 1 for d in pool.ints("dilations") or ()):
        raise Refused("the pool's windows are dilated, or may end beyond its pads")
    pads = _sum(padding, pool)
    if any(pad >= size for pad, size in zip(pads, kernel * 2, strict=True)):
        raise Refused("the pool's pads would be as wide as its window")


def _sum(padding: _Padding, node: Node) -> list[int]:
    """The pads of a Conv or pool together with those of the Pad before it."""
    own = node.ints("pads")
    if node.string("auto_pad", "NOTSET") == "VALID":
        own = None
    spatial = [*padding.begins[2:], *padding.ends[2:]]
    return [a + b for a, b in zip(own or [0] * len(spatial), spatial, strict=True)]


def _absorb(m: Match, edit: Edit, padding: _Padding, **more: int) -> None:
    after = m["after"]
    if after.string("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Refused(f"the {after.op_type} finds its pads from the size of its input")
    if any((*padding.begins[:2], *padding.ends[:2])):
        raise Refused("the Pad adds channels or whole samples")
    kept = {k: v for k, v in after.attributes.items() if k != "auto_pad"}
    made = attributes(pads=_sum(padding, after), **more)
    edit.change(after, inputs=(m.tensor("x"), *after.inputs[1:]), attributes={**kept, **made})
