"""Models run in processes of their own; what ends one of these is told, and ends nothing else."""

from __future__ import annotations

import os
import signal
import sys

import numpy as np
import onnx
import pytest

from ocost.graph import Graph, OcostError, from_proto
from ocost.runtime.equality.child import Child, DiedError, LimitError, child
from ocost.runtime.equality.engines import Engine
from ocost.runtime.equality.workspace import Workspace

X = {"x": np.array([-1, 3], np.float32)}


def graph(text: str, opset: int = 17) -> Graph:
    return from_proto(
        onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {text}')
    )


RELU = graph("(float[2] x) => (float[2] y) { y = Relu(x) }")


@pytest.mark.parametrize("engine", list(Engine))
def test_every_engine_runs_a_model(engine: Engine) -> None:
    with Workspace(60) as workspace:
        (found,) = workspace.run(workspace.stage(RELU), engine, X)
    assert found.tolist() == [0, 3]
    assert found.dtype == (np.float64 if engine is Engine.FLOAT64 else np.float32)


def test_large_arrays_go_through_files() -> None:
    size = (1 << 19) + 1  # just over 2 MB
    model = graph(f"(float[{size}] x) => (float[{size}] y) {{ y = Neg(x) }}")
    x = np.arange(size, dtype=np.float32)
    with Workspace(60) as workspace:
        staged = workspace.stage(model)
        (found,) = workspace.run(staged, Engine.RUNTIME, {"x": x})
        assert isinstance(found, np.memmap)
        assert (found == -x).all()
        folder = staged.path.parent.parent
        assert [f.name[:3] for f in folder.iterdir() if f.is_file()] == ["out"]  # inputs are gone
    assert not folder.exists()


def test_sequences_and_text_come_through() -> None:
    model = graph(
        "(float[4] x, string[2] s) => (seq(float[2]) y, string[2] t) <int64 n = {2}>"
        " { y = SplitToSequence(x, n)  t = Identity(s) }"
    )
    with Workspace(60) as workspace:
        feeds = {"x": np.arange(4, dtype=np.float32), "s": np.array(["a", "ü"], object)}
        sequence, words = workspace.run(workspace.stage(model), Engine.RUNTIME, feeds)
    assert [part.tolist() for part in sequence] == [[0, 1], [2, 3]]
    assert words.tolist() == ["a", "ü"]


def test_a_refusal_is_the_models_and_the_process_stays() -> None:
    odd = graph("(float[2] x) => (float[2] y) { y = Unheard(x) }")
    with Workspace(60) as workspace:
        for engine, text in ((Engine.RUNTIME, "onnxruntime"), (Engine.REFERENCE, "evaluator")):
            with pytest.raises(OcostError, match=text) as caught:
                workspace.run(workspace.stage(odd), engine, X)
            assert not isinstance(caught.value, DiedError)
            assert str(workspace.stage(odd).path.parent.parent) not in str(caught.value)
        assert workspace.run(workspace.stage(RELU), Engine.RUNTIME, X)[0].tolist() == [0, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="has no signals to die of")
@pytest.mark.parametrize(
    ("number", "text"),
    [(signal.SIGSEGV, "died of SIGSEGV"), (signal.SIGKILL, "was killed: out of memory, probably")],
)
def test_a_death_is_told(number: signal.Signals, text: str) -> None:
    with child() as one:
        os.kill(one._process.pid, number)
        with pytest.raises(DiedError, match=text):
            one.ask(("open", "x", Engine.RUNTIME), 60)
        assert not one.alive


def test_a_run_that_takes_too_long_is_ended() -> None:
    # A million trips of a loop take the evaluator many seconds.
    loop = graph(
        "(float[2] x) => (float[2] y) <int64 n = {1000000}, bool go = {1}> {"
        " y = Loop(n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] w)"
        " { d = Identity(c)  w = Neg(v) }> }"
    )
    with Workspace(1) as workspace:
        staged = workspace.stage(loop)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Workspace, "_renew", lambda _: pytest.fail("it is waited for again"))
            with pytest.raises(LimitError, match="takes more than 1 s"):
                workspace.run(staged, Engine.REFERENCE, X)
        # The next one has a process again.
        assert workspace.run(workspace.stage(RELU), Engine.REFERENCE, X)[0].tolist() == [0, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process may take")
def test_memory_has_a_limit() -> None:
    grow = graph("(float[1] x) => (float[?] y) <int64[1] n = {1000000000}> { y = Expand(x, n) }")
    one = Child()
    try:
        one.ask(("limit", 1 << 30), 60)
        with Workspace(60) as workspace:
            staged = workspace.stage(grow)
            one.ask(("open", str(staged.path), Engine.RUNTIME), 60)
            with pytest.raises(LimitError):  # 4 GB are more than 1
                one.ask(("run", {"x": np.ones(1, np.float32)}, str(staged.path.parent)), 60)
    finally:
        one.close()


def test_a_process_is_used_again() -> None:
    with child() as one:
        served = one.served
    with child() as other:
        assert other is one
        other.ask(("limit", 1 << 40), 60)
        assert other.served == served + 1
    with child(fresh=True) as third:
        assert third is not one


def test_what_it_does_not_understand() -> None:
    with child() as one, pytest.raises(OcostError, match="no request"):
        one.ask(("dance",), 60)
