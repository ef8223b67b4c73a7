from __future__ import annotations

import pytest
from onnx import TensorProto

from ocost.costmodel.ops.signal import fft_flops
from ocost.costmodel.work import Unknown

INT64 = TensorProto.INT64


@pytest.mark.parametrize(
    ("length", "real", "flops"),
    [
        (8, False, 120),  # 5 x 8 x 3
        (8, True, 60),
        (3, False, 24),  # 15 x 1.585 = 23.8
        (1, False, 0),
    ],
)
def test_fft_flops(length, real, flops):
    assert fft_flops(length, real) == flops


def test_dft_of_complex_lines(work):
    x = (4, 8, 2)
    # 4 lines x 5 x 8 x 3
    assert work("DFT", [x], [x]).flops == 480
    # and 64 divisions by 8
    assert work("DFT", [x], [x], inverse=1).flops == 544


def test_dft_of_real_lines(work):
    # 4 lines x 2.5 x 8 x 3
    assert work("DFT", [(4, 8, 1)], [(4, 8, 2)]).flops == 240
    assert work("DFT", [(4, 8, 1)], [(4, 5, 2)], onesided=1).flops == 240


def test_one_sided_inverse(work):
    answer = work("DFT", [(4, 5, 2)], [(4, 8, 1)], onesided=1, inverse=1)
    # 4 x 2.5 x 8 x 3 + 32 divisions
    assert answer.flops == 272


def test_dft_along_another_axis(work):
    # [8, 4, 2] along axis 0: 4 lines of 8; opset 17 has it as an attribute, of default 1
    x = (8, 4, 2)
    answer = work("DFT", [x, None, (INT64, ())], [x], values={2: 0})
    assert answer.flops == 480
    assert work("DFT", [x], [x], opset=17, axis=0).flops == 480
    # 8 lines of 4: 8 x 5 x 4 x 2
    assert work("DFT", [x], [x], opset=17).flops == 320


def test_dft_of_another_length(work):
    # 4 lines padded from 5 to 8
    answer = work("DFT", [(4, 5, 2), (INT64, ())], [(4, 8, 2)], values={1: 8})
    assert answer.flops == 480
    assert work("DFT", [(4, 5, 2), (INT64, ())], [(4, 8, 2)]).flops == 480


@pytest.mark.parametrize(
    ("inputs", "attributes"),
    [
        ([(4, 8, 1), (INT64, ())], {"onesided": 1}),  # 5 outputs: of 8 or of 9?
        ([(4, 8, 1), None, (INT64, ())], {}),
    ],
)
def test_dft_that_is_not_known(work, inputs, attributes):
    with pytest.raises(Unknown, match="not known"):
        work("DFT", inputs, [(4, 5, 2)], **attributes)


SIGNAL, FRAMES = (2, 64, 1), (2, 15, 5, 2)  # 2 x 15 frames of 8, each 4 further


@pytest.mark.parametrize(
    ("inputs", "values", "flops"),
    [
        # 30 frames x (2.5 x 8 x 3 + 8 by the window)
        ([SIGNAL, (INT64, ()), (8,)], {}, 2040),
        # 30 x 60
        ([SIGNAL, (INT64, ()), None, (INT64, ())], {3: 8}, 1800),
        # complex: 30 x (5 x 8 x 3 + 2 x 8)
        ([(2, 64, 2), (INT64, ()), (8,)], {}, 4080),
        ([(2, 64), (INT64, ()), (8,)], {}, 2040),
    ],
)
def test_stft(work, inputs, values, flops):
    assert work("STFT", inputs, [FRAMES], values=values).flops == flops


def test_stft_of_one_frame(work):
    # the frame is the signal: 2 x 2.5 x 64 x 6
    assert work("STFT", [SIGNAL, (INT64, ())], [(2, 1, 33, 2)]).flops == 1920


def test_stft_of_unknown_length(work):
    with pytest.raises(Unknown, match="frame_length"):
        work("STFT", [SIGNAL, (INT64, ()), None, (INT64, ())], [FRAMES])


@pytest.mark.parametrize("op_type", ["HannWindow", "HammingWindow", "BlackmanWindow"])
def test_windows(work, op_type):
    answer = work(op_type, [(INT64, ())], [(10,)])
    # (Range, Mul, Mul, Cos, Mul, Cos, Mul, Sub, Add) x 10
    assert (answer.flops, answer.dtype) == (90, TensorProto.FLOAT)


def test_mel_weight_matrix(work):
    # (Sub, Div) x 129 x 40
    assert work("MelWeightMatrix", [()] * 5, [(129, 40)]).flops == 10320
