"""What optimisers make of a model, in the figures that they are compared by."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from anchor_values import inference
from onnx import ModelProto

from ocost.costmodel import Device, cost_graph
from ocost.costmodel.catalogue import find
from ocost.costmodel.executed import executed_cost
from ocost.graph import Graph, OcostError, from_proto, load, to_proto
from ocost.graph.shapes import infer
from ocost.lineage.attribution import attribute
from ocost.optimize.pays import Judge
from ocost.optimize.pipeline import Made, run
from ocost.optimize.plan import plan
from ocost.passes import passes
from ocost.runtime.equality.equivalence import check
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Feeds, Options
from ocost.runtime.timing.comparison import Comparison, compare
from ocost.runtime.timing.stopwatch import Run, pinned

DEVICE = "x86-server-core"
OURS, ORIGINAL = "ocost", "original"


@dataclass(frozen=True)
class Result:
    """What an optimiser made of a model.

    Parameters
    ----------
    operators
        How many nodes of each type, those of bodies included.
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

    operators: Counter[str]
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

    @property
    def nodes(self) -> int:
        """All of them."""
        return self.operators.total()


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

    @property
    def trading(self) -> set[str]:
        """Passes that took part and may add FLOP or traffic for a faster kernel."""
        return {name for name, one in passes().items() if one.pays_elsewhere} & set(self.passes)


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
    found = None if tool == ORIGINAL else check(for_inference(graph), for_inference(made))
    return Result(
        operators=Counter(node.op_type for _, node in made.walk()),
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
    return run(graph, plan(pays=Judge(device).pays), device)


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


def for_inference(graph: Graph) -> Graph:
    """The graph; where there is a Dropout, a copy in which it does nothing.

    One in training mode makes outputs random, so that they could not be compared.
    """
    if not any(node.op_type == "Dropout" for _, node in graph.walk()):
        return graph
    return from_proto(inference(to_proto(graph, "filled")))


def onnxsim(graph: Graph) -> Graph:
    """As a user calls it who has read no further than its first example."""
    import onnxsim

    return _through(lambda model: onnxsim.simplify(model)[0], graph)


def onnxslim(graph: Graph) -> Graph:
    """With its defaults."""
    try:
        import onnxslim
    except ImportError as error:
        raise OcostError("not installed") from error

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
    "onnxsim": onnxsim,
    "onnxslim": onnxslim,
}
PEERS = tuple(name for name in TOOLS if name != ORIGINAL)

# One of each kind.
MEASURED = (
    "repvgg_a0.keepbn",
    "c_odd_channels.keepbn",
    "densenet121.keepbn",
    "gpt2_4l_past.tsdyn",
    "swin_t.dyn",
    "shipped_rapidocr_onnxruntime-1.4.4__ch_PP-OCRv4_det_infer",
    "shipped_rapidocr_onnxruntime-1.4.4__ch_ppocr_mobile_v2.0_cls_infer",
    "shipped_silero_vad-6.2.3__silero_vad",
    "shufflenet_v2_x1_0.keepbn",
    "convnext_tiny.keepbn",
    "mobilenet_v2.tsdyn",
    "c_unet_convtranspose_bn.tsdyn",
    "c_crnn_lstm_gru.tsdyn",
    "bert_4l_768.tsdyn",
)
BUDGET_S = 10.0
_AGAINST = (ORIGINAL, "onnxsim", "onnxslim")


def measure(file: Path, _: str) -> Mapping[str, Comparison]:
    """Ocost's model timed against each other one's in onnxruntime, one thread.

    Raises
    ------
    OcostError
        If onnxruntime can't run the model.
    """
    device, graph = find(DEVICE), load(file)
    feeds = make_feeds(graph, infer(graph))
    ours = _opener(pipeline(graph, device).graph, feeds)
    found = {}
    for tool in _AGAINST:
        with contextlib.suppress(OcostError):  # the tool fails, which is said elsewhere
            other = _opener(TOOLS[tool](graph), feeds)
            with pinned():
                found[tool] = compare(other, ours, budget_s=BUDGET_S)
    return found


def _opener(graph: Graph, feeds: Feeds) -> Callable[[], Run]:
    model = named(graph)
    return lambda: partial(run_once, open_session(model, Options()), feeds)
