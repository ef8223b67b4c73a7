"""A Call built by hand: ``call("Relu", [(1, 8)], [(1, 8)])``."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from ocost.costmodel.work import Call, TensorType, rules
from ocost.graph.node import Node


def _tensor(given, dtype):
    """``given`` is a shape, a (dtype, shape) pair, or None for an omitted tensor."""
    if given is None:
        return None
    if len(given) == 2 and isinstance(given[1], tuple):
        return TensorType(*given)
    return TensorType(dtype, tuple(given))


def _make(
    op_type,
    inputs,
    outputs,
    *,
    domain="",
    values=None,
    opset=21,
    dtype=TensorProto.FLOAT,
    **attributes,
):
    node = Node.make(
        op_type,
        ["" if given is None else f"in{slot}" for slot, given in enumerate(inputs)],
        ["" if given is None else f"out{slot}" for slot, given in enumerate(outputs)],
        domain=domain,
        **attributes,
    )
    return Call(
        node,
        [_tensor(given, dtype) for given in inputs],
        [_tensor(given, dtype) for given in outputs],
        opset,
        {slot: np.asarray(value) for slot, value in (values or {}).items()},
    )


@pytest.fixture
def call():
    """``call(op_type, inputs, outputs, *, domain, values, opset, dtype, **attributes)``.

    Inputs and outputs are lists of shapes, (dtype, shape) pairs, or None for an omitted one;
    ``values`` maps an input slot to its contents.
    """
    return _make


@pytest.fixture
def work(call):
    """``work(...)``, with what ``call`` takes: what the registered formula answers."""

    def answer(op_type, inputs, outputs, *, domain="", **given):
        rule = rules()[domain, op_type]
        return rule.formula(call(op_type, inputs, outputs, domain=domain, **given))

    return answer
