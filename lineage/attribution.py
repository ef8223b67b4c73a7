"""Which original nodes each executed node of an optimised graph does the work of.

The original's nodes must have had unique names when the runtime opened it: see ``naming``.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Graph
from .covers import Covers
from .cuts import Cutter
from .fates import fates
from .flat import Flat, Op
from .lineage import INSERTED, Executed, Lineage
from .tensor_pairs import TensorPairs
from .value_numbers import ValueNumbers


def attribute(original: Graph, optimized: Graph) -> Lineage:
    """Map the nodes that a runtime executes to those of the graph it was given.

    Parameters
    ----------
    original
        The graph whose ``named`` form the runtime opened.
    optimized
        The graph that onnxruntime saved.

    Returns
    -------
    Lineage
        Nodes of bodies and functions included; of a call of a function, the nodes inside stand.
    """
    ran = Flat(optimized)
    written = Flat(original, {op.node.name for op in ran.ops if op.node.op_type == "If"})
    numbers = ValueNumbers(written)
    pairs = TensorPairs(written, numbers, ran)
    cutter = Cutter(written, numbers, ran, pairs)
    covers = Covers(ran, pairs, cutter)
    executed = []
    for op in ran.ops:
        status = covers.status[op]
        ids: Iterator[str] = (o.id for o in covers.cover[op])
        if status in INSERTED:
            ids = _boundary(op, written, numbers, ran, pairs, covers)
        executed.append(Executed(op.id, op.node.op_type, tuple(dict.fromkeys(ids)), status))
    tensors = {
        ran.paths[tensor]: written.paths[origin]
        for op in ran.ops
        for tensor in op.outputs
        if (origin := pairs.origin[tensor]) is not None
    }
    return Lineage(tuple(executed), fates(written, numbers, cutter, covers), tensors)


def _boundary(
    op: Op,
    original: Flat,
    numbers: ValueNumbers,
    optimized: Flat,
    pairs: TensorPairs,
    covers: Covers,
) -> Iterator[str]:
    """The original that makes what an inserted operation moves, and those that read it."""
    value = pairs.value(op.makes[0])
    maker = None if value is None else original.maker[value]
    if maker is not None:
        yield maker.id
    queue = list(optimized.readers[op.makes[0]])
    for reader in queue:  # it grows
        if covers.status[reader] in INSERTED:
            queue += [r for r in optimized.readers[reader.makes[0]] if r not in queue]
        cover = covers.cover[reader]
        reading = [o for o in cover if value in {numbers.value[t] for t in o.inputs}]
        yield from (o.id for o in reading or cover)
