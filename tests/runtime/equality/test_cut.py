"""Regions where two graphs differ compute the same on both sides, but for a wrong edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from onnx import ModelProto, helper, numpy_helper

from ocost.graph import Graph, Node, Tensor, from_proto, load, verify
from ocost.graph.shapes import Given, Shapes, infer
from ocost.models import samples
from ocost.optimize.plan import plan
from ocost.runtime.equality.cut import CutRegion, Uncut, regions
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options, SessionLevel

from ...optimize.random_models import OPEN, models

PLAIN = Options(level=SessionLevel.DISABLE)


def graph(text: str, opset: int = 17, **constants: np.ndarray) -> Graph:
    head = f'<ir_version: 8, opset_import: ["": {opset}]> g '
    model = onnx.parser.parse_model(head + text)
    for name, array in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return from_proto(model)


@lru_cache(maxsize=1)
def shapes_of(whole: Graph, dims: tuple[tuple[str, int], ...]) -> Shapes:
    return infer(whole, Given(dims=dict(dims)))


def differs(region: CutRegion, whole: Graph, sizes: Given | None = None) -> float:
    """The largest difference of the outputs, by the largest output.

    Infinite for other shapes, and where most of an output is no finite number.
    """
    assert region.before.inputs == region.after.inputs
    assert region.before.outputs == region.after.outputs
    for made in (region.before, region.after):
        verify(made)
    given = region.given(shapes_of(whole, () if sizes is None else tuple(sizes.dims.items())))
    feeds = make_feeds(region.before, infer(region.before, given))
    old, new = (
        run_once(open_session(named(made), PLAIN), feeds) for made in (region.before, region.after)
    )
    return max(map(distance, old, new))


def distance(x: np.ndarray, y: np.ndarray) -> float:
    if x.shape != y.shape or x.dtype != y.dtype:
        return np.inf
    if x.dtype.kind not in "fiu":
        return float((x != y).any())
    a, b = x.astype(np.float64), y.astype(np.float64)
    if a.size and np.isfinite(a).mean() < 0.5:
        return np.inf  # it says nothing
    with np.errstate(invalid="ignore"):
        off = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
    largest = float(np.abs(a).max(initial=0, where=np.isfinite(a)))
    return float(off.max(initial=0)) / max(largest, 1e-9)


def settled(region: CutRegion | Uncut, whole: Graph, sizes: Given | None = None) -> float:
    """The difference of the region, made larger as long as it differs."""
    found: CutRegion | Uncut | None = region
    off = np.inf
    for _ in range(6):
        assert isinstance(found, CutRegion), found
        off = differs(found, whole, sizes)
        if off < 1e-4:
            return off
        found = found.larger()
        if found is None:
            break
    return off


def all_same(before: Graph, after: Graph, sizes: Given | None = None) -> list[CutRegion]:
    found = list(regions(before, after, sizes))
    for region in found:
        assert settled(region, before, sizes) < 1e-4, region
    return [region for region in found if isinstance(region, CutRegion)]


def first_same(before: Graph, after: Graph) -> CutRegion:
    """The one region, which is the same without having to be made larger."""
    (region,) = regions(before, after)
    assert isinstance(region, CutRegion), region
    assert differs(region, before) < 1e-5
    return region


@pytest.mark.parametrize("sample", [sample.name for sample in samples()])
def test_each_pass_alone_on_the_samples(sample: str) -> None:
    whole = load(f"@{sample}")
    fired = 0
    for one in plan().passes:
        made = whole.copy()
        if one.run(made).rewrites:
            fired += 1
            found = list(regions(whole, made))
            kinds = {}  # one region of a kind will do
            for region in found:
                assert isinstance(region, CutRegion), (one.name, region)
                kind = tuple(node.op_type for node in region.before), region.scope == ""
                kinds.setdefault(kind, region)
            for region in list(kinds.values())[:6]:
                assert settled(region, whole) < 1e-4, (one.name, region)
    assert fired


moderately = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@moderately
@given(models())
def test_each_pass_alone_on_random_models(model: ModelProto) -> None:
    whole = from_proto(model)
    sizes = Given(dims={symbol: sizes[1] for symbol, sizes in OPEN.items() if uses(whole, symbol)})
    for one in plan().passes:
        made = whole.copy()
        if one.run(made).rewrites:
            all_same(whole, made, sizes)


def uses(whole: Graph, symbol: str) -> bool:
    infos = (whole.declared[name] for name in whole.inputs)
    return any(dim.dim_param == symbol for i in infos for dim in i.type.tensor_type.shape.dim)


# --- kinds of rewrites -----------------------------------------------------------------------

SIGNATURE = "(float[2,8] x) => (float[2,8] y) "


def test_equal_graphs_have_no_regions() -> None:
    one = graph(SIGNATURE + "{ a = Relu(x) y = Neg(a) }")
    assert list(regions(one, one.copy())) == []
    again = graph(SIGNATURE + "{ a = Relu(x) y = Neg(a) }")
    assert list(regions(one, again)) == []


def test_a_removed_identity_at_an_output() -> None:
    before = graph(SIGNATURE + "{ n = Neg(x) a = Relu(n) y = Identity(a) }")
    region = first_same(before, graph(SIGNATURE + "{ n = Neg(x) y = Relu(n) }"))
    assert region.before.inputs == ("n",)
    assert region.before.outputs == ("y",)
    assert (region.removed, region.added) == (("a", "y"), ("y",))


def test_merged_duplicates_are_not_drawn_apart() -> None:
    before = graph(SIGNATURE + "{ a = Relu(x) b = Relu(x) c = Neg(a) d = Neg(b) y = Sub(c, d) }")
    region = first_same(before, graph(SIGNATURE + "{ a = Relu(x) c = Neg(a) y = Sub(c, c) }"))
    assert region.before.inputs == ("x",)
    region = first_same(graph(SIGNATURE + "{ a = Relu(x) c = Neg(a) y = Sub(c, c) }"), before)
    assert region.before.inputs == ("x",)


def test_merged_random_nodes_differ() -> None:
    text = SIGNATURE + "{ a = RandomNormalLike(x) %s }"
    before = graph(text % "b = RandomNormalLike(x) y = Sub(a, b)")
    (region,) = regions(before, graph(text % "y = Sub(a, a)"))
    assert isinstance(region, CutRegion)
    assert differs(region, before) > 0.1


def test_a_folded_constant() -> None:
    text = SIGNATURE + "{ %s a = Mul(x, two) b = Add(a, four) y = Relu(b) }"
    before = graph(text % "two = Constant<value_float=2.0>() four = Mul(two, two)")
    two, four = np.float32(2), np.float32(4)
    found = all_same(before, graph(text % "", two=two, four=four))
    assert [region.before.outputs for region in found] == [("four",)]
    (wrong,) = regions(before, graph(text % "", two=two, four=two))
    assert isinstance(wrong, CutRegion)
    assert differs(wrong, before) > 0.1


def test_a_constant_under_another_name_or_in_another_place_is_the_same() -> None:
    text = SIGNATURE + "{ %s a = Mul(x, %s) y = Add(a, %s) }"
    before = graph(text % ("two = Constant<value_float=2.0>()", "two", "w"), w=np.float32(2))
    assert list(regions(before, graph(text % ("", "v", "v"), v=np.float32(2)))) == []
    (region,) = regions(before, graph(text % ("", "w", "v"), w=np.float32(2), v=np.float32(3)))
    assert isinstance(region, CutRegion)
    assert region.added == ("y",)


def test_an_inlined_branch() -> None:
    before = graph(
        SIGNATURE + "{ n = Neg(x) c = Constant<value = bool {1}>() o = If(c) <"
        "then_branch = t () => (float[2,8] p) { q = Abs(n) p = Sqrt(q) },"
        "else_branch = e () => (float[2,8] r) { r = Neg(n) } > y = Relu(o) }"
    )
    region = first_same(
        before, graph(SIGNATURE + "{ n = Neg(x) q = Abs(n) o = Sqrt(q) y = Relu(o) }")
    )
    assert region.before.inputs == ("n",)
    assert region.before.outputs == ("o",)


LOOP = (
    SIGNATURE + "{ k = Constant<value_int=3>() c = Constant<value = bool {1}>() n = Neg(x)"
    "y = Loop(k, c, x) < body = b (int64 i, bool p, float[2,8] v) => (bool q, float[2,8] w)"
    "{ q = Identity(p) %s } > }"
)


def test_a_body_is_cut_for_itself() -> None:
    before = graph(LOOP % "d = Relu(v) e = Relu(d) w = Add(e, n)")
    after = graph(LOOP % "d = Relu(v) w = Add(d, n)")
    (region,) = all_same(before, after)
    assert region.scope == "y/body/"
    assert region.removed == ("y/body/e", "y/body/w")
    wrong = graph(LOOP % "d = Relu(v) w = Sub(d, n)")
    assert settled(next(regions(before, wrong)), before) > 0.1


def test_a_region_of_a_body_grows_to_its_owner() -> None:
    before = graph(LOOP % "d = Relu(v) w = Add(d, n)")
    (region,) = regions(before, graph(LOOP % "d = Neg(v) w = Add(d, n)"))
    seen = []
    while isinstance(region, CutRegion):
        seen.append(region)
        assert "y/body/d" in region.removed
        region = region.larger()
    assert region is None
    assert seen[0].scope == "y/body/"
    assert seen[-1].scope == ""
    assert "y" in seen[-1].removed


def test_what_holds_only_for_what_the_maker_gives_needs_a_larger_region() -> None:
    before = graph(SIGNATURE + "{ a = Exp(x) b = Relu(a) y = Neg(b) }")
    after = graph(SIGNATURE + "{ a = Exp(x) y = Neg(a) }")
    (region,) = regions(before, after)
    assert isinstance(region, CutRegion)
    assert region.before.inputs == ("a",)
    assert differs(region, before) > 0.1
    assert settled(region, before) < 1e-5


def test_a_path_from_an_output_to_an_input() -> None:
    text = SIGNATURE + "{ a = %s b = Exp(a) y = Add(b, %s) }"
    before = graph(SIGNATURE + "{ i = Identity(x) a = Relu(i) b = Exp(a) y = Add(b, i) }")
    region = first_same(before, graph(text % ("Relu(x)", "x")))
    assert set(region.before.inputs) == {"x", "b"}
    assert set(region.before.outputs) == {"a", "y"}
    (wrong,) = regions(before, graph(text % ("Relu(x)", "a")))
    assert settled(wrong, before) > 0.01


def test_a_shape_is_no_boundary() -> None:
    text = "(float[N,8] x) => (float[M,2,4] y) { r = Relu(x) %s y = Reshape(r, s) }"
    before = graph(
        text % "h = Shape(r) d = Constant<value_ints=[0]>() n = Gather(h, d)"
        "e = Constant<value_ints=[2,4]>() s = Concat<axis=0>(n, e)"
    )
    after = graph(text % "s = Constant<value_ints=[-1,2,4]>()")
    (region,) = all_same(before, after, Given(dims={"N": 3}))
    dims = region.before.declared["r"].type.tensor_type.shape.dim
    assert dims[0].dim_param == "N"
    assert dims[1].dim_value == 8


def test_a_node_that_nobody_reads() -> None:
    before = graph(SIGNATURE + "{ a = Relu(x) y = Neg(x) }")
    assert list(regions(before, graph(SIGNATURE + "{ y = Neg(x) }"))) == []


def test_an_output_that_is_missing_cannot_be_cut() -> None:
    before = graph(SIGNATURE + "{ a = Relu(x) y = Neg(a) }")
    after = graph(SIGNATURE.replace("y)", "z)") + "{ a = Relu(x) z = Neg(a) }")
    (found,) = regions(before, after)
    assert found == Uncut("outputs are z instead of y", ("a", "y"), ("a", "z"))


def test_another_default_of_an_input() -> None:
    text = "(float[2,8] x, float[8] w) => (float[2,8] y) { y = Add(x, w) }"
    before, after = (graph(text, w=np.full(8, value, np.float32)) for value in (1, 2))
    assert list(regions(before, before)) == []
    (found,) = regions(before, after)
    assert found == Uncut("input 'w' has another default", ("y",), ("y",))


def test_another_constant() -> None:
    text = "(float[2,8] x) => (float[2,8] y) { a = Relu(x) y = Add(a, w) }"
    before, after = (graph(text, w=np.full(8, value, np.float32)) for value in (1, 2))
    assert list(regions(before, graph(text, w=np.ones(8, np.float32)))) == []
    (region,) = regions(before, after)
    assert isinstance(region, CutRegion)
    assert region.added == ("y",)
    assert differs(region, before) > 0.1


def test_a_bound_on_size() -> None:
    chain = " ".join(f"t{i + 1} = Relu(t{i})" for i in range(30))
    text = "(float[2,8] t0) => (float[2,8] y) { %s y = Sub(t30, %s) }"
    copy = chain.replace("t", "u").replace("u0", "t0")
    before, after = graph(text % (chain + " " + copy, "u30")), graph(text % (chain, "t30"))
    first_same(before, after)
    (found,) = regions(before, after, most=10)
    assert isinstance(found, Uncut)
    assert "more than 10 nodes" in found.reason


# --- wrong edits -----------------------------------------------------------------------------


def edited(whole: Graph, op_type: str, change: Callable[[Graph, Node], None]) -> tuple[Graph, str]:
    """A copy with a wrong edit at the middle one of such nodes, and that node's path."""
    made = whole.copy()
    nodes = [node for node in made if node.op_type == op_type]
    node = nodes[len(nodes) // 2]
    change(made, node)
    return made, made.path(node)


def put(made: Graph, node: Node, changed: Node) -> None:
    rank = made.rank(node.id)
    made.remove_node(node.id)
    made.add_node(changed, rank=rank)


def weight(made: Graph, node: Node) -> None:
    array = np.array(made.initializers[node.inputs[1]].data())
    array.reshape(-1)[array.size // 2] += np.float32(0.05)
    made.set_initializer(Tensor.from_array(node.inputs[1], array))


def without_bias(made: Graph, node: Node) -> None:
    put(made, node, node.with_io(inputs=node.inputs[:2]))


def attribute(name: str, value: object) -> Callable[[Graph, Node], None]:
    def change(made: Graph, node: Node) -> None:
        other = helper.make_attribute(name, value)
        put(made, node, replace(node, attributes={**node.attributes, name: other}))

    return change


@pytest.mark.parametrize(
    ("sample", "op_type", "change"),
    [
        ("resnet18", "Conv", weight),
        ("resnet18", "Conv", attribute("pads", [0, 0, 2, 2])),
        ("resnet18", "Gemm", without_bias),
        ("gpt2_4l", "Gemm", weight),
        ("gpt2_4l", "Softmax", attribute("axis", 1)),
        ("repvgg_a0", "BatchNormalization", attribute("epsilon", 0.01)),
    ],
)
def test_exactly_the_region_with_a_wrong_edit_differs(
    sample: str, op_type: str, change: Callable[[Graph, Node], None]
) -> None:
    whole = load(f"@{sample}")
    passes = {one.name: one for one in plan().passes}
    right = whole.copy()
    for name in ("fold-constants", "remove-noops"):
        passes[name].run(right)
    wrong, path = edited(right, op_type, change)
    found = list(regions(whole, wrong))
    for region in found:
        assert isinstance(region, CutRegion)
        if path in region.added:
            assert differs(region, whole) > 1e-6
        elif len(region.before) < 4:
            assert differs(region, whole) < 1e-6
    assert sum(path in region.added for region in found) == 1
