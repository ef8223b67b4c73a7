"""The manifest: read, filled and written again."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocost.graph.errors import OcostError
from ocost.models import pack
from ocost.models.entry import Constant, Exact, Normal, raw
from ocost.models.walk import walk


def _tensor(values, name=""):
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


def _normal(shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(0.5, 2.0, shape).astype(dtype)


def _model(nodes, initializers=(), functions=()):
    graph = helper.make_graph(nodes, "g", [], [], list(initializers))
    model = helper.make_model(graph, functions=list(functions))
    model.metadata_props.add(key="author", value="someone")
    return model


def _nested():
    """Tensors in every place that the walk visits, each of 100 elements and named after it."""
    inner = helper.make_node("Constant", [], ["function"], value=_tensor(_normal(100, 4)))
    function = helper.make_function("own", "F", [], ["function"], [inner], [])
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["branch_node"], value=_tensor(_normal(100, 3)))],
        "branch",
        [],
        [],
        [_tensor(_normal(100, 2), "branch_initializer")],
    )
    nodes = [
        helper.make_node("If", ["c"], ["y"], then_branch=branch),
        helper.make_node("Constant", [], ["node"], value=_tensor(_normal(100, 1))),
        helper.make_node("Own", [], ["z"], tables=[_tensor(_normal(100, 5))], domain="own"),
    ]
    return _model(nodes, [_tensor(_normal(100, 0), "initializer")], [function])


def _packed(manifest, dims=(2,), dtype=TensorProto.FLOAT):
    """A model of one tensor without data, and a manifest (a string is taken as it is)."""
    model = _model([], [TensorProto(name="w", dims=dims, data_type=dtype)])
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    model.metadata_props.add(key="ocost.pack", value=text)
    return model


def _entry(values, nodes=(), **options):
    """What ``pack`` makes of one initialiser called w."""
    packed = pack.pack(_model(list(nodes), [_tensor(values, "w")]), **options)
    return pack.manifest(packed).get(0)


def test_walk_visits_graph_nodes_subgraphs_and_functions_in_order():
    names = [name for _, name in walk(_nested())]
    assert names == ["initializer", "branch_initializer", "branch_node", "node", "", "function"]


def test_fill_leaves_the_input_alone():
    model = _packed([[0, "c", 1.5]])
    before = model.SerializeToString(deterministic=True)
    filled = pack.fill(model)
    assert model.SerializeToString(deterministic=True) == before
    assert pack.is_weightless(model)
    assert not pack.is_weightless(filled)
    assert [p.key for p in filled.metadata_props] == ["author"]
    assert numpy_helper.to_array(filled.graph.initializer[0]).tolist() == [1.5, 1.5]


def test_a_model_without_a_manifest_is_just_copied():
    model = _nested()
    assert pack.manifest(model) == {}
    assert pack.fill(model) == model


@pytest.mark.parametrize(
    ("dtype", "nbytes"),
    [(TensorProto.FLOAT, 24), (TensorProto.BFLOAT16, 12), (TensorProto.INT8, 6)],
)
def test_a_filler_knows_its_size_and_makes_it(dtype, nbytes):
    # 2 x 3 elements of 4, 2 and 1 bytes.
    filler = pack.fillers(_packed([[0, "n", 3, 0.0, 1.0, -9.0, 9.0]], (2, 3), dtype))[0]
    assert (filler.index, filler.name, filler.dims) == (0, "w", (2, 3))
    assert filler.nbytes == len(filler.raw()) == nbytes
    assert filler.raw() == filler.raw()


def test_pack_and_fill_reach_every_tensor():
    model = _nested()
    packed = pack.pack(model)
    assert sorted(pack.manifest(packed)) == [0, 1, 2, 3, 4, 5]
    assert not any(tensor.raw_data for tensor, _ in walk(packed))
    assert packed.ByteSize() < model.ByteSize() - 5 * 400
    once, again = pack.fill(packed), pack.fill(packed)
    assert once == again
    assert all(len(tensor.raw_data) == 400 for tensor, _ in walk(once))
    seeds = {entry.seed for entry in pack.manifest(packed).values()}
    assert len(seeds) == 6


def test_packing_keeps_the_model_but_for_its_data():
    model = _nested()
    before = model.SerializeToString(deterministic=True)
    back = pack.fill(pack.pack(model))
    assert model.SerializeToString(deterministic=True) == before
    for (old, _), (new, _) in zip(walk(model), walk(back), strict=True):
        assert (old.name, old.dims, old.data_type) == (new.name, new.dims, new.data_type)
        new.raw_data = old.raw_data
    assert back == model


def test_statistics_survive():
    values = _normal(10_000)
    entry = _entry(values)
    assert entry.mean == pytest.approx(values.mean(), rel=1e-3)
    back = np.frombuffer(raw(entry, TensorProto.FLOAT, 10_000), np.float32)
    # The standard error of a mean of 10,000 with spread 2 is 0.02, of the spread 0.014: 4 of each.
    assert back.mean() == pytest.approx(values.mean(), abs=0.08)
    assert back.std() == pytest.approx(values.std(), abs=0.06)
    assert values.min() <= back.min() < back.max() <= values.max()


def test_duplicates_stay_duplicates():
    same, other = _normal((10, 10)), _normal((10, 10), seed=1)
    tensors = [_tensor(same, "a"), _tensor(other, "b"), _tensor(same.reshape(100), "c")]
    filled = pack.fill(pack.pack(_model([], tensors)))
    a, b, c = (tensor.raw_data for tensor, _ in walk(filled))
    assert a == c != b


def test_a_duplicate_of_a_variance_gets_the_same_data():
    values = np.exp(_normal(100))
    node = helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"])
    packed = pack.pack(_model([node], [_tensor(values, "w"), _tensor(values, "v")]))
    entries = pack.manifest(packed)
    assert entries[0] == entries[1]
    assert entries[0].log


def test_a_variance_is_found_in_a_subgraph():
    node = helper.make_node("BatchNormalization", ["x", "s", "b", "m", "w"], ["y"])
    outer = helper.make_node("If", ["c"], ["y"], then_branch=helper.make_graph([node], "b", [], []))
    assert _entry(np.exp(_normal(100)), [outer]).log
    # Nothing below zero has a logarithm.
    assert not _entry(_normal(100), [outer]).log


_MASK = np.triu(np.full((16, 16), -np.inf, np.float32), 1)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (_normal(100), Normal),
        (_normal(100, dtype=np.float16), Normal),
        (np.arange(100, dtype=np.int8), Normal),
        (np.full(100, 0.25, np.float32), Constant),
        (np.zeros(100, np.int64), Constant),
        (np.arange(100, dtype=np.int64), Exact),
        (np.arange(100, dtype=np.int32), Exact),
        (np.arange(100) % 3 == 0, Exact),
        (_MASK, Exact),
        (np.where(_MASK == 0, np.float32(0), np.float32(-1e9)), Exact),
        (np.full(100, np.inf, np.float32), Exact),
    ],
)
def test_the_kind_follows_from_the_data(values, kind):
    entry = _entry(values)
    assert isinstance(entry, kind)
    if kind is not Normal:
        dtype = helper.np_dtype_to_tensor_dtype(values.dtype)
        assert raw(entry, dtype, values.size) == values.tobytes()


def test_small_and_incompressible_tensors_stay():
    assert _entry(_normal(64)) is None
    assert _entry(_normal(64), threshold=63) is not None
    noise = np.random.default_rng(0).integers(0, 2**62, 100)
    assert _entry(noise) is None


def test_an_int32_bias_is_weights():
    values = np.arange(100, dtype=np.int32)
    assert isinstance(_entry(values), Exact)
    node = helper.make_node("DequantizeLinear", ["w", "scale"], ["y"])
    assert isinstance(_entry(values, [node]), Normal)


def test_data_in_typed_fields_are_packed_too():
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [100], _normal(100).tolist())
    packed = pack.pack(_model([], [tensor]))
    assert pack.manifest(packed)[0] == _entry(_normal(100))
    assert not packed.graph.initializer[0].float_data


def test_what_cannot_be_packed_is_refused():
    with pytest.raises(OcostError, match="weightless already"):
        pack.pack(_packed([]))
    model = _model([], [_tensor(_normal(100), "w")])
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    with pytest.raises(OcostError, match="'w' are not in the model"):
        pack.pack(model)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("[[0,", "no JSON"),
        ({"0": "c"}, "no list"),
        ([[]], "without a number"),
        ([["0", "c", 1.0]], "without a number"),
        ([[0, "c", 1.0], [0, "c", 2.0]], "without a number of its own"),
        ([[0, "x", 1.0]], "tensor 0: .* no entry of kind n, l, c or z"),
        ([[0, "n", 1, 0.0, 1.0, -1.0]], "no entry of kind"),
        ([[0, "n", -1, 0.0, 1.0, -1.0, 1.0]], "no entry of kind"),
        ([[0, "c", None]], "no entry of kind"),
        ([[1, "c", 1.0]], "names tensor 1, which the model does not have"),
        ([[-1, "c", 1.0]], "names tensor -1"),
        ([[0, "z", Exact.of(bytes(4)).payload]], r"tensor 0 \('w'\) has 4 bytes .* take 8"),
        ([[0, "z", "eNpjYI"]], "cannot be filled"),
        ([[0, "z", "AAAA"]], "cannot be filled"),
    ],
)
def test_a_broken_manifest_is_one_clear_line(manifest, message):
    with pytest.raises(OcostError, match=message) as caught:
        pack.fill(_packed(manifest))
    assert "\n" not in str(caught.value)


def test_a_value_or_type_that_cannot_be_is_refused():
    with pytest.raises(OcostError, match="cannot be filled"):
        pack.fill(_packed([[0, "c", 300]], dtype=TensorProto.INT8))
    with pytest.raises(OcostError, match="strips tensor 0"):
        pack.fill(_packed([[0, "c", 0]], dtype=TensorProto.STRING))
