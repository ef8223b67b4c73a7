"""What tests of several layers share."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from ocost.graph import Graph, load
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session
from ocost.runtime.protocol import Options, SessionLevel

Optimise = Callable[[Graph, SessionLevel], Graph]


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    """Pages as in a pipe, however wide the terminal is that the tests run in."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="session")
def onnx_node_cases():
    """Every case of the node tests of onnx's own backend suite, which takes seconds to make."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnx computes overflows and NaN on purpose
        from onnx.backend.test.case.node import collect_testcases

        return collect_testcases(None)


@pytest.fixture
def optimised(tmp_path: Path) -> Optimise:
    """The graph that onnxruntime runs for a graph, at a level."""

    def optimise(graph: Graph, level: SessionLevel = SessionLevel.ALL) -> Graph:
        saved = tmp_path / f"{level}.onnx"
        open_session(named(graph), Options(level=level), optimized=saved)
        return load(saved)

    return optimise
