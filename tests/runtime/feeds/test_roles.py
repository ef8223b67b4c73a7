"""What a reader demands of an input's values, and through what the reader is found."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocost.graph import from_proto
from ocost.graph.shapes import Shapes, infer
from ocost.runtime.feeds.roles import Interval, accepted, allowed, divides, uses

node = helper.make_node


def shapes(*nodes: onnx.NodeProto, **inputs: tuple[int, ...]) -> Shapes:
    """Of a model with float inputs of these shapes, and constants ``two`` and ``ones``."""
    made = helper.make_model(
        helper.make_graph(
            list(nodes),
            "g",
            [
                helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)
                for n, shape in inputs.items()
            ],
            [helper.make_empty_tensor_value_info(name) for name in nodes[-1].output],
            [
                numpy_helper.from_array(np.array([2]), "two"),
                numpy_helper.from_array(np.ones(3, np.float32), "ones"),
            ],
        ),
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
    )
    return infer(from_proto(made))


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes", "expected"),
    [
        # Indices count from 0 to the dim less 1.
        ("Gather", ["d", "i"], {"axis": 1}, Interval(0, 5)),
        ("Gather", ["d", "i"], {"axis": -1}, Interval(0, 4)),
        ("GatherElements", ["d", "i"], {}, Interval(0, 3)),
        ("ScatterElements", ["d", "i", "d"], {"axis": 2}, Interval(0, 4)),
        # The last axis of i has 2: it counts along the first two of d, of 4 and 6.
        ("GatherND", ["d", "i"], {}, Interval(0, 3)),
        ("ScatterND", ["d", "i", "d"], {}, Interval(0, 3)),
        ("RoiAlign", ["d", "d", "i"], {}, Interval(0, 3)),
        ("EmbedLayerNormalization", ["i", "d", "d", "d", "d"], {}, Interval(0, 3)),
        ("EmbedLayerNormalization", ["d", "i", "d", "d", "d"], {}, Interval(0, 3)),
        # Time is axis 0, or 1 in the other layout.
        ("GRU", ["d", "d", "d", "", "i"], {}, Interval(4, 4)),
        ("RNN", ["d", "d", "d", "", "i"], {"layout": 1}, Interval(6, 6)),
        ("ReverseSequence", ["d", "i"], {"time_axis": 1}, Interval(6, 6)),
        ("GridSample", ["d", "i"], {}, Interval(-1, 1)),
        ("Dropout", ["d", "i"], {}, Interval(0, 0)),
        ("Dropout", ["d", "two", "i"], {}, Interval(0, 0)),
        ("Range", ["two", "two", "i"], {}, Interval(1, 1)),
        ("TopK", ["d", "i"], {}, Interval(1, 1)),
        ("Expand", ["d", "i"], {}, Interval(1, 1)),
        ("Resize", ["d", "", "i"], {}, Interval(1, 1)),
        ("Log", ["i"], {}, Interval(0.5, 1.5)),
        ("Div", ["d", "i"], {}, Interval(0.5, 1.5)),
        ("BatchNormalization", ["d", "ones", "ones", "ones", "i"], {}, Interval(0.5, 1.5)),
        # The same operators in another place, and others, demand nothing.
        ("Gather", ["i", "two"], {}, None),
        ("Div", ["i", "d"], {}, None),
        ("Relu", ["i"], {}, None),
    ],
)
def test_each_rule(
    op_type: str, inputs: list[str], attributes: dict[str, int], expected: Interval | None
) -> None:
    domain = "com.microsoft" if op_type == "EmbedLayerNormalization" else ""
    reader = node(op_type, inputs, ["y"], domain=domain, **attributes)
    assert allowed(shapes(reader, d=(4, 6, 5), i=(3, 2)), "i") == expected


def test_several_readers_must_all_agree_and_the_first_wins_a_quarrel() -> None:
    root = node("Sqrt", ["i"], ["a"])
    sample = node("GridSample", ["d", "i"], ["b"])
    dropout = node("Dropout", ["d", "i"], ["c"])
    # [0.5, 1.5] and [-1, 1] share [0.5, 1]; [0, 0] shares nothing with it.
    assert allowed(shapes(root, sample, i=(3,), d=(3,)), "i") == Interval(0.5, 1)
    assert allowed(shapes(root, sample, dropout, i=(3,), d=(3,)), "i") == Interval(0.5, 1)


def test_values_are_followed_where_they_only_move() -> None:
    nodes = [
        node("Transpose", ["i"], ["a"]),
        node("Concat", ["d", "a"], ["b"], axis=0),
        node("Not", ["b"], ["c"]),
        node("Relu", ["c"], ["e"]),
        node("Sqrt", ["e"], ["y"]),
        node("Gather", ["d", "a"], ["z"]),
        node("Neg", ["z"], ["w"]),
    ]
    found = {
        (use.node.op_type, use.slot): use.negated
        for use in uses(shapes(*nodes, i=(3,), d=(3,)), "i")
    }
    # Neither what Relu makes of it nor the rows that Gather finds are the input's own values.
    assert found == {
        ("Transpose", 0): False,
        ("Concat", 1): False,
        ("Not", 0): False,
        ("Relu", 0): True,
        ("Gather", 1): False,
    }


@pytest.mark.parametrize("outer", ["Loop", "Scan"])
def test_bodies_that_take_it_as_an_input_are_followed(outer: str) -> None:
    def info(name: str, dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, dtype, None)

    carried = [node("Sqrt", ["v"], ["w"])]
    if outer == "Loop":
        inputs = [info("n", TensorProto.INT64), info("c", TensorProto.BOOL), info("v")]
        outputs = [info("c", TensorProto.BOOL), info("w")]
        body = helper.make_graph(carried, "body", inputs, outputs)
        owner = node("Loop", ["two", "", "i"], ["y"], body=body)
    else:
        body = helper.make_graph(carried, "body", [info("v")], [info("w")])
        owner = node("Scan", ["i"], ["y"], body=body, num_scan_inputs=1)
    assert allowed(shapes(owner, i=(3, 2)), "i") == Interval(0.5, 1.5)


def test_a_mask_is_told_by_what_it_lets_pass() -> None:
    low = node("Constant", [], ["low"], value_float=-math.inf)
    bias = node("Constant", [], ["bias"], value_float=-5.0)
    masked = node("Where", ["i", "d", "low"], ["y"])
    assert allowed(shapes(low, masked, i=(3,), d=(3,)), "i") == Interval(1, 1)
    unmasked = node("Where", ["i", "d", "bias"], ["y"])
    assert allowed(shapes(bias, unmasked, i=(3,), d=(3,)), "i") is None


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes", "expected"),
    [
        # Indices may count from the end.
        ("Gather", ["d", "i"], {"axis": 1}, Interval(-6, 5)),
        ("GatherND", ["d", "i"], {}, Interval(-4, 3)),
        # A sequence may be shorter than there is room for.
        ("GRU", ["d", "d", "d", "", "i"], {}, Interval(1, 4)),
        ("TopK", ["d", "i"], {"axis": 1}, Interval(1, 6)),
        ("CumSum", ["d", "i"], {}, Interval(-3, 2)),
        # The result of d, of rank 3, has one axis more.
        ("Unsqueeze", ["d", "i"], {}, Interval(-4, 3)),
        ("Loop", ["i", "", "d"], {}, Interval(0, 5)),
        ("Dropout", ["d", "", "i"], {}, Interval(0, 0)),
        # These only say what the model is for: it runs with any.
        ("Sqrt", ["i"], {}, None),
        ("Div", ["d", "i"], {}, None),
        ("GridSample", ["d", "i"], {}, None),
        ("Add", ["d", "i"], {}, None),
    ],
)
def test_the_values_that_a_reader_runs_with(
    op_type: str, inputs: list[str], attributes: dict[str, object], expected: Interval | None
) -> None:
    made = shapes(node(op_type, inputs, ["y"], **attributes), d=(4, 6, 5), i=(3, 2))
    assert accepted(made, "i") == expected


def test_of_an_operator_that_onnx_does_not_define_little_is_known() -> None:
    made = shapes(node("Unheard", ["d", "i"], ["y"], domain="com.microsoft"), d=(4,), i=(3,))
    assert accepted(made, "i") == Interval(0, 1)


def test_divisors_are_found_through_what_only_moves_values() -> None:
    made = shapes(node("Identity", ["i"], ["j"]), node("Div", ["d", "j"], ["y"]), d=(4,), i=(4,))
    assert divides(made, "i")
    assert not divides(made, "d")
