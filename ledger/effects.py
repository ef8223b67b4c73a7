"""What a rewrite comes to once the runtime has made what it makes of either graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Effect = Literal["net", "runtime", "enables", "hinders"]
Figures = Mapping[str, int | float]

# What decides, the first that changes at one of the levels.
_DECIDES = ("latency_s", "traffic_bytes", "flops", "param_bytes")
_LEAST_OF_ALL = 1e-6  # of what the graph before takes as executed
_LEAST = 0.05  # of what is saved in the file


def effect_of(written: Figures, executed: Figures, whole: Figures) -> Effect:
    """What a rewrite, or several taken together, comes to.

    What decides is the estimated latency; where it stays at both levels the traffic, then the
    computation, then the bytes of constants. A change at ``executed`` of no more than 5 % of what
    is saved in the file is none: of such a saving all but a crumb is the runtime's already. Nor is
    one of no more than a millionth of what the whole graph takes there.

    Parameters
    ----------
    written, executed
        After - before of the figures at these levels.
    whole
        The figures of the graph before, as executed.

    Returns
    -------
    Effect
        * net: it saves at ``executed``, and in the file
        * runtime: ``executed`` stays: what it saves in the file, if anything, the runtime makes
          by itself
        * enables: it saves at ``executed`` what it doesn't in the file, since the runtime fuses
          or blocks what it could not
        * hinders: ``executed`` gets worse
    """
    for figure in _DECIDES:
        least = _LEAST_OF_ALL * whole[figure]
        in_file, run = -written[figure], -executed[figure]
        if abs(in_file) <= least and abs(run) <= least:
            continue
        if abs(run) <= max(least, _LEAST * in_file):
            return "runtime"
        if run < 0:
            return "hinders"
        return "net" if in_file > max(least, _LEAST * run) else "enables"
    return "runtime"
