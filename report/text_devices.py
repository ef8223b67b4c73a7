"""``ocost devices`` as text: the list, and one device's page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from ..costmodel.device import Device
from ..costmodel.kinds import KernelKind
from .names import clean
from .numbers import show, unit_of
from .table import Column, Table
from .text import Page, heading
from .text_calibration import calibration_facts
from .text_common import plural

_FREE = frozenset((KernelKind.CONSTANT, KernelKind.CONTROL, KernelKind.VIEW))  # no kernel runs

TITLE = 20
_DEFAULT = " *"


def render_devices(devices: Sequence[Device], default: str = "") -> Page:
    """A line a device; the one by the name ``default`` is marked."""
    ridges = [d.ridge for d in devices]
    titles = [Text(clean(d.title)) for d in devices]
    kernels = [plural(len(d.efficiency), "kind") if d.efficiency else "-" for d in devices]
    names = [clean(d.name) + (_DEFAULT if d.name == default else "") for d in devices]
    said = f"{_DEFAULT.strip()} is the default. " if default else ""
    return Page(
        Table(
            [
                Column("device", names, right=False),
                Column("float32", [_flops(d.peaks["float32"]) for d in devices]),
                Column("bandwidth", [_bytes(d.bandwidth) for d in devices]),
                Column("ridge", list(map(unit_of(ridges, "ratio").number, ridges)), "FLOP/B"),
                Column("figures", [d.source for d in devices], right=False, drop=2),
                Column("kernels", kernels, "measured", right=False, drop=3),
                Column("", titles, right=False, elide=TITLE, drop=1),
            ]
        ),
        Text(),
        Text(f"{said}A node above the ridge is bound by compute, below it by memory.", "dim"),
        Text("`ocost devices NAME` shows one with its sources.", "dim"),
    )


def render_device(device: Device) -> Page:
    """All that is known of one device, and where it comes from."""
    facts = {
        "figures": device.source,
        "runtime": device.runtime,
        "instructions": device.isa,
        "channel block": str(device.channel_block),
        "cores": str(device.cores),
        "bandwidth": _bytes(device.bandwidth),
        "of one core": ""
        if device.bandwidth_per_core is None
        else _bytes(device.bandwidth_per_core),
        "overhead a node": show(device.overhead_s, "seconds"),
    }
    known = {name: fact for name, fact in facts.items() if fact}
    parts: list[RenderableType] = [
        Text.assemble((clean(device.name), "bold"), f"  {clean(device.title)}"),
        Text(),
        Table(
            [
                Column("", [Text(name, "bold") for name in known], right=False),
                Column("", [clean(fact) for fact in known.values()], right=False),
            ],
            bare=True,
        ),
        Text(),
        heading("Peaks"),
        _peaks(device),
        Text(),
        *_kernels(device),
        Text(),
        heading("Sources"),
        *(Text(f"- {clean(source)}") for source in device.sources),
    ]
    return Page(*parts)


def _peaks(device: Device) -> Table:
    ridges = [peak / device.bandwidth for peak in device.peaks.values()]
    return Table(
        [
            Column("element type", list(device.peaks), right=False),
            Column("peak", [_flops(peak) for peak in device.peaks.values()]),
            Column("ridge", list(map(unit_of(ridges, "ratio").number, ridges)), "FLOP/B"),
        ]
    )


def _kernels(device: Device) -> Sequence[RenderableType]:
    """What a calibration holds, or the measured kinds and how many count as reaching all."""
    if device.calibration is not None:
        return calibration_facts(device, device.calibration)
    title = heading("Kernels", "the share of peak and bandwidth that they reach")
    return [title, *_kinds(device)]


def _kinds(device: Device) -> list[RenderableType]:
    rows = [(kind, row) for kind, row in device.efficiency.items() if row.measured]
    others = len(set(KernelKind) - _FREE - {kind for kind, _ in rows})
    if not rows:
        return [Text("None is measured: every kind is taken to reach 100 %.", "dim")]
    table = Table(
        [
            Column("kind", [str(kind) for kind, _ in rows], right=False),
            Column("compute", [_percent(row.compute) for _, row in rows]),
            Column("memory", [_percent(row.memory) for _, row in rows]),
        ]
    )
    rest = f"What is not measured is taken to reach 100 %, as are {others} other kinds."
    return [table, Text(rest, "dim")]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def _flops(rate: float) -> str:
    return f"{show(rate, 'count')}FLOP/s"


def _bytes(rate: float) -> str:
    return f"{show(rate, 'count')}B/s"
