"""Where the commands' results go: stdout as text or JSON, and a file."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .report.blocks import Document
    from .report.text import Page


class Format(StrEnum):
    """Output formats."""

    text = "text"
    json = "json"


class Color(StrEnum):
    """When to colour."""

    auto = "auto"
    always = "always"
    never = "never"


class Output(NamedTuple):
    """Where a result goes, and as what."""

    format: Format
    report: Path | None
    color: Color


_TEXTS = frozenset({".json", ".txt", ".log", ".md"})


def destination(
    format_: Format,
    report: Path | None,
    color: Color,
    *inputs: str | Path | None,
    product: Path | None = None,
) -> Output:
    """Check before any work is done that a report can be written and overwrites nothing.

    Raises
    ------
    OcostError
        If it can't, or would.
    """
    from .graph import OcostError
    from .models import resolve

    if report is not None:
        if not report.resolve().parent.is_dir():
            raise OcostError(f"--report {report}: there is no folder {report.parent}")
        if product is not None and report.resolve() == product.resolve():
            raise OcostError(f"--report {report} is where the product goes; choose another file")
        paths = [resolve(str(given)) for given in inputs if given is not None]
        for path in paths:
            if report.exists() and path.exists() and report.samefile(path):
                raise OcostError(f"--report {report} would overwrite an input; choose another file")
        folders = {path.parent.resolve() for path in paths}
        if report.exists() and report.resolve().parent in folders and report.suffix not in _TEXTS:
            raise OcostError(f"--report {report} may overwrite a model's data; choose another file")
    return Output(format_, report, color)


def emit(output: Output, *, document: Callable[[], Document], page: Callable[[], Page]) -> None:
    """Print the result, and write it to a file too if asked for."""
    file = output.report
    if output.format is Format.json:
        sys.stdout.write(_json(document()))
    else:
        show(page(), output.color)
    if file is not None:
        from .graph.save import replacing

        as_json = output.format is Format.json or file.suffix == ".json"
        text = _json(document()) if as_json else _plain(page())
        with replacing(file) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _json(document: Document) -> str:
    from .report.blocks import dumps

    return dumps(document)


def show(page: Page, color: Color) -> None:
    """Print a page on stdout."""
    from .report.text import console

    console(sys.stdout, color.value).print(page)


def _plain(page: Page) -> str:
    from .report.text import console

    text = io.StringIO()
    console(text, "never").print(page)
    return text.getvalue()
