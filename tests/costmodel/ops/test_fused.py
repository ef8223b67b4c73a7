import pytest

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown, rules

MS = {"domain": "com.microsoft"}
X = (2, 3, 4)  # 24 elements in 6 rows
# LayerNormalization: 5 an element, scale 1, bias 1, 2 a row. RMS: 3, 1, 2 a row.


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes", "flops"),
    [
        ("BiasAdd", [X, (4,), X], {}, 48),  # 24 x 2
        ("BiasSoftmax", [X, (1, 1, 4)], {"axis": 2}, 144),  # 24 x 6
        ("SkipLayerNormalization", [X, X, (4,)], {}, 180),  # 24 x (1 + 6) + 12
        ("SkipLayerNormalization", [X, X, (4,), (4,)], {}, 204),  # 24 x (1 + 7) + 12
        ("SkipLayerNormalization", [X, X, (4,), (4,), (4,)], {}, 228),  # 24 x (2 + 7) + 12
        ("SkipSimplifiedLayerNormalization", [X, X, (4,)], {}, 132),  # 24 x (1 + 4) + 12
        ("SkipSimplifiedLayerNormalization", [X, X, (4,), (4,)], {}, 156),  # 24 x (2 + 4) + 12
        ("BiasDropout", [X, (4,)], {}, 24),
        ("BiasDropout", [X, (4,), X], {}, 48),
        ("BitmaskBiasDropout", [X, (4,), X, (), ()], {"values": {4: False}}, 48),
        ("BitmaskBiasDropout", [X, (4,), X, (), ()], {"values": {4: True}}, 144),  # 24 x (2 + 4)
    ],
)
def test_flops(work, op_type, inputs, attributes, flops):
    done = work(op_type, inputs, [X], **attributes, **MS)
    assert (done.macs, done.flops) == (0, flops)


@pytest.mark.parametrize(
    ("axis", "outputs", "flops"),
    [
        (-1, [X], 108),  # 24 x 4 + 6 rows x 2
        (1, [X], 100),  # 24 x 4 + 2 rows x 2
        (-1, [X, (2, 3, 1)], 114),  # + 6 inverse roots
    ],
)
def test_simplified_layer_normalization(work, axis, outputs, flops):
    scale = (4,) if axis == -1 else (3, 4)
    done = work("SimplifiedLayerNormalization", [X, scale], outputs, axis=axis)
    assert done.flops == flops


@pytest.mark.parametrize(
    ("op_type", "inputs", "activation", "flops"),
    [
        # 2 images, 64 elements in all, 2 groups each: 64 x 7 + 4 x 2
        ("GroupNorm", [(2, 2, 2, 8), (8,), (8,)], 0, 456),
        ("GroupNorm", [(2, 2, 2, 8), (8,), (8,)], 1, 584),  # + 64 x 2
        # + 64 for the skip, + 64 for the bias
        ("SkipGroupNorm", [(2, 2, 2, 8), (8,), (8,), (2, 8)], 0, 520),
        ("SkipGroupNorm", [(2, 2, 2, 8), (8,), (8,), (2, 8), (8,)], 1, 712),
    ],
)
def test_group_norms(work, op_type, inputs, activation, flops):
    done = work(op_type, inputs, [(2, 2, 2, 8)], activation=activation, groups=2, **MS)
    assert (done.flops, done.kind) == (flops, KernelKind.NORMALISATION)


def test_bitmask_dropout(work):
    done = work("BitmaskDropout", [X], [X], **MS)
    assert (done.flops, done.view) == (0, True)
    done = work("BitmaskDropout", [X], [X, (1,)], **MS)
    assert (done.flops, done.view) == (0, False)
    done = work("BitmaskDropout", [X, (), ()], [X], values={2: True}, **MS)
    assert (done.flops, done.view) == (96, False)  # 24 x 4


def test_dropout_that_may_be_in_training_is_unknown(work):
    with pytest.raises(Unknown, match="BitmaskDropout's training_mode"):
        work("BitmaskDropout", [X, (), ()], [X], **MS)


def test_weights():
    assert rules()["com.microsoft", "SkipLayerNormalization"].weights == (2, 3, 4)
    assert rules()["com.microsoft", "SkipGroupNorm"].weights == (1, 2, 4)
    assert rules()["", "SimplifiedLayerNormalization"].weights == (1,)
