"""What is left of two executed graphs where equal work cancels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx
import pytest

from ocost.compare.regions import Regions, find_regions
from ocost.costmodel.catalogue import find
from ocost.costmodel.executed import executed_cost
from ocost.graph import Graph, from_proto
from ocost.ledger.ran import Ran
from ocost.lineage.attribution import attribute
from ocost.lineage.lineage import Executed, Lineage

DEVICE = find("x86-server-core")
US = 1e-6
HEAD = (
    '<ir_version: 8, opset_import: ["" : 17, "com.microsoft.nchwc" : 1]> '
    "g (float[1, 16, 8, 8] x) => (float[1, 16, 8, 8] y) "
    "<float[16, 16, 1, 1] w, float[16] s, float[16] m> "
)
FOLDED = HEAD + "{ b = Conv(x, w, s) r = Relu(b) d = Conv(r, w, s) y = Relu(d) }"
KEPT = HEAD + (
    "{ a = Conv(x, w) b = BatchNormalization(a, s, s, m, s) r = Relu(b) "
    "c = Conv(r, w) d = BatchNormalization(c, s, s, m, s) y = Relu(d) }"
)


def graph(text: str, *names: str) -> Graph:
    """With nodes so named, and zeros for the tensors that the text only declares."""
    model = onnx.parser.parse_model(text)
    for info in model.graph.value_info:
        shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        zeros = np.zeros(shape, np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(zeros, info.name))
    for node, name in zip(model.graph.node, names, strict=True):
        node.name = name
    return from_proto(model)


def ran(made: Graph, times: Mapping[str, float], attribution: Lineage | None = None) -> Ran:
    """A graph that the runtime executes as it is written, unless an attribution says otherwise."""
    found = attribution or attribute(made, made)
    cost = executed_cost(made, made, found, DEVICE)
    return Ran(made, found, cost, {name: us * US for name, us in times.items()})


def regions(before: Ran, after: Ran, noise_s: float = 0.0, **renamed: str) -> Regions:
    """The written nodes correspond by their names, or as said."""
    names = {name: name for name in before.nodes if name in after.nodes}
    return find_regions(before, after, {**names, **renamed}, noise_s)


@pytest.fixture
def kept() -> Ran:
    names = ("conv0", "bn0", "relu0", "conv1", "bn1", "relu1")
    return ran(graph(KEPT, *names), dict(zip(names, (10, 5, 2, 20, 5, 2), strict=True)))


@pytest.fixture
def folded() -> Ran:
    names = ("conv0", "relu0", "conv1", "relu1")
    return ran(graph(FOLDED, *names), dict(zip(names, (11, 2, 21, 3), strict=True)))


def test_nothing_changed(kept: Ran) -> None:
    found = regions(kept, kept)
    assert found.changed == ()
    assert found.unchanged.nodes == (tuple(kept.nodes),) * 2
    assert found.unchanged.measured_s == pytest.approx((44 * US,) * 2)
    predicted = kept.cost.totals.latency_s
    assert found.unchanged.predicted_s == (pytest.approx(predicted),) * 2


def test_what_changed_in_one_way_at_two_places(kept: Ran, folded: Ran) -> None:
    (found,) = regions(kept, folded).changed
    assert found.count == 2
    assert found.operators == ((("BatchNormalization", 1), ("Conv", 1)), (("Conv", 1),))
    assert found.spent.nodes == (("conv0", "bn0", "conv1", "bn1"), ("conv0", "conv1"))
    assert found.spent.measured_s == pytest.approx((40 * US, 32 * US))  # 10+5+20+5, 11+21
    for side, names, total in zip(
        (kept, folded), found.spent.nodes, found.spent.predicted_s, strict=True
    ):
        assert total == pytest.approx(sum(side.costs[name].latency_s or 0.0 for name in names))
    assert not found.below_noise
    rest = regions(kept, folded).unchanged
    assert rest.nodes == (("relu0", "relu1"),) * 2
    assert rest.measured_s == pytest.approx((4 * US, 5 * US))


@pytest.mark.parametrize(("noise_us", "quiet"), [(3.9, False), (4.1, True)])
def test_below_noise(kept: Ran, folded: Ran, noise_us: float, quiet: bool) -> None:
    # 8 us less, of which twice the noise may be chance.
    (found,) = regions(kept, folded, noise_us * US).changed
    assert found.below_noise is quiet


def test_nodes_under_other_names_cancel(folded: Ran) -> None:
    text = HEAD + "{ e = Conv(x, w, s) f = Relu(e) g = Conv(f, w, s) y = Relu(g) }"
    other = ran(graph(text, *"abcd"), {})
    found = regions(folded, other, conv0="a", relu0="b", conv1="c", relu1="d")
    assert found.changed == ()


def test_the_same_tensors_cancel_where_the_nodes_have_no_partner(folded: Ran) -> None:
    found = regions(folded, ran(graph(FOLDED, *"abcd"), {}))
    assert found.changed == ()


def test_what_stands_between_the_same_cancels_under_any_name(folded: Ran) -> None:
    text = HEAD + "{ e = Conv(x, w, s) f = Relu(e) g = Conv(f, w, s) y = Relu(g) }"
    assert regions(folded, ran(graph(text, *"abcd"), {})).changed == ()


def test_a_node_of_another_size_does_not_cancel(folded: Ran) -> None:
    text = FOLDED.replace("float[16, 16, 1, 1] w", "float[16, 16, 3, 3] w")
    text = text.replace("Conv(", "Conv<pads = [1, 1, 1, 1]>(")
    found = regions(folded, ran(graph(text, "conv0", "relu0", "conv1", "relu1"), {}))
    assert [(r.count, r.operators) for r in found.changed] == [(2, ((("Conv", 1),),) * 2)]


def test_what_came_hangs_together(folded: Ran) -> None:
    text = FOLDED.replace("y = Relu(d)", "t = Neg(d) u = Neg(t) y = Relu(u)")
    names = ("conv0", "relu0", "conv1", "neg0", "neg1", "relu1")
    found = regions(folded, ran(graph(text, *names), {"neg0": 4, "neg1": 5}))
    (came,) = found.changed
    assert (came.count, came.operators) == (1, ((), (("Neg", 2),)))
    assert came.spent.measured_s == pytest.approx((0, 9 * US))
    assert came.spent.predicted_s[0] == 0


def test_a_layout_change_belongs_to_what_it_is_for() -> None:
    plain = ran(graph(HEAD + "{ y = Conv(x, w, s) }", "conv"), {"conv": 30})
    text = HEAD + (
        "{ p = com.microsoft.nchwc.ReorderInput(x) "
        "q = com.microsoft.nchwc.Conv<kernel_shape = [1, 1]>(p, w, s) "
        "y = com.microsoft.nchwc.ReorderOutput<channels = 16>(q) }"
    )
    executed = (
        Executed("in", "ReorderInput", ("conv",), "layout"),
        Executed("blocked", "Conv", ("conv",), "exact"),
        Executed("out", "ReorderOutput", ("conv",), "layout"),
    )
    tensors = {"p": "x", "q": "y"}
    made = graph(text, "in", "blocked", "out")
    times = {"in": 1, "blocked": 10, "out": 2}
    blocked = ran(made, times, Lineage(executed, {"conv": "once"}, tensors))
    (found,) = regions(plain, blocked, conv="conv").changed
    assert found.count == 1
    assert found.operators[0] == (("Conv", 1),)
    assert found.operators[1] == (
        ("com.microsoft.nchwc::Conv", 1),
        ("com.microsoft.nchwc::ReorderInput", 1),
        ("com.microsoft.nchwc::ReorderOutput", 1),
    )
    assert found.spent.measured_s == pytest.approx((30 * US, 13 * US))


def test_a_time_that_is_not_predicted_is_not_0(kept: Ran, folded: Ran) -> None:
    nodes = tuple(n._replace(latency_s=None) for n in folded.cost.nodes)
    other = Ran(folded.graph, folded.attribution, replace(folded.cost, nodes=nodes), {})
    (found,) = regions(kept, other).changed
    assert found.spent.predicted_s[0] is not None
    assert found.spent.predicted_s[1] is None
