"""Covers: the original operations that one executed operation does the work of."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .flat import Flat, Op
from .tensor_pairs import TensorPairs
from .value_numbers import ValueNumbers, passes_on

_FAR = 500  # operations that are looked at behind those that a cover ends at


class Cutter:
    """Cuts covers out of the original graph, backwards from what an operation makes.

    A cut ends at what the operation reads, at what another executed operation makes, and at what
    was there before the run.
    """

    def __init__(
        self, original: Flat, numbers: ValueNumbers, optimized: Flat, pairs: TensorPairs
    ) -> None:
        self._original, self._numbers = original, numbers
        values = {t: pairs.value(t) for t in range(len(optimized.paths))}
        self._paired = set(pairs.frames.values())
        self.stored = {v for t in optimized.constants if (v := values[t]) is not None}
        self.made = {v for op in optimized.ops for t in op.outputs if (v := values[t]) is not None}

    def cover(self, origins: Iterable[int], given: Collection[int]) -> list[Op]:
        """The operations between what is made and what is read, in the original's order.

        Parameters
        ----------
        origins
            Original tensors that are made.
        given
            Values that are read.
        """
        stack = [op for t in origins if (op := self._original.maker[t]) is not None]
        covered: set[Op] = set()
        reached: set[int] = set()
        ends: list[int] = []
        while stack:
            op = stack.pop()
            if op in covered:
                continue
            covered.add(op)
            for value in self._reads(op):
                if value in given:
                    reached.add(value)
                elif self._inside(value, op, given):
                    stack.append(self._maker(value))
                else:
                    ends.append(value)
        missed = {v for v in given if v not in reached and not self._before(v)}
        if missed:
            covered |= self._beyond(ends, missed, given)
        doing = {op for op in covered if not passes_on(op.node)} or covered
        return sorted(doing | self._inner(doing), key=lambda op: op.index)

    def _inner(self, owners: Iterable[Op]) -> set[Op]:
        """What is in bodies of theirs that are not executed as such: they are inlined."""
        frames = {f for op in owners for f in op.bodies.values()} - self._paired
        if not frames:
            return set()
        inner = {op for op in self._original.ops if op.frame in frames}
        return inner | self._inner(inner)

    def _reads(self, op: Op) -> set[int]:
        return {self._numbers.value[t] for t in op.inputs}

    def _maker(self, value: int) -> Op:
        maker = self._original.maker[value]
        assert maker is not None
        return maker

    def _before(self, value: int) -> bool:
        """Whether a value is there before the run."""
        return value in self.stored or value in self._numbers.fixed

    def _inside(self, value: int, reader: Op, given: Collection[int]) -> bool:
        """Whether what makes a value belongs to the cover of what reads it."""
        maker = self._original.maker[value]
        if maker is None or value in self.made or value in self.stored:
            return False
        if maker.frame != reader.frame:
            return False
        if value in self._numbers.fixed:  # fused if its constants are still read, else folded
            return self._leads(value, given)
        shaped = self._numbers.shaped
        return value not in shaped or any(self._numbers.value[t] in shaped for t in reader.outputs)

    def _leads(self, value: int, given: Collection[int]) -> bool:
        stack, seen = [value], {value}
        while stack:
            maker = self._original.maker[stack.pop()]
            fresh = set() if maker is None else self._reads(maker) - seen
            if fresh & set(given):
                return True
            seen |= fresh
            stack.extend(fresh)
        return False

    def _beyond(self, ends: Iterable[int], missed: set[int], given: Collection[int]) -> set[Op]:
        """Operations behind a cover's ends that lead to what it should have reached."""
        queue = [op for v in ends if (op := self._original.maker[v]) is not None]
        seen: dict[Op, None] = {}
        for op in queue:
            if op in seen or len(seen) >= _FAR:
                continue
            seen[op] = None
            behind = (self._original.maker[v] for v in self._reads(op) if v not in given)
            queue.extend(maker for maker in behind if maker is not None)
        leading: set[int] = set(missed)
        found: set[Op] = set()
        for op in sorted(seen, key=lambda op: op.index):
            if self._reads(op) & leading:
                found.add(op)
                leading.update(self._numbers.value[t] for t in op.outputs)
        return found
