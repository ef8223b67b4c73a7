"""com.microsoft's operators on quantised tensors that compute in floating point.

Each costs what it replaces: DequantizeLinear of its inputs, the operator, QuantizeLinear of its
output.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...graph.dtypes import FLOAT
from ..kinds import KernelKind
from ..work import Call, Work, formula
from .elementwise import FLOPS
from .pooling import average_pool, global_average_pool
from .quantise import DEQUANTISE_FLOPS, QUANTISE_FLOPS
from .reduction import reduce_mean
from .softmax import softmax


def _between(call: Call, kind: KernelKind, flops: int, inputs: Iterable[int] = (0,)) -> Work:
    """``flops`` between dequantising these inputs and quantising the output."""
    dequantise = DEQUANTISE_FLOPS * sum(call.input(slot).size for slot in inputs)
    quantise = QUANTISE_FLOPS * call.output().size
    return Work(kind, flops=dequantise + flops + quantise, dtype=FLOAT)


@formula("QLinearAdd", "QLinearMul", domain="com.microsoft", weights=(0, 3))
def qlinear_arithmetic(call: Call) -> Work:
    """1 an output element; operands in slots 0 and 3."""
    return _between(call, KernelKind.ELEMENTWISE, call.output().size, (0, 3))


@formula("QLinearSigmoid", domain="com.microsoft")
def qlinear_sigmoid(call: Call) -> Work:
    """Sigmoid."""
    return _between(call, KernelKind.TRANSCENDENTAL, FLOPS["Sigmoid"] * call.output().size)


@formula("QLinearLeakyRelu", domain="com.microsoft")
def qlinear_leaky_relu(call: Call) -> Work:
    """LeakyRelu."""
    return _between(call, KernelKind.ELEMENTWISE, FLOPS["LeakyRelu"] * call.output().size)


@formula("QLinearWhere", domain="com.microsoft")
def qlinear_where(call: Call) -> Work:
    """Where; its choices are in slots 1 and 4."""
    return _between(call, KernelKind.ELEMENTWISE, FLOPS["Where"] * call.output().size, (1, 4))


@formula("QLinearConcat", domain="com.microsoft")
def qlinear_concat(call: Call) -> Work:
    """Concat; every third input from slot 2 on is a tensor, its scale and zero point follow."""
    return _between(call, KernelKind.LAYOUT, 0, range(2, len(call.inputs), 3))


@formula("QLinearSoftmax", domain="com.microsoft")
def qlinear_softmax(call: Call) -> Work:
    """Softmax."""
    return _between(call, KernelKind.SOFTMAX, softmax(call).flops)


@formula("QLinearAveragePool", domain="com.microsoft")
def qlinear_average_pool(call: Call) -> Work:
    """AveragePool."""
    return _between(call, KernelKind.POOLING, average_pool(call).flops)


@formula("QLinearGlobalAveragePool", domain="com.microsoft")
def qlinear_global_average_pool(call: Call) -> Work:
    """GlobalAveragePool, in either layout."""
    return _between(call, KernelKind.POOLING, global_average_pool(call).flops)


@formula("QLinearReduceMean", domain="com.microsoft")
def qlinear_reduce_mean(call: Call) -> Work:
    """ReduceMean."""
    return _between(call, KernelKind.REDUCTION, reduce_mean(call).flops)
