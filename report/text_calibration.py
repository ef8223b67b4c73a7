"""A calibrated device as text: what was measured, where, and how well it is known."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from ..costmodel.calibration import Calibration
from ..costmodel.device import Device
from .names import clean
from .numbers import show
from .table import Column, Table
from .text import Page, heading
from .text_common import plural

_SHOWN = 5
_EACH = 4  # of the points of the curve, from its end
_NOISY = 0.1


def calibration_page(device: Device, file: str) -> Page:
    """What ``ocost calibrate`` prints: at most 24 lines."""
    found = device.calibration
    assert found is not None
    used = f"ocost cost --device {clean(file)} MODEL"
    said = f"{clean(file)}: {said_of(found)}"
    return Page(
        Text(said, "bold"),
        *calibration_facts(device, found, _SHOWN),
        Text(),
        Text(f"Use it: {used}; `ocost devices {clean(file)}` shows all of it.", "dim"),
    )


def said_of(found: Calibration) -> str:
    """How much was measured, in one line."""
    nodes = sum(model.measured for name, model in found.kernels.items() if not _pooled(name))
    kernels = sum(not _pooled(name) for name in found.kernels)
    return f"{plural(kernels, 'kernel')} measured, {plural(nodes, 'node')}"


def calibration_facts(
    device: Device, found: Calibration, most: int | None = None
) -> Sequence[RenderableType]:
    """Where it is from, what the machine reaches, and its kernels: ``most``, or all."""
    origin = found.provenance
    facts = {
        "machine": f"{clean(origin.cpu)}, {clean(' '.join(origin.flags))}",
        "runtime": f"{clean(origin.runtime)} {clean(origin.runtime_version)}, "
        f"{plural(origin.threads, 'thread')}, denormals {clean(origin.denormals)}",
        "taken": f"{clean(origin.date)}, in {origin.seconds:.0f} s",
        "peaks": ", ".join(f"{t} {show(p, 'count')}FLOP/s" for t, p in device.peaks.items()),
        "bandwidth": _curve(found),
        "overhead": f"{show(device.overhead_s, 'seconds')} a node, "
        f"{show(found.run_s, 'seconds')} a run",
        "noise": "not known: nothing was measured twice"
        if origin.noise is None
        else f"two passes differ by {origin.noise:.1%} on the median",
    }
    parts: list[RenderableType] = [
        Table(
            [
                Column("", [Text(name, "bold") for name in facts], right=False),
                Column("", list(facts.values()), right=False),
            ],
            bare=True,
        )
    ]
    if origin.noise is not None and origin.noise > _NOISY:
        parts.append(
            Text("The machine was busy: calibrate again when it is quieter, or longer.", "yellow")
        )
    return [*parts, Text(), heading("Kernels", "most nodes first"), _kernels(found, most)]


def _curve(found: Calibration) -> str:
    """The bandwidth by what a node touches, at a few points."""
    chosen = found.machine.curve[::-_EACH][::-1]
    return ", ".join(f"{show(v, 'count')}B/s in {show(n, 'bytes')}" for n, v in chosen)


def _kernels(found: Calibration, most: int | None) -> Table:
    models = [(name, model) for name, model in found.kernels.items() if not _pooled(name)]
    models.sort(key=lambda pair: -pair[1].measured)
    shown = models[:most]
    return Table(
        [
            Column("kernel", [clean(name) for name, _ in shown], right=False),
            Column("nodes", [str(model.measured) for _, model in shown]),
            Column("from", [_off(model.low) for _, model in shown]),
            Column("to", [_off(model.high) for _, model in shown], "of 90 %"),
        ]
    )


def _off(logarithm: float) -> str:
    return f"{100 * (2.718281828459045**logarithm - 1):+.0f} %"


def _pooled(name: str) -> bool:
    return name.startswith("any ")
