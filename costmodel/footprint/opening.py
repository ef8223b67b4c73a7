"""Opening a session, as the heap sees it: what becomes of each weight.

1. The file is parsed through a buffer of 4 MiB at most; each weight is a string in the message.
2. One after the other becomes a tensor, and its string is freed.
3. A weight that a fusion or folding replaces is copied, made anew, and made a tensor again. The old
   ones stay until the pass is over. Weights of blocked convolutions go through this once more.
4. Kernels pack weights (``register.packed``); a weight that all its readers have packed is freed.

External data are mapped, not read: their pages count once they are touched, as all are here.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from onnx import TensorProto

from ...graph import Graph, Node
from ...graph.tensor import Tensor
from ..cost import Costed
from ..params import constants
from ..work import Unknown
from .arena import Arena
from .heap import Heap
from .register import packed_rules
from .small import Small

_BUFFER = 4 * 1024 * 1024
_CHUNK = 50_000_000  # what protobuf reads at once; a longer string grows by doubling
# Shares of the small objects that come with the weights, one after the other.
_CONVERTING, _FOLDING, _BLOCKING = 0.0, 0.0, 0.2
_LEAST = 256  # smaller ones are lost in what else a session allocates
_FOLDED = frozenset({"BatchNormalization", "Mul", "Div"})
_TURNED = frozenset({"QLinearConv", "QGemm"})  # their weights are turned round before
_IN_REGIONS = frozenset({"ConvTranspose"})  # the others pack into pieces of their own
_BLOCKED = "com.microsoft.nchwc"


class _Weight(NamedTuple):
    name: str
    size: int
    external: bool


def open_session(
    heap: Heap,
    arena: Arena,
    written: Graph,
    executed: Graph,
    costs: Sequence[Costed],
    file: int,
    chance: random.Random,
) -> None:
    """Open a model.

    Parameters
    ----------
    heap, arena
        What the session takes memory from.
    written, executed
        The model in its file, and the graph that is executed.
    costs
        The nodes that are executed, costed.
    file
        Bytes of the file.
    chance
        Decides what the runtime decides by where objects lie: in which order a hash table of
        weights is gone through, and how large the next small object is.
    """
    small = Small(heap, sum(n.op_type != "Constant" for _, n in written.walk()), chance)
    tensors = _load(heap, small, list(_weights(written)), file)
    _replace(heap, small, tensors, written, executed, costs, chance)
    _pack(heap, arena, tensors, costs)
    small.opened()


def _weights(graph: Graph) -> Iterator[_Weight]:
    for tensor in constants(graph):
        size = tensor.nbytes or 0
        if size >= _LEAST:
            yield _Weight(tensor.name, size, _is_external(tensor))


def _is_external(tensor: Tensor) -> bool:
    proto = tensor.proto
    return isinstance(proto, TensorProto) and proto.data_location == TensorProto.EXTERNAL


def _load(heap: Heap, small: Small, stored: Sequence[_Weight], file: int) -> dict[str, int]:
    """The tensors by name: where they lie."""
    buffer = heap.allocate(min(file, _BUFFER))
    small.loaded(0.3)
    strings = [None if w.external else _string(heap, w.size) for w in stored]
    heap.free(buffer)
    small.loaded(1 - _CONVERTING)
    tensors = {}
    # Two bodies may each have a weight of the same name.
    for at, (weight, string) in enumerate(zip(stored, strings, strict=True)):
        tensors[weight.name] = heap.allocate(weight.size, aligned=True)
        if string is not None:
            heap.free(string)
        small.loaded(1 - _CONVERTING * (1 - at / len(stored)))
    return tensors


def _string(heap: Heap, size: int) -> int:
    if size <= _CHUNK:
        return heap.allocate(size + 1)
    capacity = _CHUNK
    address = heap.allocate(capacity)
    while capacity < size:
        larger = heap.allocate(2 * capacity, written=False)
        heap.write(larger, 0, min(size, 2 * capacity))
        heap.free(address)
        address, capacity = larger, 2 * capacity
    return address


def _replace(
    heap: Heap,
    small: Small,
    tensors: dict[str, int],
    written: Graph,
    executed: Graph,
    costs: Sequence[Costed],
    chance: random.Random,
) -> None:
    """Weights that the runtime makes of others."""
    wanted = {t.name: t.nbytes or 0 for t in constants(executed) if (t.nbytes or 0) >= _LEAST}
    sources = _Sources(written, costs)
    made = {name: size for name, size in wanted.items() if name not in tensors}
    done: list[str] = []
    for at, (name, size) in enumerate(made.items()):
        if sources.folded(name):
            _remake(heap, tensors, name, size, copies=1, message=True)
            done += sources.of(name)
        elif name not in sources.blocked:
            _remake(heap, tensors, name, size, copies=1, message=False)
            done += sources.of(name)
        small.optimised(_FOLDING * at / len(made))
    small.optimised(0.5)
    _drop(heap, tensors, [n for n in done if n not in wanted], chance)
    older = []
    for at, (name, size) in enumerate(made.items()):
        if name in sources.blocked:
            if name in tensors:
                older.append(tensors.pop(name))
            _remake(heap, tensors, name, size, copies=2, message=True)
        small.optimised(0.5 + _BLOCKING * at / len(made))
    small.optimised(1)
    for address in older:
        heap.free(address)
    _drop(heap, tensors, [n for n in tensors if n not in wanted], chance)


class _Sources:
    """Which constants of the file an executed node's weights come from."""

    def __init__(self, written: Graph, costs: Sequence[Costed]) -> None:
        self._nodes = {scope.path(node): node for scope, node in written.walk()}
        self._reader = {n: c for c in costs for n in c.node.inputs[1:2] if n}
        self.blocked = {n for n, c in self._reader.items() if c.node.domain == _BLOCKED}

    def of(self, name: str) -> list[str]:
        """The inputs of the nodes that its reader stands for."""
        return [n for node in self._originals(name) for n in node.inputs]

    def folded(self, name: str) -> bool:
        """Whether a convolution's weights took in what followed."""
        kinds = {node.op_type for node in self._originals(name)}
        return bool(kinds & _FOLDED) and any("Conv" in kind for kind in kinds)

    def _originals(self, name: str) -> list[Node]:
        reader = self._reader.get(name)
        names = reader.cost.originals if reader is not None else ()
        return [self._nodes[n] for n in names if n in self._nodes]


def _remake(
    heap: Heap, tensors: dict[str, int], name: str, size: int, *, copies: int, message: bool
) -> None:
    """Copies of the old contents and of the new; the new as a message; the tensor."""
    passing = [heap.allocate(size, aligned=at == 0) for at in range(copies)]
    if message:
        passing.append(heap.allocate(size + 1))
    tensors[name] = heap.allocate(size, aligned=True)
    for address in reversed(passing):
        heap.free(address)


def _drop(heap: Heap, tensors: dict[str, int], names: Iterable[str], chance: random.Random) -> None:
    """Free tensors, in no order: the runtime keeps them in a hash table."""
    found = [name for name in dict.fromkeys(names) if name in tensors]
    chance.shuffle(found)
    for name in found:
        heap.free(tensors.pop(name))


def _pack(heap: Heap, arena: Arena, tensors: dict[str, int], costs: Sequence[Costed]) -> None:
    readers: dict[str, int] = {}
    for costed in costs:
        for name in filter(None, costed.node.inputs):
            readers[name] = readers.get(name, 0) + 1
    for costed in costs:
        for slot, sizes in _packed(costed).items():
            name = costed.node.inputs[slot]
            if not _constant(costed, name):
                continue
            if costed.node.op_type in _TURNED:
                size = costed.call.input(slot).size if costed.call is not None else 0
                arena.free(arena.allocate(size), size)
            for size in sizes:
                arena.reserve(size, apart=costed.node.op_type not in _IN_REGIONS)
            readers[name] -= 1
            if not readers[name] and name in tensors:
                heap.free(tensors.pop(name))


def _constant(costed: Costed, name: str) -> bool:
    return costed.scope.graph.constant(name) is not None


def _packed(costed: Costed) -> Mapping[int, Sequence[int]]:
    rule = packed_rules().get((costed.node.domain, costed.node.op_type))
    if rule is None or costed.call is None:
        return {}
    try:
        return rule(costed.call)
    except (Unknown, ValueError, LookupError, ArithmeticError):
        return {}
