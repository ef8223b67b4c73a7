"""Values that take no tensor data: constants, fills, ranges, shapes."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Work, formula


@formula("Constant")
def constant(_: Call) -> Work:
    """0: is there before the run."""
    return Work(KernelKind.CONSTANT, writes={0: 0})


@formula("ConstantOfShape")
def constant_of_shape(_: Call) -> Work:
    """0: fills its output."""
    return Work(KernelKind.LAYOUT)


@formula("EyeLike", "Shape", "Size", "OptionalHasElement")
def look_at(_: Call) -> Work:
    """0: looks at its input's type and shape, reads no element."""
    return Work(KernelKind.LAYOUT, reads={0: 0})


@formula("Range")
def range_(call: Call) -> Work:
    """1 an element: add the step."""
    return Work(KernelKind.ELEMENTWISE, flops=call.output().size)
