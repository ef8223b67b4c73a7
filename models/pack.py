"""Weightless graphs: an ONNX file whose bulky tensors are regenerated from a manifest.

The file is an ordinary ModelProto whose large tensors keep name, type and dims but no data.
``metadata_props["ocost.pack"]`` is JSON, a list of

* ``[index, "n", seed, mean, std, low, high]``: normal draws, clipped; integers rounded
* ``[index, "l", seed, mean, std, low, high]``: ``mean * exp(std * normal)``, a variance
* ``[index, "c", value]``: every element the same
* ``[index, "z", base64(zlib(raw data))]``: kept exactly

where ``index`` numbers the model's tensors in the order of ``walk.walk``. Equal tensors have equal
seeds, so that a shared weight that was written twice is still recognised as one.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass

from onnx import ModelProto, TensorProto

from .entry import NUMPY, PackedEntry, decode, encode, itemsize, raw
from .errors import refusal
from .walk import consumed, walk
from .weightless import KEY, is_weightless

_DATA = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data")
_VARIANCE = {"BatchNormalization": 4}
_INT32_BIAS = {"DequantizeLinear": 0, "QLinearConv": 8, "QGemm": 6}


@dataclass(frozen=True, slots=True)
class Filler:
    """Makes one stripped tensor's data when asked.

    Parameters
    ----------
    index
        The tensor's number in the order of ``walk.walk``.
    name, dtype, dims
        As in the TensorProto.
    entry
        What the manifest says of it.
    """

    index: int
    name: str
    dtype: int
    dims: tuple[int, ...]
    entry: PackedEntry

    @property
    def nbytes(self) -> int:
        """Length of the raw data, known without making them."""
        return math.prod(self.dims) * itemsize(self.dtype)

    def raw(self) -> bytes:
        """The data as ``TensorProto.raw_data`` holds them, the same on every call."""
        try:
            data = raw(self.entry, self.dtype, math.prod(self.dims))
        except (ValueError, OverflowError, zlib.error) as error:
            raise _broken(
                f"tensor {self.index} ({self.name!r}) cannot be filled: {error}"
            ) from error
        if len(data) != self.nbytes:
            raise _broken(
                f"tensor {self.index} ({self.name!r}) has {len(data)} bytes of data "
                f"where its type and dims take {self.nbytes}"
            )
        return data


def manifest(model: ModelProto) -> dict[int, PackedEntry]:
    """What the manifest says, by tensor number; empty where the model has none."""
    text = next((p.value for p in model.metadata_props if p.key == KEY), "[]")
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise _broken(f"is no JSON: {error}") from error
    if not isinstance(rows, list):
        raise _broken("is no list")
    entries: dict[int, PackedEntry] = {}
    for row in rows:
        match row:
            case [int(index), *fields] if index not in entries:
                try:
                    entries[index] = decode(fields)
                except ValueError as error:
                    raise _broken(f"tensor {index}: {error}") from error
            case _:
                raise _broken(f"has an entry without a number of its own: {str(row)[:60]}")
    return entries


def fillers(model: ModelProto) -> dict[int, Filler]:
    """A filler for each stripped tensor, by its number in the order of ``walk.walk``."""
    entries = manifest(model)
    found: dict[int, Filler] = {}
    for index, (tensor, name) in enumerate(walk(model)):
        if index not in entries:
            continue
        if tensor.data_type not in NUMPY:
            raise _broken(f"strips tensor {index} ({name!r}) of type {tensor.data_type}")
        found[index] = Filler(index, name, tensor.data_type, tuple(tensor.dims), entries[index])
    if missing := sorted(entries.keys() - found.keys()):
        raise _broken(f"names tensor {missing[0]}, which the model does not have")
    return found


def fill(model: ModelProto) -> ModelProto:
    """A copy with every stripped tensor filled and the manifest gone."""
    todo = fillers(model)
    filled = ModelProto()
    filled.CopyFrom(model)
    for index, (tensor, _) in enumerate(walk(filled)):
        if index in todo:
            tensor.raw_data = todo[index].raw()
    kept = [p for p in model.metadata_props if p.key != KEY]
    del filled.metadata_props[:]
    filled.metadata_props.extend(kept)
    return filled


def pack(model: ModelProto, threshold: int = 64) -> ModelProto:
    """A weightless copy of a model, to share a graph without its weights.

    Parameters
    ----------
    model
        With all its data inside (``onnx.load`` reads external data in).
    threshold
        Tensors of at most this many elements keep their data, as do types that ``NUMPY`` lacks.

    Raises
    ------
    OcostError
        The model is weightless already, or some data are outside the proto.
    """
    from . import measure  # noqa: PLC0415 - it hashes, which nobody needs who only fills

    if is_weightless(model):
        raise refusal("the model is weightless already: fill it before packing it again")
    packed = ModelProto()
    packed.CopyFrom(model)
    bulky: list[tuple[int, TensorProto, str, bytes]] = []
    for index, (tensor, name) in enumerate(walk(packed)):
        if tensor.data_location == TensorProto.EXTERNAL:
            raise refusal(f"the data of {name!r} are not in the model: read it with onnx.load")
        if math.prod(tensor.dims) > threshold and tensor.data_type in NUMPY:
            bulky.append((index, tensor, name, measure.digest(tensor)))
    # By content, not by name: a duplicate must get the same entry whatever it is used for.
    variances, biases = (
        {key for _, _, name, key in bulky if name in names}
        for names in (consumed(packed, _VARIANCE), consumed(packed, _INT32_BIAS))
    )
    rows: list[list[object]] = []
    for index, tensor, _, key in bulky:
        entry = measure.describe(
            tensor,
            seed=int.from_bytes(key[:4], "little"),
            variance=key in variances,
            bias=key in biases,
        )
        if entry is not None:
            rows.append([index, *encode(entry)])
            for field in _DATA:
                tensor.ClearField(field)
    text = json.dumps(rows, separators=(",", ":"), allow_nan=False)
    packed.metadata_props.add(key=KEY, value=text)
    return packed


def _broken(what: str) -> Exception:
    return refusal(f"the model's {KEY} manifest is broken: {what}")
