"""What the features of a node say, by hand for small ones; and of every operator that they hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ocost.costmodel.calibration.features import register
from ocost.costmodel.calibration.features.general import general
from ocost.costmodel.calibration.features.register import spread

# What numbers of the backend tests' operators are known: fewer mean that makers fail.
_KNOWN = 150


def test_every_operator_of_the_backend_tests_has_finite_features(onnx_node_cases, node_features):
    seen = set()
    for case in onnx_node_cases:
        kinds = frozenset(node.op_type for node in case.model.graph.node)
        if kinds in seen:
            continue
        seen.add(kinds)
        for found in node_features(case.model):
            assert found.kernel == found.kernel.strip()
            assert all(math.isfinite(v) and v >= 0 for v in found.terms.values()), case.name
            assert all(math.isfinite(v) for v in found.coordinates.values()), case.name
    assert len(seen) > _KNOWN


def test_an_operator_is_added_by_one_function(featured, monkeypatch):
    monkeypatch.setattr(register, "_MAKERS", dict(register._MAKERS))
    assert "folds" not in featured("y = Sinh (x)", "float[8, 8] x").terms

    @register.features("Sinh")
    def folds(costed, call, machine):
        found = general(costed, call, machine)
        return found._replace(terms={**found.terms, "folds": 8.0})

    assert featured("y = Sinh (x)", "float[8, 8] x").terms["folds"] == 8


# --- traffic ---------------------------------------------------------------------------------


def test_bytes_count_for_the_level_that_they_lie_in(featured):
    terms = featured("y = Sinh (x)", "float[10, 10] x").terms
    assert terms["read L1"] == pytest.approx(400, rel=0.01)
    assert terms["written L1"] == pytest.approx(400, rel=0.01)
    assert set(terms) == {"node", "read L1", "written L1", "elements", "flops"}


def test_small_parts_of_an_amount_are_left_out(machine):
    terms = {}
    spread(terms, "read", 100.0, 1000.0, machine)  # far below the edge of 48,000 bytes
    assert set(terms) == {"read L1"}


def test_coarse_traffic_tells_near_from_far(machine):
    terms = {}
    spread(terms, "moved", 100.0, 1e3, machine, coarse=True)
    spread(terms, "moved", 100.0, 1e9, machine, coarse=True)
    assert terms == {"moved near": pytest.approx(100), "moved far": pytest.approx(100, rel=1e-3)}


def test_of_axes_and_sizes_only_the_access_counts(featured):
    terms = featured("y = Tile (x, s)", "float[2, 3] x", s=np.array([2, 2])).terms
    assert terms["parameters L1"] == pytest.approx(1, rel=0.01)
    assert not any(name.startswith("weights") for name in terms)


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "inputs", "kernel"),
    [
        ("y = Sinh (x)", "float[4] x", "Sinh"),
        ("y = Sinh (x)", "double[4] x", "Sinh float64"),
        ("y = Cast <to = 7> (x)", "float[4] x", "Cast float32>int64"),
        ("y = Shape (x)", "uint8[4] x", "Shape"),
        ("y = Concat <axis = 0> (x, x)", "uint8[4] x", "Concat"),
        ("y = Sub (x, x)", "float[4] x", "arithmetic alike"),
        ("y = Less (x, x)", "int64[4] x", "comparison alike int64>bool"),
        ("y = Add (x, z)", "float[4, 5] x, float[5] z", "arithmetic repeated by rows"),
        ("y = Add (x, z)", "float[4, 5] x, float[4, 1] z", "arithmetic repeated by values"),
        ("y = Where (c, x, x)", "bool[4] c, float[4] x", "Where alike"),
        ("y = MaxPool <kernel_shape = [2, 2]> (x)", "uint8[1, 2, 4, 4] x", "MaxPool 8 bits"),
    ],
)
def test_operators_that_fare_alike_share_a_kernel(featured, text, inputs, kernel):
    assert featured(text, inputs).kernel == kernel


# --- what moves ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("perm", "kernel"),
    [
        ("[0, 2, 1, 3]", "Transpose runs"),
        ("[0, 2, 3, 1]", "Transpose matrix"),
        ("[0, 3, 1, 2]", "Transpose matrix"),
        ("[3, 2, 1, 0]", "Transpose elements"),
        ("[0, 1, 2, 3]", "Transpose in place"),
    ],
)
def test_a_transpose_is_known_by_its_class(featured, perm, kernel):
    assert featured(f"y = Transpose <perm = {perm}> (x)", "float[2, 3, 4, 5] x").kernel == kernel


def test_pieces_of_copies(featured):
    # two inputs for each of the 2 x 3 rows
    joined = featured("y = Concat <axis = 2> (x, x)", "float[2, 3, 4] x")
    assert joined.terms["pieces"] == 12
    bounds = {name: np.array([at]) for name, at in (("a", 1), ("b", 3), ("c", 1))}
    # two of three rows of each image lie together
    assert featured("y = Slice (x, a, b, c)", "float[2, 3, 4] x", **bounds).terms["pieces"] == 2
    # each element of the last dim but one is repeated with the 4 behind it
    shape = np.array([2, 3, 4])
    assert featured("y = Expand (x, s)", "float[2, 1, 4] x", s=shape).terms["pieces"] == 6


def test_gathered_pieces_lie_where_their_source_does(featured):
    indices = np.array([0, 2])
    found = featured("y = Gather <axis = 1> (x, i)", "float[5, 3, 4] x", i=indices)
    assert found.terms["pieces L1"] == pytest.approx(10, rel=0.05)  # 5 x 2 pieces of 4
    assert found.coordinates["piece"] == pytest.approx(math.log(4))


# --- what works along dims -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axes", "kernel", "kept"),
    [
        ([2], "Reduce sum rows", 6),
        ([0], "Reduce sum columns", 12),
        ([1], "Reduce sum planes", 8),
        ([0, 2], "Reduce sum scattered", 3),
        ([0, 1, 2], "Reduce sum all", 1),
    ],
)
def test_kept_dims_decide_a_reductions_loop(featured, axes, kernel, kept):
    found = featured("y = ReduceMean (x, a)", "float[2, 3, 4] x", a=np.array(axes))
    assert (found.kernel, found.terms["kept"]) == (kernel, kept)


def test_a_norm_goes_over_all_dims_from_its_axis_on(featured):
    scale = np.ones((3, 4), np.float32)
    found = featured("y = LayerNormalization <axis = 1> (x, s)", "float[2, 3, 4] x", s=scale)
    assert found.terms["rows"] == 2
    assert found.coordinates["row"] == pytest.approx(math.log(12))


def test_topk_sorts_what_it_keeps(featured):
    found = featured("y, i = TopK (x, k)", "float[6, 100] x", k=np.array([5]))
    assert (found.terms["rows"], found.terms["kept"]) == (6, 30)
    assert found.terms["sorted"] == 30 * 3  # 5 takes three bits


# --- products --------------------------------------------------------------------------------


def test_tails_of_an_integer_product(featured):
    zero, weight = np.array(0, np.int8), np.ones((6, 23), np.int8)
    found = featured("y = MatMulInteger (x, w, , z)", "uint8[5, 6] x", w=weight, z=zero)
    assert found.kernel == "product of integers packed u8s8"
    assert found.terms["multiply-adds"] == 5 * 32 * 8  # columns by 16, depth by 4
    assert found.terms["sums by four"] == 5  # 23 = 16 + 4 + 3
    assert found.terms["single sums"] == 5 * 3
    assert found.terms["odd rows"] == 5  # 6 is no multiple of 4


def test_a_quantised_convolution_with_channels_last_transposes_nothing(featured):
    arrays = {
        "w": np.ones((16, 8, 3, 3), np.int8),
        "s": np.array(0.1, np.float32),
        "u": np.array(128, np.uint8),
        "z": np.array(0, np.int8),
    }
    ends = "x, s, u, w, s, z, s, u"
    text = f"y = QLinearConv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> ({ends})"
    first = featured(text, "uint8[1, 8, 5, 5] x", **arrays)
    assert first.kernel == "quantised convolution u8s8"
    assert first.terms["transposed"] == 25 * (8 + 16)
    assert first.terms["copied"] == 25 * 8 * 9
    assert first.terms["multiply-adds"] == 25 * 16 * 72


def test_a_recurrent_layer_streams_the_states_weights_each_step(featured):
    weights = {"w": np.ones((1, 64, 4), np.float32), "r": np.ones((1, 64, 16), np.float32)}
    found = featured("y = LSTM <hidden_size = 16> (x, w, r)", "float[5, 2, 4] x", **weights)
    assert found.kernel == "LSTM, GRU"
    assert found.terms["state's multiply-adds"] == 5 * 2 * 16 * 64
    assert found.terms["input's multiply-adds"] == 5 * 2 * 4 * 64
    assert found.terms["gates"] == 5 * 2 * 64
    assert found.terms["state's weights L1"] == pytest.approx(5 * 64 * 16 * 4, rel=0.05)


def test_einsum_counts_what_it_turns_round(featured):
    inputs = "float[2, 3, 4, 5] a, float[2, 3, 6, 5] b"
    found = featured('y = Einsum <equation = "bhid,bhjd->bhij"> (a, b)', inputs)
    assert found.terms["products"] == 6
    assert found.terms["turned"] == 2 * 3 * 6 * 5  # of the right side depth comes last


def test_attention_counts_scores(featured):
    inputs = "float[1, 7, 8] q, float[1, 9, 8] k, float[1, 9, 8] v"
    text = "y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v)"
    found = featured(text, inputs)
    assert found.kernel == "attention"
    assert found.terms["scores"] == 2 * 7 * 9
    assert found.terms["rows"] == 2 * 7
    assert found.terms["projected"] == 0


def test_a_transform_of_another_length_takes_a_longer_one(featured):
    fast = featured("y = DFT (x)", "float[3, 64, 1] x")
    slow = featured("y = DFT (x)", "float[3, 60, 1] x")
    assert (fast.kernel, slow.kernel) == ("DFT", "DFT of any length")
    assert fast.terms["points"] == 3 * 64
    assert slow.terms["points"] == 3 * 128  # the next power of two from 119 on
