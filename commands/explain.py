"""``ocost explain``."""

from __future__ import annotations

import click

from .. import completion, options
from ..output import Color, show


@click.command()
@click.argument("name", required=False, shell_complete=options.offering(completion.names))
@click.option("--node", metavar="NODE", help="Of the model NAME: what the runtime makes of a node.")
@options.device("With --node: for whose runtime.")
@options.COLOR
def explain(
    name: str | None,
    node: str | None,
    device: str | None,
    color: Color,
) -> None:
    """What a name means, or what becomes of a node.

    NAME is an operator, a pass, a figure, a device or a kernel kind; without it there is a list.
    With --node NAME is a model, and what its device's runtime does with that node is told.
    """
    from .. import api
    from ..report.text_devices import render_device
    from ..report.text_explain import render_explain, render_topics

    if node is not None:
        from ..report.text_fate import render_fate

        if name is None:
            raise click.UsageError("--node needs the model: ocost explain MODEL --node NODE")
        chosen = api.find_device(device or api.DEFAULT_DEVICE)
        show(render_fate(api.fate(name, node, chosen), chosen), color)
        return
    if device is not None:
        raise click.UsageError("--device is for --node")
    if name is None:
        show(render_topics([(t.title, t.about, t.names) for t in api.topics()]), color)
        return
    found = api.explain(name)
    show(
        render_device(found.device)
        if found.device is not None
        else render_explain(found.name, found.what, found.text, found.source),
        color,
    )
