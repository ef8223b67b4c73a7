"""What optimisers make of a model, in the figures that they are compared by."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from onnx import ModelProto

from ocost.costmodel import Device, cost_graph
from ocost.costmodel.device import find
from ocost.graph import Graph, OcostError, from_proto, load, to_proto
from ocost.optimize.pays import estimate_pays
from ocost.optimize.pipeline import Made, run
from ocost.optimize.plan import plan
from ocost.optimize.simplify import simplify
from ocost.runtime.attribution import attribute
from ocost.runtime.equivalence import check
from ocost.runtime.executed import executed_cost
from ocost.runtime.naming import named
from ocost.runtime.session import Options, open_session

DEVICE = "x86-server-core"
OURS, ORIGINAL = "ocost", "original"


@dataclass(frozen=True)
class Result:
    """What an optimiser made of a model.

    Parameters
    ----------
    nodes
        Those of bodies included.
    flops, traffic
        As written.
    executed_traffic, executed_s
        Of the graph that onnxruntime makes of it: bytes, and the latency that is predicted.
    stored, file
        Bytes of all constants, and of the whole file.
    equal
        Whether its outputs are those of the original; None where nothing can be concluded.
    why
        Why they are not.
    seconds
        What making it took.
    ours
        Of ocost alone.
    """

    nodes: int
    flops: int | None
    traffic: int | None
    executed_traffic: int | None
    executed_s: float | None
    stored: int | None
    file: int
    equal: bool | None
    why: str
    seconds: float
    ours: Ours | None = None


@dataclass(frozen=True)
class Ours:
    """How ocost's pipeline went.

    Parameters
    ----------
    passes
        Rewrites by pass.
    declined
        Passes and reasons, with how many nodes they stand for.
    residual
        What the ledger does not account for.
    again
        Rewrites that a second run of the pipeline still finds, by pass.
    """

    passes: Counter[str]
    declined: Counter[tuple[str, str]]
    residual: Mapping[str, float] = field(default_factory=dict)
    again: Counter[str] = field(default_factory=Counter)


def examine(file: Path, tool: str) -> Result:
    """Let a tool optimise a model and take the figures.

    Raises
    ------
    OcostError
        If the tool fails, or what it made can't be costed or opened in onnxruntime.
    """
    device, graph = find(DEVICE), load(file)
    start = time.perf_counter()
    made, ours = optimized(tool, graph, device)
    seconds = time.perf_counter() - start
    cost = cost_graph(made, device)
    ran, latency = executed(made, device)
    found = None if tool == ORIGINAL else check(graph, made)
    return Result(
        nodes=sum(1 for _ in made.walk()),
        flops=cost.totals.flops,
        traffic=cost.totals.traffic_bytes,
        executed_traffic=ran,
        executed_s=latency,
        stored=cost.totals.param_bytes,
        file=to_proto(made, "filled").ByteSize(),
        equal=True if found is None else found.ok,
        why="" if found is None or found.ok else found.reason,
        seconds=seconds,
        ours=None if ours is None else account(ours, device),
    )


def optimized(tool: str, graph: Graph, device: Device) -> tuple[Graph, Made | None]:
    """What a tool makes of a graph."""
    if tool == OURS:
        made = pipeline(graph, device)
        return made.graph, made
    return TOOLS[tool](graph), None


def pipeline(graph: Graph, device: Device) -> Made:
    """Ocost's own, as ``ocost optimize`` runs it."""
    return run(graph, plan(pays=estimate_pays(device)), device)


def account(made: Made, device: Device) -> Ours:
    """How the pipeline went, and what it would still find."""
    again = pipeline(made.graph, device)
    return Ours(
        Counter(entry.by for entry in made.entries),
        Counter((one.by, one.reason) for one in made.declined),
        {figure: left for figure, left in made.residual.items() if left},
        Counter(entry.by for entry in again.entries),
    )


def executed(graph: Graph, device: Device) -> tuple[int | None, float | None]:
    """Traffic and predicted latency of the graph that onnxruntime runs; None where not known."""
    with tempfile.TemporaryDirectory(prefix="ocost-") as folder:
        saved = Path(folder) / "optimized.onnx"
        open_session(named(graph), Options(), optimized=saved)
        optimized = load(saved)
        cost = executed_cost(graph, optimized, attribute(graph, optimized), device)
    if cost.coverage.unknown:
        return None, None
    return cost.totals.traffic_bytes, cost.totals.latency_s


def plain_onnxsim(graph: Graph) -> Graph:
    """As a user calls it who has read no further than its first example."""
    import onnxsim

    return _through(lambda model: onnxsim.simplify(model)[0], graph)


def onnxslim(graph: Graph) -> Graph:
    """With its defaults."""
    import onnxslim

    return _through(onnxslim.slim, graph)


def _through(tool: Callable[[ModelProto], ModelProto], graph: Graph) -> Graph:
    model = to_proto(graph, "filled")
    metadata = list(model.metadata_props)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            made = tool(model)
    except Exception as error:
        raise OcostError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    del made.metadata_props[:]
    made.metadata_props.extend(metadata)  # it suggests the inputs
    return from_proto(made)


TOOLS: Mapping[str, Callable[[Graph], Graph]] = {
    ORIGINAL: lambda graph: graph,
    "onnxsim": lambda graph: simplify(graph).graph,
    "onnxsim, plain": plain_onnxsim,
    "onnxslim": onnxslim,
}
PEERS = tuple(name for name in TOOLS if name != ORIGINAL)
