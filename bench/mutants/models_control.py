"""Small models with branches, loops, noise and sequences, in onnx's textual form."""

from .samples import Sample, text

_HEAD = '<ir_version: 8, opset_import: ["" : 17]>'

_IF_FLAG = """g (float[2,6] x, bool flag) => (float[2,6] y) <float[6,6] w, float[6] b> {
  h = MatMul(x, w)
  y = If(flag) <then_branch = t () => (float[2,6] a) { a0 = Add(h, b)  a = Relu(a0) },
                else_branch = e () => (float[2,6] c) { c0 = Sub(h, b)  c = Tanh(c0) }>
}"""
_IF_SUM = """g (float[4] x) => (float[4] y) <float zero = {0.0}, float ten = {3.0}> {
  s = ReduceSum<keepdims = 0>(x)  p = Greater(s, zero)
  y = If(p) <then_branch = t () => (float[4] a) {
      q = Greater(s, ten)
      a = If(q) <then_branch = u () => (float[4] b) { b = Neg(x) },
                 else_branch = v () => (float[4] c) { c = Mul(x, x) }>
    },
    else_branch = e () => (float[4] d) { d = Abs(x) }>
}"""
_LOOP = """g (float[3] x) => (float[3] y, float[K,3] all) <int64 trips = {4}, bool on = {1},
  float[3] w> {
  y, all = Loop(trips, on, x) <body = b (int64 i, bool c, float[3] s) => (bool d, float[3] t,
  float[3] o) {
    d = Identity(c)  f = Cast<to = 1>(i)  m = Mul(s, w)  t = Add(m, f)  o = Relu(t)
  }>
}"""
_TRIPS = """g (float[3] x, int64 trips) => (float[3] y) <bool on = {1}, float[3] w> {
  y = Loop(trips, on, x) <body = b (int64 i, bool c, float[3] s) => (bool d, float[3] t) {
    d = Identity(c)  t = Add(s, w)
  }>
}"""
_WHILE = """g (float[3] x) => (float[3] y, int64 n) <bool on = {1}, int64 none = {0},
  int64 one = {1},
 int64 most = {9}, int64 cap = {40}, float limit = {5.0}> {
  y, n = Loop(cap, on, x, none) <body = b (int64 i, bool c, float[3] s, int64 k)
    => (bool d, float[3] t, int64 l) {
    a = Abs(s)  t = Add(s, a)  u = Add(t, t)  l = Add(k, one)  m = ReduceMax<keepdims = 0>(u)
    under = Less(m, limit)  few = Less(l, most)  d = And(under, few)
  }>
}"""
_SCAN = """g (float[2] s, float[5,2] x) => (float[2] t, float[5,2] y) <float half = {0.5}> {
  t, y = Scan(s, x) <num_scan_inputs = 1, body = b (float[2] a, float[2] e) => (float[2] c,
  float[2] o) {
    m = Mul(a, half)  c = Add(m, e)  o = Tanh(c)
  }>
}"""
_NOISE = """g (float[3,4] x) => (float[3,4] y, float[3,4] z) <float half = {0.5}> {
  a = RandomNormalLike(x)  b = RandomNormalLike(x)  c = Mul(b, half)  d = Sub(a, c)  y = Add(x, d)
  z = Relu(x)
}"""
_DRAWS = """g (float[3,4] x, float[3,4] p) => (float[3,4] y, float[3,4] z) <float two = {2.0}> {
  u = RandomUniformLike<low = -1.0, high = 2.0>(x)  k = Mul(u, two)  y = Add(k, x)
  d = Bernoulli(p)  n = RandomNormal<shape = [3,4], mean = 1.0, scale = 0.5>()  m = Mul(d, n)
  z = Sub(x, m)
}"""
_DROPOUT = """g (float[3,8] x, bool on) => (float[3,8] y) <float r = {0.3}, float[8,8] w> {
  h = MatMul(x, w)  d = Dropout(h, r, on)  y = Add(d, x)
}"""
_SEQUENCE = """g (float[2,3] x, float[2,3] y) => (float[4,3] z,
  float[2,3] first) <int64 zero = {0}> {
  n = Neg(x)  s = SequenceConstruct(n, y)  z = ConcatFromSequence<axis = 0>(s)
  first = SequenceAt(s, zero)
}"""

_WORD = """g (string[1] mode, float[2,4] x) => (float[2,4] y) <string[1] key = {"fast"},
  int64[1] zero = {0}> {
  e = Equal(mode, key)  c = Squeeze(e, zero)
  y = If(c) <then_branch = t () => (float[2,4] a) { a = Relu(x) },
    else_branch = f () => (float[2,4] b) { b = Sigmoid(x) }>
}"""
_CHOICE = """g (float[3] x, int64 limit) => (float[3] y) <int64 n = {5}, bool on = {1},
  float half = {0.5}> {
  y = Loop(n, on, x) <body = b (int64 i, bool c, float[3] s) => (bool d, float[3] t) {
    d = Identity(c)  p = Less(i, limit)
    t = If(p) <then_branch = u () => (float[3] a) { a = Mul(s, half) },
      else_branch = v () => (float[3] e) { e = Add(s, x) }>
  }>
}"""
_LENGTHS = """g (float[N,T,3] x, int64[N] lengths) => (float[N,3] y) <int64 zero = {0},
  int64 one = {1},
  int64 axis = {1}, int64[1] first = {0}, int64[1] second = {1}, int64[1] last = {2},
  float none = {0.0}> {
  s = Shape(x)  t = Gather(s, axis)  r = Range(zero, t, one)  l = Unsqueeze(lengths, second)
  q = Unsqueeze(r, first)  m = Less(q, l)  k = Unsqueeze(m, last)  w = Where(k, x, none)
  y = ReduceSum<keepdims = 0>(w, second)
}"""
_FOUND = """g (float[4,3] x) => (float[K] y, int64[2,K] at) <float zero = {0.0}> {
  p = Greater(x, zero)  at = NonZero(p)  t = Transpose<perm = [1,0]>(at)  y = GatherND(x, t)
}"""


def _small(name: str, body: str, opset: int = 17, **options: object) -> Sample:
    return Sample(name, text(_HEAD.replace("17", str(opset)) + body), **options)


SAMPLES = (
    _small("if_flag", _IF_FLAG),
    _small("if_sum", _IF_SUM),
    _small("loop", _LOOP),
    _small("trips", _TRIPS, ranges={"trips": (0, 6)}),
    _small("while", _WHILE),
    _small("scan", _SCAN),
    _small("noise", _NOISE),
    _small("draws", _DRAWS, ranges={"p": (0, 1)}),
    _small("dropout", _DROPOUT),
    _small("sequence", _SEQUENCE),
    _small("word", _WORD, 19, choices={"mode": ("fast", "slow")}),
    _small("choice", _CHOICE, ranges={"limit": (0, 6)}),
    _small(
        "lengths", _LENGTHS, ranges={"lengths": (0, 7)}, sizes=({"N": 2, "T": 5}, {"N": 3, "T": 4})
    ),
    _small("found", _FOUND),
)
