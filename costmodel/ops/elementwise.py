"""Element by element: arithmetic, comparisons, logic, activations and conversions.

``FLOPS`` counts what one output element takes: an addition, a multiplication, a comparison, a
transcendental function one each. An activation counts what it replaces in a graph of simpler
operators, so that fusing never changes the total. The choice between two branches is not
counted beside the work of the dearer one, unless that is a single multiplication.
"""

from __future__ import annotations

import numpy as np

from ..kinds import KernelKind
from ..work import Call, Work, formula

_CHEAP = (
    "Abs And BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Ceil Clip Equal Floor Greater "
    "GreaterOrEqual HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Mod Neg Not Or "
    "Reciprocal Relu Round Shrink Sign Softsign Sqrt ThresholdedRelu Xor"
)
_TRANSCENDENTAL = (
    "Acos Acosh Asin Asinh Atan Atanh Celu Cos Cosh Elu Erf Exp Log Mish Selu Sigmoid Sin Sinh "
    "Softplus Tan Tanh"
)

_NAMES = (*_CHEAP.split(), *_TRANSCENDENTAL.split())

FLOPS: dict[str, int] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Where", *_NAMES), 1),
    "LeakyRelu": 2,  # compare, multiply
    "PRelu": 2,  # compare, multiply
    "Shrink": 3,  # compare with both bounds, add
    "HardSigmoid": 3,  # multiply, add, clip
    "HardSwish": 4,  # HardSigmoid, multiply
    "Softsign": 3,  # Abs, add, divide
    "Softplus": 2,  # exp, log1p
    "Mish": 4,  # Softplus, Tanh, multiply
    "Elu": 3,  # exp, subtract, multiply
    "Selu": 4,  # exp, subtract, multiply, multiply
    "Celu": 5,  # divide, Elu, multiply
    "Gelu": 5,  # divide, Erf, add, multiply, multiply; with approximate="tanh" GELU_TANH_FLOPS
    "Swish": 2,  # Sigmoid, multiply; with an alpha, one multiplication more
    "SwiGLU": 3,  # Swish, multiply; with an alpha, one multiplication more
}
GELU_TANH_FLOPS = 8  # Pow, multiply, add, multiply, Tanh, add, multiply, multiply


def _each(call: Call, kind: KernelKind) -> Work:
    """The operator's constant times the output elements (inputs broadcast)."""
    return Work(kind, flops=FLOPS[call.node.op_type] * call.output().size)


@formula(*_CHEAP.split())
def cheap(call: Call) -> Work:
    """The constant in the table of constants, an output element."""
    return _each(call, KernelKind.ELEMENTWISE)


@formula("Add", "Sub", "Mul", "Div", weights=None)
def arithmetic(call: Call) -> Work:
    """1 an output element."""
    return _each(call, KernelKind.ELEMENTWISE)


@formula(*_TRANSCENDENTAL.split())
def transcendental(call: Call) -> Work:
    """The constant in the table of constants, an output element."""
    return _each(call, KernelKind.TRANSCENDENTAL)


@formula("Pow", weights=None)
def power(call: Call) -> Work:
    """1 an output element; a square or a cube runs as a product, not as a transcendental."""
    exponent = call.values.get(1)
    product = exponent is not None and bool(np.isin(exponent, (2, 3)).all())
    return _each(call, KernelKind.ELEMENTWISE if product else KernelKind.TRANSCENDENTAL)


@formula("Sum", "Max", "Min", "Mean", weights=None)
def variadic(call: Call) -> Work:
    """1 an output element for each input after the first; Mean divides once more."""
    operations = sum(given is not None for given in call.inputs) - 1
    operations += call.node.op_type == "Mean"
    return Work(KernelKind.ELEMENTWISE, flops=operations * call.output().size)


@formula("PRelu", weights=(1,))
def prelu(call: Call) -> Work:
    """2 an element: compare, multiply by the slope."""
    return _each(call, KernelKind.ELEMENTWISE)


@formula("Where")
def where(call: Call) -> Work:
    """1 an output element: the choice."""
    out = call.output()
    return Work(KernelKind.ELEMENTWISE, flops=FLOPS["Where"] * out.size, dtype=out.dtype)


@formula("Gelu")
def gelu(call: Call) -> Work:
    """5 an element, or 8 with approximate="tanh"."""
    tanh = call.node.string("approximate", "none") == "tanh"
    each = GELU_TANH_FLOPS if tanh else FLOPS["Gelu"]
    return Work(KernelKind.TRANSCENDENTAL, flops=each * call.output().size)


@formula("Swish", "SwiGLU")
def swish(call: Call) -> Work:
    """Swish 2 an element, SwiGLU 3; an alpha other than 1 is one multiplication more."""
    each = FLOPS[call.node.op_type] + (call.node.float("alpha", 1.0) != 1.0)
    return Work(KernelKind.TRANSCENDENTAL, flops=each * call.output().size)


@formula("Cast", "CastLike")
def cast(call: Call) -> Work:
    """0: a conversion is no arithmetic; to the same type it is a view. CastLike reads one input."""
    if call.input(0).dtype == call.output().dtype:
        return Work(KernelKind.VIEW, view=True)
    reads = {1: 0} if call.has_input(1) else {}
    return Work(KernelKind.ELEMENTWISE, reads=reads)


@formula("BitCast")
def bit_cast(_: Call) -> Work:
    """0: the same bytes under another type, a view."""
    return Work(KernelKind.VIEW, view=True)
