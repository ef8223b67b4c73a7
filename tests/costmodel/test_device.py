import pytest

from ocost.costmodel.catalogue import devices, find
from ocost.costmodel.device import Device, Efficiency
from ocost.costmodel.kinds import KernelKind
from ocost.graph import dtypes
from ocost.graph.errors import OcostError

FILE = """
name = "toy"
title = "A toy"
source = "datasheet"
runtime = "onnxruntime-cpu"
isa = "avx2"
channel_block = 8
cores = 4
bandwidth = 40e9
bandwidth_per_core = 15e9
overhead_s = 1e-6
sources = ["made up"]

[peaks]
float32 = 400e9
int8 = 1600e9

[efficiency]
conv = { compute = 0.5 }
pooling = { memory = 0.25 }
"""


@pytest.fixture
def load(tmp_path):
    def from_text(text: str = FILE) -> Device:
        path = tmp_path / "toy.toml"
        path.write_text(text, encoding="utf-8")
        return find(path)

    return from_text


def test_reads_every_field(load):
    assert load() == Device(
        name="toy",
        title="A toy",
        source="datasheet",
        runtime="onnxruntime-cpu",
        isa="avx2",
        channel_block=8,
        cores=4,
        peaks={"float32": 400e9, "int8": 1600e9},
        bandwidth=40e9,
        overhead_s=1e-6,
        sources=("made up",),
        bandwidth_per_core=15e9,
        efficiency={
            KernelKind.CONV: Efficiency(compute=0.5, memory=1.0, measured=True),
            KernelKind.POOLING: Efficiency(compute=1.0, memory=0.25, measured=True),
        },
    )


def test_ridge(load):
    assert load().ridge == 10.0  # 400e9 / 40e9


def test_rows_that_are_absent_reach_everything_unmeasured(load):
    assert load().row(KernelKind.SORT) == Efficiency(1.0, 1.0, measured=False)
    assert load().row(None) == Efficiency(1.0, 1.0, measured=False)
    assert load().row(KernelKind.CONV).measured


def test_peak_by_dtype(load):
    device = load()
    assert device.peak(dtypes.FLOAT) == (400e9, True)
    assert device.peak(dtypes.INT8) == (1600e9, True)
    assert device.peak(dtypes.UINT8) == (1600e9, True)  # as int8
    assert device.peak(dtypes.FLOAT16) == (400e9, False)  # float32's, to be noted
    assert device.peak(None) == (400e9, False)


def test_threads_scale_peaks_and_cap_bandwidth(load):
    device = load()
    one, three = device.with_threads(1), device.with_threads(3)
    assert (one.cores, one.peaks) == (1, {"float32": 100e9, "int8": 400e9})
    assert one.bandwidth == 15e9  # min(40, 1 x 15)
    assert three.peaks["float32"] == 300e9
    assert three.bandwidth == 40e9  # min(40, 3 x 15)
    assert device.with_threads(4) == device


def test_threads_keep_a_bandwidth_without_a_share_per_core(load):
    device = load(FILE.replace("bandwidth_per_core = 15e9\n", ""))
    assert device.with_threads(1).bandwidth == 40e9


@pytest.mark.parametrize("threads", [0, -1, 5])
def test_threads_out_of_range(load, threads):
    with pytest.raises(OcostError, match=rf"^toy has 4 core.*not {threads}$"):
        load().with_threads(threads)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A toy"\n', "", "title is missing"),
        ("bandwidth = 40e9", "bandwith = 40e9", r"bandwith is not known \(did you mean bandw"),
        ("bandwidth = 40e9", "bandwidth = -1", "bandwidth must be a number above 0, not -1"),
        ("bandwidth = 40e9", "bandwidth = inf", "bandwidth must be a number above 0, not inf"),
        ("bandwidth = 40e9", "bandwidth = true", "bandwidth must be a number above 0, not True"),
        ("bandwidth = 40e9", 'bandwidth = "40"', "bandwidth must be a number above 0, not '40'"),
        ("overhead_s = 1e-6", "overhead_s = 0", "overhead_s must be a number above 0, not 0"),
        ("cores = 4", "cores = 0", "cores must be a whole number from 1 up, not 0"),
        ("cores = 4", "cores = 4.0", "cores must be a whole number from 1 up, not 4.0"),
        ("channel_block = 8", "channel_block = true", "channel_block must be a whole number"),
        ('isa = "avx2"', 'isa = ""', "isa must be a text"),
        ('"datasheet"', '"rumour"', "source must be one of datasheet, calibrated, detected"),
        ('["made up"]', "[]", "sources must list where"),
        ('["made up"]', "[1]", "sources must be a text"),
        ("float32 = 400e9", "float23 = 400e9", r"peaks.float23 is not known \(did you mean float"),
        ("float32 = 400e9\n", "", "peaks.float32 is missing"),
        ("int8 = 1600e9", "int8 = 0", "peaks.int8 must be a number above 0"),
        ("conv = {", "convolution = {", "efficiency.convolution is not known"),
        ("compute = 0.5", "compute = 1.01", "efficiency.conv.compute is a share and can't exceed"),
        ("compute = 0.5", "compute = 0", "efficiency.conv.compute must be a number above 0"),
        ("compute = 0.5", "flops = 0.5", "efficiency.conv.flops is not known"),
        ("{ compute = 0.5 }", "{}", "efficiency.conv must give compute, memory or both"),
        ("{ compute = 0.5 }", "0.5", "efficiency.conv must be a table"),
        ("cores = 4", "cores =", "not a TOML file"),
    ],
)
def test_a_wrong_file_is_one_clear_line(load, old, new, message):
    assert old in FILE
    with pytest.raises(OcostError, match=rf"toy\.toml: {message}") as caught:
        load(FILE.replace(old, new))
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(OcostError, match=r"none\.toml: can't read the device file: No such file"):
        find(tmp_path / "none.toml")


def test_an_unknown_name_suggests_close_ones():
    with pytest.raises(OcostError, match=r"no device 'nvidia-a10' \(did you mean .*nvidia-a100"):
        find("nvidia-a10")
    with pytest.raises(OcostError, match="no device 'zx81'; give a name"):
        find("zx81")


def test_find_by_name():
    assert find("nvidia-t4").name == "nvidia-t4"
    assert find("host").source == "detected"
    assert "host" not in devices()
