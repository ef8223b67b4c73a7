"""What a runtime makes of a graph by itself of all that another graph does without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..ledger.ran import Ran
from .regions import unequal
from .result import NodePair


def folded(pairs: Iterable[NodePair], before: Ran, after: Ran) -> Mapping[str, int]:
    """By operator type, the most traffic first: nodes that went, and that no run has missed.

    Parameters
    ----------
    pairs
        What became of each written node.
    before, after
        Both graphs as they are executed. What a node did that is executed alike in both, or that
        the runtime folds away, was no work of that node's own.
    """
    both = [(pair.before, pair.after) for pair in pairs]
    partners = {old.name: new.name for old, new in both if old is not None and new is not None}
    left, _ = unequal(before, after, partners)
    missed = {original for path in left for original in before.originals(path)}
    counts: Counter[str] = Counter()
    traffic: Counter[str] = Counter()
    for old, new in both:
        if old is not None and new is None and old.traffic_bytes and old.name not in missed:
            counts[old.op_type] += 1
            traffic[old.op_type] += old.traffic_bytes
    return {name: counts[name] for name, _ in traffic.most_common()}
