"""What ocost did not touch comes out as it went in."""

import onnx
import pytest
from google.protobuf.descriptor import FieldDescriptor
from onnx import (
    AttributeProto,
    ModelProto,
    TensorProto,
    TrainingInfoProto,
    TypeProto,
    helper,
    numpy_helper,
    parser,
)

from ocost.graph import from_proto, load, save, to_proto, verify
from ocost.graph.save import file_size


def _tensor(name, values, dims=None):
    return helper.make_tensor(name, TensorProto.FLOAT, dims or [len(values)], values)


def _sparse(name):
    values = _tensor(name, [1.0, 2.0])
    indices = helper.make_tensor("", TensorProto.INT64, [2], [0, 3])
    return helper.make_sparse_tensor(values, indices, [5])


def _check(model, folder):
    """In memory, from a file, and through a file."""
    path = folder / "in.onnx"
    path.write_bytes(model.SerializeToString())
    before = ModelProto.FromString(path.read_bytes())
    assert to_proto(from_proto(model)) == before
    graph = load(path)
    verify(graph)
    assert to_proto(graph) == before
    assert to_proto(graph, "filled") == before
    save(graph, folder / "out.onnx")
    assert ModelProto.FromString((folder / "out.onnx").read_bytes()) == before
    assert file_size(graph) == before.ByteSize()


# --- every field and every kind --------------------------------------------------------------


def _populate(message, counter, depth=0):
    """Set every field of a message, and of the messages in it to some depth."""
    for field in message.DESCRIPTOR.fields:
        if field.name in ("external_data", "data_location", "opset_import", "has_index"):
            continue  # data would have to lie elsewhere; versions have to exist
        counter[0] += 1
        if field.message_type is not None and depth == 12:
            continue
        if field.message_type is not None:
            target = getattr(message, field.name)
            repeated = hasattr(target, "add")
            _populate(target.add() if repeated else target, counter, depth + 1)
            if not repeated:
                target.SetInParent()
            continue
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            text = f"{field.name}{counter[0]}"
            value = text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
        elif field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
            value = field.enum_type.values[-1].number
        else:
            value = 1 + counter[0] % 50
        target = getattr(message, field.name)
        if hasattr(target, "extend"):
            target.extend([value, value])
        else:
            setattr(message, field.name, value)


def test_every_field_of_the_format_survives(tmp_path):
    model = ModelProto()
    _populate(model, [0])
    model.opset_import.add(version=17)
    model.opset_import.add(domain="d", version=3)
    assert model.training_info[0].algorithm.node
    assert model.functions[0].node[0].attribute[0].g.node
    assert model.graph.node[0].attribute[0].graphs[0].node
    assert model.graph.sparse_initializer[0].dims
    assert model.graph.quantization_annotation[0].quant_parameter_tensor_names
    path = tmp_path / "in.onnx"
    path.write_bytes(model.SerializeToString())
    assert to_proto(from_proto(model)) == model
    assert to_proto(load(path)) == model
    assert to_proto(load(path)).SerializeToString(True) == model.SerializeToString(True)


def test_attributes_of_every_kind(tmp_path):
    body = helper.make_graph([helper.make_node("Relu", ["x"], ["b"])], "body", [], [])
    other = helper.make_graph([helper.make_node("Abs", ["x"], ["c"])], "other", [], [])
    kind = helper.make_tensor_type_proto(TensorProto.FLOAT, ["n", 2])
    values = {
        "FLOAT": 0.5,
        "INT": -3,
        "STRING": b"\xff\x00bytes",
        "TENSOR": _tensor("t", [1.0]),
        "GRAPH": body,
        "SPARSE_TENSOR": _sparse("s"),
        "TYPE_PROTO": kind,
        "FLOATS": [0.5, 1.5],
        "INTS": [1, -2],
        "STRINGS": [b"a", b""],
        "TENSORS": [_tensor("t1", [1.0]), _tensor("t2", [2.0])],
        "GRAPHS": [body, other],
        "SPARSE_TENSORS": [_sparse("s1"), _sparse("s2")],
        "TYPE_PROTOS": [kind, TypeProto()],
    }
    assert set(values) == set(AttributeProto.AttributeType.keys()) - {"UNDEFINED"}
    made = [helper.make_attribute(name.lower(), value) for name, value in values.items()]
    assert [AttributeProto.AttributeType.Name(a.type) for a in made] == list(values)
    made[0].doc_string = "of the attribute"
    made.append(helper.make_attribute("none", [], attr_type=AttributeProto.INTS))
    node = helper.make_node("Custom", ["x"], ["y"], domain="mine")
    node.attribute.extend(made)
    graph = helper.make_graph([node], "g", [_value("x")], [_value("y")])
    model = helper.make_model(graph, opset_imports=_opsets(17, mine=2))
    _check(model, tmp_path)
    bodies = from_proto(model).subgraphs(from_proto(model).node("y"))
    assert list(bodies) == ["graph", "graphs.0", "graphs.1"]


def _value(name, shape=(4,), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, list(shape))


def _opsets(version, **others):
    return [helper.make_opsetid("", version)] + [
        helper.make_opsetid(d, v) for d, v in others.items()
    ]


# --- structure -------------------------------------------------------------------------------

NESTED = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[3, 4] x, bool c, int64 m) => (float[3, 4] y) {
  k = Constant <value: tensor = float[1] {2.0}> ()
  y = Scan <num_scan_inputs = 1, body = scan (float[4] row) => (float[4] out) {
    out = Loop (m, c, row) <body = loop (int64 i, bool go, float[4] state)
        => (bool again, float[4] next) {
      again = Identity (go)
      next = If (go) <
        then_branch = then () => (float[4] t) { t = Mul (state, k) },
        else_branch = other () => (float[4] e) { e = Add (row, k) }
      >
    }>
  }> (x)
}
"""

FUNCTIONS = """
<ir_version: 10, opset_import: ["" : 17, "mine" : 1]>
g (float[4] x) => (float[4] y) {
  a = mine.Scale <by = 3.0> (x)
  b = mine.Scale:twice (a)
  y = mine.Deep (b)
}
<domain: "mine", opset_import: ["" : 16]>
Scale <by: float = 2.0> (v) => (w) {
  f = Constant <value_float: float = @by> ()
  w = Mul (v, f)
}
<domain: "mine", overload: "twice", opset_import: ["" : 17]>
Scale (v) => (w) { w = Add (v, v) }
<domain: "mine", opset_import: ["" : 17, "mine" : 1]>
Deep (v) => (w) { w = mine.Scale (v) }
"""


@pytest.mark.parametrize("text", [NESTED, FUNCTIONS], ids=["nested", "functions"])
def test_bodies_and_functions(text, tmp_path):
    model = parser.parse_model(text)
    onnx.checker.check_model(model)
    _check(model, tmp_path)


def test_metadata_and_doc_strings_everywhere(tmp_path):
    model = parser.parse_model(FUNCTIONS)
    model.producer_name, model.producer_version, model.domain = "p", "1", "d"
    model.model_version = 7
    function = model.functions[0]
    graph = model.graph
    graph.initializer.append(_tensor("w", [1.0]))
    graph.value_info.append(_value("a"))
    graph.value_info.append(_value("was never made"))
    function.value_info.append(_value("f", ()))
    places = [model, graph, graph.node[0], graph.initializer[0], graph.value_info[0]]
    for place in [*places, graph.input[0], graph.output[0], function, function.node[0]]:
        place.doc_string = f"of {place.DESCRIPTOR.name}\nin two lines"
        place.metadata_props.add(key="k", value="v")
        place.metadata_props.add(key="k", value="again")
    note = graph.quantization_annotation.add(tensor_name="a")
    note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="w")
    graph.sparse_initializer.append(_sparse("s"))
    _check(model, tmp_path)


def test_training_info(tmp_path):
    model = parser.parse_model(FUNCTIONS)
    info = TrainingInfoProto()
    info.algorithm.node.append(helper.make_node("Add", ["x", "x"], ["z"]))
    info.algorithm.initializer.append(_tensor("rate", [0.5] * 5000))
    info.initialization.initializer.append(_tensor("start", [0.0]))
    info.update_binding.add(key="w", value="z")
    model.training_info.append(info)
    _check(model, tmp_path)


def test_optional_inputs_unnamed_and_equally_named_nodes(tmp_path):
    nodes = [
        helper.make_node("Clip", ["x", "", "hi"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"], name="same"),
        helper.make_node("Relu", ["b"], ["c"], name="same"),
        helper.make_node("Dropout", ["c"], ["y", ""], name="d"),
        helper.make_node("LSTM", ["s", "W", "R"], ["", "h"]),
    ]
    inputs = [_value("x"), _value("hi", ()), _value("s", (1, 1, 2))]
    weights = [_tensor("W", [0.0] * 8, [1, 4, 2]), _tensor("R", [0.0] * 4, [1, 4, 1])]
    graph = helper.make_graph(nodes, "g", inputs, [_value("y"), _value("h", (1, 1, 1))], weights)
    model = helper.make_model(graph, opset_imports=_opsets(13))
    _check(model, tmp_path)


@pytest.mark.parametrize("ir_version", [3, 4, 8])
def test_initializers_that_are_inputs(ir_version, tmp_path):
    inputs = [_value("x"), _value("w")]
    node = helper.make_node("Add", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", inputs, [_value("y")], [_tensor("w", [1.0] * 4)])
    model = helper.make_model(graph, ir_version=ir_version, opset_imports=_opsets(8))
    _check(model, tmp_path)
    assert from_proto(model).overridable("w") is (ir_version >= 4)


def test_the_default_domain_has_two_names(tmp_path):
    node = helper.make_node("Relu", ["x"], ["y"], domain="ai.onnx")
    graph = helper.make_graph([node], "g", [_value("x")], [_value("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx", 13)])
    _check(model, tmp_path)
    graph = from_proto(model)
    assert graph.opset == {"": 13}
    assert graph.node("y").domain == ""
    graph.rewire("x", "x")
    assert to_proto(graph) == model


# --- payloads --------------------------------------------------------------------------------

N = 3000  # elements: 12000 bytes raw, and more than 4096 packed as varints
RAMP = [float(i % 101) for i in range(N)]
COUNTS = [i % 200 for i in range(N)]
WORDS = [b"word%d" % (i % 7) for i in range(N)]
# One for each field that holds data.
FIELDS = {
    "raw_data": helper.make_tensor("w", TensorProto.FLOAT, [N], b"\x00\x01\x02\x03" * N, raw=True),
    "float_data": helper.make_tensor("w", TensorProto.FLOAT, [N], RAMP),
    "complex": helper.make_tensor("w", TensorProto.COMPLEX64, [N], [complex(x, 1) for x in RAMP]),
    "double_data": helper.make_tensor("w", TensorProto.DOUBLE, [N], RAMP),
    "int64_data": helper.make_tensor("w", TensorProto.INT64, [N], [-c for c in COUNTS]),
    "uint64_data": helper.make_tensor("w", TensorProto.UINT64, [3 * N], COUNTS * 3),
    "int32_data": helper.make_tensor("w", TensorProto.INT32, [3 * N], COUNTS * 3),
    "float16": helper.make_tensor("w", TensorProto.FLOAT16, [N], RAMP),
    "bfloat16": helper.make_tensor("w", TensorProto.BFLOAT16, [N], RAMP),
    "int8": helper.make_tensor("w", TensorProto.INT8, [3 * N], [c - 100 for c in COUNTS] * 3),
    "bool": helper.make_tensor("w", TensorProto.BOOL, [3 * N], [c % 2 for c in COUNTS] * 3),
    "string_data": helper.make_tensor("w", TensorProto.STRING, [N], WORDS),
}


@pytest.mark.parametrize("field", FIELDS)
def test_large_payload_of_each_field(field, tmp_path):
    tensor = FIELDS[field]
    assert tensor.ByteSize() > 4096
    graph = helper.make_graph([], "g", [], [], [tensor])
    model = helper.make_model(graph, opset_imports=_opsets(17))
    _check(model, tmp_path)
    loaded = load(tmp_path / "in.onnx").initializers["w"]
    expected = numpy_helper.to_array(tensor)
    assert loaded.data().dtype == expected.dtype
    assert loaded.data().tolist() == expected.tolist()
    if field != "string_data":  # strings stay inline: they are no weights
        assert loaded.proto.ByteSize() < 200


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number, body):
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _wire_model(tensor):
    """A model of one initializer, its TensorProto given as bytes."""
    opset = _field(8, b"\x10\x11")  # opset_import { version: 17 }
    return b"\x08\x08" + _field(7, _field(2, b"g") + _field(5, tensor)) + opset


def test_unpacked_data_and_data_in_pieces(tmp_path):
    floats = TensorProto(float_data=RAMP).SerializeToString()[3:]  # behind tag and length
    assert len(floats) == 4 * N
    one_by_one = b"".join(b"\x25" + floats[i : i + 4] for i in range(0, 4 * N, 4))
    in_pieces = _field(4, floats[:40]) + _field(4, floats[40:])
    head = b"\x08" + _varint(N) + b"\x10\x01" + _field(8, b"w")
    for data in (one_by_one, in_pieces, _field(4, floats)):
        path = tmp_path / "m.onnx"
        path.write_bytes(_wire_model(head + data))
        model = ModelProto.FromString(path.read_bytes())
        assert list(model.graph.initializer[0].float_data) == RAMP
        assert load(path).initializers["w"].data().tolist() == RAMP
        assert to_proto(load(path)) == model


def test_large_payloads_wherever_tensors_can_stand(tmp_path):
    def big(name):
        return _tensor(name, RAMP)

    def constant(name):
        return helper.make_node("Constant", [], [name], value=big(""))

    branch = helper.make_graph([constant("t")], "then", [], [_value("t", (N,))], [big("in_body")])
    other = helper.make_graph([constant("e")], "else", [], [_value("e", (N,))])
    nodes = [
        constant("k"),
        helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=other),
        helper.make_node("Mine", [], ["z"], domain="mine", many=[big("m1"), big("m2")]),
    ]
    function = helper.make_function(
        "mine", "F", [], ["o"], [constant("o")], _opsets(17), attributes=[]
    )
    values = big("s")
    indices = helper.make_tensor("", TensorProto.INT64, [N], list(range(N)))
    sparse = helper.make_sparse_tensor(values, indices, [N])
    nodes.append(helper.make_node("Constant", [], ["ks"], sparse_value=sparse))
    graph = helper.make_graph(
        nodes,
        "g",
        [_value("c", (), TensorProto.BOOL)],
        [_value("y", (N,))],
        [big("w")],
        sparse_initializer=[sparse],
    )
    model = helper.make_model(graph, opset_imports=_opsets(17, mine=1), functions=[function])
    training = model.training_info.add()
    training.algorithm.initializer.append(big("a"))
    training.initialization.node.append(constant("i"))
    _check(model, tmp_path)
    # In the file and not in memory: k, t, in_body, e, m1, m2, o, w, a, i, and twice the sparse one.
    assert (tmp_path / "in.onnx").stat().st_size > 12 * 4 * N
    loaded = load(tmp_path / "in.onnx")
    assert to_proto(loaded, "none").ByteSize() < 3000
