"""This machine measured within a budget, and made a device of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...costmodel.calibration.calibration import Calibration, Provenance
from ...costmodel.calibration.features import features_of
from ...costmodel.calibration.machine import Machine
from ...costmodel.device import Device
from ...costmodel.estimators.roofline import estimate
from ...costmodel.host import host
from ...graph import OcostError
from .caches import bandwidth_curve, cache_sizes, cores
from .case import Case, families, made_up
from .fit import Sample, fit
from .here import this_machine
from .journal import Journal, Place
from .measuring import Overheads, Times, measured
from .pack import Pack, name, packed
from .peaks import described, overhead_of, peaks
from .quiet import Quiet

_SEED = 1
_A_ROUND = 300  # nodes, of all families by their shares
_PATIENCE_S = 60.0
_AGAIN = 2  # times that a pack is measured once more while the machine is slow
_COMMON = 0.05  # docs/calibrate.md: what models are off by together, beyond their nodes
_LONG_S = 2e-5  # shorter times are whole microseconds of the profiler

Tell = Callable[[str], object]


class _Pass(NamedTuple):
    """A pass over the packs: its number, and the part of the budget that is spent at its end."""

    number: int
    until: float


_FIRST, _SECOND = _Pass(1, 0.55), _Pass(2, 1.0)


def calibrate(
    budget_s: float,
    threads: int = 1,
    *,
    name: str = "calibrated",
    journal: Path | None = None,
    tell: Tell = lambda _: None,
) -> Device:
    """Measure what this machine's runtime takes.

    Packs of made-up nodes are run in two passes, one in the first half of the budget, one in the
    second; the smaller time of each node counts. Waiting for a quiet machine is not counted.

    Parameters
    ----------
    budget_s
        Seconds to measure; fitting comes on top.
    threads
        Of an operator.
    name
        Of the device.
    journal
        A file that keeps what is measured until all is done: the same call goes on from there.
    tell
        Is told how far it is.

    Raises
    ------
    OcostError
        If there are not so many cores, the machine stays too busy, or the runtime refuses all.
    """
    if not 1 <= threads <= cores():
        raise OcostError(f"--threads {threads}: this process may use {cores()} processors")
    began = time.perf_counter()
    about = this_machine(threads)
    kept = Journal(journal, about)
    before = kept.spent_s  # of an interrupted run
    quiet = Quiet(_PATIENCE_S)
    tell("measuring peaks")
    quiet.wait(tell)
    device, machine, adds = _machine(threads)
    session = _Session(threads, machine, budget_s, kept, quiet, tell)
    samples = session.samples(device, adds.profiler_s)
    if not samples:
        raise OcostError(
            "no node could be measured: the runtime refused all that was made up, or the machine "
            "is too busy to tell them from what measuring adds"
        )
    tell(f"fitting {len(samples)} nodes")
    provenance = Provenance(
        **about,  # type: ignore[arg-type]  # keys and types are the fields'
        denormals="flushed",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=before + time.perf_counter() - began - quiet.waited_s,
        noise=session.noise(),
    )
    calibration = Calibration(
        *(machine, provenance, fit(samples)),
        run_s=adds.run_s,
        common=_COMMON,
        rough=_rough(samples),
    )
    kept.close()
    title = f"{about['cpu']}, {threads} thread(s), {provenance.date[:10]}"
    return replace(device, name=name, title=title, calibration=calibration)


def _machine(threads: int) -> tuple[Device, Machine, Overheads]:
    """The device with what was measured of it, its caches, and what measuring adds."""
    guess = host()
    overhead_s, adds = overhead_of(threads)
    curve = bandwidth_curve(threads, overhead_s + adds.profiler_s)
    found = peaks(threads, guess.channel_block)
    device = replace(
        guess,
        source="calibrated",
        cores=threads,
        peaks=found,
        bandwidth=curve[-1][1],
        bandwidth_per_core=None,
        overhead_s=overhead_s,
        sources=(
            *described(found, overhead_s),
            f"bandwidth: measured, at {curve[-1][0] >> 20} MiB that a node touches",
        ),
    )
    machine = Machine(guess.channel_block, cache_sizes(curve, threads), curve)
    return device, machine, adds


class _Session:
    """Measures packs, and remembers which."""

    def __init__(
        self,
        threads: int,
        machine: Machine,
        budget_s: float,
        journal: Journal,
        quiet: Quiet,
        tell: Tell,
    ) -> None:
        self._threads, self._machine, self._budget_s = threads, machine, budget_s
        self._journal, self._quiet, self._tell = journal, quiet, tell
        self._off: list[tuple[float, float]] = []

    def samples(self, device: Device, added: float) -> list[Sample]:
        """All nodes that could be measured; ``added`` is what the profiler adds to each."""
        features: dict[tuple[int, int], list[tuple[str, Sample]]] = {}
        for round_, at, pack, times in self._packs(_FIRST):
            began = time.perf_counter()
            features[round_, at] = _samples(pack, times, self._machine, device)
            self._journal.spent_s += time.perf_counter() - began
        again = {(r, at): times for r, at, _, times in self._packs(_SECOND, len(features))}
        found = []
        for (round_, at), nodes in features.items():
            second = again.get((round_, at))
            for node, sample in nodes:
                twice = sample.seconds if second is None else second.seconds.get(node)
                if twice is None:
                    continue
                if second is not None and min(twice, sample.seconds) > 0:
                    self._off.append((sample.seconds, abs(float(np.log(twice / sample.seconds)))))
                seconds = min(twice, sample.seconds) - added
                if seconds > 0:  # else it is too short to tell
                    found.append(sample._replace(seconds=seconds))
        return found

    def noise(self) -> float | None:
        """How far two passes differ, on the median over nodes that are not too short to tell.

        None where nothing was measured twice.
        """
        long = [off for seconds, off in self._off if seconds > _LONG_S]
        found = long or [off for _, off in self._off]
        return float(np.median(found)) if found else None

    def _packs(
        self, which: _Pass, most: int | None = None
    ) -> Iterator[tuple[int, int, Pack, Times]]:
        """The packs that there is time for; ``most`` are there."""
        done = 0
        for round_ in count():
            random = np.random.default_rng((_SEED, round_))
            for at, pack in enumerate(packed(_nodes(random, self._machine.block), random)):
                place = which.number, round_, at
                spent = self._journal.spent_s >= which.until * self._budget_s
                if done == most or (spent and self._journal.get(place) is None):
                    return
                times = self._times(place, pack)
                if times.seconds:
                    done += 1
                    yield round_, at, pack, times
                self._tell(f"pass {which.number} of 2, {done} packs of nodes")

    def _times(self, place: Place, pack: Pack) -> Times:
        known = self._journal.get(place)
        if known is not None:
            return known
        self._quiet.wait(self._tell)
        began = time.perf_counter()
        try:
            times: Times | None = self._measured(pack)
        except OcostError:  # the runtime does not know a node, or not of these sizes
            times = None
        self._journal.add(place, times, time.perf_counter() - began)
        return times or Times({})

    def _measured(self, pack: Pack) -> Times:
        """A pack's times, once more where the machine was slow before or after."""
        slow = self._quiet.slow()
        times = measured(pack, self._threads)
        for _ in range(_AGAIN):
            if not self._quiet.slow() and not slow:
                break
            slow = self._quiet.slow()
            others = measured(pack, self._threads).seconds
            times = Times({n: min(t, others.get(n, t)) for n, t in times.seconds.items()})
        return times


def _nodes(random: np.random.Generator, block: int) -> list[Case]:
    """Nodes of all families by their shares, in random order."""
    found = families()
    total = sum(family.share for family in found)
    cases = [
        case
        for family in found
        for _ in range(_often(_A_ROUND * family.share / total, random))
        if (case := made_up(family, random, block)) is not None
    ]
    return [cases[at] for at in random.permutation(len(cases))]


def _often(wanted: float, random: np.random.Generator) -> int:
    """A whole number that is what is wanted on the mean."""
    return int(wanted) + int(random.random() < wanted % 1)


def _samples(
    pack: Pack, times: Times, machine: Machine, device: Device
) -> list[tuple[str, Sample]]:
    samples = []
    for at, costed in enumerate(pack.costed(list(times.seconds))):
        features = None if costed is None else features_of(costed, machine)
        if costed is None or features is None or costed.cost.kind is None:
            continue
        rough = estimate(costed.cost, device).latency_s
        if not rough:
            continue
        seconds = times.seconds[name(at)]
        samples.append((name(at), Sample(features, str(costed.cost.kind), seconds, rough)))
    return samples


def _rough(samples: list[Sample]) -> float:
    """What the roofline's times are to be multiplied with for their upper end."""
    return float(np.percentile([s.seconds / s.rough for s in samples], 95))
