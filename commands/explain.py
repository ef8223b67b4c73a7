"""``ocost explain``."""

from __future__ import annotations

import click

from .. import completion, options
from ..output import Color, show


@click.command()
@click.argument("name", required=False, shell_complete=options.offering(completion.names))
@options.COLOR
def explain(
    name: str | None,
    color: Color,
) -> None:
    """What a name means: a formula, a rewrite, a source.

    NAME is an operator, a pass, a figure, a device or a kernel kind; without it there is a list.
    """
    from .. import api
    from ..report.text_devices import render_device
    from ..report.text_explain import render_explain, render_topics

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
