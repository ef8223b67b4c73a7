"""A Relu in front of a Clip is a lower bound.

Runtime's condition: only the Clip reads the Relu, and the Clip's lower bound is constant or left
out. Basic level, versions 1.20 to 1.32.

    before  Relu -> Clip(lo, hi)
    after   Clip(max(lo, 0), hi)
"""

from __future__ import annotations

import numpy as np

from ..near import called
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, cover
from .conditions import overridden


def _apply(work: Work, node: WorkNode) -> bool:
    clip = work.next(node, "Clip")
    if clip is None or node.domain or work.since(clip) < 6 or work.input_edges(node) > 1:
        return False
    if work.since(clip) == 6:
        low: float | None = clip.float("min", -np.inf)
    elif clip.has_input(1):
        low = work.number(clip.input(1))
    else:
        low = -np.inf
    if clip.inputs[0] != node.output:
        return False
    if low is None:
        if not work.decline(
            "FuseReluClip",
            (node, clip),
            f"the lower bound '{clip.input(1)}' of {called(clip)} is not constant",
            f"make the lower bound of {called(clip)} a constant",
            lambda: work.set_input(clip, 1, ""),
            kind="the lower bound of the Clip is not constant",
        ):
            return overridden(work, "FuseReluClip", (node, clip), clip.input(1))
        low = -np.inf
    work.detach(node)
    cover(clip, node)
    work.set_input(clip, 0, node.inputs[0])
    if low < 0 and work.since(clip) == 6:
        clip.set(min=0.0)
    elif low < 0:
        dtype = work.dtype(clip.output)
        zero = np.zeros((), np.float16 if dtype == 10 else np.float32)
        work.set_input(clip, 1, work.store("FuseReluClip_min_zero_constant", dtype, (), zero))
    return True


RULE = LoweringRule("FuseReluClip", ("Relu",), _apply)
