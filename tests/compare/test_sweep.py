"""A graph at several sizes, and the largest that stays under a limit."""

from __future__ import annotations

from collections.abc import Callable

import onnx
import pytest

import ocost
from ocost import OcostError
from ocost.compare.sweep import MOST, Sizes, sweep
from ocost.costmodel.result import Coverage, GraphCost, ModelSummary, Totals
from ocost.graph import Graph, from_proto

NOTHING = Totals(**dict.fromkeys(Totals.names()))
MODEL = ModelSummary("m.onnx", {"": 17}, 1, {})


def cost(latency_s: float | None, left: int = 0) -> GraphCost:
    totals = NOTHING._replace(latency_s=latency_s)
    return GraphCost(MODEL, "executed", (), totals, Coverage(3, 3 - left, 3 - left, 0, 0))


def at(latency: Callable[[int], float]) -> tuple[Callable[[Sizes], GraphCost], list[int]]:
    """What costs a batch, and the sizes that it was asked for."""
    asked: list[int] = []

    def cost_at(sizes: Sizes) -> GraphCost:
        asked.append(sizes["batch"])
        return cost(latency(sizes["batch"]))

    return cost_at, asked


def test_every_combination_in_order() -> None:
    found = sweep(lambda sizes: cost(float(sizes["a"] * sizes["b"])), {"a": [4, 1, 4], "b": [2, 3]})
    assert found.dims == {"a": (4, 1), "b": (2, 3)}
    assert [point.label for point in found.points] == [
        "a=4, b=2",
        "a=4, b=3",
        "a=1, b=2",
        "a=1, b=3",
    ]
    assert [point.items for point in found.points] == [8, 12, 2, 3]
    assert [point.per_item_s for point in found.points] == [1.0] * 4


def test_a_size_of_none_has_no_cost_an_item() -> None:
    assert sweep(lambda _: cost(1.0), {"a": [0]}).points[0].per_item_s is None


@pytest.mark.parametrize(
    ("dims", "limit", "said"),
    [
        ({}, None, "a sweep needs sizes"),
        ({"a": []}, None, "a sweep needs sizes"),
        ({"a": range(9), "b": range(8)}, None, f"a sweep of 9 x 8 = 72 points: {MOST} is the most"),
        ({"a": [1, 2], "b": [1, 2]}, 1.0, "of one dim, and a, b are swept"),
    ],
)
def test_what_is_no_sweep(dims: dict[str, list[int]], limit: float | None, said: str) -> None:
    with pytest.raises(OcostError, match=said):
        sweep(lambda _: cost(1.0), dims, limit)


def test_the_largest_is_searched_for_between_the_points() -> None:
    cost_at, asked = at(lambda size: 0.001 * size)
    found = sweep(cost_at, {"batch": [1, 64, 8, 2]}, 0.0215).largest
    assert found is not None
    assert found.under is not None
    assert found.over is not None
    assert (found.under.sizes["batch"], found.over.sizes["batch"]) == (21, 22)
    assert (found.how, found.reason) == ("bisected", "")
    assert len(asked) <= 4 + 6
    assert all(8 < size < 64 for size in asked[4:])


def test_a_latency_at_the_limit_is_under_it() -> None:
    cost_at, asked = at(float)
    found = sweep(cost_at, {"batch": [1, 2, 3]}, 2.0).largest
    assert found is not None
    assert found.under is not None
    assert (found.under.sizes["batch"], found.how) == (2, "swept")
    assert asked == [1, 2, 3]  # there is nothing between


def test_beyond_the_points_nothing_is_searched_for() -> None:
    cost_at, asked = at(float)
    found = sweep(cost_at, {"batch": [4, 8]}, 100.0).largest
    assert found is not None
    assert found.under is not None
    assert (found.under.sizes["batch"], found.over) == (8, None)
    found = sweep(cost_at, {"batch": [4, 8]}, 1.0).largest
    assert found is not None
    assert found.over is not None
    assert (found.under, found.over.sizes["batch"]) == (None, 4)
    assert asked == [4, 8, 4, 8]


def test_where_latency_falls_again_only_the_points_count() -> None:
    cost_at, asked = at({1: 1.0, 4: 3.0, 8: 2.0, 16: 9.0}.__getitem__)
    found = sweep(cost_at, {"batch": [1, 4, 8, 16]}, 2.5).largest
    assert found is not None
    assert found.under is not None
    assert (found.under.sizes["batch"], found.how) == (8, "swept")
    assert found.reason == "latency does not always grow with batch"
    assert asked == [1, 4, 8, 16]


def test_the_search_ends_where_it_meets_a_fall() -> None:
    cost_at, _ = at({1: 1.0, 8: 8.0, 4: 9.0}.__getitem__)
    found = sweep(cost_at, {"batch": [1, 8]}, 5.0).largest
    assert found is not None
    assert found.under is not None
    assert found.under.sizes["batch"] == 1
    assert found.reason == "latency does not always grow with batch"


def test_the_search_ends_where_a_size_is_refused() -> None:
    def even(sizes: Sizes) -> GraphCost:
        if sizes["batch"] % 2:
            raise OcostError("only pairs fit")
        return cost(float(sizes["batch"]))

    found = sweep(even, {"batch": [2, 8]}, 6.5).largest
    assert found is not None
    assert found.under is not None
    assert found.reason == "batch=5: only pairs fit"
    assert (found.under.sizes["batch"], found.how) == (2, "swept")


def test_sums_that_leave_nodes_out_answer_nothing() -> None:
    found = sweep(lambda _: cost(0.001, left=1), {"batch": [1, 2]}, 1.0).largest
    assert found is not None
    assert (found.under, found.over, found.reason) == (None, None, "1 of 3 nodes are not costed")
    found = sweep(lambda _: cost(None), {"batch": [1, 2]}, 1.0).largest
    assert found is not None
    assert found.reason == "its latency is not known"


def test_a_point_that_is_refused_says_why_and_the_others_stand() -> None:
    def few(sizes: Sizes) -> GraphCost:
        if sizes["batch"] > 1:
            raise OcostError("one fits")
        return cost(1.0)

    found = sweep(few, {"batch": [2, 1]})
    assert [point.refused for point in found.points] == ["one fits", ""]
    assert len(found.costed) == 1
    with pytest.raises(OcostError, match="one fits"):
        sweep(few, {"batch": [2, 3]})


def model(text: str) -> Graph:
    return from_proto(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}'))


PRODUCT = "g (float[batch, 64] x, float[64, 512] w) => (y) { y = MatMul (x, w) }"


def test_a_points_cost_is_that_of_the_size_alone() -> None:
    graph = model(PRODUCT)
    found = ocost.sweep(graph, {"batch": [1, 8]}, level="written")
    for size, point in zip((1, 8), found.points, strict=True):
        alone = ocost.cost(graph, given=ocost.given(dims={"batch": size}), level="written")
        assert point.cost is not None
        assert point.cost.totals == alone.totals


def test_the_model_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    real = ocost.graph.load

    def load(path: object) -> Graph:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(ocost.graph, "load", load)
    assert len(ocost.sweep("@odd_channels", {"x[0]": [1, 2, 3]}).points) == 3
    assert opened == ["@odd_channels"]


def test_a_dim_is_given_once() -> None:
    given = ocost.given(dims={"batch": 4})
    with pytest.raises(OcostError, match="--dim batch is given as 4, and is swept too"):
        ocost.sweep(model(PRODUCT), {"batch": [1, 2]}, given=given)
    with pytest.raises(OcostError, match="no input has a dim 'length'"):
        ocost.sweep(model(PRODUCT), {"length": [1, 2]})
