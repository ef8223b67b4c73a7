"""Sizes of open dims that a graph accepts, found by inference and by trying."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from onnx import TypeProto

from ...graph import Graph, OcostError
from ...graph.shapes import Given, Info, Shapes, infer, prove_at
from .draws import required, tensor_type

Size = int | tuple[int, ...]  # a tuple is the shape of an input without declared rank
Sizes = Mapping[str, Size]
Dims = tuple[int | str, ...]
Tried = Callable[[Mapping[str, tuple[int, ...]], str], bool]

_USUAL = (2, 3, 4, 8, 16, 32, 64, 128, 224, 256, 512, 1024, 4096, 16000)
_SPATIAL = 64  # the first size of an image's sides: halved five times it is still more than 1
_BATCH = 16  # a first axis is tried no larger
_MANY = 20  # elements, below which an input shows few values; that many rows are tried then
_PAIRED = 6  # open dims, beyond which there are too many pairs
_FIXED = 24  # so many dims of weights and inputs are candidates


@dataclass(frozen=True)
class Frame:
    """The inputs' shapes with symbols in them.

    Parameters
    ----------
    graph
        The model.
    dims
        Of each input; None where not even the rank is declared.
    known
        Sizes of symbols that the user, the model or its weights tell.
    """

    graph: Graph
    dims: Mapping[str, Dims | None]
    known: Mapping[str, int]

    @classmethod
    def of(cls, graph: Graph, given: Given) -> Frame:
        """What a graph declares, and what is known of it besides.

        Raises
        ------
        OcostError
            If what is given contradicts the model.
        """
        shapes = infer(graph, given)
        dims: dict[str, Dims | None] = {}
        known: dict[str, int] = {}
        for name in required(graph):
            declared = declared_dims(name, graph.declared[name].type)
            info = shapes.get(name)
            sizes = None if info is None else info.resolved
            if declared is None or sizes is None:
                dims[name] = sizes if declared is None else declared
                continue
            dims[name] = tuple(
                size if isinstance(dim, int) else dim
                for dim, size in zip(declared, sizes, strict=True)
            )
            known |= {d: s for d, s in zip(declared, sizes, strict=True) if isinstance(d, str)}
        return cls(graph, dims, {d: s for d, s in known.items() if d not in shapes.assumed})

    @property
    def symbols(self) -> list[str]:
        """Open dims, and the names of inputs without declared rank, in order."""
        found: dict[str, None] = {}
        for name, dims in self.dims.items():
            if dims is None:
                found.setdefault(name)
            else:
                found.update(dict.fromkeys(dim for dim in dims if isinstance(dim, str)))
        return list(found)

    def places(self, symbol: str) -> list[tuple[int, Dims]]:
        """The axes at which a symbol stands, and the dims of those inputs."""
        return [
            (axis, dims)
            for dims in self.dims.values()
            for axis, dim in enumerate(dims or ())
            if dim == symbol and dims is not None
        ]

    def partial(self, sizes: Sizes) -> dict[str, tuple[int | None, ...] | None]:
        """The inputs' shapes as far as these sizes tell."""
        made: dict[str, tuple[int | None, ...] | None] = {}
        for name, dims in self.dims.items():
            if dims is None:
                whole = sizes.get(name)
                made[name] = whole if isinstance(whole, tuple) else None
            else:
                made[name] = tuple(
                    dim if isinstance(dim, int) else _whole(sizes.get(dim)) for dim in dims
                )
        return made

    def shapes(self, sizes: Sizes) -> dict[str, tuple[int, ...]]:
        """The inputs' shapes; a symbol without a size is 1."""
        return {
            name: tuple(1 if dim is None else dim for dim in shape or ())
            for name, shape in self.partial(sizes).items()
        }

    def proven(self, sizes: Sizes) -> Shapes:
        """What holds at these sizes whatever the contents; the other dims stay open.

        Raises
        ------
        OcostError
            If inference finds a contradiction.
        """
        return prove_at(
            self.graph,
            {
                name: Info(tensor_type(self.graph.declared[name].type).elem_type, shape)
                for name, shape in self.partial(sizes).items()
                if self.graph.declared[name].type.HasField("tensor_type")
            },
        )

    def consistent(self, sizes: Sizes) -> bool:
        """Whether inference finds no contradiction."""
        try:
            self.proven(sizes)
        except OcostError:
            return False
        return True


def _whole(size: Size | None) -> int | None:
    return size if isinstance(size, int) else None


def declared_dims(name: str, type_: TypeProto) -> Dims | None:
    """The dims that a type declares, a symbol for an open one; None where it has no rank.

    An open dim without a name is called ``input[axis]``.
    """
    tensor = tensor_type(type_)
    if not tensor.HasField("shape"):
        return None
    return tuple(
        dim.dim_value
        if dim.HasField("dim_value") and dim.dim_value >= 0
        else (dim.dim_param if dim.dim_param not in ("", "?") else f"{name}[{axis}]")
        for axis, dim in enumerate(tensor.shape.dim)
    )


class Search:
    """Looks for sizes that fit; ``tried`` runs the model at some."""

    def __init__(self, frame: Frame, tried: Tried, hurry: Callable[[], bool]) -> None:
        self.frame = frame
        self.tried = tried
        self.hurry = hurry
        self._weights = _fixed_dims(frame)
        self._seen: set[tuple[tuple[str, Size], ...]] = set()

    def fits(self, sizes: Sizes, text: str) -> bool:
        """Whether the model runs at sizes that were not tried yet."""
        key = tuple(sorted(sizes.items()))
        if key in self._seen or self.hurry():
            return False
        self._seen.add(key)
        if not self.frame.consistent(sizes):
            return False
        return self.tried(self.frame.shapes(sizes), text)

    def base(self) -> Sizes | None:
        """The sizes to start from; None where none is found."""
        for wish in self._wishes():
            if self.hurry():
                break
            sizes = self._solved(wish)
            if self.fits(sizes, self._text(sizes)):
                return sizes
        return None

    def near(self, base: Sizes) -> bool:
        """Whether the model runs with one symbol at another size than in ``base``."""
        alternatives = [[(s, size) for size in self._alternatives(base[s], s)] for s in base]
        return any(
            self.beside(base, {symbol: size})
            for turn in zip_longest(*alternatives)
            for symbol, size in filter(None, turn)
        )

    def _wishes(self) -> Iterator[Callable[[str, int], int]]:
        """What each symbol, and the how manieth it is, shall be: the likeliest first."""
        lead, spatial = self.lead, self._spatial
        yield lambda s, i: 2 if lead(s) else _SPATIAL + 32 * (i % 2) if spatial(s) else 3 + i
        yield lambda s, i: 2 if lead(s) else _SPATIAL if spatial(s) else 3 + i
        yield lambda s, _: 2 if lead(s) else 32
        yield lambda s, _: 2 if lead(s) else 8
        yield lambda s, i: 1 if lead(s) else _SPATIAL if spatial(s) else 3 + i
        yield lambda s, _: 1
        yield from (
            partial(self._uniform, first, size)
            for size in (*_USUAL, *self._weights)
            for first in (2, 1)
        )
        yield from (partial(self._uniform, size, size) for size in _USUAL[:6])
        symbols = self.frame.symbols[:_PAIRED]
        yield from (partial(self._but, one, size) for one in symbols for size in _USUAL)

    def _but(self, one: str, size: int, symbol: str, _: int) -> int:
        return size if symbol == one else 1

    def _uniform(self, first: int, size: int, symbol: str, _: int) -> int:
        return first if self.lead(symbol) else size

    @property
    def usual(self) -> tuple[int, ...]:
        """Sizes to try, those of weights among them."""
        return (*_USUAL, *self._weights)

    def lead(self, symbol: str) -> bool:
        """Whether it is a first axis wherever it stands."""
        return all(axis == 0 for axis, _ in self.frame.places(symbol))

    def _spatial(self, symbol: str) -> bool:
        """Whether it is a side of an image, or the length of a signal of so many channels."""
        return any(
            axis >= 2 and (len(dims) >= 4 or isinstance(dims[1], int))
            for axis, dims in self.frame.places(symbol)
        )

    def _solved(self, wish: Callable[[str, int], int]) -> dict[str, Size]:
        """Sizes as wished, but where inference finds them contradictory."""
        sizes: dict[str, Size] = dict(self.frame.known)
        for index, symbol in enumerate(s for s in self.frame.symbols if s not in sizes):
            first: Sequence[Size] = (wish(symbol, index),)
            if symbol in self.frame.dims:
                first = self._shaped(first[0])
            usual: Sequence[Size] = () if symbol in self.frame.dims else (*_USUAL, *self._weights)
            fitting = (s for s in (*first, *usual) if self.frame.consistent({**sizes, symbol: s}))
            sizes[symbol] = next(fitting, first[0])
        return sizes

    def _shaped(self, size: Size) -> list[tuple[int, ...]]:
        """Shapes for an input without a declared rank: those of others, then of ranks 0 to 5."""
        others = [
            tuple(d for d in dims if isinstance(d, int))
            for dims in self.frame.dims.values()
            if dims is not None and all(isinstance(dim, int) for dim in dims)
        ]
        side = size if isinstance(size, int) else 2
        ranks = [(side,) * rank for rank in (2, 1, 3, 4, 0, 5)]
        weights = [(2, *lead, dim, *rest) for dim in self._weights[:8] for lead, rest in _AROUND]
        pairs = [(2,) * rank for rank in (2, 1, 3, 4, 5)]
        return list(dict.fromkeys([*others, *ranks, *pairs, *weights]))

    def others(self, base: Sizes, notes: list[str]) -> list[Sizes]:
        """Other sizes that fit, so that every symbol has a second one where there is any.

        A symbol that can't be changed alone is changed along with another: one may be the other's
        sum with a third. What can't be changed is noted.
        """
        symbols = [s for s in self.frame.symbols if s in base]
        jointly: list[dict[str, Size]] = [
            {s: _more(base[s], 1 + i) for i, s in enumerate(symbols)},
            {s: _more(base[s], 32 if self._spatial(s) else 1) for s in symbols},
            {s: _more(base[s], 1) for s in symbols},
            {s: _times(base[s], 2) for s in symbols},
        ]
        found: list[Sizes] = []
        stuck = symbols
        for sizes in jointly:
            if self.beside(base, sizes):
                found.append({**base, **sizes})
                stuck = [s for s in symbols if sizes[s] == base[s]]
                break
        alone: dict[str, Size] = {}
        for symbol in stuck:
            tried = self._alone(base, symbol)
            found += [{**base, symbol: size} for size in tried]
            if tried:
                alone[symbol] = tried[0]
        if len(alone) > 1 and self.beside(base, alone):
            found = [f for f in found if sum(f[s] != base[s] for s in symbols) > 1]
            found.append({**base, **alone})
        left = [s for s in stuck if s not in alone and not self._paired(base, s, symbols, found)]
        if left:
            notes.append(f"tried at one size only: {', '.join(left)}")
        return found

    def ones(self, base: Sizes) -> list[Sizes]:
        """All open dims at 1, or else the first axes: there a rewrite may do what is wrong else."""
        whole = [s for s in self.frame.symbols if isinstance(base.get(s), int)]
        for ones in (dict.fromkeys(whole, 1), dict.fromkeys(filter(self.lead, whole), 1)):
            if ones and self.beside(base, ones):
                return [{**base, **ones}]
        return []

    def many(self, base: Sizes) -> list[Sizes]:
        """The first axes longer, where inputs are so small that ties and edges are rare."""
        few = min((math.prod(s) for s in self.frame.shapes(base).values()), default=_MANY)
        longer: dict[str, Size] = {
            s: _MANY for s in self.frame.symbols if isinstance(base.get(s), int) and self.lead(s)
        }
        if few < _MANY and longer and self.beside(base, longer):
            return [{**base, **longer}]
        return []

    def beside(self, base: Sizes, changed: Mapping[str, Size]) -> bool:
        """Whether the model runs with some symbols at other sizes than in ``base``."""
        sizes = {**base, **changed}
        return sizes != base and self.fits(sizes, self._text(sizes))

    def _alone(self, base: Sizes, symbol: str) -> list[Size]:
        """Another size for a symbol alone; for an input without a declared rank, of each rank."""
        found: list[Size] = []
        for size in self._alternatives(base[symbol], symbol):
            if isinstance(size, int) and found:
                break
            ranks = [len(other) for other in found if isinstance(other, tuple)]
            if isinstance(size, tuple) and len(size) in ranks:
                continue
            if self.beside(base, {symbol: size}):
                found.append(size)
        return found

    def _alternatives(self, size: Size, symbol: str) -> list[Size]:
        if isinstance(size, tuple):
            ranked = self._shaped(2)
            return [s for rank in range(6) for s in ranked if len(s) == rank != len(size)]
        near = [size + 1, 2 * size, size + 2, 3 * size, size + 32, size // 2]
        most = max(2 * size, _BATCH if self.lead(symbol) else _USUAL[-1])
        return [s for s in dict.fromkeys((*near, *_USUAL)) if 1 < s <= most and s != size]

    def _paired(self, base: Sizes, symbol: str, all_: list[str], found: list[Sizes]) -> bool:
        if len(all_) > _PAIRED or not isinstance(base[symbol], int):
            return False
        for other in (s for s in all_ if s != symbol):
            for change, by in ((_more, 1), (_times, 2)):
                changed = {s: change(base[s], by) for s in (symbol, other)}
                if self.beside(base, changed):
                    found.append({**base, **changed})
                    return True
        return False

    def _text(self, sizes: Sizes) -> str:
        """For people: what the symbols are."""
        told = {s: sizes[s] for s in self.frame.symbols if s in sizes}
        texts = [
            f"{s}={'x'.join(map(str, size)) or 'scalar' if isinstance(size, tuple) else size}"
            for s, size in told.items()
        ]
        return f"sizes {' '.join(texts)}" if texts else ""


_AROUND: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()),
    ((3,), ()),
    ((), (32, 32)),
    ((), (32,)),
)


def _more(size: Size, by: int) -> Size:
    return size + by if isinstance(size, int) else size


def _times(size: Size, by: int) -> Size:
    return size * by if isinstance(size, int) else size


def _fixed_dims(frame: Frame) -> tuple[int, ...]:
    """Dims of weights and inputs that an open dim may have to match, in order of appearance."""
    found: dict[int, None] = {}
    whole = (tuple(d for d in dims or () if isinstance(d, int)) for dims in frame.dims.values())
    for shape in (*whole, *(tensor.shape for tensor in frame.graph.initializers.values())):
        found.update(dict.fromkeys(dim for dim in shape if 1 < dim <= 1 << 16))
    return tuple(d for d in found if d not in _USUAL)[:_FIXED]
