"""``ocost cost`` where a dim is given several sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..output import Output, emit

if TYPE_CHECKING:
    from ..graph.shapes import Given
    from ..report.blocks import Document
    from ..report.text import Page


def sweep(
    model: str | Path,
    dims: Mapping[str, Sequence[int]],
    devices: Sequence[str],
    output: Output,
    *,
    given: Given,
    threads: int | None,
    level: Literal["written", "executed"],
    under: float | None,
    top: int | None,
    verbose: bool,
) -> None:
    """One table of what a model costs at all these sizes.

    Raises
    ------
    OcostError
        If there is nothing to sweep, or more than one device to sweep on.
    """
    from .. import api
    from ..graph import OcostError

    if not dims:
        raise OcostError("--under is about a sweep: give sizes, as in --dim batch=1,2,4,8")
    if len(devices) > 1:
        raise OcostError("a sweep is of one device: give --device once")
    device = api.find_device(devices[0] if devices else api.DEFAULT_DEVICE, threads)
    found = api.sweep(model, dims, device, given=given, level=level, under_s=under)

    def document() -> Document:
        from ..report.sweep_document import sweep_document

        return sweep_document(found, device)

    def page() -> Page:
        from ..report.text_sweep import sweep_page

        return sweep_page(found, device, top=top, verbose=verbose)

    emit(output, document=document, page=page)
