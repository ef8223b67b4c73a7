"""This machine measured within a budget, and made a device of."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from ...costmodel.calibration.calibration import Calibration, Provenance
from ...costmodel.calibration.features import features_of
from ...costmodel.calibration.machine import Machine
from ...costmodel.device import Device
from ...costmodel.host import host
from ...graph import OcostError
from .case import Case, families, made_up
from .fit import Sample, fit
from .measuring import Times, bias, measured
from .pack import Pack, name, packed

_PASSES = 2
_CACHES = (48e3, 2e6, 24e6)  # bytes; of L3 what a core of a shared machine gets
_SEED = 1


def calibrate(
    budget_s: float, threads: int = 1, *, tell: Callable[[str], object] = lambda _: None
) -> Device:
    """Measure what this machine's runtime takes.

    Packs of made-up nodes are run in two passes, one in the first half of the budget, one in the
    second; the smaller time of each node counts.

    Parameters
    ----------
    budget_s
        Seconds to measure; fitting comes on top.
    threads
        Of an operator.
    tell
        Is told how far it is.

    Raises
    ------
    OcostError
        If the runtime refuses every node.
    """
    device = host()
    machine = Machine(device.channel_block, _CACHES)
    random = np.random.default_rng(_SEED)
    began = time.perf_counter()
    packs, first = _first_pass(random, machine.block, threads, budget_s / _PASSES, tell)
    second = _again(packs, threads, began + budget_s, tell)
    times = [a.sooner(b) if b is not None else a for a, b in zip(first, second, strict=True)]
    run_s = _run_s(threads)
    added = bias(times, run_s)
    samples = _samples(packs, times, added, machine)
    if not samples:
        raise OcostError("no node could be measured: the runtime refused all that was made up")
    provenance = Provenance(
        cpu=device.title,
        flags=(device.isa,),
        runtime=device.runtime,
        runtime_version=device.runtime_version,
        threads=threads,
        denormals="flushed",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.perf_counter() - began,
        noise=_noise(first, second),
    )
    calibration = Calibration(machine, provenance, fit(samples), run_s=run_s)
    return replace(device, source="calibrated", cores=threads, calibration=calibration)


def _first_pass(
    random: np.random.Generator,
    block: int,
    threads: int,
    budget_s: float,
    tell: Callable[[str], object],
) -> tuple[list[Pack], list[Times]]:
    """As many packs as there is time for, and what they took."""
    packs, times = [], []
    end = time.perf_counter() + budget_s
    while time.perf_counter() < end:
        for pack in packed(_some(random, block), random):
            try:
                times.append(measured(pack, threads))
            except OcostError:  # the runtime knows a node not, or not of these sizes
                continue
            packs.append(pack)
            if time.perf_counter() >= end:
                break
            tell(f"{len(packs)} packs of nodes measured")
    return packs, times


def _some(random: np.random.Generator, block: int, count: int = 300) -> list[Case]:
    """Nodes of all families by their shares, in random order."""
    found = families()
    total = sum(family.share for family in found)
    cases = [
        case
        for family in found
        for _ in range(max(1, round(count * family.share / total)))
        if (case := made_up(family, random, block)) is not None
    ]
    return [cases[at] for at in random.permutation(len(cases))]


def _again(
    packs: Sequence[Pack], threads: int, end: float, tell: Callable[[str], object]
) -> list[Times | None]:
    found: list[Times | None] = []
    for at, pack in enumerate(packs):
        if time.perf_counter() >= end:
            found.append(None)
            continue
        found.append(measured(pack, threads))
        tell(f"{at + 1} of {len(packs)} packs measured again")
    return found


def _run_s(threads: int) -> float:
    """Seconds of a run besides its nodes: of a model of one node that does next to nothing."""
    from .case import activation  # noqa: PLC0415
    from .pack import pack  # noqa: PLC0415

    tiny = pack([Case("Relu", (activation(1),))], np.random.default_rng(_SEED))
    return min(measured(tiny, threads, runs=50).total_s for _ in range(3))


def _samples(
    packs: Sequence[Pack], times: Sequence[Times], added: float, machine: Machine
) -> list[Sample]:
    samples = []
    for pack, took in zip(packs, times, strict=True):
        for at, costed in enumerate(pack.costed(list(took.seconds))):
            features = None if costed is None else features_of(costed, machine)
            if costed is None or features is None or costed.cost.kind is None:
                continue
            seconds = max(5e-8, took.seconds[name(at)] - added)
            samples.append(Sample(features, str(costed.cost.kind), seconds))
    return samples


def _noise(first: Sequence[Times], second: Sequence[Times | None]) -> float:
    """How far two passes differ, on the median over nodes."""
    off = [
        abs(np.log(b.seconds[node] / seconds))
        for a, b in zip(first, second, strict=True)
        if b is not None
        for node, seconds in a.seconds.items()
        if seconds > 0 and b.seconds.get(node, 0) > 0
    ]
    return float(np.median(off)) if off else 0.0
