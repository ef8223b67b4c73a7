import pytest

from ocost.costmodel.catalogue import find
from ocost.costmodel.device import Device, Efficiency
from ocost.costmodel.estimators.roofline import estimate
from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.result import NodeCost
from ocost.costmodel.work import Call, TensorType, rules
from ocost.graph import dtypes
from ocost.graph.node import Node

TOY = Device(
    name="toy",
    title="Toy",
    source="datasheet",
    runtime="onnxruntime-cpu",
    isa="avx2",
    channel_block=8,
    cores=1,
    peaks={"float32": 100e9, "int8": 400e9},
    bandwidth=10e9,
    overhead_s=1e-6,
    sources=("made up",),
    efficiency={KernelKind.CONV: Efficiency(compute=0.5, memory=0.8, measured=True)},
)


def cost(
    kind=KernelKind.GEMM, *, flops=0, traffic=0, padded=0, dtype=dtypes.FLOAT, trips=1, view=False
):
    return NodeCost(
        name="n",
        op_type="Op",
        domain="",
        kind=kind,
        macs=0,
        flops=flops,
        padded_flops=padded,
        read_bytes=traffic,
        write_bytes=0,
        weight_bytes=0,
        shape="exact",
        trips=trips,
        dtype=dtype,
        view=view,
    )


def test_compute_bound():
    # ridge 10; intensity 1e9 / 1e7 = 100. 1e9 / 100e9 = 10 ms against 1e7 / 10e9 = 1 ms.
    node = estimate(cost(flops=10**9, traffic=10**7), TOY)
    assert node.bound == "compute"
    assert node.efficiency == 1.0
    assert node.latency_s == pytest.approx(10e-3 + 1e-6)
    assert node.latency_low_s == pytest.approx(10e-3)
    assert node.latency_high_s is None
    assert node.estimator == "roofline"


def test_memory_bound():
    # intensity 1e7 / 1e7 = 1: attainable 1 x 10e9 = 10 % of the peak; 1e7 / 10e9 = 1 ms.
    node = estimate(cost(flops=10**7, traffic=10**7), TOY)
    assert node.bound == "memory"
    assert node.efficiency == pytest.approx(0.1)
    assert node.latency_s == pytest.approx(1e-3 + 1e-6)
    assert node.latency_low_s == pytest.approx(1e-3)


def test_overhead_bound():
    # 1000 / 100e9 = 10 ns, 1000 / 10e9 = 100 ns, against 1 us.
    node = estimate(cost(flops=1000, traffic=1000), TOY)
    assert node.bound == "overhead"
    assert node.latency_s == pytest.approx(1.1e-6)
    assert node.latency_low_s == pytest.approx(0.1e-6)


def test_efficiency_rows_move_the_roof():
    # Conv: P x c = 50e9, B x m = 8e9.
    node = estimate(cost(KernelKind.CONV, flops=10**9, traffic=10**7), TOY)
    assert node.efficiency == 0.5  # min(100 x 8e9, 50e9) / 100e9
    assert node.latency_s == pytest.approx(20e-3 + 1e-6)  # 1e9 / 50e9
    assert node.latency_low_s == pytest.approx(10e-3)  # the ideal roofline ignores the rows
    node = estimate(cost(KernelKind.CONV, flops=10**7, traffic=10**7), TOY)
    assert node.efficiency == pytest.approx(0.08)  # min(1 x 8e9, 50e9) / 100e9
    assert node.latency_s == pytest.approx(1.25e-3 + 1e-6)  # 1e7 / 8e9


def test_padding_costs_time_but_is_not_useful():
    # (6e8 + 4e8) / 100e9 = 10 ms; intensity stays that of the useful 6e8.
    node = estimate(cost(flops=6 * 10**8, padded=4 * 10**8, traffic=10**7), TOY)
    assert node.latency_s == pytest.approx(10e-3 + 1e-6)
    assert node.latency_low_s == pytest.approx(10e-3)
    assert node.intensity == 60


def test_overhead_counts_every_trip():
    # Figures of a node in a loop are those of all trips already; 1e6 / 100e9 = 10 us + 50 x 1 us.
    node = estimate(cost(flops=10**6, trips=50), TOY)
    assert node.latency_s == pytest.approx(60e-6)
    assert node.bound == "overhead"


def test_the_dtype_picks_the_peak():
    # 1e9 / 400e9 = 2.5 ms; a float16 without a peak of its own runs as float32.
    assert estimate(cost(flops=10**9, dtype=dtypes.INT8), TOY).latency_low_s == 2.5e-3
    assert estimate(cost(flops=10**9, dtype=dtypes.FLOAT16), TOY).latency_low_s == 10e-3


def test_no_arithmetic_has_no_efficiency():
    node = estimate(cost(KernelKind.LAYOUT, traffic=10**7), TOY)
    assert node.efficiency is None
    assert node.bound == "memory"
    assert node.latency_s == pytest.approx(1e-3 + 1e-6)


def test_no_traffic_reaches_the_ceiling():
    assert estimate(cost(KernelKind.CONV, flops=10**9), TOY).efficiency == 0.5


def test_constants_take_no_time():
    node = estimate(cost(KernelKind.CONSTANT, traffic=4000), TOY)
    assert (node.latency_s, node.latency_low_s) == (0.0, 0.0)
    assert (node.bound, node.efficiency) == (None, None)


def test_views_cost_their_overhead_alone():
    node = estimate(cost(KernelKind.VIEW, view=True), TOY)
    assert (node.latency_s, node.latency_low_s) == (1e-6, 0.0)
    assert (node.bound, node.efficiency) == ("overhead", None)


@pytest.mark.parametrize("unknown", [{"flops": None}, {"traffic": None}])
def test_what_is_not_costed_stays_unknown(unknown):
    node = estimate(cost(**{"flops": 1, "traffic": 1} | unknown), TOY)
    assert (node.latency_s, node.latency_low_s, node.bound, node.estimator) == (None,) * 4


@pytest.mark.parametrize(
    ("intensity", "on_cpu", "on_gpu"),
    [
        (47, "memory", "memory"),
        (49, "compute", "memory"),
        (100, "compute", "memory"),
        (138, "compute", "memory"),
        (140, "compute", "compute"),
    ],
)
def test_the_bound_flips_between_devices(intensity, on_cpu, on_gpu):
    # Ridge 48 on the i9-10980XE in float32 (4.608e12 / 96e9), 138.9 on a V100's float16 tensor
    # cores (125e12 / 900e9).
    traffic = 10**8
    flops = intensity * traffic
    cpu = estimate(cost(KernelKind.CONV, flops=flops, traffic=traffic), find("i9-10980xe"))
    gpu = estimate(
        cost(KernelKind.CONV, flops=flops, traffic=traffic, dtype=dtypes.FLOAT16),
        find("nvidia-v100"),
    )
    assert (cpu.bound, gpu.bound) == (on_cpu, on_gpu)


def test_depthwise_convolution_of_the_i9():
    # Depthwise 3x3 with bias on 20x20, per channel: flops = 400 x (2 x 9 + 1) = 7600;
    # bytes = 4 x (400 in + 400 out + 9 weights + 1 bias) = 3240; intensity 2.3457.
    channels = 256
    image = TensorType(dtypes.FLOAT, (1, channels, 20, 20))
    weight = TensorType(dtypes.FLOAT, (channels, 1, 3, 3))
    bias = TensorType(dtypes.FLOAT, (channels,))
    node = Node.make("Conv", ["x", "w", "b"], ["y"], group=channels, pads=[1, 1, 1, 1])
    work = rules()["", "Conv"].formula(Call(node, [image, weight, bias], [image]))
    assert work.kind is KernelKind.DEPTHWISE
    assert work.flops == 7600 * channels
    traffic = 4 * (2 * image.size + weight.size + bias.size)
    assert traffic == 3240 * channels
    depthwise = cost(work.kind, flops=work.flops, traffic=traffic)
    assert depthwise.intensity == pytest.approx(2.3457, abs=1e-4)

    paper = estimate(depthwise, find("i9-10980xe"))
    assert paper.bound == "memory"
    assert paper.efficiency == pytest.approx(0.0489, abs=1e-4)  # 2.3457 / 48
    assert paper.latency_low_s == pytest.approx(8.64e-6)  # 3240 x 256 / 96e9

    measured = estimate(depthwise, find("i9-10980xe-measured"))
    assert measured.bound == "memory"
    assert measured.efficiency == pytest.approx(0.0607, abs=1e-4)  # 2.3457 / 38.65
