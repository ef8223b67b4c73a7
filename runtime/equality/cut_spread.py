"""How far a region reaches: until its boundary is common to both graphs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from ...graph import Node
from .cut_sides import Element, Side, same_constant, same_node

Sides = tuple[Side, Side]
Sets = tuple[set[Element], set[Element]]


class UncutError(Exception):
    """A region can't be cut out; says why."""


@dataclass(frozen=True)
class Bodies:
    """Two bodies of nodes that are the same but for what their bodies compute."""

    owners: tuple[Element, Element]
    sides: Sides


def differing(sides: Sides) -> tuple[Sets, list[Bodies]]:
    """The elements that only one side has or that differ, and bodies that may."""
    changed: Sets = (set(), set())
    inner: list[Bodies] = []
    for at, (side, other) in enumerate((sides, sides[::-1])):
        for node in side.graph:
            if side.held(next(filter(None, node.outputs), "")) is not None:
                continue
            twin = _twin(node, other)
            pair = (node, twin) if at == 0 else (twin, node)
            if pair[0] is None or pair[1] is None or not same_node(pair[0], pair[1], sides):
                changed[at].add(("node", node.id))
                continue
            bodies = _bodies(pair[0], pair[1], sides)
            if bodies is None:
                changed[at].add(("node", node.id))
            elif at == 0:
                inner += bodies
        changed[at].update(_became(side, other))
    return changed, inner


def _became(side: Side, other: Side) -> Iterator[Element]:
    """The constants that a node of the other side computes, and those that differ as outputs.

    Where others differ, the nodes that read them do.
    """
    outputs = set(side.graph.outputs)
    for name in side.constants():
        there = other.held(name)
        computed = there is None and other.graph.producer(name) is not None
        if computed or (name in outputs and not same_constant(side.held(name), there)):
            maker = side.maker(name)
            assert maker is not None  # it is a constant of this graph
            yield maker


def _twin(node: Node, other: Side) -> Node | None:
    """The node of the other side that makes the same tensor; without outputs that of the name."""
    made = next(filter(None, node.outputs), None)
    if made is not None:
        return other.graph.producer(made)
    return other.graph.node(node.id) if node.id in other.graph else None


def _bodies(a: Node, b: Node, sides: Sides) -> list[Bodies] | None:
    """The pairs of bodies of two nodes; None where they can't be compared one by one."""
    old, new = (side.graph.subgraphs(node) for side, node in zip(sides, (a, b), strict=True))
    if old.keys() != new.keys():
        return None
    found = []
    for name, body in old.items():
        pair = body, new[name]
        if pair[0].inputs != pair[1].inputs or pair[0].outputs != pair[1].outputs:
            return None
        before, after = sides[0].body(a, name), sides[1].body(b, name)
        if before is None or after is None:
            return None
        if not all(same_constant(before.held(t), after.held(t)) for t in body.outputs):
            return None  # what it captures and hands on
        found.append(Bodies((("node", a.id), ("node", b.id)), (before, after)))
    return found


@dataclass
class Spread:
    """The elements of one region on both sides.

    ``changed`` are all that differ, in this region or another; ``elements`` come to have what
    lies between those of this region and the common boundary, at most ``most`` that don't differ.
    """

    sides: Sides
    changed: Sets
    elements: Sets
    most: int

    @classmethod
    def groups(cls, sides: Sides, changed: Sets, most: int) -> Iterator[Spread]:
        """The changed elements, those together that hang together.

        They do where one makes what the other reads and only their side has, or where both make
        the same tensor. What constants and shapes decide links nothing: each region has its own.
        """
        import networkx as nx  # noqa: PLC0415 - slow to import

        links: nx.Graph[tuple[int, Element]] = nx.Graph()
        by_tensor: dict[str, list[tuple[int, Element]]] = defaultdict(list)
        for at, side in enumerate(sides):
            for element in changed[at]:
                links.add_node((at, element))
                for tensor in side.makes(element):
                    by_tensor[tensor].append((at, element))
        for at, side in enumerate(sides):
            for element in changed[at]:
                for tensor in side.reads(element):
                    if not sides[1 - at].live(tensor) and not side.given(tensor):
                        by_tensor[tensor].append((at, element))
        for first, *others in by_tensor.values():
            links.add_edges_from((first, other) for other in others)
        places = {e: i for i, e in enumerate(("node", n.id) for n in sides[0].graph)}
        parts = [
            ({e for at, e in part if at == 0}, {e for at, e in part if at == 1})
            for part in nx.connected_components(links)
        ]
        parts.sort(key=lambda part: min((places.get(e, len(places)) for e in part[0]), default=-1))
        for part in parts:
            yield cls(sides, changed, part, most)

    def paths(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Paths of the nodes of both sides that differ, those in their bodies with them."""
        found = [
            tuple(path for node in side.nodes(elements & changed) for path in _paths(side, node))
            for side, elements, changed in zip(self.sides, self.elements, self.changed, strict=True)
        ]
        return found[0], found[1]

    def close(self) -> None:
        """Take in elements until the boundary is common.

        Raises
        ------
        UncutError
            If it can't be, or not with so few elements.
        """
        while True:
            sizes = [len(elements) for elements in self.elements]
            pairs = zip(self.elements, self.changed, strict=True)
            if max(len(elements - changed) for elements, changed in pairs) > self.most:
                raise UncutError(f"it takes more than {self.most} nodes to come to tensors of both")
            for at in (0, 1):
                self._inputs(at)
            self._outputs()
            self._duplicates()
            self._onesided()
            if sizes == [len(elements) for elements in self.elements]:
                return

    def _made(self, at: int) -> set[str]:
        return {t for e in self.elements[at] for t in self.sides[at].makes(e)}

    def _read(self, at: int) -> dict[str, None]:
        """What a side of the region reads and does not make."""
        side, made = self.sides[at], self._made(at)
        read = dict.fromkeys(t for e in self.elements[at] for t in side.reads(e))
        return {t: None for t in read if t not in made}

    def _inputs(self, at: int) -> None:
        side, other = self.sides[at], self.sides[1 - at]
        there = self._made(1 - at)
        for tensor in self._read(at):
            maker = side.maker(tensor)
            if maker is not None and maker[0] == "constant":
                continue  # every cut has its constants
            if side.given(tensor):
                if maker is not None:
                    self.elements[at].add(maker)
                elif side.held(tensor) is None:
                    raise UncutError(f"'{tensor}' is made around the body and decides shapes")
                continue
            if other.live(tensor) and tensor not in there:
                if not side.drawable(tensor):
                    if maker is not None:
                        self.elements[at].add(maker)
                    elif side.outer is not None:
                        raise UncutError(f"the rank of '{tensor}' is not known")
                continue
            if maker is None:
                raise UncutError(f"'{tensor}' is an input of one of the graphs alone")
            self.elements[at].add(maker)

    def _outputs(self) -> None:
        before, after = self.sides
        made = self._made(0)
        for tensor in self._needed():
            if tensor in made:
                continue
            if not before.live(tensor):
                if tensor in after.graph.outputs:
                    raise UncutError(f"output '{tensor}' is new")
                self.elements[1].update(after.readers(tensor))
                continue
            maker = before.maker(tensor)
            if maker is None:
                raise UncutError(f"'{tensor}' is an input of the graph before alone")
            self.elements[0].add(maker)

    def _needed(self) -> list[str]:
        """What the rest of the graph after reads of the region, and what it doesn't give itself.

        A node that is the same in both graphs, and reads nothing that is not, holds by itself.
        """
        after = self.sides[1]
        elements = self.elements[1]
        pure: set[str] = set()
        needed = []
        made = self._made(1)
        for node in after.nodes(elements):
            element = "node", node.id
            if element not in self.changed[1] and all(
                t in pure or t not in made for t in after.reads(element)
            ):
                pure.update(after.makes(element))
                continue
            needed += [t for t in after.makes(element) if self._leaves(t)]
        needed += [name for kind, name in elements if kind == "constant" and self._leaves(name)]
        return needed

    def _leaves(self, tensor: str) -> bool:
        after = self.sides[1]
        return tensor in after.graph.outputs or not after.readers(tensor) <= self.elements[1]

    def _duplicates(self) -> None:
        """Let a tensor be made inside where another one inside or at the boundary is the same.

        Two inputs that are always equal must not be drawn apart.
        """
        for side, elements, at in zip(self.sides, self.elements, (0, 1), strict=True):
            read = self._read(at)
            equal: dict[Hashable, list[str]] = defaultdict(list)
            for tensor in (*read, *self._made(at)):
                equal[side.numbers.get(tensor, tensor)].append(tensor)
            for tensors in equal.values():
                makers = {side.maker(t) for t in tensors if t in read}
                if len(tensors) > 1:
                    elements.update(m for m in makers if m is not None and m[0] == "node")

    def _onesided(self) -> None:
        """Take in what makes inputs that one side alone reads, where both sides have such.

        One is computed of the other, then, or of what both are computed of.
        """
        read: list[set[str]] = []
        for at, side in enumerate(self.sides):
            own = self._read(at)
            read.append({t for e in self.elements[at] for t in side.contents(e) if t in own})
        alone = [
            {t for t in read[at] - read[1 - at] if not side.given(t)}
            for at, side in enumerate(self.sides)
        ]
        if all(alone):
            for side, elements, tensors in zip(self.sides, self.elements, alone, strict=True):
                makers = map(side.maker, tensors)
                elements.update(maker for maker in makers if maker is not None)

    def interface(self) -> tuple[list[str], list[str]]:
        """Names of the inputs and outputs that both sides have, in a stable order."""
        reads: dict[str, None] = {}
        for at, side in enumerate(self.sides):
            reads.update((t, None) for t in sorted(self._read(at)) if side.held(t) is None)
        return list(reads), list(dict.fromkeys(self._needed()))

    def grown(self) -> Spread | None:
        """With what makes its inputs and what reads its outputs; None where there is none."""
        bigger: list[set[Element]] = []
        reads, makes = self.interface()
        for at, side in enumerate(self.sides):
            more = {maker for t in reads if (maker := side.maker(t)) is not None}
            more |= {reader for t in makes for reader in side.readers(t)}
            bigger.append(self.elements[at] | more)
        if all(len(new) == len(old) for new, old in zip(bigger, self.elements, strict=True)):
            return None
        return Spread(self.sides, self.changed, (bigger[0], bigger[1]), self.most)


def _paths(side: Side, node: Node) -> Iterator[str]:
    """The path of a node and those of all nodes in its bodies."""
    yield side.graph.path(node)
    for body in side.graph.subgraphs(node).values():
        yield from (scope.path(inner) for scope, inner in body.walk())
