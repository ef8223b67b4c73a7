"""Operators that move or mix positions, and those that join, part or flatten channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import helper

from ...graph import Node
from .flow import Flow, Grown, Role, rule
from .layout import Layout


@rule("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool")
def pool(flow: Flow, node: Node) -> Role | None:
    """Each channel by itself."""
    source = flow.layouts.get(node.inputs[0])
    return None if source is None or any(node.outputs[1:]) else Role([source])


def _axes(flow: Flow, node: Node, rank: int) -> list[int] | None:
    """The axes of an operator, as an attribute or as its second input."""
    axes: Sequence[int] | None = node.ints("axes")
    if axes is None and len(node.inputs) > 1 and node.inputs[1]:
        known = flow.scope.known(node.inputs[1])
        axes = None if known is None else [int(axis) for axis in known.reshape(-1)]
    return None if not axes else [axis + rank if axis < 0 else axis for axis in axes]


@rule("ReduceMax", "ReduceMean", "ReduceMin", "Squeeze", "Unsqueeze")
def positions(flow: Flow, node: Node) -> Role | None:
    """Over, or between, positions: all axes lie behind the channels."""
    source, dims = flow.layouts.get(node.inputs[0]), flow.scope.dims(node.inputs[0])
    out = flow.scope.dims(node.outputs[0])
    if source is None or dims is None or out is None:
        return None
    axes = _axes(flow, node, len(out) if node.op_type == "Unsqueeze" else len(dims))
    return Role([source]) if axes and min(axes) >= 2 and source.each == 1 else None


@rule("Flatten", "Reshape")
def flatten(flow: Flow, node: Node) -> Role | None:
    """[N, C, ...] to [N, C x positions], as a Flatten from axis 1 whatever the node was."""
    tensor = node.inputs[0]
    source, dims = flow.layouts.get(tensor), flow.scope.dims(tensor)
    out = flow.scope.dims(node.outputs[0])
    if source is None or dims is None or out is None or len(out) != 2 or source.each != 1:
        return None
    positions = [dim for dim in dims[2:] if dim is not None]
    each = math.prod(positions)
    if len(positions) < len(dims) - 2 or out[1] != flow.total(source) * each:
        return None

    def fields(growth: Grown) -> dict[str, Any]:
        axis = {"axis": helper.make_attribute("axis", 1)}
        return {"op_type": "Flatten", "inputs": (growth.renamed(tensor),), "attributes": axis}

    return Role([replace(source, each=each)], fields=fields)


@rule("Resize", "Upsample")
def resize(flow: Flow, node: Node) -> Role | None:
    """By constant scales that leave batch and channels alone."""
    source = flow.layouts.get(node.inputs[0])
    slot = 2 if node.op_type == "Resize" and flow.scope.opset() > 10 else 1
    scales = flow.scope.known(node.inputs[slot]) if len(node.inputs) > slot else None
    mode = node.string("coordinate_transformation_mode", "half_pixel")
    if source is None or scales is None or any(node.inputs[3:]) or "axes" in node.attributes:
        return None
    if mode == "tf_crop_and_resize" or scales.size < 3 or np.any(scales[:2] != 1):
        return None
    return Role([replace(source, most=4 * source.most)])  # cubic ones overshoot


@rule("Pad")
def pad(flow: Flow, node: Node) -> Role | None:
    """Around positions, with a constant value."""
    source, dims = flow.layouts.get(node.inputs[0]), flow.scope.dims(node.inputs[0])
    pads: Sequence[int] | None = node.ints("pads")
    value = node.float("value", 0.0)
    if pads is None and len(node.inputs) > 1:
        known = flow.scope.known(node.inputs[1])
        pads = None if known is None else known.tolist()
    if len(node.inputs) > 2 and node.inputs[2]:
        fill = flow.scope.known(node.inputs[2])
        if fill is None or fill.size != 1:
            return None
        value = float(fill.item())
    if source is None or dims is None or pads is None or any(node.inputs[3:]):
        return None
    rank = len(dims)
    if len(pads) != 2 * rank or pads[1] or pads[1 + rank] or source.each != 1:
        return None
    return Role([replace(source, most=max(source.most, abs(value)))])


@rule("Concat")
def concat(flow: Flow, node: Node) -> Role | None:
    """Of channels: the runs of all, one after the other. Of positions: they grow together."""
    known = [flow.layouts.get(tensor) for tensor in node.inputs]
    dims = [flow.scope.dims(tensor) for tensor in node.inputs]
    found = [layout for layout in known if layout is not None]
    if not found or any(shape is None or len(shape) < 2 for shape in dims):
        return None
    rank = len(dims[0] or ())
    axis = node.int("axis", 1)
    axis += rank if axis < 0 else 0
    most = max(layout.most for layout in found)
    if axis == 1:
        runs: list[int] = []
        for tensor, layout, shape in zip(node.inputs, known, dims, strict=True):
            channels = (shape or (None, None))[1]
            if channels is None or (layout is not None and layout.each != 1):
                return None
            fixed = f"'{tensor}' has channels that can't grow"
            runs += layout.runs if layout else [flow.groups.new(channels, fixed)]
        return Role([Layout(tuple(runs), most=most)])
    first = found[0]
    alike = all(flow.groups.alike(first, other) for other in found)
    if axis < 2 or len(found) < len(known) or not alike:
        return None
    for other in found[1:]:
        flow.groups.join(first, other)
    return Role([replace(first, most=most)])


@rule("Split")
def split(flow: Flow, node: Node) -> Role | None:
    """Between runs of channels; of positions."""
    source, shape = flow.layouts.get(node.inputs[0]), flow.scope.dims(node.inputs[0])
    parts = [flow.scope.dims(tensor) for tensor in node.outputs]
    if source is None or shape is None or source.each != 1:
        return None
    axis = node.int("axis", 0)
    axis += len(shape) if axis < 0 else 0
    if axis != 1:
        return Role([source] * len(parts)) if axis > 1 else None
    layouts, runs = [], list(source.runs)
    for part in parts:
        left = None if part is None else part[1]
        taken: list[int] = []
        while left and runs and flow.groups.size(runs[0]) <= left:
            left -= flow.groups.size(runs[0])
            taken.append(runs.pop(0))
        if left != 0 or not taken:
            return None
        layouts.append(Layout(tuple(taken), most=source.most))

    def fields(growth: Grown) -> dict[str, Any]:
        sizes = [growth.total(layout) for layout in layouts]
        if flow.scope.opset() < 13:
            attribute = helper.make_attribute("split", sizes)
            return {"attributes": {**node.attributes, "split": attribute}}
        inputs = (growth.renamed(node.inputs[0]), growth.integer(*sizes))
        rest = {k: v for k, v in node.attributes.items() if k != "num_outputs"}
        return {"inputs": inputs, "attributes": rest}

    return Role(layouts, fields=fields)
