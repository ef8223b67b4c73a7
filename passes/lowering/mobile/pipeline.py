"""The order in which a generic runtime for phones rewrites a graph.

It stands for no runtime in particular: channels in packs of four, convolutions with their
normalisation and activation, everything else an operator a kernel.
"""

from __future__ import annotations

from ..ideal.pipeline import CLEAN, activations
from ..rule import fixed_point
from ..target import OptimizationLevel, Runtime
from ..work import Work
from . import epilogues, packing


def run(work: Work) -> None:
    """Rewrite a graph; with nothing to optimise it stays as it is written."""
    if work.target.level >= OptimizationLevel.BASIC:
        fixed_point(work, CLEAN)
    for scope in list(work.scopes()):
        if work.target.level >= OptimizationLevel.LAYOUT:
            packing.SWEEP.sweep(scope)
        if work.target.level >= OptimizationLevel.EXTENDED:
            epilogues.SWEEP.sweep(scope)


RUNTIME = Runtime("mobile", run, activations, fixed=True)
