"""Models as files that a child process can open, and shaken copies of them."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

from ...graph import Graph
from ...graph.external import external_entry
from ...graph.save import drop_manifest, file_size
from ...graph.write import write_apart, write_inline
from ...models.walk import consumed, walk
from ..naming import named
from .noise import SPACING, shake
from .unrounded import pin

_APART = 64 << 20  # bytes of a model beyond which its weights go to a file of their own
_DATA = "weights.bin"


@dataclass(frozen=True)
class Staged:
    """A model's file, with its weights in it or in ``weights.bin`` beside it.

    Parameters
    ----------
    path
        Of the model. Its nodes carry their paths as names.
    outputs
        The names of what it answers, in order.
    size
        Bytes of both files.
    copies
        Second names of inputs, which want the same contents; see ``shaken``.
    """

    path: Path
    outputs: tuple[str, ...]
    size: int
    copies: Mapping[str, str] = field(default_factory=dict)

    def remove(self) -> None:
        """Remove the files; who has the model open keeps it."""
        shutil.rmtree(self.path.parent, ignore_errors=True)

    def watching(self, tensors: Sequence[str]) -> Staged:
        """The same model that answers these tensors of its graph instead."""
        model = onnx.load(self.path, load_external_data=False)
        del model.graph.output[:]
        model.graph.output.extend(ValueInfoProto(name=name) for name in tensors)
        number = sum(1 for _ in self.path.parent.glob("watch*.onnx"))
        path = self.path.with_name(f"watch{number}.onnx")
        path.write_bytes(model.SerializeToString())
        return Staged(path, tuple(tensors), self.size)


def stage(graph: Graph, folder: Path) -> Staged:
    """Write a graph with its weights to an empty folder; one tensor at a time is in memory.

    Raises
    ------
    OcostError
        If the weights can't be read.
    """
    folder.mkdir()
    model = named(graph, "none")  # onnxruntime refuses nodes of one name
    drop_manifest(model)
    size = file_size(graph)
    if size > _APART or any(t.data_location == TensorProto.EXTERNAL for t, _ in walk(model)):
        write_apart(model, graph.header.source, folder / _DATA, _DATA)
    path = folder / "model.onnx"
    write_inline(model, graph.header.source, path)
    size = sum(file.stat().st_size for file in folder.iterdir())
    return Staged(path, tuple(graph.outputs), size)


def shaken(
    staged: Staged, folder: Path, generator: np.random.Generator, *, quantised: bool
) -> Staged:
    """A copy in another folder with every weight shaken, as ``noise`` describes.

    Scalars, whole numbers and the scales of a Resize stay: they say what is computed (an
    exponent, a mask, a size) more often than how much. What jumps reads second copies of what it
    is fed, which stay: ``copies`` has those of inputs, see ``unrounded``.
    """
    folder.mkdir()
    model = onnx.load(staged.path, load_external_data=False)
    weights = staged.path.with_name(_DATA)
    apart = folder / _DATA
    if weights.exists():
        shutil.copyfile(weights, apart)
    copies = pin(model)
    for tensor in _weights(model, frozenset(copies.values())):
        outside = tensor.data_location == TensorProto.EXTERNAL
        dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        if outside:
            entry = external_entry(tensor)
            shape = tuple(tensor.dims)
            array: np.ndarray[Any, Any] = np.memmap(apart, dtype, "r+", entry.offset, shape)
        else:
            array = numpy_helper.to_array(tensor)
        whole = array == np.rint(array)
        moved = np.where(whole, array, shake(array, generator, quantised)).astype(dtype)
        if outside:
            array[...] = moved
        else:
            tensor.CopyFrom(numpy_helper.from_array(moved, tensor.name))
    path = folder / staged.path.name
    path.write_bytes(model.SerializeToString())
    names = {value.name for value in model.graph.input}
    fed = {name: copy for name, copy in copies.items() if copy in names}
    return Staged(path, staged.outputs, staged.size, fed)


def _weights(model: ModelProto, copies: Collection[str]) -> Iterator[TensorProto]:
    """The float tensors that say how much is computed."""
    kept = consumed(model, {"Resize": 1, "Upsample": 1}) | consumed(model, {"Resize": 2})
    for tensor, name in walk(model):
        if name not in kept and name not in copies and np.prod(tensor.dims, dtype=object) > 1:
            dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
            if dtype.name in SPACING:
                yield tensor
