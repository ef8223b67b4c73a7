"""External data: the file that a tensor's data lie in, and whether they are there.

A graph is costed without them. Only what reads data asks whether they are there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from onnx import TensorProto

from . import dtypes
from .errors import OcostError


class ExternalEntry(NamedTuple):
    """Where external data lies: a location relative to the model's folder, offset and length."""

    location: str
    offset: int
    length: int | None


def external_entry(proto: TensorProto) -> ExternalEntry:
    """The external data entry of a tensor.

    Raises
    ------
    OcostError
        If it is broken.
    """
    entries = {e.key: e.value for e in proto.external_data}
    try:
        location, length = entries["location"], entries.get("length")
        found = ExternalEntry(
            location, int(entries.get("offset", 0)), int(length) if length else None
        )
        if "\0" in location or found.offset < 0 or (found.length or 0) < 0:
            raise ValueError
    except (KeyError, ValueError) as error:
        raise OcostError(
            f"tensor '{proto.name}': broken external data entry {dict(entries)}"
        ) from error
    return found


def check_place(proto: TensorProto, model: Path | None) -> None:
    """External data may lie in the model's folder alone, or behind links of a hub's cache.

    Parameters
    ----------
    proto
        A tensor whose data are external.
    model
        The model's file.

    Raises
    ------
    OcostError
        If its entry is broken or points elsewhere.
    """
    entry = external_entry(proto)
    where = _where(proto, entry)
    if model is None:
        raise OcostError(f"{where} has no folder to lie in; load the model from its file")
    if not _allowed(model.parent, entry.location):
        raise OcostError(f"{where} points outside the model's folder; move it inside")


def absence(proto: TensorProto, folder: Path) -> str:
    """What keeps a tensor's external data from being read, and what to do; "" if nothing does."""
    entry = external_entry(proto)
    file = folder / entry.location
    where = _where(proto, entry)
    if not file.is_file():
        place = Path(os.path.abspath(file)).parent
        return f"{where} is missing; put the file into {place}"
    length = entry.length
    if length is None:
        length = dtypes.nbytes(proto.data_type, math.prod(proto.dims)) or 0
    wanted, there = entry.offset + length, file.stat().st_size
    if there < wanted:
        return f"{where} is truncated: {wanted} bytes wanted, {there} there; get {file} anew"
    return ""


def _where(proto: TensorProto, entry: ExternalEntry) -> str:
    return f"tensor '{proto.name}': its external data '{entry.location}'"


def _allowed(folder: Path, location: str) -> bool:
    inside = Path(os.path.realpath(folder))
    file = Path(os.path.realpath(folder / location))  # resolve() balks at looping links
    if file.is_relative_to(inside):
        return True
    named = os.path.normpath(os.path.join(os.path.abspath(folder), location))
    if not Path(named).is_relative_to(os.path.abspath(folder)):
        return False
    return any(file.parent == blobs for blobs in _blobs(folder))


def _blobs(folder: Path) -> Iterator[Path]:
    """Where the links of a Hugging Face cache lead: ``blobs`` beside ``snapshots``.

    A model lies there as ``models--x/snapshots/<revision>/model.onnx``, which is a link to
    ``models--x/blobs/<hash>``, as its external data is.
    """
    for above in Path(os.path.abspath(folder)).parents:
        if above.name == "snapshots":
            yield Path(os.path.realpath(above.parent / "blobs"))
