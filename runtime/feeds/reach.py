"""The search for inputs that make a model go a way, by their contents or by their sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ...graph import OcostError
from .branches import Goal, fills, guesses, targets
from .draws import Draw, Setting
from .modes import Mode
from .rows import EDGES, USUAL
from .sizes import Frame, Search, Sizes
from .tries import Tries

_TRIES = 150  # runs that look for one branch
_EDGED = 8  # ways, on each of which values at the edges are drawn


class Reach:
    """Looks for inputs from those on which the model runs.

    Parameters
    ----------
    tries
        Runs it.
    frame, base
        The inputs' shapes, and the sizes to start from.
    setting, sure
        The inputs at these sizes, and modes with which the model runs.
    anew
        Whether inputs may get other sizes than those.
    """

    def __init__(
        self,
        tries: Tries,
        frame: Frame,
        base: Sizes,
        setting: Setting,
        sure: Mapping[str, Mode],
        *,
        anew: bool,
    ) -> None:
        self._tries, self._frame, self._base = tries, frame, base
        self._setting, self._sure, self._anew = setting, sure, anew

    def watched(self, notes: list[str]) -> list[Goal]:
        """The ways to go, and the model opened so that it tells which it went."""
        wanted = targets(self._frame.proven(self._base), notes)
        if wanted:
            try:
                leaves = (name for target in wanted for name in target.leaves)
                self._tries.watched(list(dict.fromkeys(leaves)))
            except OcostError as error:
                notes.append(f"which branches were taken is not known: {error}")
                return []
        return wanted

    def all(self, wanted: Sequence[Goal]) -> list[str]:
        """Go each way that no draw went yet, and each at the edges; what was never gone."""
        seen = self._tries.seen
        missed = [
            target.missed
            for target in wanted
            if not any(map(target.met, seen)) and not self._reach(target)
        ]
        for target in wanted[:_EDGED]:
            self._go_at_edges(target)
        return missed

    def _reach(self, target: Goal) -> bool:
        """Look for inputs that make the model go a way, and keep two such draws."""
        reached = 0
        for number, draw in enumerate(self._guesses(target)):
            if number >= _TRIES or self._tries.late(0.5):
                break
            if self._meets(draw, target):
                reached += 1
                if reached == 2:
                    break
        return reached > 0 or self._reach_at_other_sizes(target)

    def _meets(self, draw: Draw, target: Goal) -> bool:
        """Keep a draw if it makes the model go a way."""
        met = self._tries.works(draw) and target.met(self._tries.latest)
        if met:
            self._tries.keep(draw)
        return met

    def _go_at_edges(self, target: Goal) -> None:
        """Draw the inputs that don't decide at the edges: a way may be gone elsewhere alone."""
        tries = self._tries
        gone = [
            draw
            for draw, seen in zip(tries.draws, tries.seen, strict=True)
            if not (draw.fixed or draw.overridden or draw.special) and target.met(seen)
        ]
        for turn in (0, 1):
            for draw in gone[:2]:
                rest = {
                    i.name: EDGES._replace(turn=turn)
                    for i in draw.setting.inputs
                    if i.name not in target.sources and i.kind in ("float", "int") and not i.mask
                }
                changed = dict(draw.modes) | {n: m for n, m in rest.items() if n in draw.modes}
                if changed in [dict(d.modes) for d in gone] or tries.late(0.5):
                    break
                if self._meets(replace(draw, what="", modes=changed), target):
                    break

    def _reach_at_other_sizes(self, target: Goal) -> bool:
        """Look for sizes that the way wants: those of the first draw may fit the other alone."""
        kinds = {i.name: i.kind for i in self._setting.inputs}
        switches = [n for n in target.sources if kinds.get(n) in ("bool", "int", "text")]
        if not switches or not self._anew:
            return False
        frame = replace(self._frame, known={})
        count = 0

        def tried(sizes: Mapping[str, tuple[int, ...]], text: str, mode: Mode) -> bool:
            nonlocal count
            count += 1
            setting = self._tries.setting(sizes, text)
            modes = dict.fromkeys(switches, mode)
            if setting is None or not self._meets(Draw("", False, setting, modes), target):
                return False
            usual = {i.name: USUAL.mode(i, 1) for i in setting.inputs}
            self._meets(Draw("", False, setting, usual | modes, 1), target)
            return True

        def enough() -> bool:
            return count >= _TRIES or self._tries.late(0.5)

        for mode in fills(target.known):
            if enough():
                break
            search = Search(frame, partial(tried, mode=mode), enough)
            if search.near(self._base) or search.base() is not None:
                return True
        return False

    def _guesses(self, target: Goal) -> Iterator[Draw]:
        setting = self._setting
        usual = {i.name: USUAL.mode(i, 1) for i in setting.inputs if i.fixed is None}
        sources = [n for n in target.sources if n in usual]
        groups = [sources] if len(sources) < 2 else [sources, *([n] for n in sources)]
        seed = len(self._tries.draws)
        for others in (usual, self._sure):
            for group in groups:
                for number, mode in enumerate(guesses(target.known | self._tries.known)):
                    modes = {**others, **dict.fromkeys(group, mode)}
                    yield Draw("", False, setting, modes, seed + number)
