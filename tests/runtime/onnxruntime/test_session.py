"""Sessions: their options reach onnxruntime, its errors are one line, it stays quiet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ocost.graph import OcostError
from ocost.runtime.onnxruntime import session as module
from ocost.runtime.onnxruntime.session import open_session, repeatable, run_once
from ocost.runtime.protocol import Options, SessionLevel

F = onnx.TensorProto.FLOAT


def model() -> onnx.ModelProto:
    """Conv of 4 to 16 channels with all weights 1, and a Relu."""
    weight = numpy_helper.from_array(np.ones((16, 4, 1, 1), np.float32), "w")
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
            helper.make_node("Relu", ["c"], ["y"], "relu"),
        ],
        "g",
        [helper.make_tensor_value_info("x", F, [1, 4, 8, 8])],
        [helper.make_tensor_value_info("y", F, [1, 16, 8, 8])],
        [weight],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


X = {"x": np.ones((1, 4, 8, 8), np.float32)}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (SessionLevel.DISABLE, {"Conv", "Relu"}),
        (SessionLevel.BASIC, {"Conv", "Relu"}),
        (SessionLevel.EXTENDED, {"FusedConv"}),
    ],
)
def test_the_level_decides_what_runs(
    tmp_path: Path, level: SessionLevel, expected: set[str]
) -> None:
    saved = tmp_path / "saved.onnx"
    session = open_session(model(), Options(level=level), optimized=saved)
    assert {node.op_type for node in onnx.load(saved).graph.node} == expected
    # 4 channels of 1 by a weight of 1.
    assert (run_once(session, X)[0] == 4).all()


def test_a_file_can_be_opened(tmp_path: Path) -> None:
    onnx.save(model(), tmp_path / "model.onnx")
    assert (run_once(open_session(tmp_path / "model.onnx", Options()), X)[0] == 4).all()


def test_threads_and_settings_reach_onnxruntime() -> None:
    settings = open_session(model(), Options(threads=2)).get_session_options()
    assert (settings.intra_op_num_threads, settings.inter_op_num_threads) == (2, 1)
    assert settings.get_session_config_entry("session.set_denormal_as_zero") == "1"
    assert settings.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_a_profile_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    session = open_session(model(), Options(), profile_prefix=tmp_path / "trace")
    run_once(session, X)
    file = Path(session.end_profiling())
    assert file.parent == tmp_path
    assert file.name.startswith("trace")
    assert "Conv" in file.read_text()


def test_a_model_over_two_gigabytes_goes_through_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_serialized", lambda _: None)  # what it says of such a model
    large = model()
    weight = np.ones((16, 4, 9, 9), np.float32)
    large.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "w"))
    large.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", F, [1, 4, 9, 9]))
    large.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", F, [1, 16, 1, 1]))
    before = large.SerializeToString()
    saved = tmp_path / "saved.onnx"
    session = open_session(large, Options(level=SessionLevel.BASIC), optimized=saved)
    # 4 channels x 9 x 9 of 1.
    assert (run_once(session, {"x": weight[:1]})[0] == 324).all()
    assert large.SerializeToString() == before
    assert (tmp_path / "saved.onnx.data").stat().st_size >= weight.nbytes


def test_errors_are_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    broken = model()
    broken.graph.node[0].op_type = "Convolve"
    with pytest.raises(OcostError, match=r"can't open the model: (?!\[|\d).*Convolve") as caught:
        open_session(broken, Options())
    assert "\n" not in str(caught.value)
    with pytest.raises(OcostError, match=r"can't open the model: .*nowhere\.onnx"):
        open_session(tmp_path / "nowhere.onnx", Options())
    session = open_session(model(), Options())
    with pytest.raises(OcostError, match=r"can't run the model: .*x") as caught:
        run_once(session, {"x": np.ones((1, 5, 8, 8), np.float32)})
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_denormals_are_flushed_and_nothing_is_printed(tmp_path: Path) -> None:
    # In a process of its own: the first session decides.
    onnx.save(model(), tmp_path / "model.onnx")
    code = (
        "from pathlib import Path; import numpy as np\n"
        "from ocost.runtime.onnxruntime.session import open_session, run_once\n"
        "from ocost.runtime.protocol import Options\n"
        "from ocost.runtime.validation.environment import flushes_denormals\n"
        "assert not flushes_denormals()\n"
        "session = open_session(Path('model.onnx'), Options())\n"
        "assert flushes_denormals()\n"
        "out = run_once(session, {'x': np.full((1, 4, 8, 8), 1e-40, np.float32)})\n"
        "assert not out[0].view(np.int32).any()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def python(code: str, tmp_path: Path, **variables: str) -> str:
    """What a process of its own prints, in which nothing is said of telemetry but this."""
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", code]
    environment |= {"TMPDIR": str(tmp_path), **variables}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    ).stdout.strip()


def test_no_telemetry_unless_it_is_asked_for(tmp_path: Path) -> None:
    """Where it is on, onnxruntime leaves a file among the temporary ones."""
    found = python(
        "import ocost, onnxruntime; from ocost.runtime.onnxruntime.startup import nothing\n"
        "from ocost.runtime.onnxruntime.session import open_session\n"
        "from ocost.runtime.protocol import Options\n"
        "print(type(open_session(nothing(), Options())).__name__)",
        tmp_path,
    )
    assert found == "InferenceSession"
    assert list(tmp_path.iterdir()) == []
    said = "import os, ocost; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert python(said, tmp_path) == "1"
    assert python(said, tmp_path, ORT_DISABLE_TELEMETRY="0") == "0"


@pytest.mark.parametrize("name", ["BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E5M2"])
def test_types_that_numpy_lacks_go_in_and_out(name: str) -> None:
    dtype = onnx.TensorProto.DataType.Value(name)
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["y"], to=F), helper.make_node("Identity", ["x"], ["z"])],
        "g",
        [helper.make_tensor_value_info("x", dtype, [2, 3])],
        [
            helper.make_tensor_value_info("y", F, [2, 3]),
            helper.make_tensor_value_info("z", dtype, [2, 3]),
        ],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    numbers = np.array([[0, 1, -2], [0.5, 4, -8]], helper.tensor_dtype_to_np_dtype(dtype))
    run = repeatable(open_session(proto, Options()), {"x": numbers})
    for _ in range(2):
        cast, same = run()
        assert np.array_equal(cast.numpy(), numbers.astype(np.float32))
        assert same.element_type() == dtype


def test_other_types_run_as_they_always_do() -> None:
    feeds = {"x": np.ones((1, 4, 8, 8), np.float32)}
    session = open_session(model(), Options())
    (made,), (expected,) = repeatable(session, feeds)(), run_once(session, feeds)
    assert np.array_equal(made, expected)
    with pytest.raises(OcostError, match="can't run the model"):
        repeatable(session, {"x": np.ones((1, 3, 8, 8), np.float32)})()
