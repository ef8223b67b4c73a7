from onnx import TensorProto

from ocost.costmodel.work import rules

INT8 = TensorProto.INT8
# A [4, 5] times B [5, 6]: 120 macs, 24 outputs.


def test_matmul_integer(work):
    done = work("MatMulInteger", [(4, 5), (5, 6), (), ()], [(4, 6)], dtype=TensorProto.UINT8)
    assert (done.macs, done.flops, done.dtype) == (120, 240, INT8)


def test_matmul_integer16(work):
    inputs = [(TensorProto.INT16, (4, 5)), (TensorProto.INT16, (5, 6))]
    done = work("MatMulInteger16", inputs, [(4, 6)], domain="com.microsoft")
    assert (done.macs, done.flops, done.dtype) == (120, 240, None)


def test_qlinear_matmul(work):
    # 240 + 2 x 24
    inputs = [(4, 5), (), (), (5, 6), (6,), (6,), (), ()]
    done = work("QLinearMatMul", inputs, [(4, 6)], dtype=INT8)
    assert (done.macs, done.flops, done.dtype) == (120, 288, INT8)
    assert rules()["", "QLinearMatMul"].weights == (0, 3)


def test_qgemm(work):
    # A transposed; 240 + 24 bias + 48 to quantise
    inputs = [(5, 4), (), (), (5, 6), (6,), (6,), (6,), (), ()]
    done = work("QGemm", inputs, [(4, 6)], domain="com.microsoft", transA=1)
    assert (done.macs, done.flops, done.dtype) == (120, 312, INT8)
    # to float and without a bias: 240 + 24 for the scale + 20 of A for alpha
    inputs = [(4, 5), (), (), (5, 6), (6,), (6,)]
    done = work("QGemm", inputs, [(4, 6)], domain="com.microsoft", alpha=0.5)
    assert (done.macs, done.flops) == (120, 284)


def test_matmul_integer_to_float(work):
    # 240 + 6 for the product of both scales + 24 times it + 24 bias
    inputs = [(4, 5), (5, 6), (), (6,), (), (6,), (6,)]
    done = work("MatMulIntegerToFloat", inputs, [(4, 6)], domain="com.microsoft")
    assert (done.macs, done.flops, done.dtype) == (120, 294, INT8)


def test_dynamic_quantize_matmul(work):
    # 20 elements of A x 4 to quantise + 240 + 1 for the product of both scales + 24 times it
    inputs = [(4, 5), (5, 6), (), ()]
    done = work("DynamicQuantizeMatMul", inputs, [(4, 6)], domain="com.microsoft")
    assert (done.macs, done.flops, done.dtype) == (120, 345, INT8)
