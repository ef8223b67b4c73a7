"""Models of ai.onnx.ml: their constants are attributes, and are read like others."""

import pytest
from onnx import TensorProto, helper

import ocost
from ocost.graph import from_proto
from ocost.graph.shapes import Given

ML = "ai.onnx.ml"
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64

# Node 0 asks, its true side is leaf 1, its false side node 2 with leaves 3 and 4: depth 2.
TREE = {
    "nodes_treeids": [0] * 5,
    "nodes_nodeids": [0, 1, 2, 3, 4],
    "nodes_featureids": [0, 0, 1, 0, 0],
    "nodes_truenodeids": [1, 0, 3, 0, 0],
    "nodes_falsenodeids": [2, 0, 4, 0, 0],
    "nodes_missing_value_tracks_true": [0] * 5,
    "nodes_values": [0.5, 0.0, 1.5, 0.0, 0.0],
    "nodes_hitrates": [1.0] * 5,
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
    "class_treeids": [0] * 3,
    "class_nodeids": [1, 3, 4],
    "class_ids": [0, 1, 2],
    "class_weights": [1.0] * 3,
}
NUMBERS = {"classlabels_int64s": [0, 1, 2]}
NAMES = {"classlabels_strings": ["low", "middle", "high"]}


def _tree(labels, outputs=("label", "scores")):
    inputs, made = ["x"], list(outputs)
    return helper.make_node("TreeEnsembleClassifier", inputs, made, domain=ML, **TREE, **labels)


def _graph(*nodes, outputs=("label", "scores"), constants=(), functions=(), x=(None, 4)):
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", FLOAT, x)],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        list(constants),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 1), helper.make_opsetid("d", 1)]
    return from_proto(helper.make_model(graph, opset_imports=opsets, functions=functions))


def _cost(graph, rows=10):
    return ocost.cost(graph, given=Given(shapes={"x": (rows, 4)}), level="written")


def test_a_tree():
    cost = _cost(_graph(_tree(NUMBERS)))
    (node,) = cost.nodes
    # 10 samples: 2 comparisons at most, 1 weight to add
    assert node.flops == 10 * (2 + 1)
    # 5 nodes: 6 columns of integers, 2 of floats, the modes; 3 leaves: 3 columns and the weights;
    # 3 labels
    assert cost.totals.param_bytes == 5 * (6 * 8 + 2 * 4) + (2 * 10 + 3 * 4) + 3 * (3 * 8 + 4) + 24
    assert cost.totals.params == 5 + 3  # values and weights
    # All but the hit rates: 10 samples come by 3 nodes each, which are more than there are.
    assert node.weight_bytes == cost.totals.param_bytes - 5 * 4
    assert node.read_bytes == 10 * 4 * 4 + node.weight_bytes
    assert node.write_bytes == 10 * 8 + 30 * 4
    assert cost.totals.compulsory_bytes == node.read_bytes + node.write_bytes
    assert cost.coverage.exact == 1


def test_one_sample_reads_its_way_through_the_tree():
    (node,) = _cost(_graph(_tree(NUMBERS)), rows=1).nodes
    # 3 of 5 nodes (292 bytes), 1 of 3 weights (84 bytes), 1 of 3 labels (24 bytes)
    assert node.weight_bytes == 176 + 28 + 8


def test_names_and_maps():
    """Labels as strings of 32 bytes; a map of three entries a sample."""
    zip_map = helper.make_node("ZipMap", ["scores"], ["maps"], domain=ML, **NAMES)
    cost = _cost(_graph(_tree(NAMES), zip_map, outputs=("label", "maps")))
    tree, maps = cost.nodes
    assert cost.coverage.costed == 2
    assert tree.write_bytes == 10 * 32 + 30 * 4
    assert maps.read_bytes == 30 * 4 + len("lowmiddlehigh")
    assert maps.write_bytes == 30 * (32 + 4)
    assert cost.totals.peak_bytes == tree.write_bytes + maps.write_bytes


def test_labels_picked_by_their_index():
    """What scikit-learn's networks end in: the shapes hold behind ArrayFeatureExtractor."""
    nodes = [
        helper.make_node("ArgMax", ["x"], ["best"], axis=1),
        helper.make_node("ArrayFeatureExtractor", ["classes", "best"], ["picked"], domain=ML),
        helper.make_node("Reshape", ["picked", "minus1"], ["label"]),
        helper.make_node("Cast", ["label"], ["y"], to=INT64),
    ]
    constants = [
        helper.make_tensor("classes", TensorProto.INT32, [3], [0, 1, 2]),
        helper.make_tensor("minus1", INT64, [1], [-1]),
    ]
    cost = _cost(_graph(*nodes, outputs=["y"], constants=constants))
    assert cost.coverage.costed == 4
    assert cost.nodes[1].write_bytes == 10 * 4
    assert cost.nodes[3].write_bytes == 10 * 8


def test_a_forest_in_a_function_is_stored_once():
    function = helper.make_function(
        "d", "Forest", ["x"], ["label", "scores"], [_tree(NUMBERS)], [helper.make_opsetid(ML, 1)]
    )
    calls = [helper.make_node("Forest", ["x"], [f"l{i}", f"s{i}"], domain="d") for i in range(2)]
    twice = _graph(*calls, outputs=("l0", "s0", "l1", "s1"), functions=[function])
    once = _cost(_graph(_tree(NUMBERS))).totals
    cost = _cost(twice).totals
    assert (cost.params, cost.param_bytes) == (once.params, once.param_bytes)
    assert cost.flops == 2 * once.flops
    # x once, both calls' outputs; what both read of the forest is at most all of it
    assert cost.compulsory_bytes == 160 + once.param_bytes + 2 * (10 * 8 + 30 * 4)


@pytest.mark.parametrize(
    ("op_type", "attributes", "params", "read"),
    [
        ("Scaler", {"offset": [1.0] * 4, "scale": [2.0] * 4}, 8, 32),
        ("Imputer", {"imputed_value_floats": [1.0] * 4, "replaced_value_float": 0.0}, 0, 16),
        ("LinearRegressor", {"coefficients": [1.0] * 8, "intercepts": [0.0] * 2}, 10, 40),
        ("OneHotEncoder", {"cats_int64s": [1, 2, 3]}, 0, 24),
        ("Normalizer", {"norm": "L2"}, 0, 0),
        (
            "SVMRegressor",
            {
                "support_vectors": [1.0] * 8,
                "coefficients": [1.0] * 2,
                "rho": [0.0],
                "kernel_params": [1.0, 0.0, 3.0],
                "n_supports": 2,
            },
            8 + 2 + 1,
            4 * (8 + 2 + 1 + 3),
        ),
    ],
)
def test_constants_of_each_operator(op_type, attributes, params, read):
    node = helper.make_node(op_type, ["x"], ["y"], domain=ML, **attributes)
    cost = _cost(_graph(node, outputs=["y"]))
    assert cost.totals.params == params
    assert cost.totals.param_bytes == cost.nodes[0].weight_bytes == read


def test_a_table_gives_an_entry_a_look_up():
    keys, values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], list(range(8))
    node = helper.make_node(
        "LabelEncoder", ["x"], ["y"], domain=ML, keys_floats=keys, values_int64s=values
    )
    cost = _cost(_graph(node, outputs=["y"]), rows=1)
    assert cost.totals.param_bytes == 8 * (4 + 8)
    assert cost.nodes[0].weight_bytes == 4 * (4 + 8)  # 4 elements
