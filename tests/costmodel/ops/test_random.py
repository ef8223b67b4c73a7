from __future__ import annotations

import pytest
from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown

X = (2, 3, 4)  # 24 elements
BOOL = TensorProto.BOOL


@pytest.mark.parametrize("op_type", ["RandomUniform", "RandomNormal"])
def test_random(work, op_type):
    answer = work(op_type, [], [X], shape=X)
    # (draw, Mul, Add) x 24
    assert (answer.flops, answer.kind, answer.dtype) == (72, KernelKind.RANDOM, TensorProto.FLOAT)


@pytest.mark.parametrize("op_type", ["RandomUniformLike", "RandomNormalLike"])
def test_random_like_reads_a_shape_only(work, op_type):
    answer = work(op_type, [X], [X])
    assert (answer.flops, answer.reads) == (72, {0: 0})


def test_bernoulli(work):
    # (draw, Mul, Add, compare) x 24
    assert work("Bernoulli", [X], [X]).flops == 96


def test_multinomial(work):
    answer = work("Multinomial", [(2, 10)], [(TensorProto.INT32, (2, 5))], sample_size=5)
    # (max, Sub, Exp, sum) x 20 + 10 samples x (1 draw + 4 steps among 10 classes)
    assert answer.flops == 130


def test_dropout_in_inference(work):
    assert work("Dropout", [X], [X]).view
    assert work("Dropout", [X, (), (BOOL, ())], [X], values={2: False}).view


def test_dropout_with_a_mask_copies(work):
    answer = work("Dropout", [X], [X, (BOOL, X)])
    assert (answer.view, answer.flops, answer.kind) == (False, 0, KernelKind.LAYOUT)


def test_dropout_in_training(work):
    answer = work("Dropout", [X, (), (BOOL, ())], [X], values={2: True})
    # (draw, compare, Mul, Mul) x 24
    assert (answer.flops, answer.view) == (96, False)


def test_dropout_in_a_mode_that_is_not_known(work):
    with pytest.raises(Unknown, match="training_mode"):
        work("Dropout", [X, (), (BOOL, ())], [X])


def test_dropout_of_old_opsets(work):
    assert work("Dropout", [X], [X], opset=6, is_test=1).view
    assert work("Dropout", [X], [X], opset=6).flops == 96
    assert work("Dropout", [X], [X], opset=7).view
