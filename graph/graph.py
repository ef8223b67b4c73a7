"""The IR: a networkx MultiDiGraph of operator nodes.

An edge stands for one consumed tensor: from its producer to its consumer, keyed by the input
slot, so that ``Mul(x, x)`` makes two parallel edges. A tensor that a subgraph captures from the
outer scope is an edge too, keyed ``capture:<tensor>``. Graph inputs and initializers have no
producer and so no edge: ``consumers`` finds their readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from onnx import FunctionProto, GraphProto, ModelProto, ValueInfoProto

from .errors import OcostError
from .node import Node
from .tensor import Source, Tensor

if TYPE_CHECKING:
    import networkx as nx

FunctionKey = tuple[str, str, str]  # domain, name, overload
Rank = tuple[int, ...]  # a node's place in the order; what takes its place ranks directly behind


class Header(NamedTuple):
    """What belongs to the model as a whole and not to one graph.

    ``skeleton`` is the ModelProto without its graph: metadata, functions, training info.
    """

    ir_version: int
    skeleton: ModelProto
    functions: Mapping[FunctionKey, FunctionProto] = MappingProxyType({})
    source: Source = Source()

    @property
    def metadata(self) -> dict[str, str]:
        """The model's metadata_props."""
        return {p.key: p.value for p in self.skeleton.metadata_props}


class Graph:
    """A graph or subgraph: nodes, edges, constants and declared types.

    Iterating it yields the nodes in a stable topological order, which is the file's own order
    where that is topological. Only the mutators below change it; after any number of them
    ``verify`` re-derives every edge.
    """

    def __init__(
        self,
        header: Header,
        skeleton: GraphProto,
        opset: Mapping[str, int],
        *,
        parent: Graph | None = None,
        prefix: str = "",
    ) -> None:
        self.header = header
        self.skeleton = skeleton
        self.opset = dict(opset)
        self.parent = parent
        self.prefix = prefix
        self.inputs: tuple[str, ...] = ()
        self._input_names: frozenset[str] = frozenset()
        self.outputs: tuple[str, ...] = ()
        self.initializers: dict[str, Tensor] = {}
        self.declared: dict[str, ValueInfoProto] = {}
        self._nx: nx.MultiDiGraph[str] | None = None
        self._nodes: dict[str, Node] = {}  # in the order of insertion
        self._inserted = 0
        self._producers: dict[str, str] = {}
        self._consumers: dict[str, dict[tuple[str, int | str], None]] = {}
        self._subgraphs: dict[str, dict[str, Graph]] = {}
        self._captures: dict[str, tuple[str, ...]] = {}
        self._removed: set[str] = set()  # tensors: a file may also declare some it never had
        self._ranks: dict[str, Rank] = {}
        self._order: list[str] | None = None
        self.edited = False  # since it was read; a body's edits are its own

    # --- reading ---------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The graph's name in the file."""
        return self.skeleton.name

    @property
    def nx(self) -> nx.MultiDiGraph[str]:
        """The networkx graph: made when it is first asked for, kept up to date from then on."""
        if self._nx is None:
            import networkx  # noqa: PLC0415 - half of the start-up time, and costing needs none

            self._nx = networkx.MultiDiGraph()
            self._nx.add_nodes_from((n.id, {"node": n}) for n in self._nodes.values())
            for node in self._nodes.values():
                self._connect(node)
        return self._nx

    def edges(self) -> set[tuple[str, str, int | str]]:
        """The edges as (maker, reader, key), off the index by tensor and without networkx."""
        return {
            (self._producers[tensor], reader, key)
            for tensor, readers in self._consumers.items()
            if tensor in self._producers
            for reader, key in readers
        }

    @property
    def drawn(self) -> bool:
        """Whether the networkx graph has been asked for."""
        return self._nx is not None

    def _connect(self, node: Node) -> None:
        """Draw the edges to a node from the makers of what it reads."""
        for slot, tensor in self._reads(node):
            made_by = self._producers.get(tensor)
            if made_by is not None and self._nx is not None:
                self._nx.add_edge(made_by, node.id, key=slot, tensor=tensor)

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        if self._order is None:
            self._order = self._sort()
        return map(self._nodes.__getitem__, self._order)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._nodes

    def node(self, node_id: str) -> Node:
        """The node of this id."""
        return self._nodes[node_id]

    def apart(self, node: Node) -> Node:
        """A node to be added, under an id that no node here has.

        A file may name a node as it names a tensor that another node makes. Without a name of its
        own a node is called by its first output, and told apart as when it is read; one with a
        name gets another.
        """
        made = node
        while made.id in self._nodes:
            made = replace(made, id=f"{made.id}'")
        named = node.name and node.id == node.name
        return replace(made, name=made.id) if named else made

    def path(self, node: Node) -> str:
        """The node's name in reports: its id, behind the path of the subgraph it is in."""
        return self.prefix + node.id

    def producer(self, tensor: str) -> Node | None:
        """The node that makes a tensor; None for graph inputs, constants and outer scopes."""
        found = self._producers.get(tensor)
        return None if found is None else self._nodes[found]

    def consumers(self, tensor: str) -> list[tuple[Node, int | str]]:
        """The readers of a tensor, each with its input slot or capture key."""
        return [(self._nodes[n], key) for n, key in self._consumers.get(tensor, ())]

    def subgraphs(self, node: Node) -> Mapping[str, Graph]:
        """A node's bodies by attribute name; the i-th of a list is ``name.i``."""
        return self._subgraphs.get(node.id, {})

    def captures(self, node: Node) -> tuple[str, ...]:
        """Tensors of the outer scopes that a node's bodies read."""
        return self._captures.get(node.id, ())

    def function(self, node: Node) -> FunctionProto | None:
        """The model's own function that a node calls, if it does."""
        return self.header.functions.get((node.domain, node.op_type, node.overload))

    def constant(self, tensor: str) -> Tensor | None:
        """An initializer of this or an outer scope."""
        scope: Graph | None = self
        while scope is not None:
            found = scope.initializers.get(tensor)
            if found is not None:
                return found
            if tensor in scope._producers or tensor in scope._input_names:
                return None
            scope = scope.parent
        return None

    def overridable(self, tensor: str) -> bool:
        """Whether an initializer is also an input of the model, so that a caller may override it.

        Below IR version 4 every initializer has to be listed as an input and counts as constant.
        """
        root = self
        while root.parent is not None:
            root = root.parent
        return self.header.ir_version >= 4 and tensor in root._input_names

    def live_tensors(self) -> set[str]:
        """Names of all tensors of this graph: inputs, constants, what nodes make."""
        return {*self.inputs, *self.initializers, *self._producers}

    def removed_tensors(self) -> set[str]:
        """Tensors that the file had and the graph has no more."""
        return self._removed - self.live_tensors()

    def walk(self) -> Iterator[tuple[Graph, Node]]:
        """Every node, those of subgraphs after the node that owns them."""
        for node in self:
            yield self, node
            for sub in self.subgraphs(node).values():
                yield from sub.walk()

    def rank(self, node_id: str) -> Rank:
        """A node's place in the order of the file, by which nodes that may swap are sorted."""
        return self._ranks[node_id]

    def _sort(self) -> list[str]:
        seen: set[str] = set()
        order = sorted(self._nodes, key=self._ranks.__getitem__)
        for node_id in order:
            for _, tensor in self._reads(self._nodes[node_id]):
                made_by = self._producers.get(tensor)
                if made_by is not None and made_by not in seen:
                    return self._sort_anew()
            seen.add(node_id)
        return order

    def _sort_anew(self) -> list[str]:
        import networkx  # noqa: PLC0415 - slow to import

        try:
            order = networkx.lexicographical_topological_sort(self.nx, key=self.rank)
            return list(order)
        except networkx.NetworkXUnfeasible as error:
            names = [edge[0] for edge in networkx.find_cycle(self.nx)]
            cycle = " -> ".join([*names, names[0]])
            raise OcostError(f"the graph has a cycle: {cycle}") from error

    def copy(self, parent: Graph | None = None) -> Graph:
        """The same graph, bodies included, to be changed apart; nodes and tensors are shared."""
        made = Graph(self.header, self.skeleton, self.opset, parent=parent, prefix=self.prefix)
        made.set_interface(self.inputs, self.outputs)
        made.initializers, made.declared = dict(self.initializers), dict(self.declared)
        made._nodes, made._ranks = dict(self._nodes), dict(self._ranks)
        made._producers, made._inserted = dict(self._producers), self._inserted
        made._consumers = {tensor: dict(readers) for tensor, readers in self._consumers.items()}
        made._subgraphs = {
            node: {name: body.copy(made) for name, body in bodies.items()}
            for node, bodies in self._subgraphs.items()
        }
        made._captures, made._removed = dict(self._captures), set(self._removed)
        made._order, made.edited = self._order, self.edited
        return made

    # --- the mutators ----------------------------------------------------------------------

    def move(self, prefix: str) -> None:
        """Take on what stands before the names of this body's nodes, as its owner is renamed."""
        if prefix != self.prefix:
            self.prefix = prefix
            for node_id, bodies in self._subgraphs.items():
                for name, body in bodies.items():
                    body.move(f"{prefix}{node_id}/{name}/")

    def add_node(
        self,
        node: Node,
        subgraphs: Mapping[str, Graph] | None = None,
        *,
        rank: Rank | None = None,
    ) -> None:
        """Add a node, at the end or at a place in the order; edges follow from its tensors.

        Raises
        ------
        OcostError
            If its id or one of its outputs is taken. Then nothing is changed.
        """
        if node.id in self._nodes:
            raise OcostError(f"two nodes are called '{self.path(node)}'")
        for output in node.outputs:
            if output and (
                output in self._producers
                or output in self.initializers
                or output in self._input_names
            ):
                raise OcostError(
                    f"tensor '{output}' is produced twice, the second time by '{self.path(node)}'"
                )
        self._nodes[node.id] = node
        self._inserted += 1
        self._ranks[node.id] = rank or (self._inserted,)
        self._order, self.edited = None, True
        if subgraphs:
            for name, body in subgraphs.items():
                body.move(f"{self.path(node)}/{name}/")
            self._subgraphs[node.id] = dict(subgraphs)
            self._captures[node.id] = captured(subgraphs.values())
        for output in node.outputs:
            if output:
                self._producers[output] = node.id
        for slot, tensor in self._reads(node):
            self._consumers.setdefault(tensor, {})[node.id, slot] = None
        if self._nx is not None:
            self._nx.add_node(node.id, node=node)
            for output in filter(None, node.outputs):
                for reader, key in self._consumers.get(output, ()):
                    self._nx.add_edge(node.id, reader, key=key, tensor=output)
            self._connect(node)

    def remove_node(self, node_id: str) -> Node:
        """Take a node out, with its edges and bodies; its outputs lose their producer."""
        node = self._nodes.pop(node_id)
        del self._ranks[node_id]
        self._order, self.edited = None, True
        if self._nx is not None:
            self._nx.remove_node(node_id)
        for slot, tensor in self._reads(node):
            readers = self._consumers[tensor]
            del readers[node_id, slot]
            if not readers:
                del self._consumers[tensor]
        for output in filter(None, node.outputs):
            del self._producers[output]
            self._removed.add(output)
        self._subgraphs.pop(node_id, None)
        self._captures.pop(node_id, None)
        return node

    def recapture(self, node_id: str) -> None:
        """Read anew what a node's bodies capture: for after an edit of one of them."""
        rank, bodies = self._ranks[node_id], self._subgraphs[node_id]
        self.add_node(self.remove_node(node_id), bodies, rank=rank)

    def rewire(self, old: str, new: str) -> None:
        """Make every reader of tensor ``old`` in this graph read ``new`` (captures excepted)."""
        readers = [(r, k) for r, k in self._consumers.get(old, ()) if not isinstance(k, str)]
        captor = next((r for r, k in self._consumers.get(old, ()) if isinstance(k, str)), None)
        if captor is not None:
            raise OcostError(f"tensor '{old}' is captured by '{captor}': it can't be rewired")
        for reader, key in readers:
            node = self._nodes[reader]
            inputs = list(node.inputs)
            inputs[key] = new
            changed = node.with_io(inputs=inputs)
            self._nodes[reader] = changed
            del self._consumers[old][reader, key]
            self._consumers.setdefault(new, {})[reader, key] = None
            if self._nx is not None:
                self._nx.nodes[reader]["node"] = changed
                if old in self._producers:
                    self._nx.remove_edge(self._producers[old], reader, key=key)
                if new in self._producers:
                    self._nx.add_edge(self._producers[new], reader, key=key, tensor=new)
        if not self._consumers.get(old, True):
            del self._consumers[old]
        self._order, self.edited = None, True

    def set_initializer(self, tensor: Tensor) -> None:
        """Add a constant, or replace the one of this name."""
        if tensor.name in self._producers:
            raise OcostError(f"tensor '{tensor.name}' has a producer: it can't be an initializer")
        self.initializers[tensor.name] = tensor
        self.edited = True

    def remove_initializer(self, name: str) -> None:
        """Take a constant out."""
        del self.initializers[name]
        self._removed.add(name)
        self.edited = True

    def set_interface(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Name the graph's inputs and outputs."""
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self._input_names = frozenset(inputs)
        self.edited = True

    def import_domain(self, domain: str, version: int = 1) -> None:
        """Let the model use the operators of a domain; one that it imports keeps its version."""
        root = self
        while root.parent is not None:
            root = root.parent
        if domain not in root.opset:
            root.set_opset(version, domain)

    def set_opset(self, version: int, domain: str = "") -> None:
        """Import another version of a domain's operators; of the root graph only."""
        skeleton = ModelProto()  # a new one: copies of the graph share the old
        skeleton.CopyFrom(self.header.skeleton)
        names = {domain} if domain else {"", "ai.onnx"}
        imported = [entry for entry in skeleton.opset_import if entry.domain in names]
        for entry in imported or [skeleton.opset_import.add(domain=domain)]:
            entry.version = version
        header = self.header._replace(skeleton=skeleton)
        scopes = [self]
        for scope in scopes:  # it grows
            scope.header, scope.opset = header, {**scope.opset, domain: version}
            scopes += [body for bodies in scope._subgraphs.values() for body in bodies.values()]
        self.edited = True

    def _reads(self, node: Node) -> Iterator[tuple[int | str, str]]:
        for slot, tensor in enumerate(node.inputs):
            if tensor:
                yield slot, tensor
        for tensor in self._captures.get(node.id, ()):
            yield f"capture:{tensor}", tensor


def captured(graphs: Iterable[Graph]) -> tuple[str, ...]:
    """Names that these bodies read but don't make, in order of appearance."""
    names: dict[str, None] = {}
    for graph in graphs:
        own = graph.live_tensors()
        for tensor in (*graph._consumers, *graph.outputs):
            if tensor not in own:
                names[tensor] = None
    return tuple(names)
