"""What costing a graph answers: a cost per node, totals, coverage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from ..graph import Graph, graph_sha256
from ..graph.shapes import Shapes
from .blocker import Blocker
from .kinds import KernelKind
from .session_memory import Footprint

Bound = Literal["compute", "memory", "overhead"]
ShapeQuality = Literal["exact", "assumed", "bound"]
# As the file has it; as a runtime runs it, by rules; the same by the runtime itself.
Level = Literal["written", "executed", "executed_runtime"]


class NodeCost(NamedTuple):  # one or two are made for every node: a tuple is made fastest
    """The cost of one node. Bytes, FLOP and seconds; a figure that is not known is None.

    A node inside a subgraph stands for all its executions: its figures are those of one,
    times ``trips``. ``intensity`` is None where nothing moves.
    """

    name: str
    op_type: str
    domain: str
    kind: KernelKind | None
    macs: int | None
    flops: int | None
    padded_flops: int | None
    read_bytes: int | None
    write_bytes: int | None
    weight_bytes: int | None
    shape: ShapeQuality
    trips: int = 1
    dtype: int | None = None  # element type that the arithmetic runs in
    reason: str = ""  # why the figures are not known
    view: bool = False
    dead: bool = False  # nothing of what it makes reaches an output
    bound: Bound | None = None
    efficiency: float | None = None  # attainable share of the device's peak by the roofline
    latency_s: float | None = None
    latency_low_s: float | None = None
    latency_high_s: float | None = None
    estimator: str | None = None
    originals: tuple[str, ...] = ()
    padded_bytes: int | None = 0  # of the traffic, by padding: as written, nothing is padded

    @property
    def known(self) -> bool:
        """Whether the node is costed."""
        return self.flops is not None

    @property
    def traffic_bytes(self) -> int | None:
        """Bytes read and written."""
        if self.read_bytes is None or self.write_bytes is None:
            return None
        return self.read_bytes + self.write_bytes

    @property
    def intensity(self) -> float | None:
        """FLOP per byte of traffic."""
        traffic = self.traffic_bytes
        return self.flops / traffic if traffic and self.flops is not None else None


class Totals(NamedTuple):
    """Figures of the whole graph, named as in the JSON contract.

    Sums run over the nodes that are costed: read them together with the coverage. A figure
    that no node gives is None.
    """

    macs: int | None
    flops: int | None
    padded_flops: int | None
    padded_bytes: int | None
    params: int | None
    param_bytes: int | None
    file_bytes: int | None
    read_bytes: int | None
    write_bytes: int | None
    traffic_bytes: int | None
    compulsory_bytes: int | None
    peak_bytes: int | None
    mean_activation_bytes: float | None
    total_activation_bytes: int | None
    intensity: float | None
    latency_s: float | None
    latency_low_s: float | None
    latency_high_s: float | None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The figures' names in the order of the contract."""
        return cls._fields


class UnknownNode(NamedTuple):
    """A node that is not costed, and why."""

    node: str
    op_type: str
    reason: str


class Coverage(NamedTuple):
    """How many nodes are costed, and how well their shapes are known."""

    nodes: int
    costed: int
    exact: int
    assumed: int
    bound: int
    unknown: tuple[UnknownNode, ...] = ()


class Port(NamedTuple):
    """What goes in or comes out of a model.

    Parameters
    ----------
    type
        ``float32``, ``sequence(float32)``; "" where it is not known.
    shape
        Dims, None for one that is not known; None where not even the rank is, or there is none.
    bound
        Whether its dims are upper bounds, since they depend on data.
    """

    type: str
    shape: tuple[int | None, ...] | None
    bound: bool = False


Ports = Mapping[str, Port]  # by name


@dataclass(frozen=True)
class ModelSummary:
    """What the reports' header says of a model, as the file has it at whatever level it is costed.

    ``ports`` are its inputs and its outputs. ``inferred_dims`` are open dims for which no other
    size fits, ``overridden`` what the file says of inputs whose fixed sizes the user changed.
    """

    path: str
    opset: Mapping[str, int]
    nodes: int
    inputs: Mapping[str, tuple[int | None, ...] | None]
    assumed_dims: Mapping[str, int] = field(default_factory=dict)
    ports: tuple[Ports, Ports] = field(default=({}, {}))
    inferred_dims: Mapping[str, int] = field(default_factory=dict)
    overridden: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    graph: Graph | None = field(default=None, repr=False, compare=False)

    @cached_property
    def graph_sha256(self) -> str | None:
        """SHA-256 over the model's proto without tensor payloads; made when asked for."""
        return None if self.graph is None else graph_sha256(self.graph)


def _no_rules() -> Footprint:
    return Footprint(reason="there are no rules for the memory of the session that runs it")


@dataclass(frozen=True, slots=True)
class GraphCost:
    """A costed graph; ``shapes`` are those that its costs rest on, ``params`` elements by constant.

    ``blockers`` answers what stands in the way of the runtime's rewrites, where rules say what is
    executed, and ``footprint`` how much memory running takes. Both are found out when asked, which
    takes longer than the cost.
    """

    model: ModelSummary
    level: Level
    nodes: tuple[NodeCost, ...]
    totals: Totals
    coverage: Coverage
    notes: tuple[str, ...] = ()  # assumptions worth a line: trip counts, dtype peaks
    shapes: Shapes | None = field(default=None, repr=False, compare=False)
    params: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
    blockers: Callable[[], tuple[Blocker, ...]] = field(default=tuple, repr=False, compare=False)
    footprint: Callable[[], Footprint] = field(default=_no_rules, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Nodes of the graph at this level, those of bodies that don't run among them."""
        if self.shapes is None:
            return self.model.nodes
        return sum(1 for _ in self.shapes.graph.walk())
