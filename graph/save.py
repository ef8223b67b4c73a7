"""ONNX out: what was not touched comes out as it went in."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from google.protobuf.message import EncodeError, Message
from onnx import GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto, helper

from ..models.walk import walk
from ..models.weightless import KEY
from . import wire
from .errors import OcostError
from .external import external_entry
from .graph import Graph
from .node import Node
from .tensor import every_tensor, holders

Weights = Literal["kept", "filled", "none"]


def to_proto(graph: Graph, weights: Weights = "kept") -> ModelProto:
    """The model as a proto.

    Parameters
    ----------
    graph
        A root graph.
    weights
        ``kept``: data that the file holds is read in, external data stays external, a weightless
        graph stays weightless. ``filled``: all data inline, regenerated where it has to be.
        ``none``: large payloads are left out; for hashing and shape inference.

    Raises
    ------
    OcostError
        If data can't be read.
    """
    model = ModelProto()
    model.CopyFrom(graph.header.skeleton)
    _write(graph, model.graph)
    if weights == "none":
        return model
    if weights == "kept":
        _renumber(model)
    else:
        drop_manifest(model)
    for tensor in every_tensor(model):
        if weights == "filled" or wire.payload(tensor) is not None:
            tensor.CopyFrom(graph.header.source.load(tensor, fill=weights == "filled"))
    return model


def _renumber(model: ModelProto) -> None:
    """Bring the manifest of a weightless graph up to date: nodes may have come and gone."""
    entry = next((p for p in model.metadata_props if p.key == KEY), None)
    if entry is None:
        return
    before = json.loads(entry.value)
    rows = {row[0]: row[1:] for row in before}
    after = []
    for index, (tensor, _) in enumerate(walk(model)):
        where = wire.payload(tensor)
        if where is not None and where.startswith("fill:"):
            after.append([index, *rows[int(where[5:])]])
    if after != sorted(before):
        entry.value = json.dumps(after, separators=(",", ":"))


def drop_manifest(model: ModelProto) -> None:
    """Take out what says how to regenerate a weightless graph's weights."""
    for position, entry in enumerate(model.metadata_props):
        if entry.key == KEY:
            del model.metadata_props[position]
            return


def _write(graph: Graph, proto: GraphProto) -> None:
    proto.CopyFrom(graph.skeleton)
    proto.node.extend(_node(graph, node) for node in graph)
    for tensor in graph.initializers.values():
        if isinstance(tensor.proto, SparseTensorProto):
            proto.sparse_initializer.append(tensor.proto)
        else:
            proto.initializer.append(tensor.proto)
    if graph.edited and graph.parent is None:
        _list_inputs(graph, proto)
    removed = graph.removed_tensors()
    if removed:
        kept = [v for v in proto.value_info if v.name not in removed]
        del proto.value_info[:]
        proto.value_info.extend(kept)


def _list_inputs(graph: Graph, proto: GraphProto) -> None:
    """Bring the inputs up to date: below IR version 4 all constants are listed there too."""
    listed = frozenset(graph.inputs)
    kept = [value for value in proto.input if value.name in listed]
    if graph.header.ir_version < 4:
        kept += [
            helper.make_tensor_value_info(tensor.name, tensor.dtype, tensor.shape)
            for tensor in graph.initializers.values()
            if tensor.name not in listed
        ]
    if kept != list(proto.input):
        del proto.input[:]
        proto.input.extend(kept)


def _node(graph: Graph, node: Node) -> NodeProto:
    bodies = graph.subgraphs(node)
    proto = node.as_proto()
    if not bodies:
        return proto
    made = NodeProto()
    made.CopyFrom(proto)
    for attribute in made.attribute:
        if attribute.HasField("g"):
            attribute.g.Clear()
            _write(bodies[attribute.name], attribute.g)
        for i, body in enumerate(attribute.graphs):
            body.Clear()
            _write(bodies[f"{attribute.name}.{i}"], body)
    return made


def graph_sha256(graph: Graph) -> str:
    """SHA-256 over the model's proto without tensor payloads: one graph, one hash.

    The same whether weights lie in the file, beside it, or are stripped.
    """
    import hashlib  # noqa: PLC0415 - it brings OpenSSL, and few ask for the hash

    model = to_proto(graph, "none")
    drop_manifest(model)
    for tensor in every_tensor(model):
        dims, dtype, name = list(tensor.dims), tensor.data_type, tensor.name
        tensor.Clear()
        tensor.dims.extend(dims)
        tensor.data_type, tensor.name = dtype, name
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


def file_size(graph: Graph) -> int:
    """Bytes of the file that the graph makes, its weights filled; external data apart.

    Of a graph that is as its file has it, that file's size.
    """
    source = graph.header.source
    edited = graph.edited or any(scope.edited for scope, _ in graph.walk())
    if source.path is not None and not source.fillers and not edited:
        return source.path.stat().st_size
    model = to_proto(graph, "none")
    drop_manifest(model)
    return int(model.ByteSize()) + _left_out(model, graph)


def _left_out(message: Message, graph: Graph) -> int:
    """What the payloads add that lie elsewhere, in a message and in the lengths around them."""
    if isinstance(message, TensorProto):
        length = graph.header.source.length(message)
        return (
            0 if length is None else _field(length) - _field(message.external_data[-1].ByteSize())
        )
    total = 0
    for inner in holders(message):
        more = _left_out(inner, graph)
        if more:
            size = inner.ByteSize()
            total += _field(size + more) - _field(size)
    return total


def _field(length: int) -> int:
    """Bytes of a length-delimited field: a tag of one byte, the length in groups of 7 bits."""
    return 1 + max(1, (length.bit_length() + 6) // 7) + length


def save(graph: Graph, path: str | Path, *, force: bool = False) -> None:
    """Write a model: whole or not at all. External data is copied beside it.

    Raises
    ------
    OcostError
        If a file is in the way and ``force`` is not given, or on a full disk: then nothing
        is left behind.
    """
    path = Path(path)
    source = graph.header.source.path
    model = to_proto(graph)
    try:
        data = model.SerializeToString()
    except (EncodeError, ValueError) as error:
        raise OcostError(f"{path}: over protobuf's 2 GB; keep the weights external") from error
    copies: list[tuple[Path, Path]] = []
    if source is not None and source.parent.resolve() != path.parent.resolve():
        locations = {
            external_entry(t).location
            for t in every_tensor(model)
            if t.data_location == TensorProto.EXTERNAL
        }
        copies = [(source.parent / name, path.parent / name) for name in sorted(locations)]
    for target in (path, *(to for _, to in copies)):
        if target.exists() and not force:
            raise OcostError(f"{target}: exists already; choose another name or allow overwriting")
    with contextlib.ExitStack() as all_or_none:
        for origin, target in copies:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, all_or_none.enter_context(replacing(target)))
        all_or_none.enter_context(replacing(path)).write_bytes(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that becomes ``path`` when all is written, and else disappears.

    What is no regular file, such as ``/dev/stdout``, is written to as it is.
    """
    temporary: Path | None = None
    try:
        if path.exists() and not path.is_file():
            yield path
            return
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise OcostError(f"{path}: can't be written ({error.strerror})") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
