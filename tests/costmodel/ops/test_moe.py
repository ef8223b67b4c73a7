from onnx import TensorProto

from ocost.costmodel.work import rules

MS = {"domain": "com.microsoft"}
# 6 tokens of hidden 8, 4 experts of inner size 16.
X, ROUTER = (2, 3, 8), (6, 4)
FC1, FC2 = (4, 16, 8), (4, 8, 16)


def test_moe(work):
    # k 1: 6 passes x (128 + 128) = 1536 macs
    # Relu 6 x 16; router 6 x 4 x (Softmax 5 + 1 comparison); 6 x 8 outputs weighted
    # 3072 + 96 + 144 + 48
    done = work("MoE", [X, ROUTER, FC1, None, FC2], [X], k=1, **MS)
    assert (done.macs, done.flops) == (1_536, 3_360)
    assert done.reads == {2: 512, 4: 512}  # all 4 experts may be named


def test_moe_reads_no_more_experts_than_passes(work):
    # 1 token, k 2 of 4 experts: half of each tensor
    inputs = [(1, 8), (1, 4), FC1, (4, 16), FC2, (4, 8)]
    done = work("MoE", inputs, [(1, 8)], k=2, normalize_routing_weights=1, **MS)
    # 2 x 256 = 512 macs; biases and Relu 2 x (16 + 8 + 16)
    # router 4 x (5 + 1 + 1) + 2 x 2; 8 outputs x (2 products + 1 addition)
    # 1024 + 80 + 32 + 24
    assert (done.macs, done.flops) == (512, 1_160)
    assert done.reads == {2: 256, 3: 32, 4: 256, 5: 16}


def test_gate_in_a_layer_of_its_own_or_in_the_first(work):
    # 6 passes x 3 x 128 = 2304 macs; SwiGLU 3 x 96; router 144; 48 outputs
    inputs = [X, ROUTER, FC1, None, FC2, None, (4, 16, 8)]
    apart = work("MoE", inputs, [X], k=1, activation_type="swiglu", **MS)
    assert (apart.macs, apart.flops) == (2_304, 5_088)
    inputs = [X, ROUTER, (4, 32, 8), None, FC2]
    fused = work("MoE", inputs, [X], k=1, activation_type="swiglu", swiglu_fusion=1, **MS)
    assert (fused.macs, fused.flops) == (2_304, 5_088)
    # alpha 1, beta 1, two clamps: 4 x 96 more
    shaped = {"activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 7.0}
    done = work("MoE", inputs, [X], k=1, activation_type="swiglu", **shaped, **MS)
    assert done.flops == 5_472


def test_qmoe(work, call):
    # weights of 4 bits, two a byte; 1 token, k 1: 256 macs, 1 expert of 4
    fc1, fc2 = (TensorProto.UINT8, (4, 16, 4)), (TensorProto.UINT8, (4, 8, 8))
    inputs = [(1, 8), (1, 4), fc1, (4, 16), None, fc2, (4, 8)]
    done = work("QMoE", inputs, [(1, 8)], k=1, **MS)
    # 512 + Relu 16 + router 24 + 8 outputs + 256 weights dequantised by 2
    assert (done.macs, done.flops) == (256, 1_072)
    assert done.reads == {2: 64, 3: 16, 5: 64, 6: 8}
    rule, given = rules()["com.microsoft", "QMoE"], call("QMoE", inputs, [(1, 8)], **MS)
    assert [rule.parameters(given, slot) for slot in (2, 5)] == [512, 512]  # 4 x 16 x 8
