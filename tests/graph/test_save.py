"""Saving: external data, whole files or none, weightless graphs, one graph one cost."""

import errno
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import GraphProto, ModelProto, TensorProto, helper

from ocost import models
from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import Node, OcostError, Tensor, from_proto, graph_sha256, load, save, to_proto
from ocost.graph.save import file_size, replacing
from ocost.models import pack

NAMES = [sample.name for sample in models.samples()]
N = 3000
RAMP = [float(i % 101) for i in range(N)]


# --- external data ---------------------------------------------------------------------------


@pytest.fixture
def external(tmp_path):
    """A model whose two tensors lie in a file of a folder beside it."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["v", "w"], ["y"])],
        "g",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [N])],
    )
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    data = b""
    for name in ("v", "w"):
        tensor = graph.initializer.add(name=name, data_type=TensorProto.FLOAT, dims=[N])
        tensor.data_location = TensorProto.EXTERNAL
        offset = len(data)
        entries = {"location": "sub/weights.bin", "offset": str(offset), "length": str(4 * N)}
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
        data += (np.array(RAMP, dtype=np.float32) + offset).tobytes()
    (folder / "sub" / "weights.bin").write_bytes(data)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return path, model


def test_external_data_stay_where_they_are(external, monkeypatch):
    path, model = external
    weights = path.parent / "sub" / "weights.bin"
    before = weights.stat()
    monkeypatch.setattr("ocost.graph.tensor.Source.read", None)  # nothing reads them
    graph = load(path)
    assert to_proto(graph) == model
    save(graph, path.with_name("out.onnx"))
    assert path.with_name("out.onnx").read_bytes() == path.read_bytes()
    after = weights.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_external_data_are_copied_to_another_folder(external, tmp_path):
    path, model = external
    there = tmp_path / "there"
    there.mkdir()
    save(load(path), there / "m.onnx")
    assert ModelProto.FromString((there / "m.onnx").read_bytes()) == model
    copied = (there / "sub" / "weights.bin").read_bytes()
    assert copied == (path.parent / "sub" / "weights.bin").read_bytes()
    assert load(there / "m.onnx").initializers["w"].data()[1] == 1 + 4 * N


def test_external_data_can_be_taken_in(external):
    path, _ = external
    filled = to_proto(load(path), "filled")
    for tensor, of_onnx in zip(
        filled.graph.initializer, onnx.load(path).graph.initializer, strict=True
    ):
        assert tensor.raw_data == of_onnx.raw_data
        assert not tensor.HasField("data_location")
        assert not tensor.external_data
    assert load(path).initializers["w"].data().tolist() == [x + 4 * N for x in RAMP]


# --- writing whole or not at all -------------------------------------------------------------


def test_nothing_is_overwritten_unasked(external, tmp_path):
    path, _ = external
    graph = load(path)
    with pytest.raises(OcostError, match="exists already"):
        save(graph, path)
    there = tmp_path / "there"
    (there / "sub").mkdir(parents=True)
    (there / "sub" / "weights.bin").write_bytes(b"mine")
    with pytest.raises(OcostError, match=r"weights\.bin: exists already"):
        save(graph, there / "m.onnx")
    assert not (there / "m.onnx").exists()
    assert (there / "sub" / "weights.bin").read_bytes() == b"mine"
    save(graph, there / "m.onnx", force=True)
    assert load(there / "m.onnx").initializers["v"].data().tolist() == RAMP


@pytest.mark.parametrize("fails", ["shutil.copyfile", "pathlib.Path.write_bytes"])
def test_a_full_disk_leaves_nothing(fails, external, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    graph = load(external[0])
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.setattr(fails, full)
    with pytest.raises(OcostError, match="can't be written"):
        save(graph, there / "m.onnx")
    assert [p for p in there.rglob("*") if p.is_file()] == []


def test_a_pipe_is_written_to_and_stays():
    reader, writer = os.pipe()
    try:
        with replacing(Path(f"/dev/fd/{writer}")) as file:
            file.write_text("report", encoding="utf-8")
        assert os.read(reader, 100) == b"report"
        with (
            pytest.raises(OcostError, match=r"can't be written \(full\)"),
            replacing(Path(f"/dev/fd/{writer}")),
        ):
            raise OSError(errno.ENOSPC, "full")
    finally:
        os.close(reader)
        os.close(writer)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(OcostError, match="can't be written"):
        save(load("@odd_channels"), tmp_path / "none" / "m.onnx")


# --- weightless graphs -----------------------------------------------------------------------


def _drop_first_conv(graph):
    """Take the first Conv out, and its weight: the rest of the manifest moves up."""
    conv = next(node for node in graph if node.op_type == "Conv")
    weight = graph.constant(conv.inputs[1])
    graph.remove_node(conv.id)
    graph.remove_initializer(weight.name)
    graph.set_interface([*graph.inputs, conv.outputs[0]], graph.outputs)
    return weight.name


def test_a_weightless_graph_stays_weightless(tmp_path):
    graph = load("@odd_channels")
    whole = {t.name: t.raw_data for t in to_proto(graph, "filled").graph.initializer}
    gone = _drop_first_conv(graph)
    written = to_proto(graph)
    assert pack.is_weightless(written)
    assert len(pack.manifest(written)) == len(pack.manifest(to_proto(load("@odd_channels")))) - 1
    refilled = {t.name: t.raw_data for t in pack.fill(written).graph.initializer}
    assert refilled == {name: data for name, data in whole.items() if name != gone}
    save(graph, tmp_path / "m.onnx")
    again = load(tmp_path / "m.onnx")
    assert to_proto(again) == written
    assert to_proto(again, "filled") == pack.fill(written)


def test_a_new_constant_in_a_weightless_graph_has_its_data(tmp_path):
    graph = load("@odd_channels")
    graph.set_initializer(Tensor.from_array("new", np.array(RAMP, dtype=np.float32)))
    graph.add_node(Node.make("Identity", ["new"], ["kept"]))
    save(graph, tmp_path / "m.onnx")
    again = load(tmp_path / "m.onnx")
    assert again.initializers["new"].data().tolist() == RAMP
    assert to_proto(again, "filled").graph.initializer[-1].name == "new"


@pytest.mark.parametrize("name", NAMES)
def test_filled_is_what_pack_fills(name):
    proto = onnx.load(models.resolve(f"@{name}"))
    graph = load(f"@{name}")
    assert to_proto(graph) == proto
    filled = pack.fill(proto)
    assert to_proto(graph, "filled") == filled
    assert file_size(graph) == filled.ByteSize()


# --- inputs ----------------------------------------------------------------------------------


def _old(ir_version):
    """A model whose constant is listed as an input too."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [N]) for n in ("x", "w")],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [N])],
        [helper.make_tensor("w", TensorProto.FLOAT, [N], RAMP)],
    )
    opset = [helper.make_opsetid("", 9)]
    return helper.make_model(graph, opset_imports=opset, ir_version=ir_version)


@pytest.mark.parametrize(("ir_version", "listed"), [(3, ["x", "v"]), (4, ["x"])])
def test_below_ir_version_4_constants_are_inputs(ir_version, listed):
    model = _old(ir_version)
    graph = from_proto(model)
    assert to_proto(graph) == model
    graph.set_initializer(Tensor.from_array("v", np.array(RAMP, dtype=np.float32)))
    graph.rewire("w", "v")
    graph.remove_initializer("w")
    graph.set_interface(["x"], ["y"])
    made = to_proto(graph)
    onnx.checker.check_model(made, full_check=True)
    assert [value.name for value in made.graph.input] == listed
    assert from_proto(made).inputs == tuple(listed)
    assert to_proto(from_proto(made)) == made


# --- one graph, one hash, one cost -----------------------------------------------------------


def test_the_hash_is_that_of_the_graph_not_of_its_weights(external, tmp_path):
    path, _ = external
    assert graph_sha256(load(path)) == graph_sha256(from_proto(onnx.load(path)))
    graph = load("@odd_channels")
    filled = from_proto(to_proto(graph, "filled"))
    assert graph_sha256(graph) == graph_sha256(filled)
    _drop_first_conv(graph)
    assert graph_sha256(graph) != graph_sha256(filled)


def _costs(graph):
    cost = cost_graph(graph, find("x86-server-core"))
    return cost.nodes, cost.totals, cost.coverage


@pytest.mark.parametrize("name", NAMES)
def test_saving_does_not_change_the_cost(name, tmp_path):
    graph = load(f"@{name}")
    save(graph, tmp_path / "m.onnx")
    assert _costs(load(tmp_path / "m.onnx")) == _costs(graph)


def test_saving_does_not_change_the_cost_of_a_changed_graph(tmp_path):
    graph = load("@odd_channels")
    before = _costs(graph)
    first = next(node for node in graph if node.op_type == "Relu")
    graph.rewire(first.outputs[0], first.inputs[0])
    graph.remove_node(first.id)
    save(graph, tmp_path / "m.onnx")
    after = _costs(graph)
    assert _costs(load(tmp_path / "m.onnx")) == after
    # One Relu less: fewer nodes, a smaller file.
    assert len(after[0]) == len(before[0]) - 1
    assert after[1].file_bytes < before[1].file_bytes


def _big_model():
    """One constant whose data stay in the file."""
    graph = helper.make_graph(
        [helper.make_node("Relu", ["w"], ["y"])],
        "g",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [N])],
        [helper.make_tensor("w", TensorProto.FLOAT, [N], RAMP)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def test_a_file_that_changes_under_a_graph_is_noticed(tmp_path):
    path = tmp_path / "m.onnx"
    graph = from_proto(_big_model())
    save(graph, path)
    graph = load(path)
    save(graph, path, force=True)  # reads all, then replaces the file
    with pytest.raises(OcostError, match=r"has changed since it was opened; load it anew$"):
        to_proto(graph)
    assert to_proto(load(path)) == _big_model()


def test_fields_of_a_newer_onnx_stay():
    model = _big_model()
    extended = ModelProto.FromString(model.SerializeToString() + b"\xfa\x3f\x03new")  # field 1023
    graph = GraphProto.FromString(extended.graph.SerializeToString() + b"\xfa\x3f\x03new")
    extended.graph.CopyFrom(graph)
    assert len(extended.SerializeToString()) == len(model.SerializeToString()) + 12
    made = to_proto(from_proto(extended))
    assert made.SerializeToString(deterministic=True) == extended.SerializeToString(
        deterministic=True
    )
