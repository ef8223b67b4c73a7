import pytest

from ocost.costmodel.kinds import KernelKind


@pytest.mark.parametrize(
    ("shapes", "macs", "kind"),
    [
        (((4, 5), (5, 6), (4, 6)), 120, KernelKind.GEMM),  # 4 x 6 x 5
        (((2, 3, 4, 5), (5, 6), (2, 3, 4, 6)), 720, KernelKind.GEMM),  # 2 x 3 x 4 x 6 x 5
        (((2, 3, 4, 5), (2, 3, 5, 6), (2, 3, 4, 6)), 720, KernelKind.MATMUL),
        (((2, 1, 4, 5), (3, 5, 6), (2, 3, 4, 6)), 720, KernelKind.MATMUL),  # the batch is 2 x 3
        (((3, 4, 5), (1, 5, 6), (3, 4, 6)), 360, KernelKind.GEMM),  # one right side for all
        (((5,), (5,), ()), 5, KernelKind.GEMM),  # a scalar
        (((5,), (5, 6), (6,)), 30, KernelKind.GEMM),
        (((2, 4, 5), (5,), (2, 4)), 40, KernelKind.GEMM),
        (((5,), (3, 5, 6), (3, 6)), 90, KernelKind.MATMUL),
    ],
)
def test_matmul(work, shapes, macs, kind):
    a, b, y = shapes
    done = work("MatMul", [a, b], [y])
    assert (done.macs, done.flops, done.kind) == (macs, 2 * macs, kind)


@pytest.mark.parametrize(
    ("inputs", "attributes", "flops"),
    [
        ([(4, 5), (5, 6)], {}, 240),  # 2 x 120
        ([(5, 4), (6, 5)], {"transA": 1, "transB": 1}, 240),
        ([(4, 5), (5, 6)], {"alpha": 0.5}, 260),  # + 20 of A
        ([(4, 5), (5, 6), (6,)], {}, 264),  # + 24 for C
        ([(4, 5), (5, 6), (6,)], {"beta": 2.0}, 270),  # + 6 to scale C
        ([(4, 5), (5, 6), (6,)], {"alpha": 0.5, "beta": 2.0}, 290),
        ([(4, 5), (5, 6), (6,)], {"beta": 0.0}, 240),
    ],
)
def test_gemm(work, inputs, attributes, flops):
    done = work("Gemm", inputs, [(4, 6)], **attributes)
    assert (done.macs, done.flops, done.kind) == (120, flops, KernelKind.GEMM)


def test_fused_gemm(work):
    # 240 + 24 for C + 24 x 2 for LeakyRelu
    done = work(
        "FusedGemm",
        [(4, 5), (5, 6), (6,)],
        [(4, 6)],
        domain="com.microsoft",
        activation="LeakyRelu",
    )
    assert (done.macs, done.flops) == (120, 312)


@pytest.mark.parametrize(
    ("a", "attributes"),
    [
        ((2, 3, 4, 5), {}),
        ((2, 3, 5, 4), {"transA": 1}),
        # dim 0 is the row, dims 1 and 2 the batch: [M, 2, 3, K]
        ((4, 2, 3, 5), {"transBatchA": 1}),
        # and with the last two swapped: [K, 2, 3, M]
        ((5, 2, 3, 4), {"transA": 1, "transBatchA": 1}),
    ],
)
def test_fused_matmul(work, a, attributes):
    # 2 x 3 x 4 x 6 x 5 = 720 macs; the 120 elements of A times alpha
    inputs, y = [a, (2, 3, 5, 6)], [(2, 3, 4, 6)]
    done = work("FusedMatMul", inputs, y, domain="com.microsoft", alpha=0.125, **attributes)
    assert (done.macs, done.flops, done.kind) == (720, 1_560, KernelKind.MATMUL)


def test_transposing_a_vector_does_nothing(work):
    done = work("TransposeMatMul", [(5,), (5, 6)], [(6,)], domain="com.microsoft", transA=1)
    assert (done.macs, done.flops) == (30, 60)


def test_fused_matmul_activation(work):
    # 2 x 120 + 24
    done = work(
        "FusedMatMulActivation",
        [(4, 5), (6, 5)],
        [(4, 6)],
        domain="com.microsoft",
        transB=1,
        activation="Relu",
    )
    assert (done.macs, done.flops) == (120, 264)


def test_gemm_fast_gelu(work):
    # 2 x 240 + 48 x (1 bias + 8)
    inputs = [(2, 4, 5), (5, 6), (6,)]
    done = work("GemmFastGelu", inputs, [(2, 4, 6)], domain="com.microsoft")
    assert (done.macs, done.flops) == (240, 912)
