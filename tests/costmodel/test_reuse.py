"""Where inputs lie: the bytes touched since they were."""

import numpy as np
from onnx import numpy_helper, parser

from ocost.costmodel.cost import cost_nodes
from ocost.costmodel.reuse import Distances, distances
from ocost.graph import from_proto
from ocost.graph.shapes import infer

HEAD = '<ir_version: 8, opset_import: ["" : 17]> g (float[8, 64] x) => (float[8, 64] z) '
SIZE = 8 * 64 * 4
WEIGHTS = 64 * 64 * 4


def found(body: str) -> list[Distances]:
    model = parser.parse_model(HEAD + "{" + body + "}")
    for name in ("w", "v"):
        if name in body:
            tensor = numpy_helper.from_array(np.zeros((64, 64), np.float32), name)
            model.graph.initializer.append(tensor)
    return distances(cost_nodes(infer(from_proto(model))))


def test_what_was_made_just_before_is_nearest() -> None:
    chain = found("a = Relu (x) b = Neg (a) z = Abs (b)")
    assert chain[1]["a"] == SIZE
    assert chain[2]["b"] == SIZE


def test_what_lies_between_counts() -> None:
    # After a is made: Neg reads a, writes b; Abs reads b, writes c.
    nodes = found("a = Relu (x) b = Neg (a) c = Abs (b) z = Add (a, c)")
    assert nodes[3]["c"] == SIZE
    assert nodes[3]["a"] == 3 * SIZE  # a was read once more by Neg: since then b, b, c less one


def test_weights_and_inputs_are_a_run_away() -> None:
    nodes = found("a = MatMul (x, w) z = MatMul (a, v)")
    run = 2 * WEIGHTS + 2 * SIZE  # all weights, and the most activations alive at once
    assert nodes[0]["w"] == nodes[1]["v"] == run
    assert nodes[0]["x"] == run
    assert nodes[1]["a"] == SIZE


def test_a_view_touches_nothing() -> None:
    nodes = found("a = Relu (x) b = Identity (a) z = Abs (b)")
    assert nodes[-1]["b"] == SIZE
