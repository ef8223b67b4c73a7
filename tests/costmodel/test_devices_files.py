import itertools
import math
from pathlib import Path

import pytest

from ocost.costmodel.catalogue import devices, find

BLOCK = {"avx512": 16, "avx2": 8, "neon": 1}  # of onnxruntime's blocked layout, by ISA


def test_the_promised_devices_are_there():
    assert {
        "apple-m2",
        "cortex-a78",
        "i9-10980xe",
        "i9-10980xe-measured",
        "jetson-orin",
        "nvidia-a100",
        "nvidia-h100",
        "nvidia-t4",
        "nvidia-v100",
        "raspberry-pi-4",
        "raspberry-pi-5",
        "ryzen-5600x",
        "x86-server-core",
    } <= set(devices())


@pytest.mark.parametrize("name", devices())
def test_file(name):
    device = find(name)
    assert device.name == name
    said = "\n".join(device.sources)
    for figure in ("peaks", "bandwidth", "overhead_s"):
        assert figure in said
    for dtype in device.peaks:
        assert dtype in said or "all peaks" in said
    # Nothing bundled is outside these: a slipped exponent would be.
    assert 1e10 <= device.peaks["float32"] <= 1e14
    assert 5e9 <= device.bandwidth <= 5e12
    assert 1e-7 <= device.overhead_s <= 1e-4
    assert 1 <= device.ridge <= 100
    assert all(row.measured for row in device.efficiency.values())
    assert device.source == "calibrated" or not device.efficiency


@pytest.mark.parametrize("name", devices())
def test_narrower_types_are_not_slower(name):
    peaks = find(name).peaks
    widths = ("float64", "float32", "float16", "int8")
    ordered = [peaks[width] for width in widths if width in peaks]
    assert ordered == sorted(ordered)
    if "float64" in peaks:  # half the lanes; datasheets round
        assert peaks["float64"] == pytest.approx(peaks["float32"] / 2, rel=0.02)


@pytest.mark.parametrize("name", devices())
def test_blocks_are_the_runtimes(name):
    device = find(name)
    if device.runtime == "onnxruntime-cpu":
        assert device.channel_block == BLOCK[device.isa]
    elif device.runtime == "mobile":
        assert device.channel_block == 4
    else:
        assert (device.runtime, device.channel_block) == ("onnxruntime-cuda", 1)
        assert device.cores == 1


@pytest.mark.parametrize(
    ("name", "cores", "gigahertz", "flop_per_cycle"),
    [
        ("i9-10980xe", 16, 4.5, 2 * 16 * 2),  # units x lanes x (multiply, add)
        ("ryzen-5600x", 6, 3.7, 2 * 8 * 2),
        ("apple-m2", 4, 3.49, 4 * 4 * 2),
        ("cortex-a78", 4, 2.85, 2 * 4 * 2),
        ("raspberry-pi-4", 4, 1.8, 2 * 2 * 2),
        ("raspberry-pi-5", 4, 2.4, 2 * 4 * 2),
    ],
)
def test_derived_peaks(name, cores, gigahertz, flop_per_cycle):
    device = find(name)
    assert device.cores == cores
    derived = cores * gigahertz * 1e9 * flop_per_cycle
    assert device.peaks["float32"] == pytest.approx(derived, rel=1e-3)


def test_ridges():
    assert find("i9-10980xe").ridge == 48.0  # 4.608e12 / 96e9
    assert find("i9-10980xe-measured").ridge == pytest.approx(38.65, abs=0.01)  # 2.86e12 / 74e9
    v100 = find("nvidia-v100")
    assert v100.peaks["float16"] / v100.bandwidth == pytest.approx(138.9, abs=0.1)  # 125e12 / 900e9


def test_what_is_measured_stays_below_paper():
    paper, measured = find("i9-10980xe"), find("i9-10980xe-measured")
    assert measured.peaks["float32"] < paper.peaks["float32"]
    assert measured.bandwidth < paper.bandwidth
    # 2.96 GHz x 64 FLOP/cycle
    assert find("x86-server-core").peaks["float32"] < 2.96e9 * 64


def test_generations_are_in_order():
    gpus = [find(f"nvidia-{name}") for name in ("t4", "v100", "a100", "h100")]
    boards = [find(f"raspberry-pi-{generation}") for generation in (4, 5)]
    for line in (gpus, boards):
        for older, newer in itertools.pairwise(line):
            assert older.peaks["float32"] < newer.peaks["float32"]
            assert older.bandwidth < newer.bandwidth


def test_dense_tensor_peaks():
    # The H100's datasheet states 1,979 TFLOP/s float16 with sparsity: dense is half of it.
    assert math.isclose(find("nvidia-h100").peaks["float16"], 1979e12 / 2, rel_tol=1e-3)
    # Orin: 170 TOPS int8 of the GPU with sparsity.
    assert find("jetson-orin").peaks["int8"] == 170e12 / 2


@pytest.mark.parametrize("name", devices())
def test_the_docs_list_it_with_its_figures(name):
    text = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
    _, _, _, peak, bandwidth, ridge, _, _ = row.split("|")
    device = find(name)
    assert float(peak) == device.peaks["float32"]
    assert float(bandwidth.split()[0]) == device.bandwidth
    assert float(ridge.split()[0]) == pytest.approx(device.ridge, abs=0.06)
    if "float16" in ridge:
        stated = float(ridge.split()[-1].rstrip(")"))
        assert stated == pytest.approx(device.peaks["float16"] / device.bandwidth, abs=0.6)
