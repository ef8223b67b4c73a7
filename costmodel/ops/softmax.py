"""Softmax and its kin."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Work, formula

SOFTMAX_FLOPS = 5  # max, subtract, exp, sum, divide
LOG_SOFTMAX_FLOPS = 5  # max, subtract, exp, sum, subtract; the log is once a row
HARDMAX_FLOPS = 2  # find the largest, compare with it


@formula("Softmax")
def softmax(call: Call) -> Work:
    """5 an element: max, subtract, exp, sum, divide; over any axis alike."""
    return Work(KernelKind.SOFTMAX, flops=SOFTMAX_FLOPS * call.output().size)


@formula("LogSoftmax")
def log_softmax(call: Call) -> Work:
    """5 an element, as Softmax: the division is a subtraction of the log."""
    return Work(KernelKind.SOFTMAX, flops=LOG_SOFTMAX_FLOPS * call.output().size)


@formula("Hardmax")
def hardmax(call: Call) -> Work:
    """2 an element: find the largest, mark it."""
    return Work(KernelKind.SOFTMAX, flops=HARDMAX_FLOPS * call.output().size)
