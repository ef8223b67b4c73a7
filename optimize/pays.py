"""Whether a rewrite pays on a device, or hinders its runtime: by what is executed with it.

Both graphs are lowered as the runtime does it (``passes.lowering``), and what it executes of them
is compared. Quick, for rewrites that change which kernel runs; it is no estimate of a whole model's
latency (``costmodel.estimators.choosing_estimator_for``). What it takes to launch a node counts for
nothing where a rewrite has to pay: a Split of three outputs in place of two MatMuls, a launch less,
was measured to be 3 to 5 % slower on small tensors (onnxruntime 1.32).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..costmodel.conv_times import MEASURED_BLOCK
from ..costmodel.cost import Costed
from ..costmodel.device import Device
from ..costmodel.estimators import Estimator, choosing_estimator_for
from ..costmodel.kinds import KernelKind
from ..graph import Graph
from ..graph.shapes import Given
from ..passes.lowering.costed import lowered_nodes, target_of
from ..passes.lowering.onnxruntime_cpu.pipeline import RUNTIME as ONNXRUNTIME_CPU
from ..passes.lowering.targets import RUNTIMES
from .touched import Cutter

# The least that counts: of the time of the nodes that differ, and of that of the whole graph. More
# work for a faster kernel has to gain more, for its times are known to a few percent.
LEAST, LEAST_OF_ALL = 0.02, 0.001
LEAST_OF_MORE_WORK = 0.065
_KEPT = 4  # graphs whose execution is remembered
_BEFORE_THE_RUN = (KernelKind.CONSTANT, KernelKind.CALL)


class _Node(NamedTuple):
    """What is executed in so many seconds, with the originals that it stands for or between."""

    op_type: str
    originals: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class _Executed:
    """What a runtime executes of a graph: nodes, multiply-adds of the model, and launches."""

    nodes: Counter[_Node]
    macs: int
    launches: int

    @classmethod
    def of(cls, nodes: Iterable[Costed], estimator: Estimator) -> _Executed:
        found: Counter[_Node] = Counter()
        macs = launches = 0
        for costed in nodes:
            cost = estimator(costed)
            found[_Node(cost.op_type, cost.originals or (cost.name,), cost.latency_s or 0.0)] += 1
            macs += cost.macs or 0
            launches += 0 if cost.kind in _BEFORE_THE_RUN else cost.trips
        return cls(found, macs, launches)


@dataclass
class _Known:
    """What was found out of a graph; ``held`` are the objects that tell it from others."""

    held: list[object]
    executed: _Executed | None = None
    cutter: Cutter | None = None
    parts: dict[Graph, _Executed] = field(default_factory=dict)


class Judge:
    """Judges rewrites for a device by what its runtime executes.

    On onnxruntime's CPU provider it knows the steps that time takes with channel counts; for
    other runtimes no such steps are known, so that more work never pays. What decides is the sum
    over all nodes that a rewrite touches: of convolutions that share padded channels some may
    lose. Blocks of other sizes than the one that was measured are not padded for.

    Parameters
    ----------
    device
        Where the model will run.
    given
        Sizes of inputs; what is left open is assumed 1.
    """

    def __init__(self, device: Device, given: Given | None = None) -> None:
        self._device, self._given = device, given
        self._target = target_of(device).target
        self._has_rules = device.runtime in RUNTIMES
        self._estimator = choosing_estimator_for(device)
        on_cpu = device.runtime == ONNXRUNTIME_CPU.name
        self._tabulated = on_cpu and device.channel_block == MEASURED_BLOCK
        self._known: dict[tuple[int, ...], _Known] = {}

    def pays(self, before: Graph, after: Graph) -> bool:
        """Whether the second graph is estimated to take less time than the first.

        Raises
        ------
        OcostError
            If what is given contradicts a graph.
        """
        was, now = self._touched(before, after)
        more_work = now.macs > was.macs
        if more_work and not self._tabulated:
            return False
        gone, come = _seconds(was.nodes - now.nodes), _seconds(now.nodes - was.nodes)
        least = LEAST_OF_MORE_WORK if more_work else LEAST
        if gone - come <= least * gone:
            return False
        return gone - come > LEAST_OF_ALL * _seconds(self._executed(before).nodes)

    def hinders(self, before: Graph, after: Graph) -> str:
        """Why the runtime takes longer with the second graph than with the first; "" if not.

        Nothing is said of a runtime that has no rules.

        Raises
        ------
        OcostError
            If what is given contradicts a graph.
        """
        if not self._has_rules:
            return ""
        was, now = self._executed(before), self._executed(after)
        gone, come = was.nodes - now.nodes, now.nodes - was.nodes
        launch_s = self._device.overhead_s
        whole = _seconds(was.nodes) + launch_s * was.launches
        rise = _seconds(come) - _seconds(gone) + launch_s * (now.launches - was.launches)
        if rise <= max(LEAST * _seconds(gone), LEAST_OF_ALL * whole):
            return ""
        what = _listed(_operators(come), _operators(gone))
        return f"it hinders the runtime, which would take {rise / whole:.1%} longer{what}"

    def _touched(self, before: Graph, after: Graph) -> tuple[_Executed, _Executed]:
        """What is executed of both graphs where they differ, at least."""
        known, part = self._look_up(before), None
        if self._target.runtime == ONNXRUNTIME_CPU.name:  # whose layouts the cuts follow
            known.cutter = known.cutter or Cutter(before.copy(), self._target, self._given)
            part = known.cutter.touched(after)
        if part is None:
            return self._executed(before), self._executed(after)
        if part.before not in known.parts:
            known.parts[part.before] = self._run(part.before, part.given)
        return known.parts[part.before], self._run(part.after, part.given)

    def _executed(self, graph: Graph) -> _Executed:
        known = self._look_up(graph)
        known.executed = known.executed or self._run(graph, self._given)
        return known.executed

    def _run(self, graph: Graph, given: Given | None) -> _Executed:
        return _Executed.of(lowered_nodes(graph, self._device, given), self._estimator)

    def _look_up(self, graph: Graph) -> _Known:
        """What is known of a graph; graphs of the same nodes and constants are the same."""
        held: list[object] = []
        ends: list[str] = []
        for scope in {id(graph): graph, **{id(s): s for s, _ in graph.walk()}}.values():
            held += [*scope, *scope.initializers.values()]
            ends += [*scope.inputs, "", *scope.outputs, ""]
        key = (*map(id, held), hash(tuple(ends)))
        found = self._known.pop(key, None) or _Known(held)
        while len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = found
        return found


def _seconds(nodes: Counter[_Node]) -> float:
    return sum(node.seconds * count for node, count in nodes.items())


def _operators(nodes: Counter[_Node]) -> Counter[str]:
    found: Counter[str] = Counter()
    for node, count in nodes.items():
        found[node.op_type] += count
    return found


def _listed(come: Counter[str], gone: Counter[str]) -> str:
    """What is executed more often, as a clause behind others."""
    more = [f"{count} {op_type}" for op_type, count in (come - gone).most_common()]
    return f" (with {', '.join(more)} more)" if more else ""
