"""How much memory a session takes, told from the graph that onnxruntime executes.

``plan`` says which tensors share a buffer, ``run`` plays a run with it in an ``arena``, which
lies in a ``heap``; ``opening`` is what happened there before. ``kernels`` is what kernels take
beside. ``session`` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...graph import Graph
from ...graph.shapes import Given, Shapes
from ..cost import Costed
from ..session_memory import Footprint

__all__ = ["Footprints", "footprint"]

Footprints = Callable[[Graph, Shapes, Sequence[Costed], Given | None, int, int | None], Footprint]


def footprint(
    written: Graph,
    shapes: Shapes,
    costs: Sequence[Costed],
    given: Given | None,
    threads: int,
    file: int | None,
) -> Footprint:
    """The memory of a session of onnxruntime.

    Parameters
    ----------
    written
        The model in its file.
    shapes, costs
        Of the graph that is executed.
    given
        What the user says of the inputs.
    threads
        Of the session.
    file
        Bytes of the file; None where it is not there.
    """
    from .session import play  # noqa: PLC0415 - few ask, and all pay for imports

    return play(written, shapes, costs, given, threads, file)
