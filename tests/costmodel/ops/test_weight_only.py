import pytest
from onnx import TensorProto

from ocost.costmodel.work import Unknown, rules

UINT8 = TensorProto.UINT8


def n_bits(blob, bias=None):
    # K = 32 in one block of 16 bytes, N = 8
    return [(2, 3, 32), (UINT8, blob), (8, 1), None, None, bias]


def test_matmul_n_bits(work):
    # 6 rows x 8 x 32 = 1536 macs; 256 weights dequantised by 2
    given = {"domain": "com.microsoft", "K": 32, "N": 8, "bits": 4, "block_size": 32}
    done = work("MatMulNBits", n_bits((8, 1, 16)), [(2, 3, 8)], **given)
    assert (done.macs, done.flops, done.dtype) == (1_536, 3_584, None)
    # + 48 for the bias
    done = work("MatMulNBits", n_bits((8, 1, 16), (8,)), [(2, 3, 8)], accuracy_level=4, **given)
    assert (done.macs, done.flops, done.dtype) == (1_536, 3_632, TensorProto.INT8)


def test_an_omitted_projection_costs_only_its_bias(work):
    done = work(
        "MatMulNBits", n_bits((0, 1, 16), (8,)), [(2, 3, 8)], domain="com.microsoft", K=32, N=8
    )
    assert (done.macs, done.flops) == (0, 48)


def test_matmul_n_bits_without_its_extents_is_unknown(work):
    with pytest.raises(Unknown, match="MatMulNBits lacks its attribute K"):
        work("MatMulNBits", n_bits((8, 1, 16)), [(2, 3, 8)], domain="com.microsoft", N=8)


def test_parameters_are_what_the_packed_bytes_stand_for(call):
    rule = rules()["com.microsoft", "MatMulNBits"]
    given = call(
        "MatMulNBits", n_bits((8, 1, 16), (8,)), [(2, 3, 8)], domain="com.microsoft", K=32, N=8
    )
    assert rule.weights == (1, 5)
    assert [rule.parameters(given, slot) for slot in rule.weights] == [256, 8]  # 32 x 8, bias


def test_matmul_bnb4(work, call):
    inputs = [(2, 32), (UINT8, (128,)), (8,)]
    # 2 x 8 x 32 = 512 macs; 256 weights by 2
    done = work("MatMulBnb4", inputs, [(2, 8)], domain="com.microsoft", K=32, N=8)
    assert (done.macs, done.flops) == (512, 1_536)
    # as it lies: A [2, N] gives [2, K]
    inputs[0] = (2, 8)
    done = work("MatMulBnb4", inputs, [(2, 32)], domain="com.microsoft", K=32, N=8, transB=0)
    assert (done.macs, done.flops) == (512, 1_536)


def test_matmul_fp_q4(work, call):
    # 2 x 8 x 32 = 512 macs; 256 weights by 2
    inputs = [(2, 32), (UINT8, (160,)), (TensorProto.INT64, (2,))]
    done = work("MatMulFpQ4", inputs, [(2, 8)], domain="com.microsoft")
    assert (done.macs, done.flops) == (512, 1_536)
    given = call("MatMulFpQ4", inputs, [(2, 8)], domain="com.microsoft")
    assert rules()["com.microsoft", "MatMulFpQ4"].parameters(given, 1) == 256
