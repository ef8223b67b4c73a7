"""Small models of single operators and types, in onnx's textual form."""

from .samples import Sample, text

_HEAD = '<ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 3]>'

_INTEGERS = """g (int64[6] x, int32[6] y) => (int64[6] a, int64[6] b, int32[6] c, int64[6] d)
<int64 seven = {7}, int64 three = {3}, int32[6] w = {1, -2, 3, 4, -5, 6}> {
  a = Mod(x, seven)  p = Mul(x, x)  b = Div(p, three)  c0 = Mul(y, w)  c = Max(c0, y)
  n = Abs(x)  d = Sub(n, x)
}"""
_BITS = """g (uint8[8] x, uint8[8] y) => (uint8[8] a, uint8[8] b) <uint8 two = {2}> {
  s = BitShift<direction = "RIGHT">(x, two)  a = Add(s, y)  b = Min(x, y)
}"""
_BITWISE = """g (int32[8] x, int32[8] y) => (int32[8] a, int32[8] b) <int32 mask = {12}> {
  m = BitwiseAnd(x, mask)  n = BitwiseNot(y)  a = BitwiseOr(m, y)  b = BitwiseXor(m, n)
}"""
_BOOLEANS = """g (bool[5] p, bool[5] q, bool[5] r) => (bool[5] a, bool[5] b) <bool[5] k = {1, 0,
  1, 1, 0}> {
  n = Not(q)  m = And(p, n)  a = Or(m, r)  x = Xor(p, q)  b = And(x, k)
}"""
_EDGES = """g (float[8] x, float[8] y) => (float[8] a, bool[8] b) <float one = {1.0}> {
  g = Greater(x, y)  l = LessOrEqual(x, one)  b = And(g, l)  a = Where(b, x, y)
}"""
_RANKS = """g (int64[4] x) => (bool[4] a, int64[4] b) <int64 two = {2}, int64 limit = {3}> {
  a = Less(x, limit)  e = Equal(x, two)  b = Where(e, limit, x)
}"""
_LABELS = """g (string[5] x) => (int64[5] y, bool[5] same) <string key = {"red"}> {
  y = ai.onnx.ml.LabelEncoder<keys_strings = ["red", "green", "blue"], values_int64s = [3, 5, 7],
  default_int64 = -1>(x)
  same = Equal(x, key)
}"""
_TREE = """g (float[3,2] x) => (int64[3] label, float[3,3] p) {
  label, p = ai.onnx.ml.TreeEnsembleClassifier<classlabels_int64s = [4, 5, 6], class_ids = [0, 1,
  2],
   class_nodeids = [1, 3, 4], class_treeids = [0, 0, 0], class_weights = [0.8, 0.6, 0.3],
   nodes_falsenodeids = [2, 0, 4, 0, 0], nodes_featureids = [0, 0, 1, 0, 0],
   nodes_modes = ["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"], nodes_nodeids = [0, 1, 2,
  3, 4],
   nodes_treeids = [0, 0, 0, 0, 0], nodes_truenodeids = [1, 0, 3, 0, 0],
   nodes_values = [0.1, 0.0, -0.4, 0.0, 0.0], post_transform = "NONE">(x)
}"""
_LINEAR = """g (float[3,4] x) => (int64[3] label, float[3,3] p) {
  s = ai.onnx.ml.Scaler<offset = [0.1, 0.2, 0.0, -0.3], scale = [1.0, 0.5, 2.0, 1.5]>(x)
  n = ai.onnx.ml.Normalizer<norm = "L2">(s)
  label, p = ai.onnx.ml.LinearClassifier<classlabels_ints = [4, 5, 6],
  post_transform = "SOFTMAX", multi_class = 1,
   coefficients = [0.3, -0.2, 0.5, 0.1, -0.4, 0.2, 0.6, -0.1, 0.2, 0.7, -0.3, 0.4],
  intercepts = [0.1, -0.2, 0.3]>(n)
}"""
_PADS = """g (float[1,2,6,6] x) => (float[1,2,8,9] a, float[1,2,8,8] b, float[1,2,4,3] c)
<int64[8] p = {0, 0, 2, 1, 0, 0, 0, 2}, float v = {0.5}, int64[8] q = {0, 0, 1, 1, 0, 0, 1, 1},
 int64[2] st = {1, 2}, int64[2] en = {5, 5}, int64[2] ax = {2, 3}> {
  a = Pad(x, p, v)  b = Pad<mode = "reflect">(x, q)  c = Slice(x, st, en, ax)
}"""
_POOLS = """g (float[1,3,9,9] x) => (float[1,3,P,P] a, float[1,3,Q,Q] b, float[1,3,1,1] c) {
  a = MaxPool<kernel_shape = [3,3], strides = [2,2], pads = [1,1,0,0]>(x)
  b = AveragePool<kernel_shape = [2,2], strides = [2,2], count_include_pad = 1, pads = [1,1,0,0]>(x)
  c = GlobalMaxPool(x)
}"""
_REDUCTIONS = """g (float[3,4,5] x) => (float[3,5] a, float[3,4,1] b, int64[3,5] c,
  float[3,4,5] d, float[4,5] e)
<int64[1] one = {1}, int64 last = {2}> {
  a = ReduceSum<keepdims = 0>(x, one)  b = ReduceL2<axes = [2]>(x)  c = ArgMax<axis = 1,
  keepdims = 0>(x)
  d = CumSum(x, last)  e = ReduceMin<axes = [0], keepdims = 0>(x)
}"""
_SCATTER = """g (float[4,5] x, float[2,5] u) => (float[4,5] a, float[4,5] b, float[2,5] c)
<int64[2,5] at = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1}, int64[2,1] rows = {1, 3}> {
  a = ScatterElements<axis = 0>(x, at, u)  b = ScatterND(x, rows, u)  c = GatherND(x, rows)
}"""
_ONE_HOT = """g (int64[4] x) => (float[4,6] y) <int64 depth = {6}, float[2] v = {0.0, 1.0},
  float[6] w> {
  h = OneHot(x, depth, v)  y = Mul(h, w)
}"""
_ACTIVATIONS = """g (float[2,9] x) => (float[2,9] a, float[2,9] b, float[2,9] c, float[2,9] d,
  float[2,9] e) {
  a = Elu<alpha = 0.5>(x)  b = Selu(x)  c0 = Softplus(x)  c = Log(c0)
  d = ThresholdedRelu<alpha = 0.5>(x)
  e0 = Celu<alpha = 0.8>(x)  e1 = Sin(e0)  e = Round(x)
}"""
_CLIPS = """g (float[2,9] x, int64[4] n) => (float[2,9] a, float[2,9] b, float[2,9] c, int64[4] d)
<float low = {-100.0}, float high = {100.0}, float six = {6.0}, float zero = {0.0},
  int64 few = {3}> {
  a = Clip(x, low, high)  b = Clip(x, zero, six)  c0 = Floor(x)  c = Sub(x, c0)  d = Min(n, few)
}"""
_BLOCKS = """g (float[1,8,3,3] x) => (float[1,2,6,6] y, float[1,32,1,1] z) <int64[4] k = {0, 0,
  0, 0}, int64[4] e = {1, 8, 2, 2}> {
  y = DepthToSpace<blocksize = 2>(x)  s = Slice(x, k, e)  z = SpaceToDepth<blocksize = 2>(s)
}"""
_EINSUM = """g (float[2,3,4] x, float[2,4,5] y) => (float[2,3,5] a, float[2,3,5] b) <float[3,5] w> {
  a0 = Einsum<equation = "bij,bjk->bik">(x, y)  a = Mul(a0, w)  b = Trilu<upper = 0>(a0)
}"""
_GRID = """g (float[1,2,5,5] x, float[1,3,3,2] grid) => (float[1,2,3,3] y) { y = GridSample(x,
  grid) }"""
_SHAPES = """g (float[N,3,K] x) => (float[N,M] y, float[N,3,K] z) <int64 zero = {0},
  int64[1] first = {0}, int64[1] rest = {-1}, int64[1] one = {1}, int64[1] two = {2}> {
  s = Shape(x)  n = Gather(s, zero)  n1 = Unsqueeze(n, first)  to = Concat<axis = 0>(n1, rest)
  y0 = Reshape(x, to)  y = Neg(y0)  k = Slice(s, two, two, first)  d = Slice(s, one, two, first)
  e = Mul(d, d)  f = Cast<to = 1>(e)  z = Mul(x, f)
}"""
_CASTS = """g (float[6] x, float16[6] h) => (int32[6] a, float[6] b,
  float16[6] c) <float ten = {10.0}> {
  m = Mul(x, ten)  a = Cast<to = 6>(m)  b0 = Cast<to = 7>(x)  b = Cast<to = 1>(b0)
  w = Cast<to = 1>(h)  s = Mul(w, x)  c = Cast<to = 10>(s)
}"""
_MASKED = """g (float[2,4] x, float[2,4] mask, int64[2,4] attention_mask) => (float[2,4] a,
  float[2,4] b) <float one = {1.0}, float big = {-100.0}> {
  a = Mul(x, mask)  f = Cast<to = 1>(attention_mask)  i = Sub(one, f)  p = Mul(i, big)
  b = Add(x, p)
}"""
_SPECIAL = """g (float[6] x, float[6] y) => (float[6] a, bool[6] b, float[6] c) {
  q = Div(x, y)  b = IsNaN(q)  a = Where(b, x, q)  l = Log(x)  c = Max(l, y)
}"""

_NEAREST = """g (int64[5] at, float[2,3] x, int64 k) => (float[5,4] y, float[2,J] top,
  int64[2,J] where)
<float[7,4] table, int64 seven = {7}, int64[1] first = {0}> {
  i = Mod(at, seven)  y = Gather(table, i)  n = Unsqueeze(k, first)  top, where = TopK(x, n)
}"""
_LINE = """g (float[N,2,20] x) => (float[N,4,L] y) <float[4,2,5] w, float[4] b, float[4] scale,
  float[4] shift,
  float[4] mean, float[4] var> {
  h = Conv<kernel_shape = [5], strides = [2], pads = [2,1], dilations = [1]>(x, w, b)
  n = BatchNormalization(h, scale, shift, mean, var)  t = Tanh(n)
  y = MaxPool<kernel_shape = [3], strides = [2], ceil_mode = 1>(t)
}"""
_VOLUME = """g (float[1,2,4,5,6] x) => (float[1,3,4,5,6] y) <float[3,2,3,3,3] w, float[3] b> {
  h = Conv<kernel_shape = [3,3,3], pads = [1,1,1,1,1,1]>(x, w, b)  y = LeakyRelu<alpha = 0.3>(h)
}"""
_QCONV = """g (uint8[1,3,6,6] x) => (uint8[1,4,6,6] y, int32[1,4,4,4] z)
<float s = {0.02}, uint8 p = {128}, int8[4,3,3,3] w, float t = {0.01}, int8 q = {0},
  float o = {0.2},
  uint8 r = {100}, int32[4] b> {
  y = QLinearConv<kernel_shape = [3,3], pads = [1,1,1,1]>(x, s, p, w, t, q, o, r, b)
  z = ConvInteger<kernel_shape = [3,3]>(x, w, p, q)
}"""
_OLD = """g (float[1,4,5,5] x) => (float[1,4,10,10] y, float[1,6] z) <float[4] scale,
  float[4] shift, float[4] mean,
  float[4] var, float[4] by = {1.0, 1.0, 2.0, 2.0}, float[6,100] w, float[6] b> {
  n = BatchNormalization<epsilon = 0.001>(x, scale, shift, mean, var)
  c = Clip<min = -1.0, max = 1.5>(n)  d = Dropout(c)  y = Upsample<mode = "nearest">(d, by)
  s = Slice<axes = [2], starts = [0], ends = [5]>(d)  f = Flatten(s)  z = Gemm<transB = 1>(f, w, b)
}"""


def _small(name: str, body: str, opset: int = 17, **options: object) -> Sample:
    return Sample(name, text(_HEAD.replace("17", str(opset)) + body), **options)


SAMPLES = (
    _small("integers", _INTEGERS),
    _small("bits", _BITS),
    _small("bitwise", _BITWISE, 18),
    _small("booleans", _BOOLEANS),
    _small("edges", _EDGES),
    _small("ranks", _RANKS, ranges={"x": (-3, 8)}),
    _small("labels", _LABELS, 19, choices={"x": ("red", "green", "blue", "grey")}),
    _small("tree", _TREE),
    _small("linear_classifier", _LINEAR),
    _small("pads", _PADS),
    _small("pools", _POOLS),
    _small("reductions", _REDUCTIONS),
    _small("scatter", _SCATTER),
    _small("one_hot", _ONE_HOT, ranges={"x": (0, 6)}),
    _small("activations", _ACTIVATIONS),
    _small("clips", _CLIPS),
    _small("blocks", _BLOCKS),
    _small("einsum", _EINSUM),
    _small("grid", _GRID),
    _small("shapes", _SHAPES, sizes=({"N": 2, "K": 4}, {"N": 1, "K": 5})),
    _small("casts", _CASTS),
    _small("masked", _MASKED, ranges={"attention_mask": (0, 2), "mask": (0, 1)}),
    _small("special", _SPECIAL),
    _small("nearest", _NEAREST, ranges={"at": (-20, 20), "k": (1, 4)}),
    _small("line", _LINE, sizes=({"N": 1}, {"N": 2})),
    _small("volume", _VOLUME),
    _small("quantised_conv", _QCONV),
    _small("old", _OLD, 9),
)
