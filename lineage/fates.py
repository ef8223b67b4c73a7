"""What became of every original operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .covers import Covers
from .cuts import Cutter
from .flat import Flat
from .lineage import Fate
from .value_numbers import ValueNumbers


def fates(original: Flat, numbers: ValueNumbers, cutter: Cutter, covers: Covers) -> dict[str, Fate]:
    """By id of every original operation; see ``lineage.Lineage``."""

    def values(tensors: Iterable[int]) -> set[int]:
        return {numbers.value[t] for t in tensors}

    covered = Counter(op for cover in covers.cover.values() for op in cover)
    before = cutter.stored | numbers.fixed | numbers.shaped
    present = cutter.made | cutter.stored
    needed = values(original.frames[0].outputs)  # during the run
    useful = set(needed)  # at all
    for op in original.ops:
        for frame in op.bodies.values() if covered[op] else ():
            needed |= values(original.frames[frame].outputs)
    found: dict[str, Fate] = {}
    for op in reversed(original.ops):  # readers come before what they read
        made = values(op.outputs)
        fate: Fate = "dead"
        if covered[op]:
            fate = "once" if covered[op] == 1 else "multi"
            needed |= values(op.inputs)
        elif made <= before and made & (useful | needed):
            fate = "folded"
            useful |= values(op.inputs)
        elif made & needed:
            elsewhere = (v in present or original.maker[v] is not op for v in made & needed)
            fate = "cse" if all(elsewhere) else "missing"
            needed |= values(op.inputs)
        found[op.id] = fate
    return {
        **dict(reversed(found.items())),
        **dict.fromkeys(original.decided, "folded"),
        **dict.fromkeys(original.untaken, "dead"),
    }
