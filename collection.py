"""Garbage collection, paused while a graph is built or costed, and what that needs is imported.

All make many small objects that stay. The collector's passes over them find nothing and take
longer than the work itself where a process holds several graphs.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No collection inside; a decorator too."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
