"""Whether a calibration is of this machine as it is now."""

from __future__ import annotations

from collections.abc import Mapping

from ...costmodel.calibration.calibration import Provenance
from ...costmodel.host import cpu_name, host


def this_machine(threads: int) -> dict[str, object]:
    """What a calibration that is made now would say of where it is from."""
    device = host()
    return {
        "cpu": cpu_name(),
        "flags": (device.isa,),
        "runtime": device.runtime,
        "runtime_version": device.runtime_version,
        "threads": threads,
    }


_CALLED = {
    "cpu": "CPU",
    "flags": "instruction set",
    "runtime": "runtime",
    "runtime_version": "runtime version",
    "threads": "number of threads",
}


def differs(
    provenance: Provenance, threads: int, now: Mapping[str, object] | None = None
) -> str | None:
    """Why what was measured there can't be compared with what is measured here; None if it can.

    ``now`` is ``this_machine`` unless it is given.
    """
    here = this_machine(threads) if now is None else now
    for key, called in _CALLED.items():
        there = getattr(provenance, key)
        if there != here[key]:
            return f"its {called} is {_text(there)}, here it is {_text(here[key])}"
    return None


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
