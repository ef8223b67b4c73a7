"""The cover of every executed operation, and how well it is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .cuts import Cutter
from .flat import Flat, Op
from .groups import linked
from .lineage import Status
from .tensor_pairs import TensorPairs


class Covers:
    """Covers of all operations of an optimised graph.

    Attributes
    ----------
    cover
        The original operations that an executed one does the work of, in order.
    status
        See ``attribution.Executed``.
    """

    def __init__(self, optimized: Flat, pairs: TensorPairs, cutter: Cutter) -> None:
        self._optimized, self._pairs, self._cutter = optimized, pairs, cutter
        self.cover: dict[Op, list[Op]] = {}
        self.status: dict[Op, Status] = {}
        self._constant = set(optimized.constants)
        for op in optimized.ops:  # what is computed from constants in every run
            if not op.bodies and self._constant.issuperset(op.inputs):
                self._constant.update(op.outputs)
        for unit in linked(optimized, self._unknown):
            self._unit(unit)
        for region in linked(optimized, pairs.renamed.__contains__):
            self._moved(region)
        for owner in optimized.ops:
            self._foreign(owner)

    def _unknown(self, tensor: int) -> bool:
        """Whether no original stands for a tensor, so that its two ends can't be told apart."""
        return self._pairs.origin[tensor] is None and tensor not in self._constant

    def _unit(self, unit: Sequence[Op]) -> None:
        made = {t for op in unit for t in op.outputs}
        read = [t for op in unit for t in op.inputs if t not in made]
        status: Status = "group" if len(unit) > 1 else "exact"
        cover: list[Op] = []
        moves = all(map(self._pairs.moves, unit))
        if len(unit) > 1 or not moves:
            cover = self._slice(unit, made, read)
        if not cover:
            known = any(self._pairs.origin[t] is not None for t in made)
            if self._constant.issuperset(read):
                status = "const"
            elif moves:
                status = "layout"
            else:
                status = "empty" if known or not self._used(unit, made) else "unmapped"
        for op in unit:
            self.cover[op], self.status[op] = cover, status

    def _foreign(self, owner: Op) -> None:
        """Give bodies that the original doesn't have, but a function's expansion, the owner's."""
        foreign = [frame for frame in owner.bodies.values() if frame not in self._pairs.frames]
        for op in self._optimized.ops if foreign else ():
            if op.frame in foreign:
                self.cover[op] = self.cover[owner]
                self.status[op] = self.status[owner] = "group"

    def _slice(self, unit: Sequence[Op], made: set[int], read: Iterable[int]) -> list[Op]:
        used = self._used(unit, made) or made
        origins = [o for t in used if (o := self._pairs.origin[t]) is not None]
        given = {v for t in read if (v := self._pairs.value(t)) is not None}
        cover = self._cutter.cover(origins, given)
        namesake = self._pairs.by_id.get(unit[0].node.name)
        return cover or ([] if namesake is None else [namesake])

    def _used(self, unit: Sequence[Op], made: Iterable[int]) -> list[int]:
        """What others read of what a unit makes."""
        outputs = self._optimized.frames[unit[0].frame].outputs
        readers = self._optimized.readers
        return [t for t in made if t in outputs or not set(unit).issuperset(readers[t])]

    def _moved(self, region: Sequence[Op]) -> None:
        """Give inserted Transposes the original ones that they are at another place.

        The runtime moves a Transpose past operations that don't mind. What it is moved past
        makes what the original makes behind the Transpose, which is therefore in its cover.
        """
        inserted = [
            op for op in region if op.node.op_type == "Transpose" and self.status[op] == "layout"
        ]
        moved: dict[Op, None] = {}
        for op in region if inserted else ():
            others = [o for o in self.cover[op] if o.node.op_type != "Transpose"]
            absorbs = op.node.op_type == "Transpose" or "transA" in op.node.attributes
            if others and not absorbs:
                moved.update((o, None) for o in self.cover[op] if o not in others)
                self.cover[op] = others
        for op in inserted if moved else ():
            self.cover[op] = list(moved)
            self.status[op] = "group" if len(inserted) > 1 else "exact"
