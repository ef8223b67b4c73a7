"""Float64 answers of a narrower model, and what is refused beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from ocost.graph import OcostError, from_proto
from ocost.graph.shapes import infer
from ocost.runtime.equality.patience import too_much
from ocost.runtime.equality.reference import open_evaluator


def model(text: str, opset: int = 17) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {text}')


def answer(proto: onnx.ModelProto, feeds: dict[str, np.ndarray], folder: Path) -> np.ndarray:
    file = folder / "model.onnx"
    file.write_bytes(proto.SerializeToString())
    return open_evaluator(file, wide=True)(feeds)[0]


X = {"x": np.array([1, 3], np.float32)}


def test_all_floats_become_float64(tmp_path: Path) -> None:
    text = (
        "(float[2] x) => (float16[2] y) <float[2] w = {0.1, 0.7}, int64[1] two = {2}> {"
        " k = Constant<value_float=0.3>()  a = Mul(x, w)  z = ConstantOfShape(two)"
        " c = Add(a, z)  b = Add(c, k)  y = Cast<to=10>(b) }"
    )
    proto = model(text)
    found = answer(proto, X, tmp_path)
    assert found.dtype == np.float64
    # The constants are the float32 ones, exactly; the Cast to float16 rounds nothing.
    w, k = np.array([0.1, 0.7], np.float32).astype(np.float64), np.float64(np.float32(0.3))
    assert (found == np.array([1.0, 3.0]) * w + k).all()


def test_bodies_are_widened_too(tmp_path: Path) -> None:
    text = (
        "(bool c, float[2] x) => (float[2] y) { y = If (c) <"
        " then_branch = t () => (float[2] a) { k = Constant<value_float=0.3>()  a = Mul(x, k) },"
        " else_branch = e () => (float[2] b) { b = Identity(x) }> }"
    )
    found = answer(model(text), {"c": np.array(True), **X}, tmp_path)
    assert (found == np.array([1.0, 3.0]) * np.float64(np.float32(0.3))).all()


@pytest.mark.parametrize("opset", [7, 9, 13, 15])
def test_a_batch_normalisation_uses_its_running_statistics(tmp_path: Path, opset: int) -> None:
    text = (
        "(float[1,1,1,2] x) => (float[1,1,1,2] y)"
        " <float[1] s = {5}, float[1] b = {7}, float[1] m = {1}, float[1] v = {3}>"
        " { y = BatchNormalization<epsilon=1>(x, s, b, m, v) }"
    )
    found = answer(model(text, opset), {"x": X["x"].reshape(1, 1, 1, 2)}, tmp_path)
    # (x - 1) / sqrt(3 + 1) * 5 + 7, of 1 and of 3.
    assert found.ravel().tolist() == [7, 12]


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "Hardmax"])
@pytest.mark.parametrize(("axis", "opset"), [(0, 8), (None, 9), (2, 10), (-1, 11), (None, 12)])
def test_softmax_of_old_opsets_works_on_matrices(
    op: str, axis: int | None, opset: int, tmp_path: Path
) -> None:
    attribute = "" if axis is None else f"<axis={axis}>"
    text = f"(float[2,3,2] x) => (float[2,3,2] y) {{ y = {op}{attribute}(x) }}"
    x = np.random.default_rng(0).normal(size=(2, 3, 2)).astype(np.float32)
    proto = model(text, opset)
    right = ort.InferenceSession(proto.SerializeToString()).run(None, {"x": x})[0]
    np.testing.assert_allclose(answer(proto, {"x": x}, tmp_path), right, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # 8e9 multiply-accumulates by 1 ns fit, 6.4e9 bytes of float64 output do not.
        (
            "(float[1,1,30000,30000] x) => (float[?,?,?,?] y)"
            " <float[1,1,3,3] w = {1,1,1,1,1,1,1,1,1}> { y = Conv(x, w) }",
            "too much memory",
        ),
        # 1e5 rows by 1e5 by 4 columns are 4e10.
        (
            "(float[100000,100000] x, float[100000,4] w) => (float[?,?] y) { y = MatMul(x, w) }",
            "too long",
        ),
        # A Python loop over pairs of boxes.
        (
            "(float[1,90,4] b, float[1,1,90] x) => (int64[?,3] y) <int64 n = {90}>"
            " { y = NonMaxSuppression(b, x, n) }",
            "too long",
        ),
        ("(float[2] x) => (float[2] y) { y = Relu(x) }", ""),
    ],
)
def test_what_takes_too_much_is_foreseen(text: str, reason: str) -> None:
    found = too_much(infer(from_proto(model(text))))
    assert reason in found
    assert bool(reason) == bool(found)


def test_what_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(OcostError, match="reference evaluator fails"):
        answer(model("(float[2] x) => (float[2] y) { y = Unheard(x) }"), X, tmp_path)


CHANNELS = "<float[2] s = {5, 3}, float[2] b = {7, 7}, float[2] m = {1, 1}, float[2] v = {3, 3}>"


@pytest.mark.parametrize(
    ("opset", "text"),
    [
        (6, "(float[2,2] x, float[2] z) => (float[2,2] y) { y = Add<axis=0, broadcast=1>(x, z) }"),
        (6, "(bool[2,2] x, bool[2] z) => (bool[2,2] y) { y = Or<axis=0, broadcast=1>(x, z) }"),
        (6, "(float[1,2,2] x, float[2] z) => (float[1,2,2] y) { y = PRelu(x, z) }"),
        (
            6,
            f"(float[1,2,2] x) => (float[1,2,2] y) {CHANNELS}"
            " { y = BatchNormalization(x, s, b, m, v) }",
        ),
        (
            6,
            f"(float[1,2,2] x) => (float[1,2,2] y) {CHANNELS}"
            " { y = BatchNormalization<is_test=0>(x, s, b, m, v) }",
        ),
        (
            10,
            "(float[1,1,2,2] x) => (float[1,1,4,4] y) <float[4] s = {1, 1, 2, 2}>"
            ' { y = Resize<mode="linear">(x, s) }',
        ),
        (
            6,
            "(bool c, float[2,2] x, float[2] z) => (float[2,2] y) { y = If(c) <"
            " then_branch = t () => (float[2,2] a) { a = Mul<axis=0, broadcast=1>(x, z) },"
            " else_branch = e () => (float[2,2] b) { b = Identity(x) }> }",
        ),
    ],
)
def test_an_operator_that_meant_something_else_is_refused(opset, text, tmp_path: Path) -> None:
    """The evaluator has it as a later opset does, and would say that both are equal."""
    file = tmp_path / "model.onnx"
    onnx.save(model(text, opset), file)
    with pytest.raises(OcostError, match=f"doesn't know .* of opset {opset}"):
        open_evaluator(file)


@pytest.mark.parametrize(
    "text",
    [
        "(float[2,2] x, float[2] z) => (float[2,2] y) { y = Add<broadcast=1>(x, z) }",
        f"(float[1,2,2] x) => (float[1,2,2] y) {CHANNELS}"
        " { y = BatchNormalization<is_test=1>(x, s, b, m, v) }",
    ],
)
def test_what_means_the_same_is_computed_at_an_old_opset(text: str, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    onnx.save(model(text, 6), file)
    open_evaluator(file)


def test_a_slope_that_can_not_be_broadcast_is_an_error(tmp_path: Path) -> None:
    """As in onnxruntime; the evaluator alone looks for an axis of its length."""
    file = tmp_path / "model.onnx"
    onnx.save(model("(float[1,2,3] x, float[2] z) => (float[1,2,3] y) { y = PRelu(x, z) }"), file)
    with pytest.raises(OcostError, match="broadcast"):
        open_evaluator(file)({"x": np.ones((1, 2, 3), np.float32), "z": np.ones(2, np.float32)})
