"""Models as files that a runtime elsewhere can open."""

from __future__ import annotations

from pathlib import Path

from ..graph import Graph, OcostError, from_proto
from ..graph.save import Weights
from ..graph.write import files_of, write
from .naming import named


def prepare(graph: Graph, path: Path, *, force: bool = False) -> None:
    """Write a model whose nodes carry their paths as names, for a profile to be taken of it.

    External data goes to a ``.data`` file beside it. A weightless graph gets its weights.

    Raises
    ------
    OcostError
        If the file is the graph's own, if one is in the way and ``force`` is not given, or if
        the file or what the graph reads can't be read or written. Then nothing is left behind.
    """
    for own in files_of(graph):
        if path.exists() and own.exists() and path.samefile(own):
            raise OcostError(f"{path}: belongs to the model itself; choose another name")
    source = graph.header.source
    weights: Weights = "filled" if source.fillers else "kept"
    write(from_proto(named(graph, weights), source), path, force=force)
