"""``ocost devices``."""

from __future__ import annotations

import click

from .. import options
from ..output import Color, Format, Output, emit


@click.command()
@click.argument("name", metavar="[NAME|FILE]", required=False)
@options.FORMAT
@options.COLOR
def devices(
    name: str | None,
    format_: Format,
    color: Color,
) -> None:
    """List the devices, or show one with the sources of its figures.

    NAME or FILE is the device to show whole.
    """
    from .. import api
    from ..report.devices_document import devices_document
    from ..report.text_devices import render_device, render_devices

    found = api.devices() if name is None else [api.find_device(name)]
    emit(
        Output(format_, None, color),
        document=lambda: devices_document(found),
        page=lambda: (
            render_devices(found, default=api.DEFAULT_DEVICE)
            if name is None
            else render_device(found[0])
        ),
    )
