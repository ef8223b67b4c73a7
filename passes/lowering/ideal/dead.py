"""Nodes that no output depends on are not run.

before  Relu(x) that nothing reads
after   nothing
"""

from __future__ import annotations

from ..rule import Sweep
from ..work import Work


def _apply(work: Work) -> bool:
    changed = False
    for node in reversed(work.order()):
        if not work.edges(node) and not work.gives_output(node):
            work.drop(node, "dead")
            changed = True
    return changed


SWEEP = Sweep("DeadNodes", (), _apply)
