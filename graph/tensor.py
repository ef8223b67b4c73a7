"""Constant tensors: their types at once, their data only when asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message
from onnx import SparseTensorProto, TensorProto, numpy_helper

from . import dtypes
from .errors import DataError
from .external import absence, external_entry
from .wire import delimited, payload, unmark

if TYPE_CHECKING:
    from ..models.pack import Filler

_RAW = 9  # the number of the field


@dataclass(frozen=True)
class Source:
    """Where payloads lie: the model's file and, for a weightless graph, what regenerates them."""

    path: Path | None = None
    fillers: Mapping[int, Filler] = field(default_factory=dict)
    stamp: tuple[int, ...] = ()  # of the file when it was opened

    @classmethod
    def of(cls, path: Path) -> Source:
        """A file as it is now: what it holds is found by offset, so it must stay as it is."""
        return cls(path, stamp=_stamp(path))

    @cached_property
    def folder(self) -> Path:
        """The folder that external data is relative to."""
        return self.path.parent if self.path is not None else Path()

    def read(self, path: Path, offset: int, length: int | None) -> bytes:
        """Bytes of a file; to its end where no length is given."""
        try:
            if path == self.path and _stamp(path) != self.stamp:
                raise DataError(f"{path}: the file has changed since it was opened; load it anew")
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read(-1 if length is None else length)
        except OSError as error:
            raise DataError(f"{path}: tensor data can't be read ({error.strerror})") from error
        if length is not None and len(data) < length:
            raise DataError(f"{path}: truncated, {length} bytes wanted at offset {offset}")
        return data

    def length(self, proto: TensorProto) -> int | None:
        """Bytes of the payload that a marker stands for; None where there is no marker."""
        where = payload(proto)
        if where is None:
            return None
        kind, _, rest = where.partition(":")
        return self.fillers[int(rest)].nbytes if kind == "fill" else int(rest.partition(":")[2])

    def load(self, proto: TensorProto, *, fill: bool = True) -> TensorProto:
        """The proto with its data inline, wherever it lay: a copy, unless it was inline already.

        With ``fill=False`` a tensor of a weightless graph stays without data.
        """
        where = payload(proto)
        if where is None and proto.data_location != TensorProto.EXTERNAL:
            return proto
        full = TensorProto()
        full.CopyFrom(proto)
        if where is None:
            full.raw_data = self._external(proto)
            del full.external_data[:]
            full.ClearField("data_location")
            return full
        unmark(full)
        kind, _, rest = where.partition(":")
        if kind == "fill":
            if fill:
                full.raw_data = self.fillers[int(rest)].raw()
            return full
        offset, length = map(int, rest.split(":"))
        assert self.path is not None
        data = self.read(self.path, offset, length)
        number = int(kind)
        if number == _RAW:
            full.raw_data = data
        else:  # a packed field as the file has it: let protobuf decode it
            full.MergeFromString(delimited(number << 3 | 2, data))
        return full

    def raw(self, proto: TensorProto) -> bytes | None:
        """Raw data that lie elsewhere, without a copy of them in a proto; None of any others."""
        where = payload(proto)
        if where is None:
            external = proto.data_location == TensorProto.EXTERNAL
            return self._external(proto) if external else None
        kind, _, rest = where.partition(":")
        if kind == "fill":
            return self.fillers[int(rest)].raw()
        if int(kind) != _RAW:
            return None
        offset, length = map(int, rest.split(":"))
        assert self.path is not None
        return self.read(self.path, offset, length)

    def _external(self, proto: TensorProto) -> bytes:
        if reason := absence(proto, self.folder):
            raise DataError(f"{self.path}: {reason}")
        entry = external_entry(proto)
        return self.read(self.folder / entry.location, entry.offset, entry.length)


_UNREAD = Source()  # of constants whose contents nobody has computed

# What raw data hold, which is little-endian whatever the machine.
_PLAIN: dict[int, np.dtype[np.generic]] = {
    dtypes.FLOAT: np.dtype("<f4"),
    dtypes.DOUBLE: np.dtype("<f8"),
    dtypes.FLOAT16: np.dtype("<f2"),
    dtypes.INT32: np.dtype("<i4"),
    dtypes.INT64: np.dtype("<i8"),
    dtypes.BOOL: np.dtype("?"),
}


_DATA = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")


def _is_bare(proto: TensorProto) -> bool:
    """Whether a tensor has no data, neither its own nor elsewhere."""
    if proto.HasField("raw_data") or proto.data_location == TensorProto.EXTERNAL:
        return False
    return payload(proto) is None and not any(len(getattr(proto, field)) for field in _DATA)


def _stamp(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def every_tensor(message: Message) -> Iterator[TensorProto]:
    """All TensorProtos in a message, those of sparse tensors and training graphs included."""
    if isinstance(message, TensorProto):
        yield message
        return
    for inner in holders(message):
        yield from every_tensor(inner)


def holders(message: Message) -> Iterator[Message]:
    """The messages directly in this one that are tensors or can hold some."""
    for kind, value in message.ListFields():
        if kind.message_type is not None and kind.message_type.name in _HOLDERS:
            yield from [value] if isinstance(value, Message) else value


_HOLDERS = frozenset(
    {"AttributeProto", "FunctionProto", "GraphProto", "NodeProto", "SparseTensorProto"}
    | {"TensorProto", "TrainingInfoProto"}
)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A constant: initializer, Constant's value or attribute.

    Parameters
    ----------
    name
        The tensor's name in its graph.
    dtype
        ONNX ``TensorProto.DataType``.
    shape
        Always known.
    proto
        As the file has it; the data may lie elsewhere.
    source
        Where.
    """

    name: str
    dtype: int
    shape: tuple[int, ...]
    proto: TensorProto | SparseTensorProto
    source: Source = field(repr=False)

    @classmethod
    def from_proto(
        cls, proto: TensorProto | SparseTensorProto, source: Source, name: str | None = None
    ) -> Tensor:
        """Of a TensorProto, or a sparse one (its dense shape; stored values and indices)."""
        if isinstance(proto, SparseTensorProto):
            dense, inner = proto.dims, proto.values
            return cls(name or inner.name, inner.data_type, tuple(dense), proto, source)
        return cls(name or proto.name, proto.data_type, tuple(proto.dims), proto, source)

    @classmethod
    def from_array(cls, name: str, array: npt.NDArray[np.generic]) -> Tensor:
        """A new constant."""
        return cls.from_proto(numpy_helper.from_array(array, name), Source())

    @classmethod
    def without_contents(cls, name: str, dtype: int, shape: Sequence[int]) -> Tensor:
        """A constant of which no more than its type and shape is known."""
        return cls.from_proto(TensorProto(name=name, data_type=dtype, dims=shape), _UNREAD)

    @property
    def size(self) -> int:
        """Number of elements; a scalar has one."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int | None:
        """Bytes as stored: a sparse tensor's values and indices; None for strings."""
        if isinstance(self.proto, SparseTensorProto):
            values, indices = self.proto.values, self.proto.indices
            stored = dtypes.nbytes(values.data_type, math.prod(values.dims))
            return None if stored is None else stored + 8 * math.prod(indices.dims)
        return dtypes.nbytes(self.dtype, self.size)

    @property
    def absent(self) -> str:
        """Why the contents can't be read; "" if they can.

        They are external data that are not there, the file leaves them out, or nobody has computed
        them.
        """
        if self.source is _UNREAD:
            return f"the contents of '{self.name}' are not computed"
        proto, there = self.proto, self.name and self.size  # what attributes list has no name
        if there and isinstance(proto, TensorProto) and _is_bare(proto):
            return f"the contents of '{self.name}' are not in the file"
        external = (p for p in every_tensor(self.proto) if p.data_location == TensorProto.EXTERNAL)
        return next(filter(None, (absence(p, self.source.folder) for p in external)), "")

    def data(self) -> npt.NDArray[np.generic]:
        """The contents, read or regenerated now; a sparse tensor's are made dense.

        Raises
        ------
        DataError
            If they can't be read, or don't fit the type and shape.
        """
        if self.source is _UNREAD:
            raise DataError(self.absent)
        try:
            return self._dense() if isinstance(self.proto, SparseTensorProto) else self._array()
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise DataError(
                f"tensor '{self.name}': its data don't fit its type and shape "
                f"{list(self.shape)} ({error})"
            ) from error

    def _array(self) -> npt.NDArray[np.generic]:
        assert isinstance(self.proto, TensorProto)
        proto = self.source.load(self.proto)
        plain = _PLAIN.get(self.dtype)
        if plain is not None and proto.raw_data:  # to_array takes five times as long
            return np.frombuffer(proto.raw_data, plain).reshape(self.shape)
        array: npt.NDArray[np.generic] = numpy_helper.to_array(proto)
        return array

    def _dense(self) -> npt.NDArray[np.generic]:
        assert isinstance(self.proto, SparseTensorProto)
        values = numpy_helper.to_array(self.source.load(self.proto.values))
        indices = numpy_helper.to_array(self.source.load(self.proto.indices))
        dense = np.zeros(self.shape, dtype=values.dtype)
        if indices.ndim == 1:
            dense.reshape(-1)[indices] = values
        else:
            dense[tuple(indices.T)] = values
        return dense
