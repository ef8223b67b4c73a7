"""Equal small constants become one.

Runtime's condition, basic level, first round alone: at most 8 elements of float, double, half or
32 and 64 bit integers, of equal type, shape and contents; no output of the graph, and read by no
body. Versions 1.20 to 1.32.
"""

from __future__ import annotations

from ....graph.dtypes import DOUBLE, FLOAT, FLOAT16, INT32, INT64
from ..rule import Sweep
from ..work import Work

_TYPES = frozenset({DOUBLE, FLOAT, FLOAT16, INT32, INT64})
MOST = 8  # elements


def _apply(work: Work) -> bool:
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    changed = False
    for name, constant in list(work.constants.items()):
        if constant.dtype not in _TYPES or constant.size > MOST or name in work.overridable:
            continue
        readers = work.readers(name)
        if not readers or work.is_output(name) or any(name in r.captures for r in readers):
            continue
        value = constant.value()
        if value is None:
            continue
        kept = first.setdefault((constant.dtype, constant.shape, value.tobytes()), name)
        if kept != name:
            work.rewire(name, kept)
            changed = True
    return changed


SWEEP = Sweep("ConstantSharing", (), _apply)
