"""Small networks in onnx's textual form: what a constant lacks is filled at random."""

from .samples import Sample, text

_HEAD = '<ir_version: 8, opset_import: ["" : 17]>'
_BATCH = ({"N": 1}, {"N": 3})

_MLP = """g (float[N,16] x) => (float[N,10] y) <float[16,32] w, float[32] b, float[32,10] v,
  float[10] c> {
  h0 = MatMul(x, w)  h1 = Add(h0, b)  h = Relu(h1)  s0 = MatMul(h, v)  s = Add(s0, c)
  y = Softmax<axis = -1>(s)
}"""
_GEMM = """g (float[4,12] x) => (float[4,8] y) <float[12,12] w, float[12] b, float[8,12] v,
  float[8] c> {
  h0 = Gemm<alpha = 0.5, beta = 2.0>(x, w, b)  h1 = LeakyRelu<alpha = 0.2>(h0)
  h = Add(h1, x)  y = Gemm<transB = 1>(h, v, c)
}"""
_CONV_BN = """g (float[N,3,12,12] x) => (float[N,5] y)
<float[8,3,3,3] w, float[8] b, float[8] scale, float[8] shift, float[8] mean, float[8] var,
 float[8,8,3,3] v, float[8] scale2, float[8] shift2, float[8] mean2, float[8] var2,
 float[200,5] u, float[5] c, float low = {0.0}, float high = {2.0}> {
  h0 = Conv<kernel_shape = [3,3], pads = [1,1,0,0]>(x, w, b)
  h1 = BatchNormalization<epsilon = 0.001>(h0, scale, shift, mean, var)  h2 = Relu(h1)
  h3 = Conv<kernel_shape = [3,3], pads = [1,1,1,1]>(h2, v)
  h4 = BatchNormalization(h3, scale2, shift2, mean2, var2)  h5 = Clip(h4, low, high)
  h6 = AveragePool<kernel_shape = [3,3], strides = [2,2], pads = [0,0,1,1]>(h5)
  h = Flatten(h6)  y = Gemm(h, u, c)
}"""
_SQUEEZE = """g (float[N,8,10,10] x) => (float[N,8,10,10] y)
<float[8,1,3,3] w, float[8] b, float[4,8,1,1] v, float[4] c, float[8,4,1,1] u, float[8] d> {
  h0 = Conv<group = 8, kernel_shape = [3,3], pads = [1,1,1,1]>(x, w, b)  h1 = HardSwish(h0)
  s0 = GlobalAveragePool(h1)  s1 = Conv(s0, v, c)  s2 = Relu(s1)  s3 = Conv(s2, u, d)
  s = HardSigmoid<alpha = 0.1666667, beta = 0.5>(s3)  h = Mul(h1, s)  y = Add(h, x)
}"""
_UNET = """g (float[1,3,16,16] x) => (float[1,2,16,16] y)
<float[6,3,3,3] w, float[6] b, float[8,6,3,3] v, float[8] c, float[8,6,2,2] u, float[6] d,
 float[2,12,1,1] t, float[4] sizes = {1.0, 1.0, 1.0, 1.0}> {
  a0 = Conv<kernel_shape = [3,3], pads = [1,1,1,1]>(x, w, b)  a = Relu(a0)
  m = MaxPool<kernel_shape = [2,2], strides = [2,2]>(a)
  e0 = Conv<kernel_shape = [3,3], pads = [1,1,1,1]>(m, v, c)  e = Elu<alpha = 0.7>(e0)
  o = ConvTranspose<kernel_shape = [2,2], strides = [2,2]>(e, u, d)
  k = Concat<axis = 1>(a, o)  y = Conv(k, t)
}"""
_PYRAMID = """g (float[N,3,H,W] x) => (float[N,4,P,Q] y)
<float[4,3,3,3] w, float[4] b, float[4,4,3,3] v, float[4] c, float[4] twice = {1.0, 1.0, 2.0,
  2.0}> {
  a0 = Conv<kernel_shape = [3,3], strides = [2,2], pads = [1,1,1,1]>(x, w, b)  a = Relu(a0)
  e0 = Conv<kernel_shape = [3,3], strides = [2,2], pads = [1,1,1,1]>(a, v, c)  e = Relu(e0)
  u = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">(e, , twice)
  y = Add(a, u)
}"""
_PROPOSALS = """g (float[1,3,8,8] x) => (float[1,3,12,12] y, float[1,3,16,16] z)
<int64[4] to = {1, 3, 12, 12}, float[4] by = {1.0, 1.0, 2.0, 2.0}> {
  y = Resize<mode = "linear", coordinate_transformation_mode = "asymmetric">(x, , , to)
  z = Resize<mode = "nearest">(x, , by)
}"""
_ATTENTION = """g (float[N,6,16] x, bool[N,1,6,6] keep) => (float[N,6,16] y)
<float[16,16] q, float[16] qb, float[16,16] k, float[16,16] v, float[16,16] o, float[16] ob,
 int64[4] heads = {0, 0, 4, 4}, int64[3] flat = {0, 0, 16}, float root = {2.0},
  float low = {-10000.0}> {
  q0 = MatMul(x, q)  q1 = Add(q0, qb)  k0 = MatMul(x, k)  v0 = MatMul(x, v)
  q2 = Reshape(q1, heads)  k2 = Reshape(k0, heads)  v2 = Reshape(v0, heads)
  q3 = Transpose<perm = [0,2,1,3]>(q2)  k3 = Transpose<perm = [0,2,3,1]>(k2)
  v3 = Transpose<perm = [0,2,1,3]>(v2)
  s0 = MatMul(q3, k3)  s1 = Div(s0, root)  s2 = Where(keep, s1, low)  s = Softmax<axis = -1>(s2)
  h0 = MatMul(s, v3)  h1 = Transpose<perm = [0,2,1,3]>(h0)  h = Reshape(h1, flat)
  o0 = MatMul(h, o)  o1 = Add(o0, ob)  y = Add(o1, x)
}"""
_NORM = """g (float[N,5,12] x) => (float[N,5,12] y)
<float[12] scale, float[12] shift, float two = {2.0}, float eps = {0.00001},
  float root = {1.4142135},
 float one = {1.0}, float half = {0.5}, float[12,12] w> {
  m = ReduceMean<axes = [-1]>(x)  d = Sub(x, m)  p = Pow(d, two)  v = ReduceMean<axes = [-1]>(p)
  e = Add(v, eps)  r = Sqrt(e)  n0 = Div(d, r)  n1 = Mul(n0, scale)  n = Add(n1, shift)
  h = MatMul(n, w)  g0 = Div(h, root)  g1 = Erf(g0)  g2 = Add(g1, one)  g3 = Mul(h, g2)
  y = Mul(g3, half)
}"""
_FUSED_NORM = """g (float[2,5,12] x) => (float[2,5,12] y)
<float[12] scale, float[12] shift, float[12,12] w, float c = {0.044715}, float r = {0.7978846},
 float one = {1.0}, float half = {0.5}, float three = {3.0}> {
  n = LayerNormalization<axis = -1>(x, scale, shift)  h = MatMul(n, w)
  p = Pow(h, three)  p1 = Mul(p, c)  p2 = Add(h, p1)  p3 = Mul(p2, r)  p4 = Tanh(p3)
  p5 = Add(p4, one)  p6 = Mul(h, p5)  g = Mul(p6, half)  y = Add(g, x)
}"""
_INSTANCE = """g (float[2,4,6,6] x) => (float[2,4,6,6] y, float[2,4,6,6] z)
<float[4] scale, float[4] shift, float[1,4,1,1] slope> {
  n = InstanceNormalization(x, scale, shift)  y = PRelu(n, slope)
  z = LRN<size = 3, alpha = 0.1, beta = 0.75, bias = 1.0>(x)
}"""
_LSTM = """g (float[7,2,6] x) => (float[7,1,2,5] y, float[1,2,5] h, float[1,2,5] c)
<float[1,20,6] w, float[1,20,5] r, float[1,40] b> { y, h, c = LSTM<hidden_size = 5>(x, w, r, b) }"""
_GRU = """g (float[T,2,6] x) => (float[2,5] y) <float[1,15,6] w, float[1,15,5] r, float[1,30] b,
  int64[1] zero = {0}> {
  a, h = GRU<hidden_size = 5, linear_before_reset = 1>(x, w, r, b)  y = Squeeze(h, zero)
}"""
_RNN = """g (float[6,2,4] x) => (float[6,2,2,3] y) <float[2,3,4] w, float[2,3,3] r, float[2,6] b> {
  y, h = RNN<hidden_size = 3, direction = "bidirectional">(x, w, r, b)
}"""
_EMBEDDING = """g (int64[N,T] ids) => (float[N,T,9] y)
<float[30,8] table, float[1,16,8] positions, float[8] scale, float[8] shift, float[8,9] w,
 int64[1] zero = {0}, int64[1] axis = {1}, int64 at = {1}> {
  e = Gather(table, ids)  s = Shape(ids)  t = Gather(s, at)  t1 = Unsqueeze(t, zero)
  p = Slice(positions, zero, t1, axis)  h = Add(e, p)
  n = LayerNormalization(h, scale, shift)  y = MatMul(n, w)
}"""
_ROTARY = """g (float[1,2,5,8] x, int64[1,5] at) => (float[1,2,5,8] y)
<float[16,8] cosines, float[16,8] sines, int64[1] zero = {0}, int64[1] half = {4},
  int64[1] end = {8},
 int64[1] last = {3}, int64[1] one = {1}> {
  c0 = Gather(cosines, at)  c = Unsqueeze(c0, one)  s0 = Gather(sines, at)  s = Unsqueeze(s0, one)
  a = Slice(x, zero, half, last)  b = Slice(x, half, end, last)  n = Neg(b)
  r = Concat<axis = -1>(n, a)  p = Mul(x, c)  q = Mul(r, s)  y = Add(p, q)
}"""
_DETECTION = """g (float[1,24,4] deltas, float[1,3,24] scores) => (float[M,4] boxes,
  int64[K,3] picked)
<float[1,24,4] anchors, int64[1] most = {5}, float[1] iou = {0.5}, float[1] least = {0.3},
  int64[1] zero = {0},
 int64 last = {2}> {
  d = Sigmoid(deltas)  b = Add(anchors, d)  p = Sigmoid(scores)
  picked = NonMaxSuppression(b, p, most, iou, least)
  i = Gather<axis = 1>(picked, last)  b0 = Squeeze(b, zero)  boxes = Gather(b0, i)
}"""
_TOP = """g (float[2,20] x) => (float[2,4] v, int64[2,4] at, float[2,4] w)
<int64[1] k = {4}, float[2,20] table> {
  s = Softmax(x)  v, at = TopK<axis = -1>(s, k)  w = GatherElements<axis = 1>(table, at)
}"""
_SHUFFLE = """g (float[1,8,6,6] x) => (float[1,8,6,6] y) <int64[5] apart = {1, 2, 4, 6, 6},
  int64[4] flat = {1, 8, 6, 6},
 int64[2] split = {3, 5}> {
  a = Reshape(x, apart)  b = Transpose<perm = [0,2,1,3,4]>(a)  c = Reshape(b, flat)
  d, e = Split<axis = 1>(c, split)  f = Relu(d)  g = Neg(e)  y = Concat<axis = 1>(f, g)
}"""
_HALF = """g (float16[N,16] x) => (float16[N,8] y) <float16[16,24] w, float16[24] b,
  float16[24,8] v> {
  h0 = MatMul(x, w)  h1 = Add(h0, b)  h = Relu(h1)  y = MatMul(h, v)
}"""
_HALF_CONV = """g (float16[1,4,8,8] x) => (float16[1,6,8,8] y)
<float16[6,4,3,3] w, float16[6] scale, float16[6] shift, float16[6] mean, float16[6] var> {
  h = Conv<kernel_shape = [3,3], pads = [1,1,1,1]>(x, w)
  n = BatchNormalization(h, scale, shift, mean, var)  y = Relu(n)
}"""
_DOUBLE = """g (double[3,8] x) => (double[3,4] y) <double[8,4] w, double[4] b> {
  h = MatMul(x, w)  a = Add(h, b)  y = Tanh(a)
}"""
_QDQ = """g (float[1,3,8,8] x) => (float[1,4,8,8] y)
<float s = {0.05}, uint8 z = {128}, int8[4,3,3,3] w, float[4] sw = {0.004, 0.005, 0.003, 0.006},
 int8[4] zw = {0, 0, 0, 0}, float[4] b, float t = {0.04}, uint8 u = {3}> {
  q = QuantizeLinear(x, s, z)  d = DequantizeLinear(q, s, z)  e = DequantizeLinear<axis = 0>(w,
  sw, zw)
  h = Conv<kernel_shape = [3,3], pads = [1,1,1,1]>(d, e, b)  r = Relu(h)
  q2 = QuantizeLinear(r, t, u)  y = DequantizeLinear(q2, t, u)
}"""
_QLINEAR = """g (float[2,6] x) => (float[2,5] y)
<float s = {0.04}, uint8 z = {120}, uint8[6,5] w, float t = {0.02}, uint8 v = {50},
  float o = {0.3}, uint8 p = {30}> {
  q = QuantizeLinear(x, s, z)  r = QLinearMatMul(q, s, z, w, t, v, o, p)  y = DequantizeLinear(r,
  o, p)
}"""
_DYNAMIC = """g (float[N,8] x) => (float[N,6] y) <int8[8,6] w, float sw = {0.01}, int8 zw = {0},
  float[6] b> {
  q, s, z = DynamicQuantizeLinear(x)  i = MatMulInteger(q, w, z, zw)  f = Cast<to = 1>(i)
  t = Mul(s, sw)  h = Mul(f, t)  y = Add(h, b)
}"""
_FUNCTION = """g (float[2,8] x) => (float[2,8] y) <float[8,8] w> {
  h = local.Swish(x)  m = MatMul(h, w)  y = local.Swish(m)
}
<domain: "local", opset_import: ["" : 17]> Swish (a) => (c) { b = Sigmoid(a)  c = Mul(a, b) }"""
_OVERRIDABLE = """g (float[2,6] x, float[6] gain = {1.0, 2.0, 0.5, 1.0, 1.5,
  3.0}) => (float[2,6] y) {
  h = Mul(x, gain)  t = Tanh(h)  y = Sub(t, x)
}"""

_MODERN = """g (float[2,4,8] x) => (float[2,4,8] y)
<float[8] scale, float[8,8] q, float[8,8] k, float[8,8] v, float[8,8] w> {
  n = RMSNormalization<axis = -1>(x, scale)  a = MatMul(n, q)  b = MatMul(n, k)  c = MatMul(n, v)
  h = Attention<q_num_heads = 2, kv_num_heads = 2, is_causal = 1>(a, b, c)
  r = Add(h, x)  m = MatMul(r, w)  g = Gelu(m)  y = Add(g, r)
}"""
_BRAIN = """g (bfloat16[2,8] x) => (bfloat16[2,4] y) <bfloat16[8,4] w, bfloat16[4] b> {
  h = MatMul(x, w)  a = Add(h, b)  y = Relu(a)
}"""


def _small(name: str, body: str, opset: int = 17, **options: object) -> Sample:
    head = _HEAD.replace("17", str(opset))
    if "local." in body:
        head = '<ir_version: 8, opset_import: ["" : 17, "local" : 1]>'
    return Sample(name, text(f"{head}\n{body}"), **options)


SAMPLES = (
    _small("mlp", _MLP, sizes=_BATCH),
    _small("gemm", _GEMM),
    _small("conv_bn", _CONV_BN, sizes=_BATCH),
    _small("squeeze_excite", _SQUEEZE, sizes=_BATCH),
    _small("unet", _UNET),
    _small("pyramid", _PYRAMID, sizes=({"N": 1, "H": 16, "W": 8}, {"N": 2, "H": 12, "W": 16})),
    _small("resize", _PROPOSALS),
    _small("attention", _ATTENTION, sizes=_BATCH),
    _small("layer_norm", _NORM, sizes=_BATCH),
    _small("fused_norm", _FUSED_NORM),
    _small("instance_norm", _INSTANCE),
    _small("lstm", _LSTM),
    _small("gru", _GRU, sizes=({"T": 4}, {"T": 6})),
    _small("rnn", _RNN),
    _small(
        "embedding", _EMBEDDING, ranges={"ids": (0, 30)}, sizes=({"N": 1, "T": 4}, {"N": 2, "T": 7})
    ),
    _small("rotary", _ROTARY, ranges={"at": (0, 16)}),
    _small("detection", _DETECTION),
    _small("top", _TOP),
    _small("shuffle", _SHUFFLE),
    _small("half", _HALF, sizes=_BATCH),
    _small("half_conv", _HALF_CONV),
    _small("double", _DOUBLE),
    _small("qdq", _QDQ),
    _small("qlinear", _QLINEAR),
    _small("dynamic_quant", _DYNAMIC, sizes=_BATCH),
    _small("function", _FUNCTION),
    _small("overridable", _OVERRIDABLE),
    _small("modern", _MODERN, 23),
    _small("brain", _BRAIN),
)
