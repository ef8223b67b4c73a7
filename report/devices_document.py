"""The JSON document of devices."""

from __future__ import annotations

from collections.abc import Iterable

from ..costmodel.device import Device
from . import blocks
from .blocks import Document, fields


def devices_document(devices: Iterable[Device]) -> Document:
    """The document of schema ``ocost.devices/1``."""
    return {
        "schema": "ocost.devices/1",
        "devices": [
            {
                **blocks.device(device),
                "peaks": dict(device.peaks),
                **fields(device, ("bandwidth", "bandwidth_per_core", "overhead_s")),
                "efficiency": {
                    kind.value: fields(row, ("compute", "memory", "measured"))
                    for kind, row in device.efficiency.items()
                },
                "sources": list(device.sources),
            }
            for device in devices
        ],
    }
