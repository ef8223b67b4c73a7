"""Small models for passes, and what every pass has to hold to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from onnx import parser

from ocost.graph import Graph, from_proto, to_proto, verify
from ocost.graph.shapes import Given
from ocost.rewrite.rewriting import Outcome, Pass
from ocost.runtime.equality.equivalence import Checker

from .special import moved

Arrays = dict[str, npt.NDArray[np.generic]]


def model(text: str, opset: int = 17, ir: int = 8, **constants: npt.NDArray[np.generic]) -> Graph:
    """A graph in onnx's text syntax (``parser.parse_graph``) with these constants beside it."""
    from ocost.graph import Tensor

    header = f'<ir_version: {ir}, opset_import: ["" : {opset}, "com.microsoft" : 1]>'
    graph = from_proto(parser.parse_model(f"{header}\n{text}"))
    for name, array in constants.items():
        graph.set_initializer(Tensor.from_array(name, array))
    graph = from_proto(to_proto(graph))
    verify(graph)
    return graph


@dataclass
class Ran:
    """A pass's outcome on a graph that it rewrote."""

    graph: Graph
    outcome: Outcome

    @property
    def ops(self) -> list[str]:
        """Operator types in order."""
        return [node.op_type for node in self.graph]

    @property
    def reasons(self) -> list[str]:
        """Why it declined."""
        return [declined.reason for declined in self.outcome.declined]


@pytest.fixture
def run() -> Callable[..., Ran]:
    """Run a pass on a copy, and check that it is right, whole, lossless and idempotent."""

    def run(one: Pass, graph: Graph, given: Given | None = None) -> Ran:
        before = from_proto(to_proto(graph))
        outcome = one.run(graph)
        verify(graph)
        assert graph.inputs == before.inputs
        assert graph.outputs == before.outputs
        again = from_proto(to_proto(graph))
        assert [n.id for n in again] == [n.id for n in graph], "ids change when it is saved"
        assert not one.run(again).rewrites, "a second run finds more"
        if outcome.rewrites:
            with Checker(before, given=given) as checker:
                found = checker.check(graph, finite=one.assumes_finite)
            assert found.ok, found
            assert one.assumes_finite or not moved(before, graph, given)
        else:
            assert to_proto(graph) == to_proto(before), "declined, but changed something"
        return Ran(graph, outcome)

    return run
