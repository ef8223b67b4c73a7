"""BatchNormalization into the Conv, ConvTranspose, Gemm or MatMul that it follows.

y = (conv(x) - mean) * scale / sqrt(variance + epsilon) + shift is a Conv with scaled weights and
another bias (Jacob et al., CVPR 2018, section 3.2), since a Conv is linear in its weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..graph import Node
from .edit import Edit, Refused
from .pattern import Match, const, maybe, op, var
from .rewriting import Pass, Rule
from .scope import Scope

Doubles = npt.NDArray[np.float64]

_STATISTICS = (const("scale"), const("shift"), const("mean"), const("variance"))
_LINEAR = op("Conv|ConvTranspose|Gemm", var("x"), const("w"), maybe(const("b")), name="linear")
_PRODUCT = op("MatMul", var("x"), const("w"), name="linear")


@dataclass(frozen=True)
class FoldBatchNorm(Pass):
    """Fold an inference-mode BatchNormalization into the weights before it.

    Refuses one in training mode or whose further outputs are used, and a Conv whose output others
    read too. A weight that others share is copied.
    """

    name: ClassVar[str] = "fold-batchnorm"

    def rules(self) -> Sequence[Rule]:
        """After each linear operator."""
        return [
            Rule(op("BatchNormalization", linear, *_STATISTICS, name="bn"), _fold)
            for linear in (_LINEAR, _PRODUCT)
        ]


def affine(scope: Scope, bn: Node) -> tuple[Doubles, Doubles]:
    """A BatchNormalization as y = factor * x + offset, per channel.

    Raises
    ------
    Refused
        If it is in training mode, or its statistics are not constant.
    """
    if bn.int("training_mode", 0) or (not bn.int("is_test", 1) and scope.opset() < 7):
        raise Refused("the BatchNormalization is in training mode; export the model in eval mode")
    if any(bn.outputs[1:]) or bn.int("spatial", 1) == 0:
        raise Refused("the BatchNormalization gives its statistics too, or has them per element")
    values = [scope.value(name) for name in bn.inputs[1:5]]
    if any(value is None for value in values):
        raise Refused("the BatchNormalization's statistics are not constant")
    scale, shift, mean, variance = (np.asarray(v, np.float64) for v in values)
    factor = scale / np.sqrt(variance + bn.float("epsilon", 1e-5))
    if not np.all(np.isfinite(factor)):
        raise Refused("a variance of the BatchNormalization is negative or zero without epsilon")
    return factor, shift - mean * factor


def _fold(m: Match, edit: Edit) -> str:
    factor, offset = affine(m.scope, m["bn"])
    return scale_outputs(m, edit, factor, offset, m["bn"].outputs[0])


def scale_outputs(m: Match, edit: Edit, factor: Doubles, offset: Doubles, output: str) -> str:
    """Replace ``linear`` by one that gives factor * its output + offset per channel.

    Raises
    ------
    Refused
        If its weights are of a type that can't take it, or its channels aren't those.
    """
    linear, weight = m["linear"], m.scope.value(m.tensor("w"))
    bias = m.scope.value(m.tensor("b")) if m.tensor("b") else np.zeros(1)
    if weight is None or bias is None:
        raise Refused("its weights can't be read as plain tensors")
    if weight.dtype.kind != "f":
        raise Refused(f"the weights are {weight.dtype}")
    if bias.size not in (1, factor.size):
        raise Refused(f"the bias has {bias.size} elements, not one a channel")
    weights = _scaled(linear, np.asarray(weight, np.float64), factor, m.scope)
    beta = linear.float("beta", 1.0) if linear.op_type == "Gemm" else 1.0
    shift = offset + beta * np.asarray(bias, np.float64).reshape(-1) * factor
    stored = edit.constant(weights.astype(weight.dtype), f"{m.tensor('w')}/scaled")
    added = edit.constant(shift.astype(weight.dtype), f"{output}/bias")
    if linear.op_type == "MatMul":
        product = edit.fresh(f"{output}/product")
        edit.change(linear, inputs=(linear.inputs[0], stored), outputs=(product,))
        edit.add("Add", [product, added], output)
    else:
        rest = {k: v for k, v in linear.attributes.items() if k != "beta"}
        inputs = (linear.inputs[0], stored, added)
        edit.change(linear, inputs=inputs, outputs=(output,), attributes=rest)
    return f"a factor and an offset per channel go into the weights of the {linear.op_type}"


def _scaled(node: Node, weights: Doubles, factor: Doubles, scope: Scope) -> Doubles:
    """Weights of a linear operator whose output channels are scaled."""
    if node.op_type == "Conv":  # [out, in / groups, ...]
        shape = (-1, *[1] * (weights.ndim - 1))
        channels = weights.shape[0]
    elif node.op_type == "ConvTranspose":  # [in, out / groups, ...]
        groups = node.int("group", 1)
        channels = weights.shape[1] * groups
        if channels != factor.size or weights.shape[0] % groups:
            raise Refused(f"{factor.size} channels are scaled, {channels} are made")
        each = factor.reshape(groups, 1, -1, *[1] * (weights.ndim - 2))
        return (weights.reshape(groups, -1, *weights.shape[1:]) * each).reshape(weights.shape)
    else:
        rank = scope.dims(node.outputs[0])
        if weights.ndim != 2 or rank is None or len(rank) != 2:
            raise Refused("channels are not the last axis of a matrix product of rank 2")
        last = not node.int("transB", 0)
        shape = (1, -1) if last else (-1, 1)
        channels = weights.shape[1 if last else 0]
    if channels != factor.size:
        raise Refused(f"{factor.size} channels are scaled, {channels} are made")
    return weights * factor.reshape(shape)
