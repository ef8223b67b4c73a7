"""Operators with weights: they read any channels and make new ones, or scale each by its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onnx import helper

from ...graph import Node
from .flow import Flow, Grown, Pad, Role, rule
from .layout import Layout


@rule("Conv", "ConvTranspose")
def convolution(flow: Flow, node: Node) -> Role | None:
    """W is [out, in / groups, ...] of a Conv, [in, out / groups, ...] of a ConvTranspose.

    A depthwise one (a weight of [C, 1, ...] in C groups) hands its channels on; other grouped
    ones mix channels by position and stay as they are.
    """
    weight = flow.constant(node.inputs[1])
    bias = node.inputs[2] if len(node.inputs) > 2 else ""
    if weight is None or (bias and flow.constant(bias) is None):
        return None
    source = flow.layouts.get(node.inputs[0])
    if node.int("group", 1) != 1:
        return _depthwise(flow, node, source)
    transposed = node.op_type == "ConvTranspose"
    rows, columns = (1, 0) if transposed else (0, 1)  # axes of output and input channels
    pads = []
    if source is not None:
        if flow.total(source) != weight.shape[columns]:
            return None
        pads.append(Pad(1, columns, source))
        flow.readers.append((source, node))
    made = flow.make(node, weight.shape[rows])
    pads.append(Pad(1, rows, made))
    if bias:
        pads.append(Pad(2, 0, made))
    return Role([made], pads)


def _depthwise(flow: Flow, node: Node, source: Layout | None) -> Role | None:
    weight = flow.constant(node.inputs[1])
    assert weight is not None  # the caller has seen it
    channels = node.int("group", 1)
    if source is None or weight.shape[:2] != (channels, 1) or flow.total(source) != channels:
        return None
    flow.readers.append((source, node))
    pads = [Pad(slot, 0, source) for slot in range(1, len(node.inputs)) if node.inputs[slot]]
    return Role([Layout(source.runs)], pads, _group(node, source))


def _group(node: Node, layout: Layout) -> Callable[[Grown], Mapping[str, Any]]:
    def fields(growth: Grown) -> Mapping[str, Any]:
        group = helper.make_attribute("group", growth.total(layout))
        return {"attributes": {**node.attributes, "group": group}}

    return fields


@rule("Gemm", "MatMul")
def product(flow: Flow, node: Node) -> Role | None:
    """[N, K] times a constant [K, M] (or its transpose), plus a constant per column."""
    weight, dims = flow.constant(node.inputs[1]), flow.scope.dims(node.inputs[0])
    source = flow.layouts.get(node.inputs[0])
    if weight is None or len(weight.shape) != 2 or dims is None or len(dims) != 2:
        return None
    if node.int("transA", 0):
        return None
    rows, columns = (1, 0) if node.int("transB", 0) else (0, 1)  # axes of K and of M
    pads = []
    if source is not None:
        if flow.total(source) * source.each != weight.shape[rows]:
            return None
        pads.append(Pad(1, rows, source))
    made = weight.shape[columns]
    bias = node.inputs[2] if len(node.inputs) > 2 else ""
    found = flow.constant(bias)
    if bias and (found is None or found.shape[-1:] != (made,)):
        return None
    layout = flow.make(node, made)
    pads.append(Pad(1, columns, layout))
    if found is not None:
        pads.append(Pad(2, len(found.shape) - 1, layout))
    return Role([layout], pads)


@rule("BatchNormalization")
def batch_normalization(flow: Flow, node: Node) -> Role | None:
    """Scale, shift and mean 0, variance 1: an added channel comes out as 0."""
    source = flow.layouts.get(node.inputs[0])
    if source is None or any(node.outputs[1:]) or source.each != 1:
        return None
    if node.int("training_mode", 0) or not node.int("spatial", 1):
        return None
    constants = [flow.constant(tensor) for tensor in node.inputs[1:5]]
    if any(found is None or found.shape != (flow.total(source),) for found in constants):
        return None
    fills = (0.0, 0.0, 0.0, 1.0)
    pads = [Pad(slot, 0, source, fill) for slot, fill in enumerate(fills, 1)]
    return Role([Layout(source.runs)], pads)
