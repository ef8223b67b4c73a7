"""What a command imports: all of it is paid for by everybody who only asks what a graph costs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from onnx import TensorProto, helper, save

# Slow to import, and nothing that costing a graph needs.
HEAVY = {"networkx", "onnxruntime", "onnxsim", "typer", "pydantic"}
LATER = {"ocost.runtime", "ocost.rewrite", "ocost.passes.registry", "ocost.optimize"}
LATER |= {"ocost.compare", "ocost.passes.lowering.ideal", "ocost.passes.lowering.mobile"}
# Only for what a few models, formats or mistakes bring up.
SELDOM = {"hashlib", "difflib", "statistics", "ocost.hints", "ocost.models.pack"}
_CODE = """
import sys
from ocost import cli
code = cli.run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


def imported(*arguments: str) -> set[str]:
    """The modules that are there when a command is done."""
    command = [sys.executable, "-c", _CODE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 nodes of usual kinds."""
    nodes = []
    for layer in range(10):
        before = f"r{layer - 1}" if layer else "x"
        nodes.append(helper.make_node("Add", [before, "x"], [f"a{layer}"]))
        nodes.append(helper.make_node("Relu", [f"a{layer}"], [f"r{layer}"]))
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 32, 32])
        for name in ("x", "r9")
    ]
    graph = helper.make_graph(nodes, "small", ports[:1], ports[1:])
    file = tmp_path_factory.mktemp("startup") / "small.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), file)
    return file


@pytest.mark.parametrize("options", [[], ["-v"], ["--top", "3"], ["--format", "json"]])
def test_a_cost_imports_nothing_that_it_does_not_need(model: Path, options: Sequence[str]) -> None:
    modules = imported("cost", str(model), *options)
    assert "ocost.passes.lowering.onnxruntime_cpu.pipeline" in modules  # it was lowered
    assert modules & (HEAVY | LATER) == set()
    modules = imported("cost", str(model), "--level", "written", *options)
    assert "ocost.costmodel.cost" in modules  # it was costed
    assert modules & (HEAVY | LATER | {"ocost.passes"}) == set()


def test_a_short_page_imports_nothing_that_is_seldom_needed(model: Path) -> None:
    assert imported("cost", str(model)) & SELDOM == set()


def test_rich_is_for_text(model: Path) -> None:
    assert "rich" in imported("cost", str(model))
    assert "rich" not in imported("cost", str(model), "--format", "json")
    assert "ocost.report.cost_document" not in imported("cost", str(model))


def test_help_imports_no_onnx() -> None:
    modules = imported("cost", "--help")
    assert modules & (HEAVY | LATER | {"onnx", "numpy", "rich"}) == set()


@pytest.mark.parametrize("said", [{}, {"OPENBLAS_THREAD_TIMEOUT": "20"}])
def test_idle_threads_of_blas_sleep_at_once(said: dict[str, str]) -> None:
    """It has to be said before numpy is loaded, and is only said where nobody else did."""
    code = (
        "import os, sys; from ocost import cli; assert 'numpy' not in sys.modules\n"
        "cli.run = lambda _: print(os.environ['OPENBLAS_THREAD_TIMEOUT']) or 0; cli.main()"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"} | said
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == said.get("OPENBLAS_THREAD_TIMEOUT", "4")


def test_what_is_seldom_needed_comes_when_it_is() -> None:
    assert "ocost.models.pack" in imported("cost", "@odd_channels")  # it has no weights
    assert "hashlib" in imported("cost", "@odd_channels", "--format", "json")  # graph_sha256
