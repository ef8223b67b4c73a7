"""Devices: what a piece of hardware with its runtime can do at best, and how kernels fare on it.

A device is a TOML file; the bundled ones lie in ``costmodel/devices/``. docs/devices.md says
how to write one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..graph import dtypes
from ..graph.errors import OcostError
from .integer_kernels import X86, X86_SHARES
from .kinds import KernelKind

if TYPE_CHECKING:
    from .calibration import Calibration

Source = Literal["datasheet", "calibrated", "detected"]
RuntimeLevel = Literal["disable", "basic", "extended", "layout", "all"]

HOST = "host"  # the name of the machine that this runs on; detected, not a file


class Efficiency(NamedTuple):
    """The shares (0 to 1) of the peak and of the bandwidth that a kind of kernel reaches."""

    compute: float = 1.0
    memory: float = 1.0
    measured: bool = False


_NOT_MEASURED = Efficiency()


@dataclass(frozen=True, slots=True)
class Device:
    """A device with the runtime that drives it.

    Parameters
    ----------
    name, title
        What the user types, and what reports show.
    source
        Where the figures come from: a datasheet, measurements, or a guess from the CPU's flags.
    runtime
        Chooses the lowering: ``onnxruntime-cpu``, ``mobile``; one without rules, as
        ``onnxruntime-cuda``, is taken for ``ideal``.
    isa
        Instruction set (``avx512``, ``avx2``, ``neon``, ``sm_80``).
    channel_block
        Channels that the runtime's blocked layout packs together; 1 where it packs none.
    cores
        What ``with_threads`` divides; 1 for an accelerator, which a run has whole.
    peaks
        FLOP/s (integer operations alike) by element type; ``float32`` is always there.
        Dense: no structured sparsity.
    bandwidth
        Bytes per second of main memory, or of the cache level that the file's sources name.
    overhead_s
        Seconds that each executed node costs besides its work.
    sources
        How every figure was come by, a line each.
    bandwidth_per_core
        Bytes per second that one core can draw, where known.
    efficiency
        Measured rows only; a kind without one counts as reaching everything.
    runtime_version
        As "1.32"; "" for the newest that is known.
    runtime_level
        How far the runtime optimises a graph when it opens it.
    calibration
        What its kernels were measured to take; None where they were not.
    """

    name: str
    title: str
    source: Source
    runtime: str
    isa: str
    channel_block: int
    cores: int
    peaks: Mapping[str, float]
    bandwidth: float
    overhead_s: float
    sources: tuple[str, ...]
    bandwidth_per_core: float | None = None
    efficiency: Mapping[KernelKind, Efficiency] = field(default_factory=dict)
    runtime_version: str = ""
    runtime_level: RuntimeLevel = "all"
    calibration: Calibration | None = field(default=None, repr=False)

    @property
    def ridge(self) -> float:
        """FLOP/byte above which float32 work is compute-bound: peak / bandwidth."""
        return self.peaks["float32"] / self.bandwidth

    def peak(self, dtype: int | None) -> tuple[float, bool]:
        """FLOP/s for an ONNX element type, and whether it is that type's own.

        A type without a peak of its own gets float32's, which is worth a note in a report.
        """
        name = "float32" if dtype is None else dtypes.name(dtype)
        if name == "uint8" and name not in self.peaks:
            name = "int8"  # one instruction multiplies 8-bit integers of either sign
        if name in self.peaks:
            return self.peaks[name], dtype is not None
        return self.peaks["float32"], False

    def row(self, kind: KernelKind | None) -> Efficiency:
        """The efficiency of a kind of kernel; where the file has none, not measured.

        It counts as reaching everything then, but for products of 8-bit integers that
        onnxruntime's CPU provider has no fast kernel for on x86 (``integer_kernels``).
        """
        if kind is None:
            return _NOT_MEASURED
        if kind not in self.efficiency and kind in X86_SHARES and self.isa in X86:
            share = X86_SHARES[kind] * self.peaks["float32"] / self.peak(dtypes.INT8)[0]
            return Efficiency(compute=min(1.0, share))
        return self.efficiency.get(kind, _NOT_MEASURED)

    def with_threads(self, threads: int) -> Device:
        """The device with only so many of its cores at work.

        Peaks scale with the cores (at an unchanged clock), bandwidth is limited by what that
        many cores can draw where the file says so.

        Raises
        ------
        OcostError
            If there are not so many cores, or fewer than one is asked for.
        """
        if self.calibration is not None and threads != self.calibration.provenance.threads:
            raise OcostError(
                f"{self.name} was calibrated with {self.calibration.provenance.threads} thread(s): "
                f"calibrate again with --threads {threads}"
            )
        if not 1 <= threads <= self.cores:
            raise OcostError(
                f"{self.name} has {self.cores} core(s): --threads must be 1 to {self.cores}, "
                f"not {threads}"
            )
        bandwidth = self.bandwidth
        if self.bandwidth_per_core is not None:
            bandwidth = min(bandwidth, threads * self.bandwidth_per_core)
        return replace(
            self,
            cores=threads,
            peaks={name: peak * threads / self.cores for name, peak in self.peaks.items()},
            bandwidth=bandwidth,
        )
