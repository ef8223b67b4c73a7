"""Formulas against onnx's own conformance cases: real shapes, and functions written out."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ocost.costmodel.work import Call, TensorType, Unknown, rules
from ocost.graph.node import Node


@pytest.fixture(scope="module")
def cases(onnx_node_cases):
    return {case.name: case for case in onnx_node_cases}


def _array(value):
    """The array of a tensor; None for a sequence, an optional, or none at all."""
    if value is None or isinstance(value, list | dict):
        return None
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)


def _type(array):
    if array is None:
        return None
    numeric = array.dtype.kind not in "OUS"
    dtype = helper.np_dtype_to_tensor_dtype(array.dtype) if numeric else TensorProto.STRING
    return TensorType(dtype, array.shape)


def _call(proto, model, arrays):
    node = Node(
        id=proto.name or proto.op_type,
        op_type=proto.op_type,
        inputs=tuple(proto.input),
        outputs=tuple(proto.output),
        attributes={a.name: a for a in proto.attribute},
        domain=proto.domain,
    )
    return Call(
        node,
        [_type(arrays.get(name)) for name in proto.input],
        [_type(arrays.get(name)) for name in proto.output],
        {entry.domain: entry.version for entry in model.opset_import}.get(proto.domain, 1),
        {
            slot: arrays[name]
            for slot, name in enumerate(proto.input)
            if arrays.get(name) is not None
        },
    )


def _feeds(case):
    """Inputs and outputs by name, from the first data set."""
    inputs, outputs = case.data_sets[0]
    graph = case.model.graph
    feeds = dict(zip((i.name for i in graph.input), map(_array, inputs), strict=False))
    results = dict(zip((o.name for o in graph.output), map(_array, outputs), strict=False))
    return feeds, results


def _wrong(call, work):
    """What can't be true of any work."""
    if not 0 <= 2 * work.macs <= work.flops:
        return f"macs {work.macs}, flops {work.flops}"
    for touched, tensors in ((work.reads, call.inputs), (work.writes, call.outputs)):
        for slot, elements in touched.items():
            tensor = tensors[slot] if slot < len(tensors) else None
            if not 0 <= elements <= (tensor.size if tensor else 0):
                return f"touches {elements} of {tensor} in slot {slot}"
    if work.view and call.has_input(0) and call.input(0).size != call.output().size:
        return "a view of another size"
    return ""


@pytest.mark.parametrize("known", [True, False], ids=["values", "no values"])
def test_every_case_has_a_sound_answer(cases, known):
    answered, found = 0, {}
    for name, case in cases.items():
        if len(case.model.graph.node) != 1:
            continue
        proto = case.model.graph.node[0]
        rule = rules().get((proto.domain, proto.op_type))
        if rule is None or proto.op_type in ("If", "Loop", "Scan"):  # the engine costs bodies
            continue
        feeds, results = _feeds(case)
        call = _call(proto, case.model, feeds | results)
        if not known:
            call = Call(call.node, call.inputs, call.outputs, call.opset)
        try:
            work = rule.formula(call)
        except Unknown as reason:
            if known:
                found[name] = str(reason)
            continue
        answered += 1
        if wrong := _wrong(call, work):
            found[name] = wrong
    assert found == {}
    assert answered > 1000


WRITTEN_OUT = {
    "Bernoulli",
    "Celu",
    "HardSwish",
    "MeanVarianceNormalization",
    "Mish",
    "RMSNormalization",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
    "Relu",
    "SoftmaxCrossEntropyLoss",
    "Softsign",
    "SwiGLU",
}


def _function_flops(case):
    """FLOP of a function's nodes on floating point data; its constants cost nothing."""
    model = ModelProto()
    model.CopyFrom(case.model)
    outputs = [o for node in model.graph.node for o in node.output if o]
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in outputs)
    arrays, _ = _feeds(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = ReferenceEvaluator(model).run(None, arrays)
    data = set(arrays)
    arrays |= dict(zip(outputs, map(_array, results), strict=True))
    flops = 0
    for proto in model.graph.node:
        if proto.op_type in ("Shape", "Size") or not data.intersection(proto.input):
            continue
        data.update(proto.output)
        call = _call(proto, model, arrays)
        if np.issubdtype(arrays[proto.output[0]].dtype, np.integer):
            continue  # shape arithmetic
        flops += rules()[proto.domain, proto.op_type].formula(call).flops
    return flops


def test_an_operator_costs_what_its_function_does(cases):
    """onnx's cases come twice: as one node, and with its function written out."""
    compared, wrong = set(), {}
    for name, case in cases.items():
        base = cases.get(name.partition("_expanded")[0])
        proto = base.model.graph.node[0] if base else None
        if proto is None or "_expanded" not in name or proto.op_type not in WRITTEN_OUT:
            continue
        feeds, results = _feeds(base)
        call = _call(proto, base.model, feeds | results)
        one, many = rules()["", proto.op_type].formula(call).flops, _function_flops(case)
        compared.add(proto.op_type)
        if one != many:
            wrong[name] = (one, many)
    assert wrong == {}
    assert compared == WRITTEN_OUT


# What its function does on integers or once a row is left out of one side or the other.
_MORE = {
    "LogSoftmax": "5 an element: both reductions count as many operations as elements",
    "Softmax": "5 an element, as it is known",
    "Clip": "the function of one without bounds is an Identity, yet infinities are clipped",
    "DynamicQuantizeLinear": "its function rounds and clips as integers",
    "NegativeLogLikelihoodLoss": "its function compares and chooses among integers",
}


def test_no_operator_costs_more_than_its_function(cases):
    """To fuse what a function does into the operator never raises the FLOPs."""
    compared, wrong = set(), {}
    for name, case in cases.items():
        base = cases.get(name.partition("_expanded")[0])
        proto = base.model.graph.node[0] if base else None
        if proto is None or "_expanded" not in name or proto.op_type in _MORE:
            continue
        feeds, results = _feeds(base)
        call = _call(proto, base.model, feeds | results)
        try:
            one, many = rules()["", proto.op_type].formula(call).flops, _function_flops(case)
        except (KeyError, Unknown):
            continue  # a Loop's or Scan's body, sequences, a preview operator
        compared.add(proto.op_type)
        if one > many:
            wrong[name] = (one, many)
    assert wrong == {}
    fused = {"Attention", "CausalConvWithState", "Gelu", "GroupNormalization", "RotaryEmbedding"}
    fused |= {"HardSwish", "LayerNormalization", "Mish", "RMSNormalization", "SwiGLU", "Swish"}
    assert fused <= compared
