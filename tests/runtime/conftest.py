"""A simulated machine to time runs on."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ocost.runtime.timing import comparison, stopwatch


@dataclass
class Machine:
    """Stands in for the module ``time``.

    A run takes so much CPU time, times what the machine's state adds: a slow drift, phases of
    load that come and go, and short disturbances. Others have the core in phases of load too.
    """

    seed: int = 0
    noise: float = 0.0  # of one run, one-sided
    drift: float = 0.0
    load: float = 0.0  # slow-down in a phase of load
    placement: float = 0.0  # deviation of a session from its model's latency
    opening: float = 0.02
    loaded: bool = False
    cpu: float = 0.0
    wall: float = 0.0
    alive: int = 0
    most_alive: int = 0
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def perf_counter(self) -> float:
        return self.wall

    def thread_time(self) -> float:
        return self.cpu

    def opener(self, seconds: float, name: str = "") -> Callable[[], stopwatch.Run]:
        return lambda: _Session(self, seconds * (1 + self.rng.gauss(0, self.placement)), name)


class _Session:
    def __init__(self, machine: Machine, seconds: float, name: str) -> None:
        self.machine, self.seconds, self.name = machine, seconds, name
        machine.wall += machine.opening
        machine.alive += 1
        machine.most_alive = max(machine.most_alive, machine.alive)

    def __del__(self) -> None:
        self.machine.alive -= 1

    def __call__(self) -> None:
        m = self.machine
        took = self.seconds * (1 + m.drift * math.sin(m.wall))
        if m.noise:
            took *= 1 + m.rng.expovariate(1 / m.noise)
        if m.load:
            if m.rng.random() < 0.02:
                m.loaded = not m.loaded
            took *= 1 + m.load * m.loaded * m.rng.random()
        m.cpu += took
        m.wall += took * (2 if m.loaded else 1)
        m.log.append(self.name)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    """Makes a machine with these settings and lets the timing protocol run on it."""

    def make(**settings: float) -> Machine:
        made = Machine(**settings)  # type: ignore[arg-type] # settings by name
        for module in (stopwatch, comparison):
            monkeypatch.setattr(module, "time", made)
        return made

    return make
