"""The working graph as it is read: who makes and who reads a tensor, of what type, what it holds.

All but the order is answered in constant time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from ...graph.graph import Graph
from ...graph.schemas import since_version
from .near import NearMiss, Way
from .node import WorkNode
from .target import Target
from .values import UNKNOWN, Array, Constant, Dims, Type

if TYPE_CHECKING:
    from .work import Work


class Reading:
    """What can be asked of a graph or body that is being lowered.

    Parameters
    ----------
    target
        What for.
    opset
        The versions that it imports.
    parent
        The graph around a body.
    """

    def __init__(self, target: Target, opset: Mapping[str, int], parent: Work | None) -> None:
        self.target = target
        self.opset = opset
        self.parent = parent
        self.root: Work = cast("Work", self) if parent is None else parent.root
        self.nodes: dict[int, WorkNode] = {}
        self.by_op: defaultdict[str, dict[int, WorkNode]] = defaultdict(dict)
        self.inputs: tuple[str, ...] = ()
        self.outputs: list[str] = []
        self._output_count: defaultdict[str, int] = defaultdict(int)
        self.constants: dict[str, Constant] = {}
        self.overridable: set[str] = set()
        self.types: dict[str, Type] = {}
        self._makers: dict[str, WorkNode] = {}
        self._readers: defaultdict[str, list[WorkNode]] = defaultdict(list)
        self.next_index = 0
        self.version = 0  # counts changes
        self._order: tuple[int, list[WorkNode]] = (-1, [])
        self.original: Graph | None = None
        self.declared: dict[str, Type] = {}
        if parent is None:  # of the model as a whole
            self.names: set[str] = set()
            self.node_names: set[str] = set()
            self.has_bodies = False
            self.left_out: dict[str, list[str]] = {}  # originals by what they answered unchanged
            self.factors: set[str] = set()  # of these, products by 1
            self.wide_of: dict[tuple[Work, str], str] = {}  # halves by their 32 bit forms
            self._numbers: dict[str, int] = {}
            self.fates: dict[str, str] = {}
            self.declined: dict[NearMiss, None] = {}  # in the order in which they came
            self.mending: frozenset[Way] = frozenset()  # what is to be mended where it is met
            self._mended: set[tuple[NearMiss, str]] = set()
            self.blocked: dict[str, int] = {}  # in blocks: channels without padding, by tensor

    def __len__(self) -> int:
        return len(self.nodes)

    def maker(self, tensor: str) -> WorkNode | None:
        """The node that makes a tensor here."""
        return self._makers.get(tensor)

    def made_by(self, tensor: str, *ops: str, domain: str = "") -> WorkNode | None:
        """The node that makes a tensor if it is one of these operators."""
        found = self._makers.get(tensor)
        return found if found is not None and found.op in ops and found.domain == domain else None

    def readers(self, tensor: str) -> list[WorkNode]:
        """The readers of a tensor, one that reads it twice twice; owners of bodies too."""
        return self._readers.get(tensor, [])

    def edges(self, node: WorkNode) -> int:
        """How many edges leave a node."""
        count = 0
        for output in node.outputs:
            if output in self._readers:
                count += len(self._readers[output])
        return count

    def is_output(self, tensor: str) -> bool:
        """Whether the graph answers it."""
        return self._output_count.get(tensor, 0) > 0

    def gives_output(self, node: WorkNode) -> bool:
        """Whether the graph answers one of a node's outputs."""
        return any(self._output_count.get(o, 0) for o in node.outputs)

    def single(self, node: WorkNode) -> bool:
        """Whether exactly one edge leaves a node, and no output of the graph."""
        return self.edges(node) == 1 and not self.gives_output(node)

    def next(self, node: WorkNode, *ops: str, domain: str = "") -> WorkNode | None:
        """The only reader of a single node, if it is one of these operators."""
        if not self.single(node):
            return None
        reader = next(self._readers[o][0] for o in node.outputs if self._readers.get(o))
        if ops and (reader.op not in ops or reader.domain != domain):
            return None
        return None if not any(o in reader.inputs for o in node.outputs) else reader

    def input_edges(self, node: WorkNode) -> int:
        """How many inputs of a node are made by nodes here."""
        return sum(1 for t in node.inputs if t in self._makers) + sum(
            1 for t in node.captures if t in self._makers
        )

    def constant(self, tensor: str) -> Constant | None:
        """The constant that a tensor is, of this scope or one around it."""
        scope: Reading | None = self
        while scope is not None:
            found = scope.constants.get(tensor)
            if found is not None:
                return None if tensor in scope.overridable else found
            if tensor in scope._makers or tensor in scope.inputs:
                return None
            scope = scope.parent
        return None

    def value(self, tensor: str) -> Array | None:
        """What a small constant holds."""
        found = self.constant(tensor) if tensor else None
        return None if found is None else found.value()

    def number(self, tensor: str) -> float | None:
        """What a constant of one element holds."""
        found = self.constant(tensor) if tensor else None
        if found is None or found.size != 1:
            return None
        value = found.value()
        return None if value is None or value.dtype.kind not in "fiub" else float(value.item())

    def numbers(self, tensor: str) -> tuple[int, ...] | None:
        """What a constant of integers holds."""
        value = self.value(tensor)
        if value is None or value.dtype.kind not in "iu":
            return None
        return tuple(int(x) for x in value.reshape(-1))

    def type(self, tensor: str) -> Type:
        """The type of a tensor, of this scope or one around it."""
        scope: Reading | None = self
        while scope is not None:
            found = scope.types.get(tensor)
            if found is not None:
                return found
            scope = scope.parent
        return UNKNOWN

    def dtype(self, tensor: str) -> int:
        """The element type; UNDEFINED if it is not known or left out."""
        return self.type(tensor).dtype

    def dims(self, tensor: str) -> Dims | None:
        """The dims, None if not even their number is known."""
        return self.type(tensor).dims

    def rank(self, tensor: str) -> int | None:
        """The number of dims."""
        dims = self.type(tensor).dims
        return None if dims is None else len(dims)

    def shape(self, tensor: str) -> tuple[int, ...] | None:
        """The dims if all are numbers."""
        dims = self.type(tensor).dims
        if dims is None or not all(type(d) is int for d in dims):
            return None
        return dims  # type: ignore[return-value] # all are integers

    def since(self, node: WorkNode) -> int:
        """The version from which on the node's operator is as this model has it."""
        return since_version(node.op, self.opset.get(node.domain, 1), node.domain)

    def is_op(self, node: WorkNode | None, op: str, *since: int, domain: str = "") -> bool:
        """Whether a node is an operator, of one of these versions if there are any."""
        if node is None or node.op != op or node.domain != domain:
            return False
        return not since or self.since(node) in since

    def order(self) -> list[WorkNode]:
        """The nodes as the runtime visits them: what is read comes before its readers."""
        if self._order[0] != self.version:
            self._order = (self.version, self._sorted())
        return self._order[1]

    def _sorted(self) -> list[WorkNode]:
        """Depth first from the nodes that nothing reads, backwards; the highest index first."""
        stack = [(n, False) for n in self.nodes.values() if not self.edges(n)]
        stack.sort(key=lambda entry: entry[0].index)
        seen: set[int] = set()
        done: list[WorkNode] = []
        while stack:
            node, leave = stack.pop()
            if leave:
                done.append(node)
                continue
            if node.index in seen:
                continue
            seen.add(node.index)
            stack.append((node, True))
            above = {}
            for tensor in (*node.inputs, *node.captures):
                maker = self._makers.get(tensor)
                if maker is not None and maker.index not in seen:
                    above[maker.index] = maker
            stack += [(above[index], False) for index in sorted(above)]
        return done

    def visit(self, ops: Iterable[str]) -> Iterator[WorkNode]:
        """The nodes of these operators in the order at the start, as long as they are there."""
        found: dict[int, WorkNode] = {}
        for op in ops:
            found.update(self.by_op.get(op, {}))
        if not found:
            return
        chosen = [node for node in self.order() if node.index in found]
        for node in chosen:
            if self.nodes.get(node.index) is node:
                yield node

    def scopes(self) -> Iterator[Work]:
        """This graph and all bodies."""
        yield cast("Work", self)
        if not self.root.has_bodies:
            return
        for node in list(self.nodes.values()):
            for body in node.bodies.values():
                yield from body.scopes()
