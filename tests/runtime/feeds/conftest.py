"""Plans of models, run as onnxruntime runs them without optimising."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest

from ocost.graph import Graph, OcostError, from_proto
from ocost.graph.shapes import Given
from ocost.runtime.feeds.plan import Plan, plan
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options, SessionLevel

AS_WRITTEN = Options(level=SessionLevel.DISABLE)


class Model:
    """A model that can be run and watched, and says on what it was run."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.session = open_session(model, AS_WRITTEN)
        self.runs = 0

    @property
    def graph(self) -> Graph:
        return from_proto(self.model)

    def run(self, feeds: Mapping[str, Any]) -> Sequence[Any]:
        self.runs += 1
        return run_once(self.session, feeds)

    def watch(self, names: Sequence[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        shown = onnx.ModelProto()
        shown.CopyFrom(self.model)
        there = [o.name for o in shown.graph.output]
        shown.graph.output.extend(
            onnx.helper.make_empty_tensor_value_info(n) for n in names if n not in there
        )
        session = open_session(shown, AS_WRITTEN)
        outputs = [o.name for o in session.get_outputs()]

        def observe(feeds: Mapping[str, Any]) -> Mapping[str, Any]:
            self.runs += 1
            found = dict(zip(outputs, run_once(session, feeds), strict=True))
            return {n: found[n] for n in names}

        return observe

    def plan(self, given: Given | None = None, **options: Any) -> Plan:
        settings = {"budget_s": 60.0, **options}
        return plan(self.graph, given or Given(), self.run, self.watch, **settings)


def opened(text: str) -> Model:
    """A model in onnx's own text form, without the header."""
    header = '<ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 3]>\n'
    return Model(onnx.parser.parse_model(header + text))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if a.dtype.kind == "f":
            return bool(np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True))
        return bool((a == b).all())
    return bool(a == b)


def telling(a: Model, b: Model, found: Plan) -> list[str]:
    """The draws on which two models differ, or one fails."""
    told = []
    for draw in found.draws:
        before = a.run(draw.feeds())
        try:
            after = b.run(draw.feeds())
        except OcostError:
            told.append(draw.what)
            continue
        if not all(map(same, before, after)):
            told.append(draw.what)
    return told


@pytest.fixture
def models() -> Callable[[str], Model]:
    return opened
