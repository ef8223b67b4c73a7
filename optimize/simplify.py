"""onnxsim as a step: called so that the model's interface survives.

By default onnxsim takes an initializer that is also a graph input for a constant and deletes that
input, raises old IR versions and leaves metadata of its own behind. All three are prevented or
mended here.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from onnx import ModelProto

from ..graph import Graph, OcostError, from_proto, to_proto

_OWN_METADATA = "onnxsim."


@dataclass(frozen=True)
class Simplified:
    """A simplified graph, and what made it."""

    graph: Graph
    made_by: str


def simplify(graph: Graph) -> Simplified:
    """What onnxsim makes of a graph; the graph itself stays as it is.

    Weights are needed for that: they are read, or regenerated for a weightless graph.

    Raises
    ------
    OcostError
        If onnxsim fails on the model, or the model is over protobuf's 2 GB.
    """
    model = to_proto(graph, "filled")
    overridable = any(graph.overridable(name) for name in graph.initializers)
    try:
        import onnxsim  # noqa: PLC0415 - half a second to import

        with _quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, _ = onnxsim.simplify(model, mutable_initializer=overridable, certify=False)
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise OcostError(f"onnxsim fails on this model: {reason}") from error
    _mend(model, made)
    return Simplified(from_proto(made), f"onnxsim {version('onnxsim')}")


def _mend(before: ModelProto, after: ModelProto) -> None:
    """Undo what a user did not ask for."""
    after.ir_version = before.ir_version
    del after.metadata_props[:]
    after.metadata_props.extend(before.metadata_props)
    for node in after.graph.node:
        own = [p for p in node.metadata_props if not p.key.startswith(_OWN_METADATA)]
        if len(own) != len(node.metadata_props):
            del node.metadata_props[:]
            node.metadata_props.extend(own)
    names = [[v.name for v in side] for side in (before.graph.input, before.graph.output)]
    made = [[v.name for v in side] for side in (after.graph.input, after.graph.output)]
    if names != made:
        raise OcostError(f"onnxsim changes the model's interface: {names} became {made}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """onnxsim reports to the terminal, in C++ too: keep a command's output its own."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        saved = [(stream, os.dup(stream)) for stream in (1, 2)]
        null = os.open(os.devnull, os.O_WRONLY)
        sys.stdout.flush()
        try:
            for stream, _ in saved:
                os.dup2(null, stream)
            yield
        finally:
            for stream, copy in saved:
                os.dup2(copy, stream)
                os.close(copy)
            os.close(null)
