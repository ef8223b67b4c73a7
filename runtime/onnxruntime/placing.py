"""What executed nodes do the work of, as far as their names tell.

For a profile that comes without the graph that was executed. It is no second model of what a
runtime does, beside ``passes.lowering``: that an original was fused away is not decided here but
seen, since no executed node is called after it. Lowering can't be asked, because neither the
version, level and instruction set of the runtime that was profiled are known nor, with another
provider, a target to lower for. The two sets of operators only tell to which neighbour a missing
original went: to a product in front of it, as all runtimes fuse, or else to what is behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...graph import Graph
from ...lineage.flat import Flat, Op
from ...lineage.lineage import Executed, Fate, Lineage, Status
from ...lineage.namesakes import Namesakes, Place
from ...lineage.value_numbers import ValueNumbers, passes_on
from .trace import Event

# What runtimes fuse into a product in front of it, if nothing else reads the product.
_PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_TAILS = frozenset(
    {"Add", "BatchNormalization", "Clip", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu"}
    | {"Mul", "QuantizeLinear", "Relu", "Sigmoid", "Sum", "Tanh"}
)


@dataclass(frozen=True)
class Placing:
    """The attribution of executed nodes by their names, and the reasons of those not placed."""

    attribution: Lineage
    reasons: Mapping[str, str]


def place(original: Graph, events: Mapping[str, Event]) -> Placing:
    """Attribute executed nodes to the originals that they are called after.

    A fused node is called after one of its originals, the first or the last. The others are
    those that no node is called after: behind a product what runtimes fuse into one, in front of
    a node of another type what leads to it alone.

    Parameters
    ----------
    original
        The graph that was profiled elsewhere.
    events
        An event of each executed node, by the id that the node shall have.
    """
    flat = Flat(original, {event.name for event in events.values() if event.op_type == "If"})
    numbers = ValueNumbers(flat)
    names = Namesakes(original, flat, numbers)
    places = {key: names.find(e.name, e.op_type, e.provider) for key, e in events.items()}
    found = _Covers(flat, numbers, events, places)
    shared = Counter(op for cover in found.cover.values() for op in cover)
    executed = tuple(
        Executed(
            key,
            event.op_type,
            tuple(op.id for op in found.cover[key]),
            _status(places[key], found.cover[key], shared),
        )
        for key, event in events.items()
    )
    reasons = {key: place.reason for key, place in places.items() if place.reason}
    return Placing(Lineage(executed, _fates(flat, numbers, shared), {}), reasons)


class _Covers:
    """The originals of every executed node, in order."""

    def __init__(
        self,
        flat: Flat,
        numbers: ValueNumbers,
        events: Mapping[str, Event],
        places: Mapping[str, Place],
    ) -> None:
        self._flat = flat
        placed = {place.op for place in places.values()}
        self._free = {
            op for op in flat.ops if op not in placed and not _known(op, numbers) and not op.bodies
        }
        self._results = {tensor for frame in flat.frames for tensor in frame.outputs}
        sets = {key: {p.op} if p.op is not None else set() for key, p in places.items()}
        # A sum goes to its operand that is made last.
        for key, place in reversed(list(places.items())):
            if place.op is not None:
                self._behind(place.op, events[key], sets[key])
        # What a provider runs as one must not be taken for what leads to the node behind it.
        whole = not any(place.compiled for place in places.values())
        for key, place in places.items():
            if place.op is not None and whole:
                self._before(events[key], place.op, sets[key])
        self.cover = {key: sorted(ops, key=lambda op: op.index) for key, ops in sets.items()}

    def _behind(self, op: Op, event: Event, cover: set[Op]) -> None:
        quantised = event.op_type.startswith(("QLinear", "Nhwc"))
        while op.node.op_type in _PRODUCTS | _TAILS or quantised:
            readers = self._readers(op)
            if len(readers) != 1 or not self._free.issuperset(readers):
                return
            (op,) = readers
            if op.node.op_type not in _TAILS:
                return
            self._take(op, cover)

    def _before(self, event: Event, named: Op, cover: set[Op]) -> None:
        if event.op_type == named.node.op_type:
            return
        queue = sorted(cover, key=lambda op: op.index)
        for op in queue:  # it grows
            if op.node.op_type == event.op_type:
                continue
            makers = (self._flat.maker[tensor] for tensor in op.inputs)
            for maker in makers:
                if maker in self._free and self._readers(maker) <= cover:
                    self._take(maker, cover)
                    queue.append(maker)

    def _readers(self, op: Op) -> set[Op]:
        """Empty where what it makes is needed outside as well."""
        if self._results.intersection(op.outputs):
            return set()
        return {reader for tensor in op.outputs for reader in self._flat.readers[tensor]}

    def _take(self, op: Op, cover: set[Op]) -> None:
        self._free.discard(op)
        cover.add(op)


def _known(op: Op, numbers: ValueNumbers) -> bool:
    """Whether the runtime can compute it before the run."""
    made = {numbers.value[tensor] for tensor in op.outputs}
    return made <= numbers.fixed | numbers.shaped


def _status(place: Place, cover: Iterable[Op], shared: Mapping[Op, int]) -> Status:
    if place.op is None:
        return "layout" if place.layout else "unmapped"
    return "group" if any(shared[op] > 1 for op in cover) else "exact"


def _fates(flat: Flat, numbers: ValueNumbers, covered: Mapping[Op, int]) -> dict[str, Fate]:
    found: dict[str, Fate] = {}
    for op in flat.ops:
        if covered[op]:
            found[op.id] = "once" if covered[op] == 1 else "multi"
        elif _known(op, numbers):
            found[op.id] = "folded"
        else:
            found[op.id] = "cse" if passes_on(op.node) else "missing"
    return {
        **found,
        **dict.fromkeys(flat.decided, "folded"),
        **dict.fromkeys(flat.untaken, "dead"),
    }
