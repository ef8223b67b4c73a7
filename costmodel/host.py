"""This machine as a device, guessed from what the operating system tells of its CPU.

Rough by nature: it knows neither the clock under load nor the memory. A calibration measures.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .device import HOST, Device


class Isa(NamedTuple):
    """An instruction set: float32 FLOP a core does in a cycle, and the runtime's block."""

    name: str
    flop_per_cycle: int
    channel_block: int


# 2 FLOP a fused multiply-add x lanes x units. The blocks are those of onnxruntime's NCHWc layout:
# 16 with AVX-512, else 8 on x86; on Arm its kernels are a build option that is off by default.
AVX512 = Isa("avx512", 2 * 16 * 2, 16)
AVX512_HALF = Isa("avx512", 2 * 16, 16)  # AMD Zen 4 takes two cycles for 512 bits
AVX2 = Isa("avx2", 2 * 8 * 2, 8)
AVX = Isa("avx", 8 + 8, 8)  # one multiply and one add
SSE = Isa("sse", 4 + 4, 8)
NEON = Isa("neon", 2 * 4 * 2, 1)
SCALAR = Isa("scalar", 2, 1)

ASSUMED_HZ = 2.5e9
CORE_BANDWIDTH = 10e9  # bytes/s that one core draws from memory
BANDWIDTH = 40e9  # bytes/s of two channels of DDR4-2666, rounded down
OVERHEAD_S = 0.2e-6  # a node of onnxruntime's sequential executor on a server core

_X86 = ("x86_64", "amd64", "i386", "i686", "x86")
_ARM64 = ("aarch64", "arm64")
_DOT_PRODUCT = frozenset(("avx512_vnni", "avx_vnni", "asimddp"))


def host() -> Device:
    """This machine. Never raises: what can't be read is assumed, and said so in ``sources``."""
    if hasattr(os, "sched_getaffinity"):
        cpus = frozenset(os.sched_getaffinity(0))
    else:
        cpus = frozenset(range(os.cpu_count() or 1))
    device = describe(_cpuinfo(), platform.machine(), cpus)
    return replace(device, runtime_version=_installed("onnxruntime"))


def _installed(package: str) -> str:
    """The version of a package, "" if it isn't installed or calls it something else."""
    from importlib import metadata  # noqa: PLC0415 - slow to import

    try:
        found = re.match(r"\d+\.\d+(\.\d+)?", metadata.version(package) or "")
    except metadata.PackageNotFoundError:
        return ""
    return found[0] if found else ""


def cpu_name() -> str:
    """What the operating system calls this machine's CPU, or else its architecture."""
    named = re.search(r"^model name\s*:\s*(\S.*)$", _cpuinfo(), re.MULTILINE)
    return named[1].strip() if named else platform.machine()


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def describe(cpuinfo: str, machine: str, cpus: Collection[int]) -> Device:
    """The device that a CPU's description stands for.

    Parameters
    ----------
    cpuinfo
        The text of Linux's ``/proc/cpuinfo``, "" elsewhere.
    machine
        The architecture as ``platform.machine()`` spells it.
    cpus
        Numbers of the logical processors that this process may use.
    """
    processors = [_fields(block) for block in cpuinfo.split("\n\n") if "processor" in block]
    first = processors[0] if processors else {}
    flags = frozenset((first.get("flags") or first.get("Features") or "").lower().split())
    isa, isa_source = _isa(machine.lower(), flags, first)
    hertz, clock_source = _clock(cpuinfo)
    cores = _cores(processors, cpus)

    peak = cores * hertz * isa.flop_per_cycle
    peaks = {"float32": peak, "float64": peak / 2}
    if flags & _DOT_PRODUCT:
        peaks["int8"] = 4 * peak  # four 8-bit products where one 32-bit one was
    model = first.get("model name") or machine or "CPU"
    return Device(
        name=HOST,
        title=f"this machine, rough: {model}, {cores} core(s), {isa.name}, {hertz / 1e9:.2f} GHz",
        source="detected",
        runtime="onnxruntime-cpu",
        isa=isa.name,
        channel_block=isa.channel_block,
        cores=cores,
        peaks=peaks,
        bandwidth=min(BANDWIDTH, cores * CORE_BANDWIDTH),
        bandwidth_per_core=CORE_BANDWIDTH,
        overhead_s=OVERHEAD_S,
        sources=(
            f"cores: physical ones that this process may use; {isa_source}; {clock_source}",
            f"peaks: derived, {cores} x {hertz / 1e9:.2f} GHz x {isa.flop_per_cycle} FLOP/cycle",
            "bandwidth: rough, 10 GB/s a core and 40 GB/s in all are assumed",
            "overhead_s: assumed, as measured on a server core",
        ),
    )


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _isa(machine: str, flags: frozenset[str], first: dict[str, str]) -> tuple[Isa, str]:
    if machine in _ARM64:
        return NEON, "isa: every 64-bit Arm has NEON, two units are assumed"
    if machine not in _X86:
        return SCALAR, f"isa: {machine or 'the architecture'} is not known, scalar is assumed"
    if not flags:
        return AVX2, "isa: can't be read here, AVX2 is assumed as on most x86 since 2013"
    if "avx512f" in flags:
        # Zen 3 is of family 25 too, but has no AVX-512.
        zen4 = first.get("vendor_id") == "AuthenticAMD" and first.get("cpu family") == "25"
        return AVX512_HALF if zen4 else AVX512, "isa: the CPU's flags"
    if {"avx2", "fma"} <= flags:
        return AVX2, "isa: the CPU's flags"
    return AVX if "avx" in flags else SSE, "isa: the CPU's flags"


def _clock(cpuinfo: str) -> tuple[float, str]:
    """The highest of the current clocks and the nominal one in the model's name."""
    number = r"(\d+(?:\.\d+)?)"
    megahertz = [float(x) for x in re.findall(rf"cpu MHz\s*:\s*{number}", cpuinfo)]
    megahertz += [1e3 * float(x) for x in re.findall(rf"@ {number}GHz", cpuinfo)]
    if highest := max(megahertz, default=0.0):
        return highest * 1e6, "clock: what /proc/cpuinfo says, which is not that under load"
    return ASSUMED_HZ, "clock: can't be read, 2.5 GHz is assumed"


def _cores(processors: list[dict[str, str]], cpus: Collection[int]) -> int:
    """Physical cores where the text tells them apart: two threads of one share its units."""
    allowed = [p for p in processors if p["processor"].isdigit() and int(p["processor"]) in cpus]
    if allowed and all("core id" in p for p in allowed):
        return len({(p.get("physical id"), p["core id"]) for p in allowed})
    return max(1, len(cpus))
