"""Sizes at which a graph may do something else: at its own whole numbers, and on other ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from ...graph import Graph, OcostError, Tensor, dtypes
from .roles import AXES
from .size_ways import size_targets
from .sizes import Frame, Search, Size, Sizes

_WHOLE = frozenset({dtypes.INT32, dtypes.INT64})
_FEW = 8  # elements of a constant, and numbers that are tried
_LARGEST = 1 << 14
_MOST = 12  # further sizes
_INFERRED = 250  # sizes that are looked at for a way, without a run
_ROOM = 8  # times the elements of the usual inputs that are no burden
_LIGHT = 1 << 16  # elements that never are
# Their whole numbers say which axes there are, or how many elements an axis has in any case.
_ELSEWHERE = AXES | {("Reshape", 1)}
_ATTRIBUTES = ("starts", "ends", "k")  # of older operators, where later ones have inputs


def limits(graph: Graph) -> list[int]:
    """Whole numbers of a graph that an axis may be compared, cut or filled up with, in order."""
    found: dict[int, None] = {}
    for scope, node in graph.walk():
        for slot, name in enumerate(node.inputs):
            tensor = scope.constant(name) if name else None
            if tensor is not None and (node.op_type, slot) not in _ELSEWHERE:
                found.update(dict.fromkeys(_numbers(tensor)))
        for name in _ATTRIBUTES:
            if name in node.attributes:
                attribute = node.attributes[name]
                found.update(dict.fromkeys(map(abs, (*attribute.ints, attribute.i))))
    return [number for number in found if 1 < number <= _LARGEST][:_FEW]


def _numbers(tensor: Tensor) -> Iterator[int]:
    if tensor.dtype in _WHOLE and tensor.size <= _FEW:
        try:
            yield from (abs(int(number)) for number in tensor.data().reshape(-1))
        except OcostError:  # its data are not there
            return


class Further:
    """Looks for such sizes beside those on which a model runs already.

    Parameters
    ----------
    search
        Runs the model.
    frame, base, others
        The inputs' shapes, the first sizes, and the other ones that are drawn at.
    numbers
        Near which sizes are tried.
    enough
        Whether the time is up.
    """

    def __init__(
        self,
        search: Search,
        frame: Frame,
        base: Sizes,
        others: Sequence[Sizes],
        numbers: Iterable[int],
        enough: Callable[[], bool],
    ) -> None:
        self._search, self._frame, self._base, self._enough = search, frame, base, enough
        self._drawn = [base, *others]
        self._numbers = [near for n in dict.fromkeys(numbers) for near in (n + 1, n, n - 1)]
        self._elements = self._count(base)

    def sizes(self, notes: list[str]) -> list[Sizes]:
        """Sizes that fit; ways that none leads to are noted."""
        return [*self._on_other_ways(notes), *self._at_limits()]

    def _at_limits(self) -> list[Sizes]:
        """Sizes at the graph's own numbers, and one more or less."""
        found: list[Sizes] = []
        rows = [symbol for symbol in self._symbols() if self._search.lead(symbol)]
        columns = [symbol for symbol in self._symbols() if symbol not in rows]
        for number in self._numbers:
            for group in (columns, rows):
                together = dict.fromkeys(group, number)
                alone = ({symbol: number} for symbol in group if len(group) > 1)
                for changed in (together, *alone):
                    if len(found) >= _MOST or self._enough():
                        return found
                    if changed and self._runs(changed):
                        found.append({**self._base, **changed})
                        break
        return found

    def _on_other_ways(self, notes: list[str]) -> list[Sizes]:
        """Sizes at which the model goes where it does not go at those that are drawn at."""
        graph = self._frame.graph
        branching = bool(graph.header.functions) or any(map(graph.subgraphs, graph))
        wanted = size_targets(self._frame, self._base) if branching and self._symbols() else []
        for sizes in self._drawn if wanted else ():
            there = self._frame.proven(sizes)
            wanted = [target for target in wanted if not target.met(there)]
        found: list[Sizes] = []
        for count, changed in enumerate(self._candidates() if wanted else ()):
            if not wanted or count > _INFERRED or self._enough():
                break
            try:
                there = self._frame.proven({**self._base, **changed})
            except OcostError:
                continue
            met = [target for target in wanted if target.met(there)]
            if met and self._runs(changed):
                found.append({**self._base, **changed})
                wanted = [target for target in wanted if target not in met]
        notes.extend(target.missed for target in wanted)
        return found

    def _candidates(self) -> Iterator[dict[str, Size]]:
        """Another size for one symbol, then for all of them; the graph's own first."""
        sizes = dict.fromkeys([*self._numbers, 1, *self._search.usual])
        symbols = self._symbols()
        groups: Iterable[list[str]] = [[s] for s in symbols]
        for size in sizes:
            for group in (*groups, symbols) if len(symbols) > 1 else groups:
                yield dict.fromkeys(group, size)

    def _symbols(self) -> list[str]:
        return [s for s in self._frame.symbols if isinstance(self._base.get(s), int)]

    def _runs(self, changed: Sizes) -> bool:
        """Whether the model runs so, unless it has to take far more than usual."""
        most = max(_ROOM * self._elements, _LIGHT)
        if self._count({**self._base, **changed}) > most:
            return False
        return self._search.beside(self._base, changed)

    def _count(self, sizes: Sizes) -> int:
        return sum(math.prod(shape) for shape in self._frame.shapes(sizes).values())
