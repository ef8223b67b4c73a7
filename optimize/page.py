"""The table of the page on passes, made from their docstrings.

``python -m ocost.optimize.page docs/passes.md`` makes it anew.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from ..passes import passes
from ..rewrite.rewriting import Pass

_BEGIN, _END = "<!-- begin passes -->", "<!-- end passes -->"


def table() -> str:
    """A section a pass, in the order in which they run: what it does and refuses."""
    return "\n\n".join(map(_section, passes().values()))


def _section(kind: type[Pass]) -> str:
    what = (inspect.getdoc(kind) or "").partition("\n\nParameters\n")[0]
    file = Path(inspect.getsourcefile(kind) or "").name
    return f"### `{kind.name}`\n\n{what}\n\n([passes/{file}](../passes/{file}))".replace("``", "`")


def update(page: str) -> str:
    """The page with its table made anew.

    Raises
    ------
    ValueError
        If the marks around the table are missing.
    """
    head, begin, rest = page.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise ValueError("no place for the table of passes")
    return f"{head}{_BEGIN}\n{table()}\n{_END}{tail}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(update(document.read_text("utf-8")), "utf-8")
