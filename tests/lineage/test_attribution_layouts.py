"""Layouts that onnxruntime chooses by the machine, as it writes them down.

The optimised graphs are made by hand, so that they are the same everywhere.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import onnx
from onnx import helper

from ocost.graph import Graph, from_proto
from ocost.lineage.attribution import attribute

NCHWC, MICROSOFT = "com.microsoft.nchwc", "com.microsoft"


def node(op_type: str, name: str, reads: str, makes: str, domain: str = "", **kwargs: Any):
    inputs = ["" if tensor == "_" else tensor for tensor in reads.split()]
    return helper.make_node(op_type, inputs, makes.split(), name, domain=domain, **kwargs)


def graph(*nodes: onnx.NodeProto) -> Graph:
    """From x to y; what nothing makes is a constant, of other contents than the others."""
    made = {tensor for proto in nodes for tensor in proto.output}
    read = {tensor: None for proto in nodes for tensor in proto.input if tensor}
    constants = [
        helper.make_tensor(name, onnx.TensorProto.FLOAT, [], [float(crc32(name.encode()))])
        for name in read
        if name not in made and name != "x"
    ]
    info = helper.make_tensor_value_info
    x, y = (info(name, onnx.TensorProto.FLOAT, None) for name in "xy")
    proto = helper.make_graph(list(nodes), "g", [x], [y], constants)
    return from_proto(
        helper.make_model(proto, opset_imports=[helper.make_opsetid(d, 1) for d in ("", NCHWC)])
    )


def covers(original: Graph, optimised: Graph) -> dict[str, str]:
    found = attribute(original, optimised)
    assert "missing" not in found.originals.values()
    return {n.name: f"{n.status}: {' '.join(n.originals)}" for n in found.executed}


def test_a_blocked_convolution_crosses_its_sum_and_its_activation() -> None:
    original = graph(
        node("Conv", "n0", "x w0", "c"),
        node("Conv", "n1", "x w1", "d"),
        node("Add", "n2", "c d", "s"),
        node("Relu", "n3", "s", "r"),
        node("Conv", "n4", "r w2", "y"),
    )
    optimised = graph(
        node("Conv", "d_nchwc", "x reorder_1", "t0", NCHWC),
        node("Conv", "c_nchwc", "x reorder_2 _ t0", "t1", NCHWC, activation="Relu"),
        node("Conv", "y_nchwc", "t1 reorder_3", "t2", NCHWC),
        node("ReorderOutput", "ReorderOutput", "t2", "y", NCHWC, channels=4),
    )
    assert covers(original, optimised) == {
        "d_nchwc": "exact: n1",
        "c_nchwc": "exact: n0 n2 n3",
        "y_nchwc": "exact: n4",
        "ReorderOutput": "layout: n4",
    }


def test_batch_norm_is_a_blocked_convolution() -> None:
    original = graph(
        node("MaxPool", "n0", "x", "p", kernel_shape=[2, 2]),
        node("BatchNormalization", "n1", "p s b m v", "n"),
        node("Relu", "n2", "n", "r"),
        node("Mul", "n3", "r k", "z"),
        node("Conv", "n4", "z w", "y"),
    )
    optimised = graph(
        node("ReorderInput", "ReorderInput", "x", "t0", NCHWC),
        node("MaxPool", "p_nchwc", "t0", "t1", NCHWC, kernel_shape=[2, 2]),
        node("Conv", "n_bn_nchwc", "t1 bn_scale bn_b", "t2", NCHWC, activation="Relu"),
        node("Conv", "z_mul_nchwc", "t2 mul_scale", "t3", NCHWC),
        node("Conv", "y_nchwc", "t3 reorder", "t4", NCHWC),
        node("ReorderOutput", "ReorderOutput", "t4", "y", NCHWC),
    )
    assert covers(original, optimised) == {
        "ReorderInput": "layout: n0",
        "p_nchwc": "exact: n0",
        "n_bn_nchwc": "exact: n1 n2",
        "z_mul_nchwc": "exact: n3",
        "y_nchwc": "exact: n4",
        "ReorderOutput": "layout: n4",
    }


def test_an_activation_of_two_nodes() -> None:
    """HardSwish as x * hardsigmoid(x), SiLU as x * sigmoid(x), in blocks."""
    original = graph(
        node("Conv", "n0", "x w0", "c"),
        node("HardSigmoid", "n1", "c", "h"),
        node("Mul", "n2", "c h", "a"),
        node("Conv", "n3", "a w1", "d"),
        node("Sigmoid", "n4", "d", "s"),
        node("Mul", "n5", "d s", "g"),
        node("Conv", "n6", "g w2", "y"),
    )
    optimised = graph(
        node("Conv", "c_nchwc", "x reorder_1", "t0", NCHWC, activation="HardSwish"),
        node("Conv", "d_nchwc", "t0 reorder_2", "t1", NCHWC),
        node("QuickGelu", "n5/QuickGeluFusion/", "t1", "t2", MICROSOFT),
        node("Conv", "y_nchwc", "t2 reorder_3", "t3", NCHWC),
        node("ReorderOutput", "ReorderOutput_token_7", "t3", "y", NCHWC),
    )
    assert covers(original, optimised) == {
        "c_nchwc": "exact: n0 n1 n2",
        "d_nchwc": "exact: n3",
        "n5/QuickGeluFusion/": "exact: n4 n5",
        "y_nchwc": "exact: n6",
        "ReorderOutput_token_7": "layout: n6",
    }


def test_half_precision_in_blocks() -> None:
    original = graph(node("Conv", "n0", "x w", "c"), node("Relu", "n1", "c", "y"))
    cast = "InsertedPrecisionFreeCast_"
    optimised = graph(
        node("Cast", f"{cast}x", "x", "t0", to=1),
        node("Cast", f"{cast}w", "w", "t1", to=1),
        node("Conv", f"{cast}c_nchwc", "t0 t1", "t2", NCHWC),
        node("Relu", "n1", "t2", "t3"),
        node("ReorderOutput", "ReorderOutput", "t3", "t4", NCHWC),
        node("Cast", f"{cast}y", "t4", "y", to=10),
    )
    assert covers(original, optimised) == {
        f"{cast}x": "layout: n0",
        f"{cast}w": "const: n0",
        f"{cast}c_nchwc": "exact: n0",
        "n1": "exact: n1",
        "ReorderOutput": "layout: n1",
        f"{cast}y": "layout: n1",
    }


def test_half_precision_with_a_folded_batch_norm() -> None:
    """The Conv keeps its name, but makes what the BatchNormalization made."""
    original = graph(
        node("Conv", "n0", "x w", "c"),
        node("BatchNormalization", "n1", "c s b m v", "n"),
        node("Relu", "n2", "n", "y"),
    )
    cast = "InsertedPrecisionFreeCast_"
    optimised = graph(
        node("Cast", f"{cast}x", "x", "t0", to=1),
        node("Conv", "n0", "t0 folded", f"{cast}n"),
        node("Relu", "n2", f"{cast}n", f"{cast}y"),
        node("Cast", f"{cast}y", f"{cast}y", "y", to=10),
    )
    assert covers(original, optimised) == {
        f"{cast}x": "layout: n0",
        "n0": "exact: n0 n1",
        "n2": "exact: n2",
        f"{cast}y": "layout: n2",
    }


def test_quantised_operators_with_channels_last() -> None:
    """What is between two Transposes has no name of the original's."""
    original = graph(
        node("QuantizeLinear", "n0", "x s", "q"),
        node("DequantizeLinear", "n1", "q s", "d"),
        node("DequantizeLinear", "n2", "wq ws", "w"),
        node("Conv", "n3", "d w", "c"),
        node("Relu", "n4", "c", "r"),
        node("QuantizeLinear", "n5", "r s", "rq"),
        node("DequantizeLinear", "n6", "rq s", "rd"),
        node("MaxPool", "n7", "rd", "p", kernel_shape=[2, 2]),
        node("QuantizeLinear", "n8", "p s", "pq"),
        node("DequantizeLinear", "n9", "pq s", "y"),
    )
    optimised = graph(
        node("QuantizeLinear", "n0", "x s", "q"),
        node("Transpose", "Transpose", "q", "t0", perm=[0, 2, 3, 1]),
        node("QLinearConv", "n3_token_1", "t0 s _ wq ws _ s", "n3", MICROSOFT, channels_last=1),
        node("NhwcMaxPool", "n7_token_2", "n3", "n7", MICROSOFT, kernel_shape=[2, 2]),
        node("Transpose", "Transpose_token_3", "n7", "pq", perm=[0, 3, 1, 2]),
        node("DequantizeLinear", "n9", "pq s", "y"),
    )
    assert covers(original, optimised) == {
        "n0": "exact: n0",
        "Transpose": "layout: n0 n1",
        "n3_token_1": "exact: n1 n2 n3 n4 n5",
        "n7_token_2": "exact: n6 n7 n8",
        "Transpose_token_3": "layout: n8 n9",
        "n9": "exact: n9",
    }


def test_a_moved_transpose_and_a_name_that_means_another_tensor() -> None:
    """Sin and Cos lose their tensors' names and take their nodes'; 'v' was Sin's before."""
    original = graph(
        node("Sin", "u", "x", "v"),
        node("Cos", "v", "v", "w"),
        node("Transpose", "z", "w", "t", perm=[1, 0]),
        node("Exp", "e", "t", "y"),
    )
    optimised = graph(
        node("Transpose", "Transpose_token_0", "x", "Transpose_token_0_out0", perm=[1, 0]),
        node("Sin", "u", "Transpose_token_0_out0", "u"),
        node("Cos", "v", "u", "v"),
        node("Exp", "e", "v", "y"),
    )
    assert covers(original, optimised) == {
        "Transpose_token_0": "exact: z",
        "u": "exact: u",
        "v": "exact: v",
        "e": "exact: e",
    }


def test_slices_that_one_split_replaces() -> None:
    original = graph(
        node("Gather", "n0", "x i0", "a"),
        node("Gather", "n1", "x ind1", "b"),
        node("Add", "n2", "a b", "y"),
    )
    optimised = graph(
        node("Split", "n1/GatherSliceToSplitFusion", "x", "split split_token_0"),
        node("Squeeze", "Squeeze", "split ax", "a"),
        node("Squeeze", "Squeeze_token_1", "split_token_0 ax", "b"),
        node("Add", "n2", "a b", "y"),
    )
    assert covers(original, optimised) == {
        "n1/GatherSliceToSplitFusion": "exact: n0 n1",
        "Squeeze": "layout: n0 n2",
        "Squeeze_token_1": "layout: n1 n2",
        "n2": "exact: n2",
    }


def test_what_can_not_be_told_apart() -> None:
    """Two operators in place of one, by a fusion that is not known."""
    original = graph(node("Gelu", "n0", "x", "g"), node("Relu", "n1", "g", "y"))
    optimised = graph(
        node("Erf", "made_up", "x", "t0"),
        node("Mul", "made_up_too", "x t0", "g"),
        node("Relu", "n1", "g", "y"),
    )
    assert covers(original, optimised) == {
        "made_up": "group: n0",
        "made_up_too": "group: n0",
        "n1": "exact: n1",
    }


def test_the_shape_of_what_a_transpose_was_moved_from() -> None:
    """Shape keeps its name, but its sizes are in another order until they are gathered."""
    original = graph(
        node("Transpose", "n0", "x", "t", perm=[1, 0]),
        node("Shape", "n1", "t", "d"),
        node("ConstantOfShape", "n2", "d", "z"),
        node("Add", "n3", "z t", "s"),
        node("Transpose", "n4", "s", "y", perm=[1, 0]),
    )
    optimised = graph(
        node("Shape", "n1", "x", "n1"),
        node("Gather", "Gather", "n1 order", "d"),
        node("ConstantOfShape", "n2", "d", "z"),
        node("Transpose", "Transpose", "z", "Transpose_out0", perm=[1, 0]),
        node("Add", "n3", "Transpose_out0 x", "y"),
    )
    found = attribute(original, optimised)
    assert found.tensors["d"] == "d"
    assert "n1" not in found.tensors
    assert [n.status for n in found.executed][:2] == ["group", "group"]
    assert all("n1" in n.originals for n in found.executed[:2])
    assert "missing" not in found.originals.values()


def test_an_inserted_pair_of_quantisers() -> None:
    """A Transpose is moved behind a DequantizeLinear and gets a pair of its own."""
    original = graph(
        node("QuantizeLinear", "n0", "x s z", "q"),
        node("DequantizeLinear", "n1", "q s z", "d"),
        node("Sin", "n2", "d", "e"),
        node("Mul", "n3", "d e", "y"),
    )
    optimised = graph(
        node("QuantizeLinear", "n0", "x s z", "q"),
        node("DequantizeLinear", "n1", "q s z", "n1"),
        node("Transpose", "Transpose", "n1", "Transpose", perm=[1, 0]),
        node("QuantizeLinear", "QuantizeLinear", "Transpose s z", "QuantizeLinear_out0"),
        node("DequantizeLinear", "DequantizeLinear", "QuantizeLinear_out0 s z", "d"),
        node("Sin", "n2", "d", "e"),
        node("Mul", "n3", "d e", "y"),
    )
    found = attribute(original, optimised)
    assert found.tensors == {
        "q": "q",
        "n1": "d",
        "Transpose": "d",
        "QuantizeLinear_out0": "q",
        "d": "d",
        "e": "e",
        "y": "y",
    }
    assert [(n.name, n.originals) for n in found.executed if n.status == "layout"] == [
        ("Transpose", ("n1", "n2", "n3")),
        ("QuantizeLinear", ("n0", "n2", "n3")),
        ("DequantizeLinear", ("n1", "n2", "n3")),
    ]
    assert set(found.originals.values()) == {"once"}


def test_a_fused_node_whose_name_is_that_of_the_tensor_it_makes() -> None:
    """The node 'd' made c; fused with what makes d, it does make that."""
    original = graph(
        node("Conv", "d", "x w", "c"),
        node("BatchNormalization", "n1", "c s b m v", "d"),
        node("Exp", "n2", "d", "y"),
    )
    optimised = graph(node("Conv", "d", "x folded", "d"), node("Exp", "n2", "d", "y"))
    assert covers(original, optimised) == {"d": "exact: d n1", "n2": "exact: n2"}


def test_a_dequantiser_that_is_moved_behind_data_movers() -> None:
    """What n2 and n3 make is quantised now; of the original only the last one's is dequantised."""
    original = graph(
        node("QuantizeLinear", "n0", "x s z", "q"),
        node("DequantizeLinear", "n1", "q s z", "d"),
        node("Reshape", "n2", "d shape", "r"),
        node("Squeeze", "n3", "r", "p"),
        node("Conv", "n4", "p w", "c"),
        node("QuantizeLinear", "n5", "c s z", "y"),
    )
    optimised = graph(
        node("QuantizeLinear", "n0", "x s z", "q"),
        node("Reshape", "n2", "q shape", "r_q_to_dq"),
        node("Squeeze", "n3", "r_q_to_dq", "p_q_to_dq"),
        node("DequantizeLinear", "p_dq", "p_q_to_dq s z", "p"),
        node("Conv", "n4", "p w", "c"),
        node("QuantizeLinear", "n5", "c s z", "y"),
    )
    assert covers(original, optimised) == {
        "n0": "exact: n0",
        "n2": "group: n1 n2 n3",
        "n3": "group: n1 n2 n3",
        "p_dq": "group: n1 n2 n3",
        "n4": "exact: n4",
        "n5": "exact: n5",
    }
    assert set(attribute(original, optimised).tensors) == {"q", "p", "c", "y"}


def test_quantisers_that_are_put_before_a_data_mover() -> None:
    original = graph(
        node("Unsqueeze", "n0", "x axes", "u"),
        node("QuantizeLinear", "n1", "u s z", "q"),
        node("DequantizeLinear", "n2", "q s z", "y"),
    )
    optimised = graph(
        node("QuantizeLinear", "x_q", "x s z", "x_q_to_dq"),
        node("DequantizeLinear", "x_dq", "x_q_to_dq s z", "x_post_dq"),
        node("Unsqueeze", "n0", "x_post_dq axes", "u"),
        node("QuantizeLinear", "n1", "u s z", "q"),
        node("DequantizeLinear", "n2", "q s z", "y"),
    )
    assert covers(original, optimised) == {
        "x_q": "layout: n0",
        "x_dq": "layout: n0",
        "n0": "exact: n0",
        "n1": "exact: n1",
        "n2": "exact: n2",
    }
