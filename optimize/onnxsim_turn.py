"""One turn of onnxsim: with all that is trusted, or without what spoils the result.

Where the graph would get worse, or broken, the optimiser that makes it so is found by halving the
list, and left out alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..graph import Graph
from ..ledger.figures import Figures
from ..rewrite.rewriting import Rewrite
from .onnxsim_optimizers import FOLDING, SUSPECTS
from .simplify import Growth

# Of what makes it worse; then the turn is given up.
_MOST = 6

# What is the matter with an attempt: a figure that rises, or how else it is no good.
Trouble = Literal[
    "",
    "nodes",
    "flops",
    "traffic_bytes",
    "param_bytes",
    "latency_s",
    "folds",
    "fails",
    "late",
    "bug",
]


@dataclass(frozen=True)
class Attempt:
    """What onnxsim made with some of its optimisers.

    Parameters
    ----------
    trouble, reason
        Why it can't be taken; "" if it can.
    graph, made_by, rewrites, figures
        What was made, where something was.
    """

    trouble: Trouble = ""
    reason: str = ""
    graph: Graph | None = None
    made_by: str = ""
    rewrites: Sequence[Rewrite] = ()
    figures: Figures | None = None


@dataclass(frozen=True)
class Turn:
    """The attempt that counts, and the attempts that showed what had to be left out, by name."""

    taken: Attempt
    left_out: Mapping[str, Attempt] = field(default_factory=dict)


Try = Callable[[Sequence[str], Growth], Attempt]


def turn(attempt: Try, optimizers: Sequence[str]) -> Turn:
    """Let onnxsim have its turn.

    Parameters
    ----------
    attempt
        Runs onnxsim with these optimisers. Few runs matter more than their order.
    optimizers
        Names, those that are known to make graphs larger last.
    """
    names = list(optimizers)
    growth: Growth = "any"
    left_out: dict[str, Attempt] = {}
    while True:
        found = attempt(names, growth)
        if not found.trouble or found.trouble == "late":  # each further try might take as long
            return Turn(found, left_out)
        if found.trouble == "param_bytes" and FOLDING in names and growth == "any":
            growth = "small"
            continue
        if found.trouble == "folds" and FOLDING in names:
            left_out[FOLDING] = found
            names.remove(FOLDING)
            continue
        hopeless = found.trouble in ("fails", "bug") and attempt((), growth).trouble
        if hopeless or not names or len(left_out) == _MOST:
            return Turn(found, left_out)
        name = _culprit(attempt, names, growth)
        left_out[name] = found
        names.remove(name)


def _culprit(attempt: Try, names: Sequence[str], growth: Growth) -> str:
    """The last of the shortest beginning of the list that is in trouble."""
    good, bad = 0, len(names)
    middle = max(bad - SUSPECTS, 1)
    while bad - good > 1:
        if attempt(names[:middle], growth).trouble:
            bad = middle
        else:
            good = middle
        middle = (good + bad) // 2
    return names[bad - 1]
