"""onnxruntime's CPU provider as a runtime."""

from __future__ import annotations

from pathlib import Path

from onnx import ModelProto

from ...graph import Graph
from ...lineage.attribution import attribute
from ...lineage.lineage import Lineage
from ...passes.lowering import OptimizationLevel, Target
from ...passes.lowering.onnxruntime_cpu.pipeline import switches
from ..profiles import Growth, Imported, MemoryPeak, Profile, Startup
from ..protocol import Feeds, Options
from ..timing.stopwatch import Run
from .arena import arena_peak
from .executed import executed_graph
from .growth import process_growth
from .imported import import_profile
from .profile import take_profile
from .session import open_session, repeatable
from .startup import startup


class OnnxRuntime:
    """onnxruntime's CPU provider; what each function does is where it is imported from."""

    name = "onnxruntime-cpu"
    title = "onnxruntime"

    @property
    def version(self) -> str:
        """Of what is installed."""
        import onnxruntime  # noqa: PLC0415 - slow to import

        return str(onnxruntime.__version__)

    def open(self, model: ModelProto, options: Options, feeds: Feeds) -> Run:
        """A session's run on these inputs."""
        return repeatable(open_session(model, options), feeds)

    def executed(self, model: ModelProto, options: Options) -> Graph:
        """The graph that a session saves."""
        return executed_graph(model, options)

    def lineage(self, original: Graph, executed: Graph) -> Lineage:
        """By structure, and by the names that onnxruntime derives."""
        return attribute(original, executed)

    def switches(self, options: Options) -> tuple[str, ...]:
        """Those that the rules know at this level and version."""
        major, minor, *_ = map(int, self.version.split(".")[:2])
        return switches(Target(version=(major, minor), level=OptimizationLevel[options.level.name]))

    def profile(
        self, model: ModelProto, options: Options, feeds: Feeds, *, runs: int, budget_s: float
    ) -> Profile:
        """By onnxruntime's own profiler."""
        return take_profile(model, options, feeds, runs=runs, budget_s=budget_s)

    def imported(self, original: Graph, trace: Path, optimized: Path | None) -> Imported:
        """The JSON that onnxruntime's profiler wrote."""
        return import_profile(original, trace, optimized)

    def memory(self, model: ModelProto, options: Options, feeds: Feeds) -> MemoryPeak | None:
        """What the arena held."""
        return arena_peak(model, options, feeds)

    def growth(self, model: ModelProto, options: Options, feeds: Feeds) -> Growth | None:
        """In a process of its own."""
        return process_growth(model, options, feeds)

    def startup(self, model: ModelProto, options: Options) -> Startup | None:
        """In a process of its own."""
        return startup(model, options)
