"""What a runtime is to those who run models in it; a folder of this package implements it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt
from onnx import ModelProto

from ..graph import Graph
from ..lineage.lineage import Lineage
from .profiles import Growth, Imported, MemoryPeak, Profile, Startup
from .timing.stopwatch import Run

Feeds = Mapping[str, npt.NDArray[Any]]


class SessionLevel(StrEnum):
    """How far a runtime optimises a graph when it opens it."""

    DISABLE = "disable"
    BASIC = "basic"
    EXTENDED = "extended"
    ALL = "all"


@dataclass(frozen=True)
class Options:
    """How a session runs: threads of an operator, optimisation level.

    ``without`` are optimisations that are left out, by the runtime's names of them.
    """

    threads: int = 1
    level: SessionLevel = SessionLevel.ALL
    without: tuple[str, ...] = ()


class Runtime(Protocol):
    """What opens models and runs them on this machine.

    A model has its weights, and its nodes are named by path (``naming.named``). What can't be
    opened or run raises ``OcostError`` with the runtime's reason.
    """

    @property
    def name(self) -> str:
        """As a device file has it."""

    @property
    def title(self) -> str:
        """As a report has it."""

    @property
    def version(self) -> str:
        """Of what is installed."""

    def open(self, model: ModelProto, options: Options, feeds: Feeds) -> Run:
        """What runs a model on these inputs once, on the caller's thread, again and again."""

    def executed(self, model: ModelProto, options: Options) -> Graph:
        """The graph that is executed of a model; large constants may have no contents."""

    def lineage(self, original: Graph, executed: Graph) -> Lineage:
        """Which nodes of the original each executed one stands for."""

    def switches(self, options: Options) -> tuple[str, ...]:
        """Names of the optimisations that ``Options.without`` can leave out, in their order."""

    def profile(
        self, model: ModelProto, options: Options, feeds: Feeds, *, runs: int, budget_s: float
    ) -> Profile:
        """The time of each executed node over so many runs.

        ``budget_s`` is for the latency of the model, which is measured without a profiler.
        """

    def imported(self, original: Graph, trace: Path, optimized: Path | None) -> Imported:
        """A profile that was taken elsewhere, maybe with the graph that was executed there."""

    def memory(self, model: ModelProto, options: Options, feeds: Feeds) -> MemoryPeak | None:
        """The most memory that activations take in a run; None where the runtime doesn't say."""

    def growth(self, model: ModelProto, options: Options, feeds: Feeds) -> Growth | None:
        """By how much a process grows that opens and runs a model; None where nobody can tell."""

    def startup(self, model: ModelProto, options: Options) -> Startup | None:
        """What opening a model costs; None where that can't be measured."""
