"""A small graph costed by hand: a Conv, a Clip, a Reshape, and a node that is not known.

On 100 GFLOP/s, 10 GB/s and 1 us a node, the Conv reaching half of the peak:

* conv: 2e6 FLOP / 50e9 = 40 us over 0.2e6 B / 10e9 = 20 us, + 1 = 41 us, compute
* clip: 50e3 FLOP / 100e9 = 0.5 us under 0.4e6 B / 10e9 = 40 us, + 1 = 41 us, memory
* view: 1 us, overhead
"""

import io
from dataclasses import replace

import pytest
from onnx import helper

from ocost.compare.regions import ChangedRegion, Regions, Spent
from ocost.compare.result import Diff, Measured, NodePair, OpTypeChange, Pair
from ocost.compare.verdict import Conclusion
from ocost.costmodel.device import Device, Efficiency
from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.result import (
    Coverage,
    GraphCost,
    ModelSummary,
    NodeCost,
    Port,
    Totals,
    UnknownNode,
)
from ocost.graph import from_proto
from ocost.lineage.lineage import Executed, Lineage
from ocost.report.text import console
from ocost.runtime.profiles import NodeTime, Profile
from ocost.runtime.timing.comparison import Comparison
from ocost.runtime.timing.stopwatch import Timing
from ocost.runtime.validation.joined import validate
from ocost.runtime.validation.profiled import Environment, Profiled

CONV = NodeCost(
    name="/features/features.0/features.0.0/Conv",
    op_type="Conv",
    domain="",
    kind=KernelKind.CONV,
    macs=1_000_000,
    flops=2_000_000,
    padded_flops=0,
    read_bytes=150_000,
    write_bytes=50_000,
    weight_bytes=10_000,
    shape="exact",
    dtype=1,
    bound="compute",
    efficiency=0.5,
    latency_s=41e-6,
    latency_low_s=20e-6,
    estimator="roofline",
    originals=("/features/features.0/features.0.0/Conv",),
)
CLIP = CONV._replace(
    name="clip",
    op_type="Clip",
    kind=KernelKind.ELEMENTWISE,
    macs=0,
    flops=50_000,
    read_bytes=200_000,
    write_bytes=200_000,
    weight_bytes=8,
    bound="memory",
    efficiency=0.0125,
    latency_low_s=40e-6,
    originals=("clip",),
)
VIEW = CONV._replace(
    name="view",
    op_type="Reshape",
    kind=KernelKind.VIEW,
    macs=0,
    flops=0,
    read_bytes=0,
    write_bytes=0,
    weight_bytes=0,
    view=True,
    bound="overhead",
    efficiency=None,
    latency_s=1e-6,
    latency_low_s=0.0,
    originals=("view",),
)
ODD = NodeCost(
    name="odd[0]",
    op_type="Odd",
    domain="my.domain",
    kind=None,
    macs=None,
    flops=None,
    padded_flops=None,
    read_bytes=None,
    write_bytes=None,
    weight_bytes=None,
    shape="assumed",
    reason="no cost formula for my.domain::Odd",
    originals=("odd[0]",),
)
TOTALS = Totals(
    macs=1_000_000,
    flops=2_050_000,
    padded_flops=0,
    padded_bytes=0,
    params=2_502,
    param_bytes=10_008,
    file_bytes=11_264,  # 11 KiB
    read_bytes=350_000,
    write_bytes=250_000,
    traffic_bytes=600_000,
    compulsory_bytes=210_000,
    peak_bytes=3 * 2**20,
    mean_activation_bytes=1.5 * 2**20,
    total_activation_bytes=None,
    intensity=2_050_000 / 600_000,
    latency_s=83e-6,
    latency_low_s=60e-6,
    latency_high_s=None,
)
MODEL = ModelSummary(
    path="models/toy.onnx",
    opset={"": 17, "my.domain": 1},
    nodes=4,
    inputs={"x": (1, 3, None, 224), "y": None},
    assumed_dims={"batch": 1},
    ports=(
        {"x": Port("float32", (1, 3, None, 224)), "y": Port("", None)},
        {"z": Port("float32", (1, 10)), "boxes": Port("float32", (200, 4), bound=True)},
    ),
)
PORTS = ({"x": Port("float32", (1, 3, 224, 224))}, {"z": Port("float32", (1, 10))})


@pytest.fixture
def device() -> Device:
    return Device(
        name="toy",
        title="Toy board",
        source="calibrated",
        runtime="onnxruntime-cpu",
        isa="avx2",
        channel_block=8,
        cores=2,
        peaks={"float32": 100e9, "int8": 400e9},
        bandwidth=10e9,
        overhead_s=1e-6,
        sources=("peaks: made up",),
        efficiency={KernelKind.CONV: Efficiency(compute=0.5, memory=1.0, measured=True)},
    )


@pytest.fixture
def slow_device(device: Device) -> Device:
    """All at a tenth, nothing measured."""
    return replace(
        device,
        name="slow",
        title="Slow board",
        source="datasheet",
        peaks={"float32": 10e9},
        bandwidth=1e9,
        efficiency={},
    )


@pytest.fixture
def cost() -> GraphCost:
    unknown = (UnknownNode("odd[0]", "Odd", ODD.reason),)
    return GraphCost(
        MODEL,
        "written",
        (CONV, VIEW, ODD, CLIP),
        TOTALS,
        Coverage(nodes=4, costed=3, exact=3, assumed=0, bound=0, unknown=unknown),
        notes=("loop 'l' is taken to run once",),
    )


@pytest.fixture
def known_cost(cost: GraphCost) -> GraphCost:
    """The same graph without the node that is not known."""
    return replace(
        cost,
        model=replace(MODEL, nodes=3, assumed_dims={}, inputs={"x": (1, 3, 224, 224)}, ports=PORTS),
        nodes=(CONV, VIEW, CLIP),
        coverage=Coverage(nodes=3, costed=3, exact=3, assumed=0, bound=0),
        notes=(),
    )


@pytest.fixture
def diff(known_cost: GraphCost, device: Device) -> Diff:
    """The Clip goes into the Conv, which then costs 0.1 MFLOP and 2 us more; a Cast comes."""
    conv = CONV._replace(op_type="FusedConv", domain="com.microsoft", flops=2_100_000)
    conv = conv._replace(latency_s=43e-6, latency_low_s=21e-6)
    cast = VIEW._replace(name="cast", op_type="Cast", latency_s=2e-6, bound="memory", view=False)
    totals = TOTALS._replace(
        flops=2_100_000,
        read_bytes=150_000,
        write_bytes=50_000,
        traffic_bytes=200_000,
        intensity=10.5,
        latency_s=46e-6,
        latency_low_s=21e-6,
    )
    after = replace(
        known_cost,
        model=replace(known_cost.model, path="out/toy.onnx"),
        nodes=(conv, VIEW, cast),
        totals=totals,
    )
    return Diff(
        levels={"written": Pair(known_cost, after)},
        device=device,
        pairs=(
            NodePair(CONV, conv, "tensor"),
            NodePair(VIEW, VIEW, "name"),
            NodePair(CLIP, None),
            NodePair(None, cast),
        ),
        op_types=(
            OpTypeChange(
                "com.microsoft::FusedConv", (0, 1), (0, 2_100_000), (0, 200_000), (0, 43e-6)
            ),
            OpTypeChange("Conv", (1, 0), (2_000_000, 0), (200_000, 0), (41e-6, 0)),
            OpTypeChange("Clip", (1, 0), (50_000, 0), (400_000, 0), (41e-6, 0)),
            OpTypeChange("Cast", (0, 1), (0, 0), (0, 0), (0, 2e-6)),
            OpTypeChange("Reshape", (1, 1), (0, 0), (0, 0), (1e-6, 1e-6)),
        ),
        made_by="shrinker 1.0",
    )


@pytest.fixture
def profiled(cost: GraphCost, device: Device) -> Profiled:
    """The graph as executed: the Conv has a BatchNormalization in it, the view is a Reorder."""
    conv = CONV._replace(domain="com.microsoft.nchwc")
    order = VIEW._replace(name="order", op_type="ReorderOutput", domain="com.microsoft.nchwc")
    executed = replace(cost, level="executed", nodes=(conv, order, CLIP, ODD))
    seconds = {CONV.name: 50e-6, "order": 4e-6, "clip": 20e-6, "odd[0]": 6e-6}
    covers = {
        CONV.name: ((CONV.name, "/features/features.0/features.0.1/BatchNormalization"), "exact"),
        "order": ((CONV.name, "clip"), "layout"),
        "clip": (("clip",), "exact"),
        "odd[0]": ((), "unmapped"),
    }
    operators = {node.name: node for node in executed.nodes}
    attribution = Lineage(
        tuple(Executed(n, operators[n].op_type, o, s) for n, (o, s) in covers.items()),
        {
            CONV.name: "once",
            "/features/features.0/features.0.1/BatchNormalization": "once",
            "view": "folded",
            "clip": "once",
            "odd[0]": "missing",
        },
        {},
    )
    helpers = [
        helper.make_node(node.op_type, [], [f"y{place}"], name, domain=node.domain)
        for place, (name, node) in enumerate(operators.items())
    ]
    domains = [helper.make_opsetid(domain, 1) for domain in ("com.microsoft.nchwc", "my.domain")]
    proto = helper.make_model(
        helper.make_graph(helpers, "g", [], []),
        opset_imports=[helper.make_opsetid("", 17), *domains],
    )
    profile = Profile(
        from_proto(proto),
        tuple(NodeTime(n, operators[n].op_type, s) for n, s in seconds.items()),
        Timing(80e-6, 79e-6, 82e-6, 4000, False),
        2e-6,
        50,
    )
    return Profiled(
        cost,
        executed,
        device,
        Environment("Toy CPU", "avx2", "onnxruntime", "1.32.0", "all", 1, True, "flushed"),
        profile,
        validate(profile, attribution, executed, cost),
        None,
        ("the file has no weights",),
    )


def as_written(diff: Diff, **fields: object) -> Diff:
    """The same with no other level, and with other fields."""
    return replace(diff, levels={"written": diff.levels["written"]}, **fields)


def sides(diff: Diff, **changes: GraphCost) -> Diff:
    """The same with another graph before or after."""
    written = diff.levels["written"]._replace(**changes)
    return replace(diff, levels={**diff.levels, "written": written})


@pytest.fixture
def measured_diff(diff: Diff) -> Diff:
    """The same, measured: 100 -> 80 us; 50 -> 28 us of that at two places, 2 us come at a third."""
    executed = Pair(*(replace(cost, level="executed") for cost in (diff.before, diff.after)))
    fused = ((("Clip", 1), ("Conv", 1)), (("com.microsoft::FusedConv", 1),))
    came = ((), (("com.microsoft.nchwc::ReorderInput", 2),))
    regions = Regions(
        (
            ChangedRegion(
                2, fused, Spent((("c0", "a0"), ("c1",)), (40e-6, 20e-6), (50e-6, 28e-6)), False
            ),
            ChangedRegion(1, came, Spent(((), ("r0", "r1")), (0, None), (0.0, 2e-6)), True),
        ),
        Spent((("v",), ("v",)), (40e-6, 40e-6), (50e-6, 50e-6)),
    )
    comparison = Comparison(
        ratio=0.8,
        low=0.78,
        high=0.82,
        noise_floor=0.01,
        smallest_detectable=0.02,
        verdict="faster",
        a=Timing(100e-6, 99e-6, 101e-6, 4000, noisy=False),
        b=Timing(80e-6, 79e-6, 81e-6, 4000, noisy=True),
        wall_over_cpu=1.25,
        noisy=True,
        blocks=16,
        rounds=320,
        openings=16,
    )
    conclusion = Conclusion("real", "The saving is real.")
    notes = ("something is left out",)
    measured = Measured(comparison, regions, 0.55, conclusion, notes)
    levels = {**diff.levels, "executed": executed, "executed_runtime": executed}
    return replace(diff, levels=levels, measured=measured)


@pytest.fixture
def text(monkeypatch):
    """Render as on a terminal of that width and encoding, without colours."""

    def render(page, width=100, encoding="utf-8", color="never"):
        monkeypatch.setenv("COLUMNS", str(width))
        raw = io.BytesIO()
        file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
        console(file, color).print(page)
        file.flush()
        return raw.getvalue().decode(encoding)

    return render
