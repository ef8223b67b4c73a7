"""Where two graphs differ: connected regions of nodes that went and nodes that came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from ..graph import Graph, Node
from ..ledger.parts import parts
from ..rewrite.rewriting import Change

_Item = tuple[bool, str]  # whether it came, and its path


def regions(before: Graph, after: Graph) -> Iterator[tuple[str, Change]]:
    """Each region, with what happened there in a few words.

    Nodes are the same if they have the same path, operator, attributes and tensors. Nodes of one
    region touch: one makes what another reads, or they make or read the same tensor.
    """
    old, new = _nodes(before), _nodes(after)
    gone = {p: n for p, n in old.items() if p not in new or not _same(n, new[p])}
    come = {p: n for p, n in new.items() if p not in old or not _same(old[p], n)}
    constants = [_constants(g) for g in (before, after)]
    inner = set(constants[0]) | set(constants[1])
    by_tensor: dict[str, list[_Item]] = defaultdict(list)
    for is_new, nodes in ((False, gone), (True, come)):
        for path, node in nodes.items():
            for tensor in {*node.inputs, *node.outputs} - {""} - inner:
                by_tensor[tensor].append((is_new, path))
    items = [*((False, p) for p in gone), *((True, p) for p in come)]
    for members in parts(items, _links(by_tensor.values(), gone, come)):
        removed, added = (
            tuple(p for is_new, p in members if is_new == side) for side in (False, True)
        )
        reads = {t for p in removed for t in gone[p].inputs} & constants[0]
        makes = {t for p in added for t in come[p].inputs} & constants[1]
        change = Change(
            removed,
            added,
            tuple(sorted(reads - makes)),
            tuple(sorted(makes - reads)),
            {p: p for p in added if p in gone and _alike(gone[p], come[p], inner)},
        )
        yield _words(map(gone.__getitem__, removed), map(come.__getitem__, added)), change


def _nodes(graph: Graph) -> dict[str, Node]:
    return {scope.path(node): node for scope, node in graph.walk()}


def _constants(graph: Graph) -> set[str]:
    return {
        name
        for scope in {id(s): s for s, _ in graph.walk()}.values()
        for name in scope.initializers
    }


def _same(a: Node, b: Node) -> bool:
    return (a.inputs, a.outputs) == (b.inputs, b.outputs) and _one_operator(a, b)


def _alike(a: Node, b: Node, constants: set[str]) -> bool:
    """Whether two nodes are the same but for the names of tensors that are computed."""
    read = [[t if t in constants else bool(t) for t in node.inputs] for node in (a, b)]
    return read[0] == read[1] and len(a.outputs) == len(b.outputs) and _one_operator(a, b)


def _one_operator(a: Node, b: Node) -> bool:
    """Whether two nodes have the same operator and attributes, bodies apart."""
    return (
        (a.op_type, a.domain) == (b.op_type, b.domain)
        and a.attributes.keys() == b.attributes.keys()
        and all(v.HasField("g") or v == b.attributes[k] for k, v in a.attributes.items())
    )


def _links(
    by_tensor: Iterable[Sequence[_Item]], gone: Iterable[str], come: Collection[str]
) -> Iterator[tuple[_Item, _Item]]:
    for first, *others in by_tensor:
        yield from ((first, other) for other in others)
    yield from (((False, path), (True, path)) for path in gone if path in come)


def _words(removed: Iterable[Node], added: Iterable[Node]) -> str:
    old, new = (Counter(n.op_type for n in nodes) for nodes in (removed, added))
    less, more = old - new, new - old
    if not less and not more:
        return f"{_listed(old) or 'nodes'} read other tensors"
    return (
        f"{_listed(less) or 'nothing'} became {_listed(more)}"
        if more
        else f"{_listed(less)} removed"
    )


def _listed(types: Counter[str]) -> str:
    return ", ".join(f"{n} {t}" if n > 1 else t for t, n in types.most_common())
