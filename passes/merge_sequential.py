"""Two Convs in a row, one of them 1x1, become one.

Both are linear maps: y = W2 * (W1 * x + b1) + b2 is the Conv of W2 W1, summed over the channels in
between, with the bias W2 b1 + b2 (Ding et al., Diverse Branch Block, CVPR 2021, transform III).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd, prod
from typing import ClassVar

import numpy as np

from ..graph.dtypes import nbytes
from ..rewrite.edit import Edit
from ..rewrite.facts.affine import Doubles
from ..rewrite.facts.convolution import Convolution, Window, refuse_copies
from ..rewrite.pattern import Match, const, find, maybe, op, var
from ..rewrite.rewriting import Outcome, Pass, Refused
from ..rewrite.scope import Scope

_FIRST = op("Conv", var("x"), const("w1"), maybe(const("b1")), name="first")
_PAIR = op("Conv", _FIRST, const("w2"), maybe(const("b2")), name="second")


@dataclass(frozen=True)
class MergeSequential(Pass):
    """Merge a 1x1 Conv with the Conv before or behind it where nothing stands between them.

    Only where that takes no more weights, so no more multiply-accumulates either. Refuses a first
    one with a bias before a padded one: the padding would have to hold the bias, not zeros.

    Where infinities meet with other signs, NaN and infinity may be exchanged.
    """

    name: ClassVar[str] = "merge-sequential"
    assumes_finite: ClassVar[bool] = True

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Try every Conv that reads another; those that would not get smaller are passed over."""
        for node_id in [node.id for node in scope.graph if node.op_type == "Conv"]:
            if node_id in scope.graph:
                match = find(scope, scope.graph.node(node_id), _PAIR)
                if match is not None and _smaller(match):
                    self.attempt(scope, match, _merge, outcome)


def _pair(m: Match) -> tuple[Convolution, Convolution]:
    return Convolution.of(m.scope, m["first"]), Convolution.of(m.scope, m["second"])


def _merged(first: Convolution, second: Convolution) -> Window | None:
    """What the two read together; None if one Conv can't read that at no further cost."""
    before, behind = first.window, second.window
    if behind.volume == 1 and not behind.padded:
        strides = tuple(a * b for a, b in zip(before.strides, behind.strides, strict=True))
        return replace(before, strides=strides)
    if before.volume > 1 or before.padded or prod(before.strides) > 1:
        return None
    pads = zip(behind.begins, behind.ends, strict=True)
    if any(sum(pad) > span for pad, span in zip(pads, behind.spans, strict=True)):
        return None  # it makes more elements than it reads
    return behind


def _smaller(m: Match) -> bool:
    try:
        first, second = _pair(m)
    except Refused:
        return False
    between = second.weights.shape[1] * second.group
    if between != first.makes or len(first.weights.shape) != len(second.weights.shape):
        return False  # a broken model
    window = _merged(first, second)
    if window is None:
        return False
    # the bias of the first one becomes one of the second one's channels
    bias = second.makes - first.makes if first.bias and not second.bias else 0
    room = first.weights.size + second.weights.size
    return _size(first, second, window) + max(bias, 0) <= room


def _size(first: Convolution, second: Convolution, window: Window) -> int:
    reads = first.weights.shape[1] * first.group
    return second.makes * reads // gcd(first.group, second.group) * window.volume


def _merge(m: Match, edit: Edit) -> str:
    first, second = _pair(m)
    window = _merged(first, second)
    assert window is not None  # looked at before
    offsets = first.offsets()
    if second.window.padded and offsets.any():
        raise Refused(
            "the second Conv pads with zeros what the first one adds its bias to; pad ahead of both"
        )
    stored = nbytes(second.weights.dtype, _size(first, second, window))
    refuse_copies(m.scope, m.nodes, stored or 0)
    groups = gcd(first.group, second.group)
    before, behind = _blocks(first, groups), _blocks(second, groups)
    product = np.matmul(behind, before)  # [groups, kernel, M / groups, C / groups]
    shape = (second.makes, -1, *window.kernel)
    weights = product.transpose(0, 2, 3, 1).reshape(shape)
    sums = np.matmul(behind.sum(axis=1), offsets.reshape(groups, -1, 1)).reshape(-1)
    biased = first.bias or second.bias
    total = sums + second.offsets() if biased else None
    io = (first.node.inputs[0], second.node.outputs[0])
    second.write(edit, weights, total, window, groups, io)
    return "nothing stands between the two Convs, and one of them is 1x1"


def _blocks(conv: Convolution, groups: int) -> Doubles:
    """The weights over fewer groups, zeros added: [groups, kernel, M / groups, C / groups]."""
    outputs, inputs, *kernel = conv.weights.shape
    each, outputs = conv.group // groups, outputs // conv.group
    weights = conv.exact().reshape(groups, each, outputs, inputs, prod(kernel))
    dense = np.zeros((groups, each, outputs, each, inputs, prod(kernel)))
    for i in range(each):
        dense[:, i, :, i] = weights[:, i]
    return dense.reshape(groups, each * outputs, each * inputs, -1).transpose(0, 3, 1, 2)
