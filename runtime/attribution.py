"""Which original nodes each executed node of an optimised graph does the work of.

The original's nodes must have had unique names when the runtime opened it: see ``naming``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..graph.graph import Graph
from .anchors import Anchors
from .flat import Flat, Op
from .links import linked
from .numbering import Numbers
from .slices import Slicer

Mapped = Literal["exact", "group", "layout", "const", "empty", "unmapped"]
Fate = Literal["once", "multi", "folded", "cse", "dead", "missing"]


@dataclass(frozen=True, slots=True)
class Executed:
    """An executed node and the original nodes that it stands for.

    ``status``
        * exact: it does what ``originals`` do
        * group: it does so together with others that have the same originals
        * layout: inserted, to change a layout, shape or type between ``originals``
        * const: inserted, computes from constants what ``originals`` read
        * empty: it does what no original does
        * unmapped: what it makes could not be found in the original
    """

    name: str
    op_type: str
    originals: tuple[str, ...]
    status: Mapped


@dataclass(frozen=True, slots=True)
class Attribution:
    """Executed nodes in order, and what became of every original node.

    ``originals``
        * once, multi: that many executed nodes do its work
        * folded: computed before the run
        * cse: an equal node's result, or its own input, is taken for its result
        * dead: nothing needs it
        * missing: no executed node was found for it
    """

    executed: tuple[Executed, ...]
    originals: Mapping[str, Fate]

    @property
    def mapped(self) -> int:
        """Executed nodes that are mapped, or named a reason why there is nothing to map to."""
        return sum(node.status != "unmapped" for node in self.executed)


def attribute(original: Graph, optimized: Graph) -> Attribution:
    """Map the nodes that a runtime executes to those of the graph it was given.

    Parameters
    ----------
    original
        The graph whose ``named`` form the runtime opened.
    optimized
        The graph that onnxruntime saved; bodies included.

    Returns
    -------
    Attribution
        Nodes inside functions are listed, not their calls.
    """
    ran = Flat(optimized)
    kept = {op.node.name for op in ran.ops if op.node.op_type == "If"}
    written = Flat(original, kept)
    numbers = Numbers(written)
    return _Attributor(written, numbers, ran, Anchors(written, numbers, ran)).attribution()


class _Attributor:
    def __init__(self, original: Flat, numbers: Numbers, optimized: Flat, anchors: Anchors) -> None:
        self._original, self._numbers = original, numbers
        self._optimized, self._anchors = optimized, anchors
        self._slicer = Slicer(original, numbers, optimized, anchors)
        self._constant = self._constants()
        self._cover: dict[Op, list[Op]] = {}
        self._status: dict[Op, Mapped] = {}

    def attribution(self) -> Attribution:
        for unit in linked(self._optimized, self._unknown):
            self._unit(unit)
        for region in linked(self._optimized, self._anchors.renamed.__contains__):
            self._moved(region)
        executed = tuple(
            Executed(op.id, op.node.op_type, self._ids(op), self._status[op])
            for op in self._optimized.ops
        )
        return Attribution(executed, self._fates())

    def _constants(self) -> set[int]:
        """Tensors that are the same in every run, those that executed operations make included."""
        constant = set(self._optimized.constants)
        for op in self._optimized.ops:
            if not op.bodies and constant.issuperset(op.inputs):
                constant.update(op.outputs)
        return constant

    def _unknown(self, tensor: int) -> bool:
        """Whether no original stands for a tensor, so that its ends can't be told apart."""
        return self._anchors.origin[tensor] is None and tensor not in self._constant

    def _moved(self, region: Sequence[Op]) -> None:
        """Give inserted Transposes the originals that they are, at another place.

        The runtime moves a Transpose past operations that don't mind. What it moved it past
        makes what the original makes of the Transpose's input, and so has it in its cover.
        """
        inserted = [
            op for op in region if op.node.op_type == "Transpose" and self._status[op] == "layout"
        ]
        moved: dict[Op, None] = {}
        for op in region if inserted else ():
            cover = self._cover[op]
            own = [o for o in cover if o.node.op_type != "Transpose"]
            if own and "transA" not in op.node.attributes:
                moved.update(dict.fromkeys(o for o in cover if o.node.op_type == "Transpose"))
                self._cover[op] = own
        for op in inserted if moved else ():
            self._cover[op] = list(moved)
            self._status[op] = "group" if len(inserted) > 1 else "exact"

    def _unit(self, unit: Sequence[Op]) -> None:
        (first, *more) = unit
        own = {t for op in unit for t in op.outputs}
        read = [t for op in unit for t in op.inputs if t not in own]
        status: Mapped = "group" if more else "exact"
        if not more and self._anchors.inserted(first):
            constant = self._constant.issuperset(read)
            status = "const" if constant else "layout"
        if status in ("const", "layout") and self._anchors.moves(first):
            cover = []
        else:
            cover = self._slice(unit, own, read)
            origins = [self._anchors.origin[t] for t in own]
            if not cover:
                status = "empty" if any(o is not None for o in origins) else "unmapped"
            elif status in ("const", "layout"):
                status = "exact"
        for op in unit:
            self._cover[op], self._status[op] = cover, status

    def _slice(self, unit: Sequence[Op], own: set[int], read: Iterable[int]) -> list[Op]:
        members = set(unit)
        frame = self._optimized.frames[unit[0].frame]
        out = [
            t
            for t in own
            if t in frame.outputs or any(op not in members for op in self._optimized.readers[t])
        ]
        origins = [o for t in out or own if (o := self._anchors.origin[t]) is not None]
        given = {v for t in read if (v := self._anchors.value(t)) is not None}
        cover = self._slicer.cover(origins, given)
        same = self._anchors.by_id.get(unit[0].node.name)
        return cover or ([same] if same is not None else [])

    def _ids(self, op: Op) -> tuple[str, ...]:
        if self._status[op] in ("layout", "const"):
            return tuple(dict.fromkeys(self._boundary(op)))
        return tuple(other.id for other in self._cover[op])

    def _boundary(self, op: Op) -> Iterable[str]:
        """The original that makes what is moved, and those that read it."""
        value = self._anchors.value(op.makes[0])
        maker = None if value is None else self._original.maker[value]
        if maker is not None:
            yield maker.id
        stack, seen = list(self._optimized.readers[op.makes[0]]), set()
        while stack:
            reader = stack.pop(0)
            if reader in seen:
                continue
            seen.add(reader)
            if self._status[reader] in ("layout", "const"):
                stack.extend(self._optimized.readers[reader.makes[0]])
            cover = self._cover[reader]
            reading = [o for o in cover if value in {self._numbers.value[t] for t in o.inputs}]
            yield from (o.id for o in reading or cover)

    def _fates(self) -> dict[str, Fate]:
        """What became of every original; read backwards, so that readers come first."""
        covered = Counter(op for cover in self._cover.values() for op in cover)
        before = self._slicer.stored | self._numbers.fixed | self._numbers.shaped
        present = self._slicer.made | self._slicer.stored
        root = self._values(self._original.frames[0].outputs)
        needed, useful = set(root), set(root)  # during the run; at all
        for op in self._original.ops:  # a body's outputs are its owner's
            for frame in op.bodies.values() if covered[op] else ():
                needed |= self._values(self._original.frames[frame].outputs)
        fates: dict[str, Fate] = {}
        for op in reversed(self._original.ops):
            values, reads = self._values(op.outputs), self._values(op.inputs)
            fate: Fate = "dead"
            if covered[op]:
                fate = "once" if covered[op] == 1 else "multi"
                needed |= reads
            elif values <= before and values & (useful | needed):
                fate = "folded"
                useful |= reads
            elif values & needed:
                wanted = values & needed
                elsewhere = all(v in present or self._original.maker[v] is not op for v in wanted)
                fate = "cse" if elsewhere else "missing"
                needed |= reads
            fates[op.id] = fate
        decided, untaken = self._original.settled
        return {
            **dict(reversed(fates.items())),
            **dict.fromkeys(decided, "folded"),
            **dict.fromkeys(untaken, "dead"),
        }

    def _values(self, tensors: Iterable[int]) -> set[int]:
        return {self._numbers.value[t] for t in tensors}
