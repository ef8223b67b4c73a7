from __future__ import annotations

import pytest
from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind

INT64 = TensorProto.INT64


def test_constant_is_there_before_the_run(work):
    answer = work("Constant", [], [(5,)])
    assert (answer.kind, answer.writes, answer.flops) == (KernelKind.CONSTANT, {0: 0}, 0)


def test_constant_of_shape_fills(work):
    answer = work("ConstantOfShape", [(INT64, (2,))], [(3, 4)])
    assert (answer.flops, answer.writes, answer.view) == (0, {}, False)


@pytest.mark.parametrize(
    ("op_type", "out"),
    [
        ("Shape", (INT64, (2,))),
        ("Size", (INT64, ())),
        ("EyeLike", (3, 4)),
        ("OptionalHasElement", (TensorProto.BOOL, ())),
    ],
)
def test_no_element_is_read(work, op_type, out):
    answer = work(op_type, [(3, 4)], [out])
    assert (answer.reads, answer.flops) == ({0: 0}, 0)


def test_range(work):
    # one addition x 7
    assert work("Range", [(), (), ()], [(7,)]).flops == 7
