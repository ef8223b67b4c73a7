"""The node cases of onnx's own backend suite, as the shape engine's parts see a node."""

from typing import NamedTuple

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from ocost.graph.node import Node
from ocost.graph.shapes.info import Info, ShapeCall


class NodeCase(NamedTuple):
    name: str
    call: ShapeCall
    expected: list[np.ndarray | None]


def _array(data: object) -> np.ndarray:
    return numpy_helper.to_array(data) if isinstance(data, TensorProto) else np.asarray(data)


def _info(array: np.ndarray, dtype: int) -> Info:
    return Info(dtype, array.shape, value=array)


@pytest.fixture(scope="session")
def node_cases(onnx_node_cases) -> list[NodeCase]:
    """Every single-node case whose inputs and outputs are all tensors."""
    cases = []
    for case in onnx_node_cases:
        graph = case.model.graph
        values = [*graph.input, *graph.output]
        if len(graph.node) != 1 or not all(v.type.HasField("tensor_type") for v in values):
            continue
        proto = graph.node[0]
        opset = {o.domain: o.version for o in case.model.opset_import}
        inputs, outputs = case.data_sets[0]
        types = {v.name: v.type.tensor_type.elem_type for v in graph.input}
        known = {
            v.name: _info(_array(data), types[v.name])
            for v, data in zip(graph.input, inputs, strict=True)
        }
        answers = {v.name: _array(data) for v, data in zip(graph.output, outputs, strict=True)}
        node = Node(
            id="n",
            op_type=proto.op_type,
            inputs=tuple(proto.input),
            outputs=tuple(proto.output),
            attributes={a.name: a for a in proto.attribute},
            domain=proto.domain,
        )
        call = ShapeCall(node, [known.get(n) for n in proto.input], opset.get(proto.domain, 1))
        cases.append(NodeCase(case.name, call, [answers.get(n) for n in proto.output]))
    return cases
