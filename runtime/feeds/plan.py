"""The inputs on which two models are compared: several draws that differ in what they try."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...graph import Graph, OcostError, dtypes
from ...graph.shapes import Given
from .draws import Array, Draw, Feeds, Setting
from .floats import edges
from .limit_sizes import Further, limits
from .modes import PLAIN, Mode, Style
from .reach import Reach
from .rows import LIMITS, ROWS, USUAL, Row, tiny
from .sizes import Frame, Search
from .tries import Run, Tries, Watch

_LARGE, _HUGE = 64 << 20, 256 << 20  # bytes of inputs, from which on few draws are made
_LIGHT = 1 << 16  # elements of weights, below which a model runs in no time
_FILLS = (1, 2, 3, 0, -1, 4, 8)
_FURTHER = 0.05  # of the time, that runs at further sizes may take: each comes again many times
_AT_ONE = (4, 8)  # rows that are drawn at the last setting
_SINGLY = 8  # inputs of a kind that are tried one by one


@dataclass(frozen=True)
class Plan:
    """What to run a model on.

    Parameters
    ----------
    draws
        The likeliest to tell first: whoever lacks time takes the first ones. The model ran on
        each of them.
    notes
        What could not be reached: "the else branch of 'if0' was never taken".
    """

    draws: tuple[Draw, ...]
    notes: tuple[str, ...]


def plan(
    graph: Graph,
    given: Given,
    run: Run,
    watch: Watch,
    *,
    feeds: Mapping[str, Array] | None = None,
    beside: Graph | None = None,
    budget_s: float,
) -> Plan:
    """Draws that between them try what a rewrite may get wrong.

    They flip every flag, take both branches of every If, make Loops run several times, draw
    integers over the range that their readers accept, floats at several scales and at values
    where operators change what they do, NaN and infinities (in draws of their own), strings that
    the graph knows and others, and give open dims several sizes.

    Parameters
    ----------
    graph
        The model.
    given
        Shapes, dims and contents of inputs that the user gives. Contents stay, sizes are the
        first ones.
    run
        Runs the model; raises OcostError where it can't on these inputs.
    watch
        Opens the model with further root tensors as outputs.
    feeds
        The user's own inputs: the first draw, where others start from.
    beside
        What it is compared with: its constants are tried too.
    budget_s
        Seconds that the comparison may take; planning takes at most half of it.

    Returns
    -------
    Plan
        Without draws, and with the reason as its note, where the model ran on no inputs.

    Raises
    ------
    OcostError
        If what is given contradicts the model, or the model doesn't run on the user's own inputs.
    """
    return _Planner(graph, given, run, watch, feeds, beside, budget_s).plan()


_Key = tuple[tuple[str, tuple[int, ...]], ...]


def _key(sizes: Mapping[str, tuple[int, ...]]) -> _Key:
    return tuple(sorted(sizes.items()))


class _Planner:
    def __init__(
        self,
        graph: Graph,
        given: Given,
        run: Run,
        watch: Watch,
        feeds: Feeds | None,
        beside: Graph | None,
        budget_s: float,
    ) -> None:
        self.graph = graph
        self.given = given
        self.feeds = feeds
        self.budget = budget_s
        self.numbers = [n for one in (graph, beside) if one is not None for n in limits(one)]
        self.tries = Tries(graph, given, run, watch, budget_s, beside)
        self.notes: list[str] = []
        self.settings: list[tuple[Setting, dict[str, Mode]]] = []  # with modes that are sure to run
        self.cycled = 1  # so many of them take turns
        self.at_one = 0  # that of all dims at 1, if there is one
        self.further = 1  # from this one on, each is drawn at once
        self.accepted: dict[_Key, tuple[Setting, dict[str, Mode]]] = {}
        self.took: dict[int, float] = {}  # seconds of a run, by the setting
        self.refused: set[tuple[str, Mode]] = set()
        self.picky = True  # empty answers count for nothing
        self.pace = 0.0  # seconds that a run takes at usual sizes

    def plan(self) -> Plan:
        self._find_sizes()
        if not self.settings:
            why = self.tries.reason or "no sizes of its inputs were found that fit"
            return Plan((), (f"the model ran on no inputs that were tried: {why}",))
        setting, sure = self.settings[0]
        anew = self.feeds is None
        reach = Reach(self.tries, self.frame, self.base, setting, sure, anew=anew)
        wanted = reach.watched(self.notes)
        if self.feeds is not None:
            self._add_user()
        limit = self._limit()
        for index, row in enumerate(self._rows()):
            if self.tries.draws and (len(self.tries.draws) >= limit or self.tries.late(0.5)):
                break
            self._add(self._draw(row, index, self._place(row, index)))
        self._add_further(limit)
        self._add_overridden()
        self.notes += reach.all(wanted)
        return Plan(tuple(self.tries.draws), tuple(dict.fromkeys(self.notes)))

    # --- sizes ---------------------------------------------------------------------------------

    def _find_sizes(self) -> None:
        given = self.given
        if self.feeds is not None:
            given = Given(
                {
                    name: np.shape(array)
                    for name, array in self.feeds.items()
                    if name not in self.graph.initializers and isinstance(array, np.ndarray)
                }
            )
        self.frame = frame = Frame.of(self.graph, given)
        search = Search(frame, self._try_sizes, lambda: self.tries.late(0.25))
        base = search.base()
        if base is None:
            self.picky = False
            search = Search(frame, self._try_sizes, lambda: self.tries.late(0.35))
            base = search.base()
        if base is None:
            return
        self.base = base
        self.settings = [self.accepted[_key(frame.shapes(base))]]
        if self._bytes() < _HUGE:
            others = [*search.others(base, self.notes), *search.many(base)]
            ones = search.ones(base)
            self.cycled = 1 + len(others)
            self.at_one = len(ones) and self.cycled
            self.pace = self.tries.pace
            every = [*others, *ones]
            self.further = 1 + len(every)
            more = Further(search, frame, base, every, self.numbers, lambda: self.tries.late(0.35))
            for sizes in (*every, *more.sizes(self.notes)):
                self.settings.append(self.accepted[_key(frame.shapes(sizes))])

    def _try_sizes(self, sizes: Mapping[str, tuple[int, ...]], text: str) -> bool:
        """Run the model at these sizes, and keep them where it does."""
        setting = self.tries.setting(sizes, text)
        if setting is None:
            return False
        for modes in self._sure(setting):
            if self.tries.works(Draw("", False, setting, modes)) and not self._nothing():
                self.accepted[_key(sizes)] = (setting, modes)
                self.took[id(setting)] = self.tries.last
                return True
        return False

    def _nothing(self) -> bool:
        """Whether the model answered nothing but empty tensors, as at sizes that are too small."""
        answer = self.tries.answer if isinstance(self.tries.answer, (list, tuple)) else []
        arrays = [output for output in answer if isinstance(output, np.ndarray)]
        return self.picky and bool(arrays) and not any(array.size for array in arrays)

    def _sure(self, setting: Setting) -> Iterator[dict[str, Mode]]:
        """Modes of which one makes the model run, where any does: the plain ones first."""
        chosen = [i for i in setting.inputs if i.choices]
        most = max((len(i.choices) for i in chosen), default=1)
        for turn in range(most):
            yield {i.name: Mode(Style.CHOICE, turn=turn) for i in chosen}
        free = [i for i in setting.inputs if i.kind == "int" and not (i.plain or i.mask)]
        for number in _FILLS if free and not self.accepted else ():
            yield {i.name: Mode(Style.FILL, value=number) for i in free}
        floats = [i for i in setting.inputs if i.kind == "float" and i.plain is None]
        for value in (1.0, 2.0, 0.0) if floats and not self.accepted else ():
            yield {i.name: Mode(Style.FILL, value=value) for i in floats}

    def _bytes(self) -> int:
        return sum(i.nbytes for i in self.settings[0][0].inputs) if self.settings else 0

    def _limit(self) -> int:
        """How many draws there is time and memory for."""
        size = self._bytes()
        if size >= _LARGE:
            text = f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
            self.notes.append(f"few inputs were drawn, as they take {text}")
            return 2 if size >= _HUGE else 4
        afford = self.budget / (6 * self.pace) if self.pace else math.inf
        return 100 if afford > 100 else max(int(afford), 3)

    # --- rows ----------------------------------------------------------------------------------

    def _rows(self) -> Iterator[Row]:
        yield from ROWS
        if any(i.rivals for i in self.settings[0][0].inputs):
            yield from LIMITS
        if sum(tensor.size for tensor in self.graph.initializers.values()) > _LIGHT:
            return
        inputs = self.settings[0][0].inputs
        sizes = [math.prod(i.shape) for i in inputs if i.kind != "bool" and i.fixed is None]
        flags = sum(i.kind == "bool" and math.prod(i.shape) == 1 for i in inputs)
        yield from tiny(min(sizes, default=1 << 20), len(edges(self.tries.known.numbers)), flags)

    def _place(self, row: Row, index: int) -> int:
        """The sizes that a row is drawn at."""
        if index in _AT_ONE and self.at_one:
            return self.at_one
        return 0 if row.special else index % self.cycled

    def _draw(self, row: Row, index: int, place: int) -> Draw:
        setting, sure = self.settings[place]
        modes = {}
        for made in setting.inputs:
            if made.fixed is not None:
                continue
            mode = row.mode(made, index)
            if (made.name, mode) in self.refused:
                mode = sure.get(made.name, PLAIN)
            if mode == PLAIN:
                mode = sure.get(made.name, PLAIN)
            modes[made.name] = mode
        return Draw("", row.special, setting, modes, index)

    def _add(self, draw: Draw) -> None:
        """Keep a draw, or what of it the model runs on, unless there is one like it."""
        if any(_alike(draw, other) for other in self.tries.draws):
            return
        sure = next(modes for setting, modes in self.settings if setting is draw.setting)
        for made in self._milder(draw, sure):
            if any(_alike(made, other) for other in self.tries.draws):
                return
            if self.tries.works(made):
                self.tries.keep(made)
                return
            if self.tries.late(0.5):
                return

    def _milder(self, draw: Draw, sure: Mapping[str, Mode]) -> Iterator[Draw]:
        """The draw, then with ever more of its inputs as they are sure to run."""
        yield draw
        kinds = {i.name: i.kind for i in draw.setting.inputs}
        for kind in ("int", "bool", "text", "float", "complex"):
            risky = [
                n for n, m in draw.modes.items() if kinds[n] == kind and m != sure.get(n, PLAIN)
            ]
            if not risky:
                continue
            safe = {n: sure.get(n, PLAIN) for n in risky}
            rest = replace(draw, modes={**draw.modes, **safe})
            if len(risky) > 1 and len(risky) <= _SINGLY and self.tries.works(rest):
                kept = dict(rest.modes)
                for name in risky:
                    alone = replace(draw, modes={**kept, name: draw.modes[name]})
                    if self.tries.works(alone):
                        kept = dict(alone.modes)
                    else:
                        self.refused.add((name, draw.modes[name]))
                yield replace(draw, modes=kept)
            elif len(risky) == 1:
                self.refused.add((risky[0], draw.modes[risky[0]]))
            yield rest

    def _add_user(self) -> None:
        assert self.feeds is not None
        setting = self.settings[0][0]
        special = any(_unusual(array) for array in self.feeds.values())
        draw = Draw("the inputs given", special, setting, fixed=dict(self.feeds))
        if not self.tries.works(draw):
            raise OcostError(f"the model doesn't run on the inputs given: {self.tries.reason}")
        self.tries.keep(draw)

    def _add_further(self, limit: int) -> None:
        """A draw at each of the further sizes, as far as there is time for them."""
        allowed = _FURTHER * self.budget
        places = range(self.further, len(self.settings))
        for place in places:
            allowed -= self.took[id(self.settings[place][0])]
            if allowed < 0 or len(self.tries.draws) >= limit or self.tries.late(0.5):
                left = len(places) - places.index(place)
                self.notes.append(f"further sizes left out, as they take too long: {left}")
                return
            self._add(self._draw(USUAL, place, place))

    def _add_overridden(self) -> None:
        """A draw with other contents of the initializers that a caller may override, if any."""
        ours = [t for n, t in self.graph.initializers.items() if self.graph.overridable(n)]
        setting, sure = self.settings[0]
        floats = [t for t in ours if dtypes.is_float(t.dtype)]
        for tensors in ([t for t in ours if t.dtype != dtypes.STRING], floats):
            if tensors:
                draw = Draw(
                    "overridden initializers", False, setting, sure, overridden=tuple(tensors)
                )
                if self.tries.works(draw):
                    self.tries.keep(draw)
                    return


def _alike(a: Draw, b: Draw) -> bool:
    """Whether two draws try the same."""
    if a.setting is not b.setting or a.fixed or b.fixed or a.overridden or b.overridden:
        return False
    return dict(a.modes) == dict(b.modes)


def _unusual(value: Any) -> bool:  # noqa: ANN401 - an array, a list, a dict or None
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
        return False
    return not bool(np.isfinite(value).all())
