"""Operators that take elements from computed places, or put them there."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Work, formula


def take(call: Call) -> Work:
    """Read as many elements of input 0 as there are results, at most all of them."""
    touched = min(call.output().size, call.input(0).size)
    return Work(KernelKind.INDEXING, reads={0: touched})


@formula("Gather", weights=(0,))
def gather(call: Call) -> Work:
    """0: reads the rows that the indices name, at most the whole table."""
    return take(call)


@formula("GatherElements", "GatherND", "Compress", weights=(0,))
def gather_elements(call: Call) -> Work:
    """0: reads as many elements as it returns, at most all."""
    return take(call)


@formula("ArrayFeatureExtractor", domain="ai.onnx.ml")
def array_feature_extractor(call: Call) -> Work:
    """0: reads the columns that the indices name, at most all."""
    return take(call)


@formula("Scatter", "ScatterElements", "ScatterND")
def scatter(call: Call) -> Work:
    """0: copies its data, overwrites in part; with a reduction 1 an element of the updates."""
    reduced = call.node.string("reduction", "none") != "none"
    return Work(KernelKind.INDEXING, flops=call.input(2).size if reduced else 0)


@formula("TensorScatter")
def tensor_scatter(_: Call) -> Work:
    """0: copies its cache, overwrites in part."""
    return Work(KernelKind.INDEXING)


@formula("OneHot")
def one_hot(_: Call) -> Work:
    """0: fills its output, then marks one place an index."""
    return Work(KernelKind.INDEXING)


@formula("NonZero")
def non_zero(call: Call) -> Work:
    """1 an input element: compare with zero."""
    return Work(KernelKind.INDEXING, flops=call.input(0).size)


@formula("Col2Im")
def col2im(call: Call) -> Work:
    """1 an input element: add to its place in the image."""
    return Work(KernelKind.INDEXING, flops=call.input(0).size)
