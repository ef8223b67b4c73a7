"""The inputs on which two models are compared: several draws that differ in what they try."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...graph import Graph, OcostError, dtypes
from ...graph.shapes import Given
from .branches import Target, fills, guesses, targets, unmet
from .constants import Constants
from .draws import Array, Draw, Feeds, Setting
from .floats import edges
from .modes import PLAIN, Mode, Style
from .rows import ROWS, Row, describe, tiny
from .sizes import Frame, Search

Run = Callable[[Feeds], object]
Watch = Callable[[Sequence[str]], Callable[[Feeds], Mapping[str, Array]]]

_LARGE, _HUGE = 64 << 20, 256 << 20  # bytes of inputs, from which on few draws are made
_LIGHT = 1 << 16  # elements of weights, below which a model runs in no time
_FILLS = (1, 2, 3, 0, -1, 4, 8)
_TRIES = 150  # runs that look for one branch
_AT_ONE = (4, 8)  # rows that are drawn at the last setting
_FLOATS = ("float", "complex")
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
    return _Planner(graph, given, run, watch, feeds, budget_s).plan()


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
        budget_s: float,
    ) -> None:
        self.graph = graph
        self.given = given
        self.feeds = feeds
        self.run, self.watch = run, watch
        self.start, self.budget = time.monotonic(), budget_s
        self.known = Constants.of(graph)
        self.notes: list[str] = []
        self.draws: list[Draw] = []
        self.settings: list[tuple[Setting, dict[str, Mode]]] = []  # with modes that are sure to run
        self.cycled = 1  # so many of them take turns; the last may be that of all dims at 1
        self.accepted: dict[_Key, tuple[Setting, dict[str, Mode]]] = {}
        self.refused: set[tuple[str, Mode]] = set()
        self.observe: Callable[[Feeds], Mapping[str, Array]] | None = None
        self.seen: list[Mapping[str, Array]] = []  # of each draw
        self.latest: Mapping[str, Array] = {}
        self.answer: object = None
        self.picky = True  # empty answers count for nothing
        self.reason = ""
        self.slowest = 0.0

    def plan(self) -> Plan:
        self._find_sizes()
        if not self.settings:
            why = self.reason or "no sizes of its inputs were found that fit"
            return Plan((), (f"the model ran on no inputs that were tried: {why}",))
        wanted = self._watched()
        if self.feeds is not None:
            self._add_user()
        limit = self._limit()
        for index, row in enumerate(self._rows()):
            if self.draws and (len(self.draws) >= limit or self._late(0.5)):
                break
            self._add(self._draw(row, index))
        self._add_overridden()
        for target in unmet(wanted, self.seen):
            if not self._reach(target):
                self.notes.append(target.missed)
        return Plan(tuple(self.draws), tuple(dict.fromkeys(self.notes)))

    # --- running -----------------------------------------------------------------------------

    def _late(self, share: float) -> bool:
        return time.monotonic() - self.start > share * self.budget

    def _works(self, draw: Draw) -> bool:
        """Whether the model runs on a draw; what was watched is kept in ``latest``."""
        start = time.monotonic()
        try:
            feeds = draw.feeds()
            if self.observe is None:
                self.answer = self.run(feeds)
            else:
                self.latest = self.observe(feeds)
        except OcostError as error:
            self.reason = self.reason or str(error)
            return False
        self.slowest = max(self.slowest, time.monotonic() - start)
        return True

    def _keep(self, draw: Draw) -> None:
        self.draws.append(draw)
        self.seen.append(self.latest)

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
        search = Search(frame, self._try_sizes, lambda: self._late(0.25))
        base = search.base()
        if base is None:
            self.picky = False
            search = Search(frame, self._try_sizes, lambda: self._late(0.35))
            base = search.base()
        if base is None:
            return
        self.base = base
        self.settings = [self.accepted[_key(frame.shapes(base))]]
        if self._bytes() < _HUGE:
            others = [*search.others(base, self.notes), *search.many(base)]
            self.cycled = 1 + len(others)
            for sizes in (*others, *search.ones(base)):
                self.settings.append(self.accepted[_key(frame.shapes(sizes))])

    def _try_sizes(self, sizes: Mapping[str, tuple[int, ...]], text: str) -> bool:
        """Run the model at these sizes, and keep them where it does."""
        setting = self._setting(sizes, text)
        if setting is None:
            return False
        for modes in self._sure(setting):
            if self._works(Draw("", False, setting, modes)) and not self._nothing():
                self.accepted[_key(sizes)] = (setting, modes)
                return True
        return False

    def _nothing(self) -> bool:
        """Whether the model answered nothing but empty tensors, as at sizes that are too small."""
        answer = self.answer if isinstance(self.answer, (list, tuple)) else []
        arrays = [output for output in answer if isinstance(output, np.ndarray)]
        return self.picky and bool(arrays) and not any(array.size for array in arrays)

    def _setting(self, sizes: Mapping[str, tuple[int, ...]], text: str) -> Setting | None:
        """The inputs at these sizes; None where they contradict the model."""
        try:
            return Setting.of(self.graph, self.given, sizes, self.known, text)
        except OcostError as error:
            self.reason = self.reason or str(error)
            return None

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
        afford = self.budget / (6 * self.slowest) if self.slowest else math.inf
        return 100 if afford > 100 else max(int(afford), 3)

    # --- rows ----------------------------------------------------------------------------------

    def _rows(self) -> Iterator[Row]:
        yield from ROWS
        if sum(tensor.size for tensor in self.graph.initializers.values()) > _LIGHT:
            return
        inputs = self.settings[0][0].inputs
        sizes = [math.prod(i.shape) for i in inputs if i.kind != "bool" and i.fixed is None]
        flags = sum(i.kind == "bool" and math.prod(i.shape) == 1 for i in inputs)
        yield from tiny(min(sizes, default=1 << 20), len(edges(self.known.numbers)), flags)

    def _draw(self, row: Row, index: int) -> Draw:
        place = 0 if row.special else index % self.cycled
        if index in _AT_ONE:
            place = len(self.settings) - 1
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
        return self._named(Draw("", row.special, setting, modes, index))

    def _named(self, draw: Draw) -> Draw:
        special = any(
            draw.modes.get(i.name, PLAIN).style is Style.SPECIAL
            for i in draw.setting.inputs
            if i.kind in _FLOATS
        )
        return replace(draw, what=describe(draw), special=special)

    def _add(self, draw: Draw) -> None:
        """Keep a draw, or what of it the model runs on, unless there is one like it."""
        if any(_alike(draw, other) for other in self.draws):
            return
        sure = next(modes for setting, modes in self.settings if setting is draw.setting)
        for made in self._milder(draw, sure):
            if any(_alike(made, other) for other in self.draws):
                return
            if self._works(made):
                self._keep(self._named(made))
                return
            if self._late(0.5):
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
            if len(risky) > 1 and len(risky) <= _SINGLY and self._works(rest):
                kept = dict(rest.modes)
                for name in risky:
                    alone = replace(draw, modes={**kept, name: draw.modes[name]})
                    if self._works(alone):
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
        if not self._works(draw):
            raise OcostError(f"the model doesn't run on the inputs given: {self.reason}")
        self._keep(draw)

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
                if self._works(draw):
                    self._keep(draw)
                    return

    # --- branches ------------------------------------------------------------------------------

    def _watched(self) -> list[Target]:
        """What to reach, and the model opened so that it tells."""
        wanted = targets(self.frame.proven(self.base), self.notes)
        if wanted:
            try:
                self.observe = self.watch(list(dict.fromkeys(n for t in wanted for n in t.leaves)))
            except OcostError as error:
                self.notes.append(f"which branches were taken is not known: {error}")
                return []
        return wanted

    def _reach(self, target: Target) -> bool:
        """Look for inputs that make the model go a way, and keep two such draws."""
        reached = 0
        for number, draw in enumerate(self._guesses(target)):
            if number >= _TRIES or self._late(0.5):
                break
            if self._meets(draw, target):
                reached += 1
                if reached == 2:
                    break
        return reached > 0 or self._reach_at_other_sizes(target)

    def _meets(self, draw: Draw, target: Target) -> bool:
        """Keep a draw if it makes the model go a way."""
        met = self._works(draw) and target.met(self.latest)
        if met:
            self._keep(self._named(draw))
        return met

    def _reach_at_other_sizes(self, target: Target) -> bool:
        """Look for sizes that the way wants: those of the first draw may fit the other alone."""
        kinds = {i.name: i.kind for i in self.settings[0][0].inputs}
        switches = [n for n in target.sources if kinds.get(n) in ("bool", "int", "text")]
        if not switches or self.feeds is not None:
            return False
        frame = replace(self.frame, known={})
        tries = 0

        def tried(sizes: Mapping[str, tuple[int, ...]], text: str, mode: Mode) -> bool:
            nonlocal tries
            tries += 1
            setting = self._setting(sizes, text)
            modes = dict.fromkeys(switches, mode)
            if setting is None or not self._meets(Draw("", False, setting, modes), target):
                return False
            usual = {i.name: ROWS[1].mode(i, 1) for i in setting.inputs}
            self._meets(Draw("", False, setting, usual | modes, 1), target)
            return True

        def enough() -> bool:
            return tries >= _TRIES or self._late(0.5)

        for mode in fills(target.known):
            if enough():
                break
            search = Search(frame, partial(tried, mode=mode), enough)
            if search.near(self.base) or search.base() is not None:
                return True
        return False

    def _guesses(self, target: Target) -> Iterator[Draw]:
        setting, sure = self.settings[0]
        row = ROWS[1]
        usual = {i.name: row.mode(i, 1) for i in setting.inputs if i.fixed is None}
        sources = [n for n in target.sources if n in usual]
        groups = [sources] if len(sources) < 2 else [sources, *([n] for n in sources)]
        seed = len(self.draws)
        for others in (usual, sure):
            for group in groups:
                for number, mode in enumerate(guesses(target.known | self.known)):
                    modes = {**others, **dict.fromkeys(group, mode)}
                    yield Draw("", False, setting, modes, seed + number)


def _alike(a: Draw, b: Draw) -> bool:
    """Whether two draws try the same."""
    if a.setting is not b.setting or a.fixed or b.fixed or a.overridden or b.overridden:
        return False
    return dict(a.modes) == dict(b.modes)


def _unusual(value: Any) -> bool:  # noqa: ANN401 - an array, a list, a dict or None
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
        return False
    return not bool(np.isfinite(value).all())
