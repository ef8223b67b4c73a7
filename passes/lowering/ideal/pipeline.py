"""The order in which an ideal runtime rewrites a graph.

What every runtime does comes first, by onnxruntime's rules: constants are computed before the run,
what changes nothing goes, equal nodes become one. Then kernels form.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....costmodel.cost import Costed
from ....costmodel.memory import Memory, memory
from ....graph.shapes import Shapes
from ..onnxruntime_cpu import constant_folding, cse, eliminations, unique_dq
from ..rule import Bundle, Step, fixed_point
from ..target import OptimizationLevel, Runtime
from ..work import Work
from . import attention, chains, dead, epilogues, views

CLEAN: tuple[Step, ...] = (
    Bundle("Eliminations", (eliminations.IDENTITY, eliminations.DROPOUT)),
    cse.SWEEP,
    constant_folding.RULE,
    dead.SWEEP,
)
FUSE: tuple[Step, ...] = (attention.SWEEP, epilogues.SWEEP, chains.SWEEP, views.SWEEP)


def run(work: Work) -> None:
    """Rewrite a graph; with nothing to optimise it stays as it is written."""
    if work.target.level >= OptimizationLevel.BASIC:
        fixed_point(work, CLEAN)
        fixed_point(work, (unique_dq.RULE,))
    if work.target.level >= OptimizationLevel.EXTENDED:
        for step in FUSE:
            for scope in list(work.scopes()):
                step.sweep(scope)


def activations(shapes: Shapes, costs: Sequence[Costed]) -> Memory | None:
    """Liveness; what works element by element writes over an input that dies with it."""
    return memory(shapes, costs, in_place=True)


RUNTIME = Runtime("ideal", run, activations, fixed=True)
