from __future__ import annotations

import pytest

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.ops.normalisation import layer_norm_flops, rms_norm_flops
from ocost.costmodel.work import rules

X = (2, 6, 5, 5)  # 300 elements
C = (6,)


def test_layer_norm_flops():
    # 5 x 100 + 100 scale + 100 bias + 2 x 10 rows
    assert layer_norm_flops(100, 10, scale=True, bias=True) == 720
    assert layer_norm_flops(100, 10, scale=True, bias=False) == 620
    assert layer_norm_flops(100, 10, scale=False, bias=False) == 520


def test_rms_norm_flops():
    # 3 x 100 + 100 scale + 2 x 10 rows
    assert rms_norm_flops(100, 10, scale=True) == 420
    assert rms_norm_flops(100, 10, scale=False) == 320


def test_batch_normalization_in_inference(work):
    answer = work("BatchNormalization", [X, C, C, C, C], [X])
    # (Mul, Add) x 300
    assert (answer.flops, answer.kind) == (600, KernelKind.NORMALISATION)


def test_batch_normalization_in_training(work):
    answer = work("BatchNormalization", [X, C, C, C, C], [X, C, C], training_mode=1)
    # 2 x 300 + (mean, Sub, square, mean) x 300 + 2 x (Mul, Mul, Add) x 6 channels
    assert answer.flops == 600 + 1200 + 36


def test_batch_normalization_in_training_without_running_statistics(work):
    answer = work("BatchNormalization", [X, C, C, C, C], [X], training_mode=1)
    assert answer.flops == 600 + 1200


def test_batch_normalization_trains_by_its_outputs_before_opset_14(work):
    outputs = [X, C, C, C, C]
    assert work("BatchNormalization", [X, C, C, C, C], outputs, opset=9).flops == 1836
    assert work("BatchNormalization", [X, C, C, C, C], [X], opset=9).flops == 600


def test_instance_normalization(work):
    # 7 x 300 + 2 x (2 images x 6 channels)
    assert work("InstanceNormalization", [X, C, C], [X]).flops == 2124


def test_layer_normalization(work):
    x, last = (2, 10, 5), (5,)
    # 7 x 100 + 2 x 20 rows
    assert work("LayerNormalization", [x, last, last], [x]).flops == 740
    # 6 x 100 + 2 x 20
    assert work("LayerNormalization", [x, last], [x]).flops == 640


def test_layer_normalization_over_two_axes_with_statistics(work):
    x, rows = (2, 10, 5), (2, 1, 1)
    answer = work("LayerNormalization", [x, (10, 5), (10, 5)], [x, rows, rows], axis=1)
    # 7 x 100 + 2 x 2 rows + 2 reciprocals
    assert answer.flops == 706


def test_group_normalization(work):
    # 7 x 300 + 2 x (2 images x 3 groups)
    assert work("GroupNormalization", [X, C, C], [X], num_groups=3).flops == 2112


def test_rms_normalization(work):
    x = (2, 10, 5)
    # 4 x 100 + 2 x 20 rows
    assert work("RMSNormalization", [x, (5,)], [x]).flops == 440


def test_mean_variance_normalization(work):
    # axes [0, 2, 3]: 5 x 300 + 4 x 6 means
    assert work("MeanVarianceNormalization", [X], [X]).flops == 1524
    # axes [2, 3]: 5 x 300 + 4 x 12 means
    assert work("MeanVarianceNormalization", [X], [X], axes=[2, -1]).flops == 1548


@pytest.mark.parametrize(
    ("p", "flops"),
    [
        (1, 850),  # 300 Abs + (300 - 50) additions + 300 Div
        (2, 900),  # 300 Mul + 250 + 50 Sqrt + 300 Div
    ],
)
def test_lp_normalization(work, p, flops):
    # 50 lines of 6 channels
    assert work("LpNormalization", [X], [X], axis=1, p=p).flops == flops


def test_lrn(work):
    # (square, 4 additions, Mul, Add, Pow, Div) x 300
    assert work("LRN", [X], [X], size=5).flops == 2700


def test_weight_slots():
    slots = {op_type: rules()["", op_type].weights for op_type in NORMALISATIONS}
    assert slots == NORMALISATIONS


NORMALISATIONS = {
    "BatchNormalization": (1, 2),  # not the running statistics
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "GroupNormalization": (1, 2),
    "RMSNormalization": (1,),
    "MeanVarianceNormalization": (),
    "LpNormalization": (),
    "LRN": (),
}
