"""Read an ONNX file without its weights, by walking protobuf's wire format over a memory map.

Every tensor payload of more than ``LIMIT`` bytes stays in the file. In its place the TensorProto
gets a marker: an ``external_data`` entry of key ``MARKER`` that says where the payload lies.
Only the pages that hold headers are touched, so a file of gigabytes opens as fast as a small one.

Wire format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path

from onnx import ModelProto, TensorProto

LIMIT = 4096
MARKER = "ocost:payload"

_Buffer = bytes | mmap.mmap
# Which length-delimited fields of a message hold messages that can hold a payload.
_Spec = Mapping[int, str]
_MESSAGES: dict[str, _Spec] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# TensorProto's packed data fields: float, int32, int64, raw, double, uint64.
_DATA_FIELDS = frozenset({4, 5, 7, 9, 10, 11})


class Malformed(Exception):  # noqa: N818 - turned into an OcostError by the loader
    """The bytes are no whole protobuf message."""


def _varint(buffer: _Buffer, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end:
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise Malformed(f"byte {at}")
    raise Malformed(f"byte {at}")


def _encode(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(tag: int, body: bytes) -> bytes:
    """A length-delimited field: its tag, its length, its bytes."""
    return _encode(tag) + _encode(len(body)) + body


_KEY = delimited(1 << 3 | 2, MARKER.encode())


def _marker(field: int, start: int, length: int) -> bytes:
    value = f"{field}:{start}:{length}".encode()  # far below 128 bytes: lengths of one byte
    entry = b"%b\x12%c%b" % (_KEY, len(value), value)
    return b"\x6a%c%b" % (len(entry), entry)


def _strip(buffer: _Buffer, start: int, end: int, message: str) -> bytes | None:  # noqa: PLR0912 - a case a field
    """The message without its large payloads, or None where it has none.

    One loop over the wire types, its branches inline: it runs for every field of the file.
    """
    spec = _MESSAGES[message]
    is_tensor = message == "tensor"
    out: list[bytes] = []
    payloads: list[bytes] = []
    pieces = 0
    copied = at = start
    while at < end:
        field_start = at
        tag = buffer[at]
        at += 1
        if tag > 0x7F:
            tag, at = _varint(buffer, field_start, end)
        wire = tag & 7
        if wire == 2:
            length = buffer[at] if at < end else 0x80
            at += 1
            if length > 0x7F:
                length, at = _varint(buffer, at - 1, end)
            body, at = at, at + length
            if at > end:
                raise Malformed(f"byte {body}: a field runs past the end")
            if is_tensor and tag >> 3 in _DATA_FIELDS:
                pieces += 1
                if length > LIMIT:
                    payloads.append(_marker(tag >> 3, body, length))
                    out.append(buffer[copied:field_start])
                    copied = at
            elif length > LIMIT and (child := spec.get(tag >> 3)) is not None:
                stripped = _strip(buffer, body, at, child)
                if stripped is not None:
                    out += (buffer[copied:field_start], delimited(tag, stripped))
                    copied = at
        elif is_tensor and end - start > LIMIT and tag >> 3 in _DATA_FIELDS:
            return None  # data that is not packed: read as it is
        elif wire == 0:
            _, at = _varint(buffer, at, end)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
            if at > end:
                raise Malformed(f"byte {at}")
        else:
            raise Malformed(f"byte {field_start}: wire type {wire}")
    if pieces > 1:
        return None  # a payload in pieces, which protobuf would join: read as it is
    if not out:
        return None
    out.append(buffer[copied:end])
    return b"".join(out + payloads)


def read(path: Path) -> ModelProto:
    """Parse a model file, its large payloads left in the file.

    Raises
    ------
    Malformed
        If the file is no whole protobuf message of this kind.
    OSError
        If it can't be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        try:
            stripped = _strip(mapped, 0, len(mapped), "model")
        except RecursionError as error:
            raise Malformed("nested too deeply") from error
        model = ModelProto()
        try:
            model.ParseFromString(mapped[:] if stripped is None else stripped)
        except Exception as error:  # protobuf's DecodeError has no public home
            raise Malformed(str(error)) from error
        return model


def payload(tensor: TensorProto) -> str | None:
    """The marker's text, ``field:offset:length`` or ``fill:index``; None where data is inline."""
    entries = tensor.external_data
    # Reading an absent repeated field is cheap; the marker is always the last entry.
    return entries[-1].value if entries and entries[-1].key == MARKER else None


def mark(tensor: TensorProto, text: str) -> None:
    """Say where a tensor's payload lies."""
    entry = tensor.external_data.add()
    entry.key, entry.value = MARKER, text


def unmark(tensor: TensorProto) -> None:
    """Take the marker off."""
    if payload(tensor) is not None:
        del tensor.external_data[-1]
