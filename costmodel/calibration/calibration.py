"""All kernels that were measured on a machine, with where the figures come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .kernel import KernelModel
from .machine import Machine


@dataclass(frozen=True)
class Provenance:
    """What was measured, where and when; a measurement elsewhere says nothing of this machine.

    Parameters
    ----------
    cpu, flags
        The processor's name and its instruction sets.
    runtime, runtime_version
        That ran the kernels.
    threads
        That an operator had.
    denormals
        ``flushed`` or ``kept``.
    date
        In UTC, ISO 8601.
    seconds
        That measuring took.
    noise
        How far two passes over the same node differ, on the median: a share; None if not known.
    """

    cpu: str
    flags: tuple[str, ...]
    runtime: str
    runtime_version: str
    threads: int
    denormals: str
    date: str
    seconds: float
    noise: float | None


@dataclass(frozen=True)
class Calibration:
    """What a machine's runtime takes.

    Parameters
    ----------
    kernels
        By the name that ``features`` gives a node's kernel.
    measured
        Seconds by a node's signature.
    run_s
        Seconds of a run of a model besides its nodes.
    common
        Half of the nominal interval by which all predictions may be off together: a share.
    rough
        What the roofline's time of a node is to be multiplied with for its upper end, where its
        kernel was not measured: the 95th percentile over the nodes that were.
    """

    machine: Machine
    provenance: Provenance
    kernels: Mapping[str, KernelModel]
    measured: Mapping[str, float] = field(default_factory=dict)
    run_s: float = 0.0
    common: float = 0.0
    rough: float = 1.0
