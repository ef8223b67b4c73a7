"""Which original nodes each executed node of an optimised graph does the work of.

The original's nodes must have had unique names when the runtime opened it: see ``naming``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..graph import Graph
from .covers import INSERTED, Covers, Status
from .cuts import Cutter
from .fates import Fate, fates
from .flat import Flat, Op
from .tensor_pairs import TensorPairs
from .value_numbers import ValueNumbers


@dataclass(frozen=True, slots=True)
class Executed:
    """An executed node and the original nodes that it stands for.

    ``status``
        * exact: it does what ``originals`` do
        * group: it does so together with other nodes that have the same originals
        * layout: inserted, to change a layout, shape or type between ``originals``
        * const: inserted, computes from constants what ``originals`` read
        * empty: it does what no original does
        * unmapped: what it makes could not be found in the original
    """

    name: str
    op_type: str
    originals: tuple[str, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class Attribution:
    """Executed nodes in order, and what became of every original node.

    ``originals``
        * once, multi: so many executed nodes do its work
        * folded: computed before the run
        * cse: an equal node's result, or its own input, is taken for its result
        * dead: nothing needs it
        * missing: no executed node was found for it

    ``tensors``
        By the path of a tensor that an executed node makes: the original tensor that it holds,
        maybe in another layout or type.
    """

    executed: tuple[Executed, ...]
    originals: Mapping[str, Fate]
    tensors: Mapping[str, str]

    @property
    def mapped(self) -> int:
        """Executed nodes that are mapped, or named a reason why there is nothing to map to."""
        return sum(node.status != "unmapped" for node in self.executed)


def attribute(original: Graph, optimized: Graph) -> Attribution:
    """Map the nodes that a runtime executes to those of the graph it was given.

    Parameters
    ----------
    original
        The graph whose ``named`` form the runtime opened.
    optimized
        The graph that onnxruntime saved.

    Returns
    -------
    Attribution
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
    return Attribution(tuple(executed), fates(written, numbers, cutter, covers), tensors)


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
