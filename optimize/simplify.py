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
from typing import Literal

from onnx import GraphProto, ModelProto, ValueInfoProto
from onnx.helper import make_tensor_type_proto, make_tensor_value_info

from ..graph import Graph, OcostError, from_proto, to_proto
from ..graph.shapes import infer

_OWN_METADATA = "onnxsim."
_BATCHED_GEMMS = "fuse_matmul_add_bias_into_gemm_batched"


@dataclass(frozen=True)
class Simplified:
    """A simplified graph, and what made it."""

    graph: Graph
    made_by: str


Folding = Literal["all", "small", "none"]


def simplify(graph: Graph, folding: Folding = "all", *, batched_gemms: bool = True) -> Simplified:
    """What onnxsim makes of a graph; the graph itself stays as it is.

    Weights are needed for that: they are read, or regenerated for a weightless graph.

    Parameters
    ----------
    graph
        A root graph.
    folding
        Which constants it may compute. ``all`` may make a file grow a lot: onnxsim stores a
        transposed copy of a weight that others read as it is. ``small`` are those up to 64 KB.
    batched_gemms
        Whether a MatMul and Add of rank 3 or more become a Gemm between two Reshapes. Where dims
        are open, computing the shapes takes more nodes than that saves, and time.

    Raises
    ------
    OcostError
        If onnxsim fails on the model, or the model is over protobuf's 2 GB.
    """
    model = to_proto(graph, "filled")
    declared = [_copy(output) for output in model.graph.output]
    _complete_outputs(model, graph)
    overridable = any(graph.overridable(name) for name in graph.initializers)
    try:
        import onnxsim  # noqa: PLC0415 - half a second to import

        with _quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, _ = onnxsim.simplify(
                model,
                mutable_initializer=overridable,
                tensor_size_threshold="64KB" if folding == "small" else "1.5GB",
                skip_constant_folding=folding == "none",
                skipped_optimizers=[] if batched_gemms else [_BATCHED_GEMMS],
                certify=False,
            )
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise OcostError(f"onnxsim fails on this model: {reason}") from error
    _mend(model, made)
    _unname(model.graph, made.graph)
    del made.graph.output[:]
    made.graph.output.extend(declared)
    return Simplified(from_proto(made), f"onnxsim {version('onnxsim')}")


def _complete_outputs(model: ModelProto, graph: Graph) -> None:
    """onnxsim refuses an output that declares no shape: give it the one that is inferred."""
    open_ones = [o for o in model.graph.output if not o.type.tensor_type.HasField("shape")]
    shapes = infer(graph) if open_ones else None
    for output in open_ones:
        info = shapes.get(output.name) if shapes is not None else None
        if info is not None and info.shape is not None and info.type is None:
            output.type.CopyFrom(make_tensor_type_proto(info.dtype, [None] * len(info.shape)))


def _copy(output: ValueInfoProto) -> ValueInfoProto:
    made = ValueInfoProto()
    made.CopyFrom(output)
    return made


def _mend(before: ModelProto, after: ModelProto) -> None:
    """Undo what a user did not ask for."""
    after.ir_version = before.ir_version
    del after.metadata_props[:]
    after.metadata_props.extend(before.metadata_props)
    written = {n.name: n for n in before.graph.node if n.name}
    for node in after.graph.node:
        old = written.get(node.name)
        if old is not None and old.op_type == node.op_type:
            if not node.doc_string:
                node.doc_string = old.doc_string
            there = {p.key for p in node.metadata_props}
            node.metadata_props.extend(p for p in old.metadata_props if p.key not in there)
        own = [p for p in node.metadata_props if not p.key.startswith(_OWN_METADATA)]
        if len(own) != len(node.metadata_props):
            del node.metadata_props[:]
            node.metadata_props.extend(own)
    if before.ir_version < 4:  # there, every initializer has to be listed as an input
        listed = {v.name for v in after.graph.input}
        after.graph.input.extend(
            make_tensor_value_info(t.name, t.data_type, t.dims)
            for t in after.graph.initializer
            if t.name not in listed
        )
    _keep_symbols(before.graph, after.graph)
    _undeclare(before.graph, after.graph)
    names, made = _interface(before), _interface(after)
    if names != made:
        odd = sorted(set(names) ^ set(made))[:3] or names[:3]
        raise OcostError(f"onnxsim changes the model's interface: {', '.join(odd)}")


def _keep_symbols(before: GraphProto, after: GraphProto) -> None:
    """Take back the names that onnxsim gives to open dims which have one."""
    inputs = {value.name: value for value in before.input}
    symbols: dict[str, str] = {}
    for value in after.input:
        if value.name in inputs:
            old, new = (v.type.tensor_type.shape.dim for v in (inputs[value.name], value))
            symbols.update(zip((d.dim_param for d in new), (d.dim_param for d in old), strict=True))
            value.CopyFrom(inputs[value.name])
    for value in after.value_info:
        for dim in value.type.tensor_type.shape.dim:
            if symbols.get(dim.dim_param):
                dim.dim_param = symbols[dim.dim_param]


def _undeclare(before: GraphProto, after: GraphProto) -> None:
    """Drop the types that onnxsim declares and the model did not.

    A runtime infers them itself, where it can. Where it can't, onnxruntime 1.32 is better off
    without: they make it fuse SkipLayerNormalization, which takes its CPU provider five times as
    long as two Adds and a LayerNormalization (measured, 128 x 768: 436 us against 90).
    """
    declared = {value.name for value in before.value_info}
    kept = [value for value in after.value_info if value.name in declared]
    del after.value_info[:]
    after.value_info.extend(kept)


def _unname(before: GraphProto, after: GraphProto) -> None:
    """Take back the names that onnxsim gives to nodes without one."""
    unnamed = {n.output[0]: n for n in before.node if n.output and not n.name}
    bodies = {(n.output[0], a.name): a.g for n in before.node for a in n.attribute if n.output}
    for node in after.node:
        first = node.output[0] if node.output else ""
        if first in unnamed and unnamed[first].op_type == node.op_type:
            node.name = ""
        for attribute in node.attribute:
            if (first, attribute.name) in bodies:
                _unname(bodies[first, attribute.name], attribute.g)


def _interface(model: ModelProto) -> list[str]:
    """Names of inputs that a caller gives, and of outputs, in order."""
    constants = {t.name for t in model.graph.initializer} if model.ir_version < 4 else set()
    inputs = [v.name for v in model.graph.input if v.name not in constants]
    return [*inputs, *(v.name for v in model.graph.output)]


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
