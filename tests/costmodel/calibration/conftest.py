"""The features of the last node of a small graph."""

from __future__ import annotations

import pytest
from onnx import numpy_helper, parser

from ocost.costmodel.calibration.features import features_of
from ocost.costmodel.calibration.machine import Machine
from ocost.costmodel.cost import cost_nodes
from ocost.costmodel.reuse import distances
from ocost.graph import from_proto
from ocost.graph.shapes import infer

MACHINE = Machine(16, (48e3, 2e6, 24e6))
_HEAD = '<ir_version: 10, opset_import: ["" : 21, "com.microsoft" : 1, "ai.onnx.ml" : 3]> '


@pytest.fixture
def featured():
    """``featured("y = Relu (x)", "float[2, 3] x", w=array)`` with constants by name."""

    def make(text, inputs, **constants):
        model = parser.parse_model(f"{_HEAD}g ({inputs}) => (y) {{{text}}}")
        for name, array in constants.items():
            model.graph.initializer.append(numpy_helper.from_array(array, name))
        nodes = list(cost_nodes(infer(from_proto(model))))
        last = nodes[-1]._replace(executed=True, distances=distances(nodes)[-1])
        found = features_of(last, MACHINE)
        assert found is not None
        return found

    return make


@pytest.fixture
def node_features():
    """The features of all nodes of a model, as far as they have some."""

    def make(model):
        nodes = list(cost_nodes(infer(from_proto(model))))
        for costed, near in zip(nodes, distances(nodes), strict=True):
            found = features_of(costed._replace(executed=True, distances=near), MACHINE)
            if found is not None:
                yield found

    return make


@pytest.fixture
def machine():
    """Of AVX-512, with three levels of cache."""
    return MACHINE
