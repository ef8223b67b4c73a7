"""Open dims: what the model fixes, what is found where 1 does not fit, what stays 1."""

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, parser

import ocost
from ocost.compare import diff_graphs
from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, from_proto, to_proto
from ocost.graph.shapes import Given, Quality, infer

EXACT, ASSUMED = Quality.EXACT, Quality.ASSUMED


def _graph(text, inputs, weights="", opset=17, outputs="y"):
    """``weights`` are ``name[dims]``, an initializer of ones each."""
    head = f'<ir_version: 8, opset_import: ["" : {opset}]> g ({inputs}) => ({outputs}) '
    model = parser.parse_model(head + "{" + text + "}")
    for weight in weights.split():
        name, _, dims = weight.removesuffix("]").partition("[")
        shape = [int(dim) for dim in dims.split(",")]
        array = np.ones(shape, np.float32)
        model.graph.initializer.append(
            helper.make_tensor(name, TensorProto.FLOAT, shape, array.ravel())
        )
    return from_proto(model)


# By name: nodes, inputs, weights, and what is inferred. The first input's first dim stays open.
FIXED = {
    "Gemm": ("y = Gemm <transB = 1> (x, w)", "float[n, d] x", "w[500,784]", {"d": 784}),
    "Gemm of a transposed operand": (
        "y = Gemm <transA = 1> (x, w)",
        "float[d, n] x",
        "w[784,500]",
        {"d": 784},
    ),
    "the weight on the left": ("y = MatMul (w, x)", "float[n, d, m] x", "w[5,30]", {"d": 30}),
    "MatMul": ("y = MatMul (x, w)", "float[n, m, d] x", "w[30,5]", {"d": 30}),
    "a batch of MatMuls": ("y = MatMul (x, w)", "float[n, m, d] x", "w[1,30,5]", {"d": 30}),
    "Conv": (
        "y = Conv <pads = [1, 1, 1, 1]> (x, w)",
        "float[n, c, 8, 8] x",
        "w[4,3,3,3]",
        {"c": 3},
    ),
    "a grouped Conv": (
        "y = Conv <group = 8, pads = [1, 1, 1, 1]> (x, w)",
        "float[n, c, 8, 8] x",
        "w[8,1,3,3]",
        {"c": 8},
    ),
    "ConvTranspose": ("y = ConvTranspose (x, w)", "float[n, c, 8, 8] x", "w[6,4,2,2]", {"c": 6}),
    "BatchNormalization": (
        "y = BatchNormalization (x, w, w, w, w)",
        "float[n, c, 8, 8] x",
        "w[7]",
        {"c": 7},
    ),
    "InstanceNormalization": (
        "y = InstanceNormalization (x, w, w)",
        "float[n, c, 8, 8] x",
        "w[7]",
        {"c": 7},
    ),
    "LayerNormalization": (
        "y = LayerNormalization (x, w)",
        "float[n, m, d] x",
        "w[768]",
        {"d": 768},
    ),
    "PRelu": ("y = PRelu (x, w)", "float[n, c, 8, 8] x", "w[5,1,1]", {"c": 5}),
    "LSTM": (
        "y, h = LSTM <hidden_size = 4> (x, w, r)",
        "float[t, n, d] x",
        "w[1,16,9] r[1,16,4]",
        {"d": 9},
    ),
    "GRU": (
        "y, h = GRU <hidden_size = 4> (x, w, r)",
        "float[t, n, d] x",
        "w[1,12,9] r[1,12,4]",
        {"d": 9},
    ),
    "through elementwise nodes": (
        "a = Relu (x) b = Cast <to = 1> (a) c = Mul (b, b) y = MatMul (c, w)",
        "float[n, d] x",
        "w[30,5]",
        {"d": 30},
    ),
    "through a Transpose": (
        "a = Transpose <perm = [0, 2, 1]> (x) y = MatMul (a, w)",
        "float[n, d, 4] x",
        "w[30,5]",
        {"d": 30},
    ),
    "through a Flatten": (
        "a = Flatten (x) y = Gemm (a, w)",
        "float[n, c, 4, 4] x",
        "w[48,5]",
        {"c": 3},
    ),
    "through a Reshape that takes the batch off": (
        """
          shape = Shape <end = 1> (x)
          rest = Constant <value_ints = [-1]> ()
          wanted = Concat <axis = 0> (shape, rest)
          a = Reshape (x, wanted)
          y = Gemm (a, w)
        """,
        "float[n, c, 4, 4] x",
        "w[48,5]",
        {"c": 3},
    ),
    "through a Concat": (
        "a = Concat <axis = 1> (x, z) y = Gemm (a, w)",
        "float[n, d] x, float[n, 10] z",
        "w[48,5]",
        {"d": 38},
    ),
    "in a branch that runs": (
        """
          k = Constant <value = bool {1}> ()
          y = If (k) <
            then_branch = t () => (a) { a = MatMul (x, w) },
            else_branch = e () => (b) { b = Transpose (x) }
          >
        """,
        "float[n, d] x",
        "w[30,5]",
        {"d": 30},
    ),
    "one after the other": (
        "a = Conv (x, w) f = GlobalAveragePool (a) g = Flatten (f) j = Concat <axis = 1> (g, z) "
        "y = Gemm (j, v)",
        "float[n, c, 8, 8] x, float[n, d] z",
        "w[4,3,3,3] v[10,2]",
        {"c": 3, "d": 6},
    ),
}


@pytest.mark.parametrize("name", FIXED)
def test_a_dim_that_weights_fix(name):
    text, inputs, weights, inferred = FIXED[name]
    shapes = infer(_graph(text, inputs, weights))
    assert shapes.inferred == inferred
    assert shapes.get("y").resolved is not None
    assert not shapes.inferred.keys() & shapes.assumed.keys()
    assert set(shapes.assumed.values()) <= {1}


@pytest.mark.parametrize(("other", "size"), [("MatMul (x, w)", 32), ("Transpose (x)", 1)])
def test_where_it_is_not_known_which_branch_runs_one_of_them_has_to_fit(other, size):
    text = f"""
      y = If (k) <
        then_branch = t () => (a) {{ a = MatMul (x, w) }},
        else_branch = e () => (b) {{ b = {other} }}
      >
    """
    shapes = infer(_graph(text, "float[n, d] x, bool k", "w[32,5]"))
    assert (shapes.assumed, shapes.inferred) == ({"n": 1, "d": size}, {})


def test_an_inferred_dim_is_as_good_as_a_fixed_one():
    shapes = infer(_graph("y = MatMul (x, w)", "float[4, d] x", "w[30,5]"))
    assert (shapes.assumed, shapes.inferred) == ({}, {"d": 30})
    assert shapes.get("y").quality is EXACT
    assert infer(
        _graph("y = MatMul (x, w)", "float[4, d] x", "w[30,5]"), Given(strict=True)
    ).inferred == {"d": 30}


def test_a_weight_that_is_an_input_fixes_it_too():
    shapes = infer(_graph("y = Gemm <transB = 1> (x, w)", "float[n, d] x, float[500, 784] w"))
    assert (shapes.assumed, shapes.inferred) == ({"n": 1}, {"d": 784})


@pytest.mark.parametrize(
    "text",
    [
        "y = Add (x, w)",  # a dim of 1 is stretched
        "y = Mul (w, x)",
        "a = Add (x, w) y = MatMul (a, v)",  # and then it fits
        "y = Concat <axis = 0> (x, x)",
    ],
)
def test_what_a_dim_of_one_fits_infers_nothing(text):
    shapes = infer(_graph(text, "float[n, d] x", "w[30] v[30,5]"))
    assert (shapes.assumed, shapes.inferred) == ({"n": 1, "d": 1}, {})


TWO = "float[n, p] x, float[n, q] z"


@pytest.mark.parametrize(
    ("text", "inputs", "weights", "assumed"),
    [
        # 784 elements of n x d: of n as well, but that is a batch
        (
            "s = Constant <value_ints = [-1, 784]> () a = Reshape (x, s) y = MatMul (a, w)",
            "float[n, d] x",
            "w[784,5]",
            {"n": 1, "d": 784},
        ),
        # both, and as large as each other
        ("a = Flatten (x) y = MatMul (a, w)", "float[n, h, w1] x", "w[784,5]", None),
        ("a = Concat <axis = 1> (x, z) y = MatMul (a, w)", TWO, "w[8,5]", None),
        # 32 is more than the window of 5
        ("y = Conv (x, w)", "float[n, 3, h, w1] x", "w[4,3,5,5]", {"n": 1, "h": 32, "w1": 32}),
        ("y = MaxPool <kernel_shape = [3]> (x)", "float[n, 3, t] x", "", {"n": 1, "t": 32}),
    ],
)  # fmt: skip
def test_what_more_than_one_size_fits_is_assumed(text, inputs, weights, assumed):
    shapes = infer(_graph(text, inputs, weights))
    assert shapes.inferred == {}
    assert shapes.get("y").resolved is not None
    assert shapes.get("y").quality is ASSUMED
    if assumed is None:
        _, one, other = shapes.assumed.values()
        assert one == other > 1
    else:
        assert shapes.assumed == assumed


LENET = """
  a = Conv (x, w) b = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (a)
  c = Conv (b, v) d = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (c)
  e = Flatten (d) y = Gemm (e, u)
"""


@pytest.mark.parametrize("side", [28, 32, 60])
def test_a_picture_s_size_follows_from_the_first_dense_layer(side):
    inner = ((side - 4) // 2 - 4) // 2
    weights = f"w[6,1,5,5] v[16,6,5,5] u[{16 * inner * inner},10]"
    graph = _graph(LENET, "float[n, c, h, v1] x", weights)
    shapes = infer(graph)
    assert shapes.inferred == {"c": 1} or shapes.assumed["c"] == 1
    h, w = shapes.assumed["h"], shapes.assumed["v1"]
    assert ((h - 4) // 2 - 4) // 2 == inner
    assert h == w
    assert shapes.get("y").resolved == (1, 10)


def _pyramid(levels):
    """Halved so many times, then doubled again and added to the level that it came from."""
    nodes, weights, at = [], [], "x"
    for level in range(levels):
        nodes.append(f"d{level} = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> ({at}, w{level})")
        weights.append(f"w{level}[8,{3 if level == 0 else 8},3,3]")
        at = f"d{level}"
    for level in reversed(range(levels - 1)):
        nodes.append(f'u{level} = Resize <mode = "nearest"> ({at}, , scales)')
        nodes.append(f"s{level} = Add (u{level}, d{level})")
        at = f"s{level}"
    text = "scales = Constant <value_floats = [1.0, 1.0, 2.0, 2.0]> ()" + " ".join(nodes)
    return f"{text} y = Relu ({at})", " ".join(weights)


@pytest.mark.parametrize(("levels", "size"), [(3, 32), (5, 32), (6, 64)])
def test_a_pyramid_gets_a_size_that_halves_evenly(levels, size):
    text, weights = _pyramid(levels)
    graph = _graph(text, "float[N, 3, H, W] x", weights)
    shapes = infer(graph)
    assert shapes.assumed["N"] == 1
    assert shapes.get("y").resolved is not None
    stated = Given(dims={"N": 1, "H": size, "W": size})
    assert infer(graph, stated).get("y").resolved is not None


def test_concats_in_a_pyramid_do_not_stretch():
    text = """
      scales = Constant <value_floats = [1.0, 1.0, 2.0, 2.0]> ()
      a = Conv <pads = [1, 1, 1, 1]> (x, w)
      b = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (a, v)
      u = Resize <mode = "nearest"> (b, , scales)
      y = Concat <axis = 1> (u, a)
    """
    graph = _graph(text, "float[N, 3, H, W] x", "w[8,3,3,3] v[16,8,3,3]")
    shapes = infer(graph)
    assert shapes.assumed == {"N": 1, "H": 32, "W": 32}
    assert shapes.get("y").resolved == (1, 24, 32, 32)
    cost = ocost.cost(graph)
    assert cost.totals.macs == 9 * (3 * 8 * 32 * 32 + 8 * 16 * 16 * 16)
    assert cost.model.assumed_dims == {"N": 1, "H": 32, "W": 32}
    with pytest.raises(OcostError, match="open dims: N, H, W; give them"):
        infer(graph, Given(strict=True))


def test_where_no_size_fits_the_reason_names_the_dims():
    graph = _graph("y = MatMul (x, w) a = MatMul (z, w)", "float[n, d] x, float[n, 7] z", "w[30,5]",
                   outputs="y, a")  # fmt: skip
    shapes = infer(graph)
    assert shapes.inferred == {"d": 30}
    reason = shapes.get("a").reason
    assert "wants 30" in reason
    assert reason.endswith("open dims are assumed: give --dim n=...")


def test_a_size_that_the_user_gives_leaves_the_rest_to_be_inferred():
    graph = _graph("y = MatMul (x, w)", "float[n, d] x", "w[30,5]")
    shapes = infer(graph, Given(dims={"n": 4}))
    assert (shapes.assumed, shapes.inferred) == ({}, {"d": 30})
    assert shapes.get("y").shape == (4, 5)
    with pytest.raises(OcostError, match=r"the shapes given contradict node 'y': .*wants 30"):
        infer(graph, Given(dims={"n": 4, "d": 31}))


def test_it_is_said_in_the_report():
    cost = ocost.cost(_graph("y = MatMul (x, w)", "float[n, d] x", "w[30,5]"))
    assert cost.model.inferred_dims == {"d": 30}
    assert cost.model.assumed_dims == {"n": 1}
    assert cost.coverage.costed == 1


def test_both_sides_of_a_diff_have_the_same_sizes():
    """The graph after lacks the node that fixes the dim: it is taken as large nevertheless."""
    before = _graph("a = Relu (x) y = MatMul (x, w)", "float[n, d] x", "w[30,5]", outputs="a, y")
    after = _graph("a = Relu (x)", "float[n, d] x", outputs="a")
    diff = diff_graphs(before, after, find("x86-server-core"))
    assert diff.before.model.inputs == diff.after.model.inputs == {"x": (1, 30)}


# --- sizes that the file fixes ---------------------------------------------------------------

BATCH = "a = Flatten (x) y = Gemm (a, w)"


@pytest.mark.parametrize(
    "given",
    [Given(shapes={"x": (8, 3, 4, 4)}), Given(dims={"x[0]": 8})],
    ids=["shape", "dim"],
)
def test_a_fixed_batch_may_be_overridden(given):
    graph = _graph(BATCH, "float[1, 3, 4, 4] x", "w[48,5]", outputs="float[1, 5] y")
    shapes = infer(graph, given)
    assert shapes.get("y").shape == (8, 5)
    assert shapes.get("y").quality is EXACT
    assert shapes.overridden == {"x": (1, 3, 4, 4)}
    cost = ocost.cost(graph, given=given)
    assert cost.totals.macs == 8 * 48 * 5
    assert cost.model.overridden == {"x": (1, 3, 4, 4)}
    same = ocost.cost(graph, given=Given(shapes={"x": (1, 3, 4, 4)}))
    assert same.model.overridden == {}


def test_a_batch_that_the_model_holds_on_to():
    text = "s = Constant <value_ints = [1, 48]> () a = Reshape (x, s) y = Gemm (a, w)"
    graph = _graph(text, "float[1, 3, 4, 4] x", "w[48,5]")
    with pytest.raises(OcostError) as refused:
        infer(graph, Given(dims={"x[0]": 8}))
    assert str(refused.value) == (
        "the shapes given contradict node 'a': Reshape wants 48 elements of 'x', not 384"
    )


def test_a_rank_is_never_overridden():
    graph = _graph(BATCH, "float[1, 3, 4, 4] x", "w[48,5]")
    with pytest.raises(OcostError, match="contradicts the model: 'x' has 4 dims"):
        infer(graph, Given(shapes={"x": (8, 48)}))


def test_a_named_dim_answers_to_its_place_too():
    graph = _graph("y = Relu (x)", "float[n, d] x")
    shapes = infer(graph, Given(dims={"x[0]": 4, "d": 3}))
    assert (shapes.get("y").shape, shapes.assumed, shapes.overridden) == ((4, 3), {}, {})


def test_overridden_sizes_run():
    graph = _graph(BATCH, "float[1, 3, 4, 4] x", "w[48,5]", outputs="float[1, 5] y")
    given = Given(dims={"x[0]": 8})
    found = ocost.diff(graph, graph, given=given, check=True)
    assert found.equivalence.ok is True
    assert found.before.model.inputs == {"x": (8, 3, 4, 4)}
    profiled = ocost.profile(graph, given=given, budget_s=0.1)
    assert profiled.written.model.overridden == {"x": (1, 3, 4, 4)}
    assert {n.op_type: n.macs for n in profiled.executed.nodes}["Gemm"] == 8 * 48 * 5


def test_optimising_keeps_the_file_s_sizes():
    graph = _graph(BATCH, "float[1, 3, 4, 4] x", "w[48,5]")
    given = Given(dims={"x[0]": 8})
    for run in (ocost.optimize_model, ocost.diff):
        with pytest.raises(OcostError, match="optimising keeps the sizes that the file fixes, 'x'"):
            run(graph, given=given)


def test_onnxruntime_agrees_with_what_is_inferred():
    """And with no other size."""
    text, inputs, weights, _ = FIXED["one after the other"]
    graph = _graph(text, inputs, weights)
    shapes = infer(graph)
    session = ort.InferenceSession(
        to_proto(graph).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    sizes = {name: shapes.get(name).shape for name in graph.inputs}
    made = session.run(None, {n: np.zeros(s, np.float32) for n, s in sizes.items()})
    assert made[0].shape == shapes.get("y").shape
    for name, axis in (("x", 1), ("z", 1)):
        other = [size + (i == axis) for i, size in enumerate(sizes[name])]
        feeds = {n: np.zeros(s, np.float32) for n, s in {**sizes, name: other}.items()}
        with pytest.raises(Exception, match=r".+"):
            session.run(None, feeds)
