"""What tests of several layers share."""

import warnings

import pytest


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
