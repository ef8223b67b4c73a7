"""What is being done at the moment, on a terminal's stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(message: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done and goes when it is done.

    Yields what changes its text. Nothing is shown with ``quiet`` or where stderr is no terminal.
    The line doesn't move by itself: a thread that draws would disturb what is measured.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and seldom needed
    from rich.live import Live  # noqa: PLC0415 - for a terminal alone
    from rich.text import Text  # noqa: PLC0415 - likewise

    def line(text: str) -> Text:
        return Text(f"ocost: {text} ...", "dim", no_wrap=True, overflow="ellipsis")

    with Live(
        line(message), console=Console(stderr=True), auto_refresh=False, transient=True
    ) as live:
        yield lambda text: live.update(line(text), refresh=True)
