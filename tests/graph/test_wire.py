"""Only headers are read: a file's weights stay where they are."""

import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import load, wire

HOLE = 1_900_000_000  # bytes, in both layouts below


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _head(number, length):
    return _varint(number << 3 | 2) + _varint(length)


def _field(number, body):
    return _head(number, len(body)) + body


# A graph of one Gemm, y[1, 25000] = x[1, 19000] w[19000, 25000]: 4 x 19000 x 25000 = HOLE bytes.
K, M = 19_000, 25_000
AROUND = helper.make_graph(
    [helper.make_node("Gemm", ["x", "w"], ["y"])],
    "g",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, K])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, M])],
).SerializeToString()


def _sparse_file(path, before, after):
    """A file of two ends and a hole between them, which takes no room on the disk."""
    with path.open("wb") as file:
        file.write(before)
        file.truncate(len(before) + HOLE)
        file.seek(0, os.SEEK_END)
        file.write(after)
    return len(before)


def _layout(place):
    """The bytes before and after the payload of ``w``: an initializer, or in a Constant node."""
    before = b"\x08" + _varint(K) + b"\x08" + _varint(M) + b"\x10\x01" + _field(8, b"w")
    before += _head(9, HOLE)
    attribute = _field(1, b"value") + b"\xa0\x01\x04"  # type: TENSOR
    node = _field(2, b"w") + _field(4, b"Constant")
    around = {"initializer": [(5, b"")], "constant": [(5, attribute), (5, node), (1, b"")]}
    # From the inside out: the length of a message counts what is in it.
    for number, content in around[place]:
        before = content + _head(number, len(before) + HOLE) + before
    opset = _field(8, b"\x10\x11")  # opset_import { version: 17 }
    return b"\x08\x08" + opset + _head(7, len(before) + HOLE + len(AROUND)) + before, AROUND


class Traced:
    """Stands in for a memory map and notes what is read of the file."""

    reads: list[tuple[int, int]]

    def __init__(self, handle, _length, access):
        self.handle, self.size = handle, os.fstat(handle).st_size

    def __enter__(self):
        type(self).reads = []
        return self

    def __exit__(self, *_):
        pass

    def __len__(self):
        return self.size

    def __getitem__(self, key):
        start, stop, _ = (key if isinstance(key, slice) else slice(key, key + 1)).indices(self.size)
        self.reads.append((start, stop))
        data = os.pread(self.handle, stop - start, start)
        return data if isinstance(key, slice) else data[0]


@pytest.mark.parametrize("place", ["initializer", "constant"])
def test_nothing_of_a_payload_is_read(place, tmp_path, monkeypatch):
    path = tmp_path / "m.onnx"
    start = _sparse_file(path, *_layout(place))
    monkeypatch.setattr("ocost.graph.wire.mmap.mmap", Traced)
    model = wire.read(path)
    assert Traced.reads
    inside = [r for r in Traced.reads if r[1] > start and r[0] < start + HOLE]
    assert inside == []
    assert sum(stop - begin for begin, stop in Traced.reads) < 2000
    assert model.ByteSize() < 1000


@pytest.mark.parametrize("place", ["initializer", "constant"])
def test_a_file_of_gigabytes_is_costed_without_its_weights(place, tmp_path):
    path = tmp_path / "m.onnx"
    _sparse_file(path, *_layout(place))
    device = find("x86-server-core")
    cost_graph(load("@odd_channels"), device)  # imports and caches are not what is measured
    tracemalloc.start()
    try:
        cost = cost_graph(load(path), device)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
    assert cost.totals.macs == K * M
    assert cost.totals.params == K * M
    assert cost.totals.param_bytes == HOLE
    assert cost.totals.file_bytes == path.stat().st_size


def test_a_marker_says_where_the_payload_lies(tmp_path):
    data = bytes(range(256)) * 20  # 5120 bytes
    tensor = helper.make_tensor("w", TensorProto.UINT8, [len(data)], data, raw=True)
    small = helper.make_tensor("s", TensorProto.UINT8, [4096], bytes(4096), raw=True)
    graph = helper.make_graph([], "g", [], [], [small, tensor])
    path = tmp_path / "m.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    kept, left = wire.read(path).graph.initializer
    assert wire.payload(kept) is None
    assert len(kept.raw_data) == wire.LIMIT == 4096  # at the limit: still inline
    field, offset, length = map(int, wire.payload(left).split(":"))
    assert (field, length) == (TensorProto.RAW_DATA_FIELD_NUMBER, 5120)
    assert path.read_bytes()[offset : offset + length] == data
    wire.unmark(left)
    assert wire.payload(left) is None
    assert not left.external_data


def _small():
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [], [])
    return helper.make_model(graph).SerializeToString()


@pytest.mark.parametrize(
    "tail",
    [
        b"\x80",  # a tag that goes on
        b"\x08",  # a varint that is missing
        b"\x08" + b"\xff" * 10 + b"\x01",  # a varint of more than 64 bits
        b"\x3a",  # a length that is missing
        b"\x3a\x7f",  # a field that runs past the end
        b"\x3a\xff\xff\xff\xff\x0f",
        b"\x0d\x01\x02",  # four bytes wanted
        b"\x09\x01\x02\x03\x04\x05\x06\x07",  # eight bytes wanted
        b"\x0b",  # a group
        b"\x0e",  # wire type 6
        b"\x0f",
        b"\x00\x00",  # field 0
    ],
)
def test_malformed_bytes_are_refused(tail, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(_small() + tail)
    with pytest.raises(wire.Malformed):
        wire.read(path)


def test_endless_nesting_is_refused(tmp_path):
    data = bytes(wire.LIMIT + 1)
    for _ in range(1000):  # graph > node > attribute > graph > ...
        for number in (6, 5, 1):
            data = _field(number, data)
    path = tmp_path / "m.onnx"
    path.write_bytes(_field(7, data))
    with pytest.raises(wire.Malformed):
        wire.read(path)


@given(st.binary(max_size=64), st.integers(0, 64))
def test_any_bytes_are_read_as_protobuf_reads_them_or_refused(tmp_path_factory, noise, at):
    data = _small()
    at = min(at, len(data))
    data = data[:at] + noise + data[at:]
    path = tmp_path_factory.getbasetemp() / "noise.onnx"
    path.write_bytes(data)
    try:
        model = wire.read(path)
    except wire.Malformed:
        return
    assert model == ModelProto.FromString(data)
