"""Optimising a product again changes nothing more, and declines the same for the same reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from onnx import ModelProto

from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto, load
from ocost.graph.shapes import Given, infer
from ocost.optimize.fixed_point import again
from ocost.optimize.pays import Judge
from ocost.optimize.pipeline import Made, Plan, run
from ocost.optimize.plan import plan

from .conftest import DropRelus, MergeSums, sums
from .random_models import OPEN, models

DEVICE = find("x86-server-core")
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def optimise(sizes: Given | None = None) -> Callable[[Graph], Made]:
    chosen = plan(pays=Judge(DEVICE, sizes).pays)
    return lambda graph: run(graph, chosen, DEVICE, sizes)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(models(), booleans())
def test_random_models(model: ModelProto, bare: bool) -> None:
    graph = from_proto(model)
    sizes = Given(dims={symbol: OPEN[symbol][1] for symbol in infer(graph).assumed})
    found = again(graph, optimise(sizes), bare=bare)
    assert not found.differences
    assert not found.first.faults


@pytest.mark.parametrize("sample", ["@odd_channels", "@silero_vad", "@resnet18_qdq"])
def test_samples(sample: str) -> None:
    assert not again(load(sample), optimise(), bare=True).differences


@pytest.mark.parametrize(
    ("name", "nodes"), [("light_inception_v2", 249), ("light_shufflenet", 179)]
)
def test_models_whose_weights_are_no_bytes_in_the_file(name: str, nodes: int) -> None:
    """They are made by ConstantOfShape: whatever is folded makes the file grow."""
    found = again(load(LIGHT / f"{name}.onnx"), optimise())
    assert not found.differences
    assert len(found.first.graph) == nodes


def test_a_pass_that_runs_out_of_sweeps_goes_on() -> None:
    """Each of the 40 sums waits for the one before it."""
    chain = " ".join(f"t{i} = Add (t{i - 1}, c)" for i in range(1, 41))
    graph = from_proto(
        onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
            g (float[2] x) => (float[2] y) <float c = {{1.0}}>
            {{ t0 = Neg (x) {chain} y = Abs (t40) }}""")
    )
    made = run(graph, Plan((OneSum(),), onnxsim=False), DEVICE)
    assert [node.op_type for node in made.graph] == ["Neg", "Add", "Abs"]


class OneSum(MergeSums):
    """Does one rewrite a sweep."""

    def sweep(self, scope, outcome) -> None:  # type: ignore[no-untyped-def] # as the base has it
        before = len(outcome.rewrites)
        for node_id in [node.id for node in scope.graph]:
            if node_id in scope.graph and len(outcome.rewrites) == before:
                for rule in self.rules():
                    self._try(scope, node_id, rule, outcome)

    def _try(self, scope, node_id, rule, outcome) -> None:  # type: ignore[no-untyped-def] # as in the class
        from ocost.rewrite.pattern import find as match

        found = match(scope, scope.graph.node(node_id), rule.pattern)
        if found is not None:
            self.attempt(scope, found, rule.rewrite, outcome)


def test_what_a_second_run_does_is_told() -> None:
    half = Plan((MergeSums(),), onnxsim=False)
    whole = Plan((MergeSums(), DropRelus()), onnxsim=False)
    plans = iter([half, whole])
    found = again(sums(), lambda graph: run(graph, next(plans), DEVICE))
    assert found.differences == ["rewritten by drop-relus: Relu is idempotent"]
    refused = replace(found.first, declined=[*found.second.declined], faults=[])
    assert not again(sums(), lambda _: replace(refused, graph=sums(), entries=[])).differences
