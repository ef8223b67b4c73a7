"""Runs of a model on draws, and those draws that are kept."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...graph import Graph, OcostError
from ...graph.shapes import Given
from .constants import Constants
from .draws import Array, Draw, Feeds, Setting
from .modes import PLAIN, Style
from .rows import describe

Run = Callable[[Feeds], object]
Watch = Callable[[Sequence[str]], Callable[[Feeds], Mapping[str, Array]]]

_FLOATS = ("float", "complex")


class Tries:
    """Runs a model; what it said and how long it took is kept.

    Parameters
    ----------
    graph, given
        The model, and what the user gives.
    run, watch, budget_s, beside
        As of ``plan``.
    """

    def __init__(
        self,
        graph: Graph,
        given: Given,
        run: Run,
        watch: Watch,
        budget_s: float,
        beside: Graph | None,
    ) -> None:
        self.known = Constants.of(graph)
        if beside is not None:
            self.known |= Constants.of(beside)
        self.draws: list[Draw] = []
        self.seen: list[Mapping[str, Array]] = []  # of each draw
        self.latest: Mapping[str, Array] = {}
        self.answer: object = None
        self.reason = ""
        self._seconds: list[float] = []  # of each run
        self._graph, self._given = graph, given
        self._run, self._watch = run, watch
        self._start, self._budget = time.monotonic(), budget_s
        self._observe: Callable[[Feeds], Mapping[str, Array]] | None = None

    @property
    def pace(self) -> float:
        """Seconds that a run took: the median, as a busy machine holds up single ones."""
        return statistics.median(self._seconds) if self._seconds else 0.0

    @property
    def last(self) -> float:
        """Seconds that the last run took."""
        return self._seconds[-1]

    def late(self, share: float) -> bool:
        """Whether so much of the time is gone."""
        return time.monotonic() - self._start > share * self._budget

    def watched(self, tensors: Sequence[str]) -> None:
        """Let further runs say what these root tensors are.

        Raises
        ------
        OcostError
            If the model can't be opened so.
        """
        self._observe = self._watch(tensors)

    def works(self, draw: Draw) -> bool:
        """Whether the model runs on a draw; what was watched is kept in ``latest``."""
        start = time.monotonic()
        try:
            feeds = draw.feeds()
            if self._observe is None:
                self.answer = self._run(feeds)
            else:
                self.latest = self._observe(feeds)
        except OcostError as error:
            self.reason = self.reason or str(error)
            return False
        self._seconds.append(time.monotonic() - start)
        return True

    def keep(self, draw: Draw) -> None:
        """Keep a draw on which the model ran just now."""
        self.draws.append(_named(draw))
        self.seen.append(self.latest)

    def setting(self, sizes: Mapping[str, tuple[int, ...]], text: str) -> Setting | None:
        """The inputs at these sizes; None where they contradict the model."""
        try:
            return Setting.of(self._graph, self._given, sizes, self.known, text)
        except OcostError as error:
            self.reason = self.reason or str(error)
            return None


def _named(draw: Draw) -> Draw:
    if draw.what:
        return draw
    special = any(
        draw.modes.get(i.name, PLAIN).style is Style.SPECIAL
        for i in draw.setting.inputs
        if i.kind in _FLOATS
    )
    return replace(draw, what=describe(draw), special=special)
