import os

import pytest

from ocost.costmodel import host as host_module
from ocost.costmodel.catalogue import find
from ocost.costmodel.host import describe, host

AMD = "vendor_id\t: AuthenticAMD\ncpu family\t: "
AVX512 = "avx avx2 fma avx512f"


def cpuinfo(count, flags, mhz="3000.000", more=""):
    return "\n".join(
        f"processor\t: {i}\ncpu MHz\t\t: {mhz}\nflags\t\t: fpu sse2 {flags}\n{more}\n"
        for i in range(count)
    )


@pytest.mark.parametrize(
    ("flags", "more", "isa", "block", "flop_per_cycle"),
    [
        (AVX512, "", "avx512", 16, 64),
        (AVX512, AMD + "25", "avx512", 16, 32),  # Zen 4
        (AVX512, AMD + "26", "avx512", 16, 64),  # Zen 5
        ("avx avx2 fma", AMD + "25", "avx2", 8, 32),  # Zen 3
        ("avx", "", "avx", 8, 16),
        ("", "", "sse", 8, 8),
    ],
)
def test_x86(flags, more, isa, block, flop_per_cycle):
    device = describe(cpuinfo(2, flags, more=more), "x86_64", {0, 1})
    assert (device.isa, device.channel_block, device.cores) == (isa, block, 2)
    assert device.peaks["float32"] == 2 * 3e9 * flop_per_cycle
    assert device.peaks["float64"] == 3e9 * flop_per_cycle
    assert "int8" not in device.peaks
    assert device.source == "detected"
    assert "rough" in device.title
    assert device.bandwidth == 20e9  # 2 x 10


def test_dot_products_make_int8_four_times_as_fast():
    device = describe(cpuinfo(1, "avx avx2 fma avx512f avx512_vnni"), "x86_64", {0})
    assert device.peaks["int8"] == 4 * 3e9 * 64


def test_two_threads_of_a_core_count_once():
    text = "\n".join(
        f"processor\t: {i}\nphysical id\t: 0\ncore id\t\t: {i % 2}\nflags\t\t: avx2 fma\n"
        for i in range(4)
    )
    assert describe(text, "x86_64", {0, 1, 2, 3}).cores == 2
    assert describe(text, "x86_64", {0, 2}).cores == 1  # both are core 0
    assert describe(text, "x86_64", {1}).cores == 1


def test_bandwidth_is_capped():
    assert describe("", "x86_64", range(8)).bandwidth == 40e9
    assert describe("", "x86_64", range(8)).with_threads(1).bandwidth == 10e9


def test_clock_is_the_highest_that_is_written():
    text = cpuinfo(1, "avx2 fma", mhz="800.000", more="model name\t: Xeon(R) CPU @ 2.20GHz")
    device = describe(text, "x86_64", {0})
    assert device.peaks["float32"] == pytest.approx(2.2e9 * 32)
    assert "Xeon" in device.title


def test_arm_text_has_no_clock():
    text = (
        "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd asimddp\nCPU part\t: 0xd0b\n\n"
        "processor\t: 1\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd asimddp\nCPU part\t: 0xd0b\n\n"
        "Hardware\t: BCM2712\n"
    )
    device = describe(text, "aarch64", {0, 1})
    assert (device.isa, device.channel_block, device.cores) == ("neon", 1, 2)
    assert device.peaks["float32"] == 2 * 2.5e9 * 16
    assert device.peaks["int8"] == 4 * device.peaks["float32"]
    assert any("2.5 GHz is assumed" in line for line in device.sources)


@pytest.mark.parametrize(
    ("machine", "isa"),
    [("AMD64", "avx2"), ("arm64", "neon"), ("riscv64", "scalar"), ("", "scalar")],
)
def test_without_cpuinfo(machine, isa):
    device = describe("", machine, {0})
    assert device.isa == isa
    assert any("assumed" in line and line.startswith("cores") for line in device.sources)


@pytest.mark.parametrize(
    "text",
    [
        "\0\xff",
        "processor",
        "processor : x\ncpu MHz : fast\nflags",
        "processor: 0\ncpu MHz: 0.000\n",
    ],
)
def test_nonsense_never_raises(text):
    device = describe(text, "x86_64", set())
    assert device.cores == 1
    assert device.peaks["float32"] > 0


def test_this_machine():
    device = host()
    assert device == find("host")
    assert 1 <= device.cores <= (os.cpu_count() or 1)
    assert device.ridge > 0


def test_a_machine_that_tells_nothing(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError

    monkeypatch.setattr(host_module.Path, "read_text", refuse)
    monkeypatch.delattr(host_module.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(host_module.os, "cpu_count", lambda: None)
    assert host().cores == 1
