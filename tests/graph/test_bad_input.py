"""What a user can get wrong is answered by one line: what, where, what to do."""

import os
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, helper, parser

import ocost
from ocost import models
from ocost.graph import OcostError, from_proto, load, save, to_proto
from ocost.graph.runnable import require_data
from ocost.graph.shapes import Given, infer


def _refused(action, *parts):
    with pytest.raises(OcostError) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert str(part) in text


def _file(folder, data):
    path = folder / "m.onnx"
    path.write_bytes(data if isinstance(data, bytes) else data.SerializeToString())
    return path


def _model(*nodes, version=17, initializers=(), **others):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])]
    graph = helper.make_graph(list(nodes), "g", inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", version)]
    return helper.make_model(graph, opset_imports=opsets, **others)


RELU = helper.make_node("Relu", ["x"], ["y"])


# --- the file --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"hello, world\n",
        b'{"ir_version": 8}',
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"\x00" * 100,
        b"\xff" * 100,
        b"\x08\x08",  # a version and nothing else
        helper.make_tensor("t", TensorProto.FLOAT, [2], [1.0, 2.0]).SerializeToString(),
        _model(RELU).graph.SerializeToString(),
        ModelProto(producer_name="p").SerializeToString(),
    ],
)
def test_not_a_model(data, tmp_path):
    path = _file(tmp_path, data)
    _refused(lambda: load(path), path, "not an ONNX model")


def test_an_empty_file(tmp_path):
    path = _file(tmp_path, b"")
    _refused(lambda: load(path), path, "the file is empty")


def test_a_directory(tmp_path):
    _refused(lambda: load(tmp_path), tmp_path, "a directory", "give the .onnx file in it")


def test_a_missing_file(tmp_path):
    path = tmp_path / "none.onnx"
    _refused(lambda: load(path), path, "no such file")
    _refused(lambda: load(path / "m.onnx"), path, "no such file")
    file = _file(tmp_path, b"x")
    _refused(lambda: load(file / "m.onnx"), file, "can't be read (Not a directory)")
    _refused(lambda: load(tmp_path / ("n" * 300)), "can't be read (File name too long)")


@pytest.mark.parametrize("place", ["pathlib.Path.open", "pathlib.Path.stat"])
def test_an_unreadable_file(place, tmp_path, monkeypatch):
    path = _file(tmp_path, _model(RELU))

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(place, refuse)
    _refused(lambda: load(path), path, "can't be read (Permission denied)")


def _whole_file():
    """A model of 300 kB with its weights inside."""
    return to_proto(load("@odd_channels"), "filled").SerializeToString()


@pytest.mark.parametrize("name", ["mobilenet_v2", "odd_channels, filled"])
def test_a_truncated_file(name, tmp_path):
    filled = name.endswith("filled")
    data = _whole_file() if filled else models.resolve(f"@{name}").read_bytes()
    assert len(data) > 1 << 16
    cuts = {*range(1, 100), *range(100, len(data), len(data) // 200)}
    cuts |= set(range(len(data) - 100, len(data)))
    refused = 0
    for cut in sorted(cuts):
        path = _file(tmp_path, data[:cut])
        try:
            load(path)
        except OcostError as error:
            text = str(error)
            assert text.startswith(f"{path}: ")
            assert "\n" not in text
            refused += 1
        else:  # cut between two fields: a whole message
            ModelProto.FromString(data[:cut])
    assert refused > 0.9 * len(cuts)


def test_a_truncated_file_is_called_so(tmp_path):
    path = _file(tmp_path, _whole_file()[:100_000])
    with pytest.raises(DecodeError):
        ModelProto.FromString(path.read_bytes())
    _refused(lambda: load(path), path, "not an ONNX model, or truncated")


def test_text_that_is_not_utf8(tmp_path):
    for model in (_model(helper.make_node("Relu", ["x"], ["y"], name="NAME")), _model(RELU)):
        model.producer_name = model.producer_name or "NAME"
        model.graph.name = "NAME"
        data = model.SerializeToString().replace(b"NAME", b"\xd6\xd0 \xff")
        path = _file(tmp_path, data)
        _refused(lambda path=path: load(path), path, "not UTF-8", "export it again")


@pytest.mark.parametrize("version", [0, -1, 9999])
def test_an_unknown_opset(version, tmp_path):
    path = _file(tmp_path, _model(RELU, version=version))
    _refused(lambda: load(path), path, f"opset {version} is not known", "install a newer onnx")


def test_a_cyclic_graph(tmp_path):
    nodes = [helper.make_node("Add", ["x", "b"], ["y"]), helper.make_node("Abs", ["y"], ["b"])]
    path = _file(tmp_path, _model(*nodes))
    _refused(lambda: load(path), path, "the graph has a cycle: ")


def test_a_tensor_made_twice(tmp_path):
    for nodes in ([RELU, RELU], [helper.make_node("Relu", ["y"], ["x"])]):
        path = _file(tmp_path, _model(*nodes))
        _refused(lambda path=path: load(path), path, "is produced twice")


def test_data_that_do_not_fit_their_type(tmp_path):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], raw_data=b"\0" * 15)
    node = helper.make_node("Add", ["x", "w"], ["y"])
    graph = load(_file(tmp_path, _model(node, initializers=[tensor])))
    _refused(lambda: infer(graph), "tensor 'w'", "don't fit its type and shape [4]")


def test_a_function_that_calls_itself():
    model = parser.parse_model(
        """
        <ir_version: 8, opset_import: ["" : 17, "d" : 1]> g (float[4] x) => (y) { y = d.F(x) }
        <domain: "d", opset_import: ["d" : 1]> F (v) => (w) { w = d.G (v) }
        <domain: "d", opset_import: ["d" : 1]> G (v) => (w) { w = d.F (v) }
        """
    )
    _refused(lambda: infer(from_proto(model)), "function 'F' calls itself")


def test_a_broken_manifest(tmp_path):
    model = ModelProto.FromString(models.resolve("@odd_channels").read_bytes())
    entry = next(p for p in model.metadata_props if p.key == "ocost.pack")
    entry.value = entry.value[:-1]
    path = _file(tmp_path, model)
    _refused(lambda: load(path), path, "manifest is broken")


# --- external data ---------------------------------------------------------------------------


def _external(**entries):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def _with(tensor, place="initializer"):
    model = _model(helper.make_node("Add", ["x", "w"], ["y"]))
    constant = helper.make_node("Constant", [], ["w"], value=tensor)
    if place == "initializer":
        model.graph.initializer.append(tensor)
    elif place == "attribute":
        model.graph.node.insert(0, constant)
    elif place == "function":
        opsets = [helper.make_opsetid("", 17)]
        model.functions.append(helper.make_function("d", "F", [], ["w"], [constant], opsets))
    elif place == "body":
        body = helper.make_graph([constant], "b", [], [])
        model.graph.node.append(helper.make_node("Mine", [], ["m"], domain="d", body=body))
    elif place == "sparse":
        model.graph.sparse_initializer.add(values=tensor, dims=[9])
    else:
        model.training_info.add().algorithm.initializer.append(tensor)
    return model


@pytest.mark.parametrize(
    "place", ["initializer", "attribute", "function", "body", "sparse", "training"]
)
def test_missing_external_data(place, tmp_path):
    path = _file(tmp_path, _with(_external(location="w.bin"), place))
    graph = load(path)  # costing needs no data
    missing = (path, "tensor 'w'", "'w.bin' is missing", f"into {tmp_path}")
    _refused(lambda: require_data(graph), *missing)
    (tmp_path / "w.bin").write_bytes(bytes(16))
    require_data(graph)


def test_missing_external_data_are_named_where_they_are_read(tmp_path):
    graph = load(_file(tmp_path, _with(_external(location="w.bin"))))
    _refused(graph.initializers["w"].data, "tensor 'w'", "'w.bin' is missing")
    assert infer(graph).get("y").resolved == (4,)


def test_a_model_is_costed_without_its_external_data(tmp_path):
    path = _file(tmp_path, _with(_external(location="w.bin", length="16")))
    missing = ocost.cost(path)
    assert missing.totals.file_bytes is None
    assert any("'w.bin' is missing" in note for note in missing.notes)
    (tmp_path / "w.bin").write_bytes(bytes(16))
    there = ocost.cost(path)
    assert there.totals.file_bytes == path.stat().st_size + 16
    assert there.notes == ()
    assert missing.nodes == there.nodes


def test_a_shape_that_lies_in_missing_data_is_told(tmp_path):
    shape = TensorProto(name="s", data_type=TensorProto.INT64, dims=[1])
    shape.data_location = TensorProto.EXTERNAL
    shape.external_data.add(key="location", value="s.bin")
    model = _model(helper.make_node("Reshape", ["x", "s"], ["y"]), initializers=[shape])
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    info = infer(load(_file(tmp_path, model))).get("y")
    assert info.resolved is None
    assert "'s.bin' is missing" in info.reason


@pytest.mark.parametrize("place", ["initializer", "function"])
@pytest.mark.parametrize("how", ["..", "absolute", "link", "linked folder"])
def test_external_data_outside_the_folder(how, place, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret").mkdir()
    secret = tmp_path / "secret" / "w.bin"
    secret.write_bytes(bytes(16))
    location = {
        "..": "../secret/w.bin",
        "absolute": str(secret),
        "link": "w.bin",
        "linked folder": "there/w.bin",
    }[how]
    (folder / "w.bin").symlink_to(secret)
    (folder / "there").symlink_to(secret.parent)
    path = _file(folder, _with(_external(location=location), place))
    _refused(lambda: load(path), path, f"'{location}' points outside the model's folder")


def test_a_link_inside_the_folder_is_fine(tmp_path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    (tmp_path / "w.bin").symlink_to("blobs/1")
    graph = load(_file(tmp_path, _with(_external(location="w.bin"))))
    assert graph.initializers["w"].data().tolist() == [0, 1, 2, 3]


def _cached(tmp_path, location="model.onnx_data", subfolder="."):
    """A model as Hugging Face's cache holds it: links into ``blobs``, which hold the files."""
    repo = tmp_path / "models--x--y"
    folder = repo / "snapshots" / "1a2b" / subfolder
    folder.mkdir(parents=True)
    (repo / "blobs").mkdir()
    (repo / "blobs" / "m").write_bytes(_with(_external(location=location)).SerializeToString())
    (repo / "blobs" / "d").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    for name, blob in (("model.onnx", "m"), ("model.onnx_data", "d")):
        (folder / name).symlink_to(os.path.relpath(repo / "blobs" / blob, folder))
    return folder / "model.onnx"


@pytest.mark.parametrize("subfolder", [".", "onnx"])
def test_links_of_a_hub_cache_are_followed(subfolder, tmp_path):
    path = _cached(tmp_path, subfolder=subfolder)
    graph = load(path)
    assert graph.initializers["w"].data().tolist() == [0, 1, 2, 3]
    blobs = tmp_path / "models--x--y" / "blobs"
    assert ocost.cost(path).totals.file_bytes == (blobs / "m").stat().st_size + 16
    (blobs / "d").unlink()
    _refused(lambda: require_data(load(path)), path, "'model.onnx_data' is missing")


def test_only_blobs_of_the_same_cache_are_followed(tmp_path):
    path = _cached(tmp_path)
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "d").write_bytes(bytes(16))
    (path.parent / "model.onnx_data").unlink()
    (path.parent / "model.onnx_data").symlink_to(tmp_path / "blobs" / "d")
    _refused(lambda: load(path), path, "points outside the model's folder")


def test_a_location_that_leaves_the_folder_is_refused_in_a_cache_too(tmp_path):
    path = _cached(tmp_path, location="../../blobs/d")
    _refused(lambda: load(path), path, "points outside the model's folder")


def test_links_in_a_circle(tmp_path):
    (tmp_path / "w.bin").symlink_to("v.bin")
    (tmp_path / "v.bin").symlink_to("w.bin")
    path = _file(tmp_path, _with(_external(location="w.bin")))
    _refused(lambda: require_data(load(path)), path, "'w.bin' is missing")


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ({"length": "16"}, 16),
        ({}, 16),  # 4 floats
        ({"offset": "8"}, 24),
        ({"offset": "64", "length": "16"}, 80),
    ],
)
def test_truncated_external_data(entries, wanted, tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes(15))
    path = _file(tmp_path, _with(_external(location="w.bin", **entries)))
    reason = f"'w.bin' is truncated: {wanted} bytes wanted, 15 there"
    _refused(lambda: require_data(load(path)), path, reason)


@pytest.mark.parametrize(
    "entries",
    [
        {"offset": "0"},  # no location
        {"location": "w.bin", "offset": "-4"},
        {"location": "w.bin", "length": "-4"},
        {"location": "w.bin", "length": "many"},
        {"location": "w\0.bin"},
    ],
)
def test_broken_external_data_entries(entries, tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes(16))
    path = _file(tmp_path, _with(_external(**entries)))
    _refused(lambda: load(path), path, "tensor 'w': broken external data entry")


def test_external_data_of_a_model_without_a_file():
    model = _with(_external(location="w.bin"))
    _refused(lambda: from_proto(model), "load the model from its file")


@pytest.mark.parametrize("left", [0, 15, None])
def test_data_that_go_away_after_loading(left, tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes(16))
    graph = load(_file(tmp_path, _with(_external(location="w.bin", length="16"))))
    if left is None:
        (tmp_path / "w.bin").unlink()
    else:
        os.truncate(tmp_path / "w.bin", left)
    _refused(graph.initializers["w"].data, tmp_path, "'w.bin'")
    _refused(lambda: to_proto(graph, "filled"), tmp_path, "'w.bin'")


# --- what is given of the inputs -------------------------------------------------------------

GIVEN = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[batch, 3] x, float[batch, other] z, int64[2] sizes) => (y) { y = Add (x, z) }
"""


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (
            Given(shapes={"x": (2, 4), "z": (2, 3)}),
            ["the shapes given contradict node 'y'"],
        ),
        (
            Given(dims={"x[0]": 2, "z[0]": 4}),
            ["--dim z[0]=4: 'batch' is given as 2 too"],
        ),
        (
            Given(dims={"x[1]": 2}, shapes={"x": (2, 3)}),
            ["--dim x[1]=2 contradicts --shape x=2x3"],
        ),
        (Given(shapes={"x": (2,)}), ["--shape x=2 contradicts the model: 'x' has 2 dims"]),
        (
            Given(shapes={"x": (2, 3), "z": (4, 1)}),
            ["--shape z=4x1 contradicts another input or --dim: 'batch' is 2"],
        ),
        (
            Given(shapes={"x": (2, 3)}, dims={"batch": 4}),
            ["--shape x=2x3 contradicts another input or --dim: 'batch' is 4"],
        ),
        (Given(shapes={"x": (-2, 3)}), ["--shape x=-2x3: a size can't be negative"]),
        (
            Given(shapes={"w": (2, 3)}),
            ["--shape w: the model has no input 'w'; it has x, z, sizes"],
        ),
        (Given(values={"w": np.array(1)}), ["--value w: the model has no input 'w'"]),
        (
            Given(dims={"seq": 4}),
            ["--dim seq: no input has a dim 'seq'; open are batch, other"],
        ),
        (Given(dims={"batch": -4}), ["--dim batch=-4: a size can't be negative"]),
        (
            Given(values={"sizes": np.zeros(3)}),
            ["--value sizes: 3 elements contradict the model: dim 0 of 'sizes' is 2"],
        ),
        (
            Given(values={"x": np.zeros((4, 3))}, dims={"batch": 2}),
            ["--value x: 4x3 elements contradict another input or --dim: 'batch' is 2"],
        ),
        (
            Given(values={"x": np.zeros((4, 3))}, shapes={"x": (2, 3)}),
            ["--value x: 4x3 elements given, the input is 2x3"],
        ),
        (
            Given(dims={"batch": 2}, strict=True),
            ["open dims: other; give them with --dim other=..."],
        ),
        (
            Given(dims={"batch": 2, "other": 2}),
            ["the shapes given contradict node 'y'"],
        ),
    ],
    ids=lambda value: "" if isinstance(value, list) else None,
)
def test_what_is_given_has_to_fit(given, parts):
    graph = from_proto(parser.parse_model(GIVEN))
    _refused(lambda: infer(graph, given), *parts)


def test_all_dims_fixed():
    given = Given(dims={"batch": 2})
    _refused(lambda: infer(from_proto(_model(RELU)), given), "all dims are fixed")


def test_broken_hints():
    model = _model(RELU)
    model.metadata_props.add(key="ocost.inputs", value="{")
    _refused(lambda: infer(from_proto(model)), "ocost.inputs metadata are broken")


# --- writing ---------------------------------------------------------------------------------


def test_a_place_that_cannot_be_written(tmp_path):
    graph = from_proto(_model(RELU))
    _refused(lambda: save(graph, tmp_path / "none" / "m.onnx"), "none/m.onnx: can't be written")
    _refused(lambda: save(graph, tmp_path, force=True), f"{tmp_path}: can't be written")
    path = _file(tmp_path, b"mine")
    _refused(lambda: save(graph, path), path, "exists already", "choose another name")
    assert Path(path).read_bytes() == b"mine"
