"""The random nodes of a graph that matter: what they draw, and which outputs depend on it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

from ...graph import Graph, Node, dtypes
from ...graph.shapes import Shapes

# What each operator draws; all but "normal" are made of uniform noise.
FAMILIES = {
    ("", "RandomNormal"): "normal",
    ("", "RandomNormalLike"): "normal",
    ("", "RandomUniform"): "uniform",
    ("", "RandomUniformLike"): "uniform",
    ("", "Bernoulli"): "bernoulli",
    ("", "Multinomial"): "multinomial",
    ("", "Dropout"): "dropout",
    ("com.microsoft", "BiasDropout"): "dropout",
    ("com.microsoft", "BitmaskDropout"): "dropout",
    ("com.microsoft", "BitmaskBiasDropout"): "dropout",
    ("com.microsoft", "Sampling"): "sampling",
}
_DEFAULTS = {"mean": 0.0, "scale": 1.0, "low": 0.0, "high": 1.0, "sample_size": 1}


@dataclass(frozen=True, eq=False)
class Draw:
    """A random node that an output depends on.

    Parameters
    ----------
    scope, node
        The node, and the graph or body that it is in.
    family
        What it draws, whichever operator does: ``normal``, ``bernoulli``, ``dropout``, ...
    signature
        Equal for nodes that draw of the same distribution: the family, the attributes and the
        type of what it makes.
    seeded
        It has a seed of its own: nodes of equal signature then draw the same.
    above, below
        Names of the tensors that it depends on, and of those that depend on it.
    reaches
        The outputs of the model among the latter.
    """

    scope: Graph
    node: Node
    family: str
    signature: Hashable
    seeded: bool
    above: frozenset[str]
    below: frozenset[str]
    reaches: tuple[str, ...]

    @property
    def path(self) -> str:
        """The node's path."""
        return self.scope.path(self.node)

    @property
    def text(self) -> str:
        """The node and its operator, as a message names it."""
        return f"'{self.path}' ({self.node.qualified_type})"


class Scopes:
    """The graphs of a model, with what is proven of their tensors and who owns each body."""

    def __init__(self, root: Shapes) -> None:
        self.root = root.graph
        self._shapes: dict[int, Shapes] = {}
        self.owners: dict[int, tuple[Graph, Node, str]] = {}
        todo = [root]
        for shapes in todo:  # it grows
            self._shapes[id(shapes.graph)] = shapes
            for (owner, name), body in shapes.bodies.items():
                if name != "function":
                    self.owners[id(body.graph)] = shapes.graph, shapes.graph.node(owner), name
                    todo.append(body)

    def value(self, scope: Graph, name: str) -> float | None:
        """The one element of a tensor, where it is the same in every run."""
        info = self._shapes[id(scope)].get(name) if name else None
        value = None if info is None else info.value
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None

    def dtype(self, scope: Graph, name: str) -> int:
        """The type of a tensor's elements; UNDEFINED where it is not known."""
        info = self._shapes[id(scope)].get(name)
        return dtypes.UNDEFINED if info is None else info.dtype

    def runs(self, scope: Graph, node: Node, name: str) -> bool:
        """Whether one of a node's bodies may run."""
        first = self.value(scope, node.inputs[0]) if node.inputs else None
        if first is None or node.domain:
            return True
        if node.op_type == "If":
            return (name == "then_branch") == bool(first)
        return node.op_type != "Loop" or first > 0

    def below(self, scope: Graph, node: Node) -> set[tuple[int, str]]:
        """The tensors that depend on a node, each with the graph that it is in."""
        found: set[tuple[int, str]] = set()
        todo = [(scope, name) for name in node.outputs if name]
        while todo:
            graph, name = todo.pop()
            if (id(graph), name) in found:
                continue
            found.add((id(graph), name))
            for reader, key in graph.consumers(name):
                if not isinstance(key, str):
                    todo += [(graph, made) for made in reader.outputs if made]
                    continue
                bodies = graph.subgraphs(reader).items()
                todo += [(body, name) for at, body in bodies if self.runs(graph, reader, at)]
            if name in graph.outputs and id(graph) in self.owners:
                todo += self._outside(graph, name)
        return found

    def _outside(self, body: Graph, name: str) -> list[tuple[Graph, str]]:
        """What the owner of a body makes of one of the body's outputs."""
        scope, owner, at = self.owners[id(body)]
        if not self.runs(scope, owner, at):
            return []
        made: list[str] = []
        for index, output in enumerate(body.outputs):
            if output == name:
                made += _made_of(owner, index)
        return [(scope, output) for output in made if output]

    def above(self, scope: Graph, node: Node) -> frozenset[str]:
        """Names of the tensors that a node depends on."""
        found: set[str] = set()
        todo = [(scope, name) for name in node.inputs if name]
        while todo:
            graph, name = todo.pop()
            if name in found:
                continue
            found.add(name)
            home: Graph | None = graph
            while home is not None and (maker := home.producer(name)) is None:
                home = home.parent
            if home is not None and maker is not None:
                todo += [(home, t) for t in (*maker.inputs, *home.captures(maker)) if t]
        return frozenset(found)


def _made_of(owner: Node, index: int) -> tuple[str, ...]:
    """Outputs of a node that depend on an output of its body."""
    if owner.op_type == "If":
        return owner.outputs[index : index + 1]
    if owner.op_type == "Loop" and index > len(owner.inputs) - 2:
        return owner.outputs[index - 1 : index]
    if owner.op_type == "Scan" and index >= len(owner.inputs) - owner.int("num_scan_inputs", 1):
        return owner.outputs[index : index + 1]
    return owner.outputs  # what is carried on may reach all of them


def draws(scopes: Scopes) -> list[Draw]:
    """The random nodes that an output depends on, in the order of the graph."""
    found = []
    root = id(scopes.root)
    for scope, node in _nodes(scopes.root, scopes):
        family = FAMILIES.get((node.domain, node.op_type))
        if family is None or (family == "dropout" and not _drops(scopes, scope, node)):
            continue
        tensors = scopes.below(scope, node)
        reaches = tuple(name for name in scopes.root.outputs if (root, name) in tensors)
        if reaches:
            seed = node.attributes.get("seed")
            found.append(
                Draw(
                    scope,
                    node,
                    family,
                    (family, *_parameters(scopes, scope, node, family).items()),
                    seed is not None,
                    scopes.above(scope, node),
                    frozenset(name for _, name in tensors),
                    reaches,
                )
            )
    return found


def _nodes(graph: Graph, scopes: Scopes) -> Iterator[tuple[Graph, Node]]:
    for node in graph:
        yield graph, node
        for name, body in graph.subgraphs(node).items():
            if scopes.runs(graph, node, name):
                yield from _nodes(body, scopes)


def _parameters(scopes: Scopes, scope: Graph, node: Node, family: str) -> Mapping[str, Hashable]:
    """What its distribution depends on: attributes with their defaults, and the type."""
    names = {"normal": ("mean", "scale"), "uniform": ("low", "high")}.get(family, ())
    found: dict[str, Hashable] = {name: node.float(name, _DEFAULTS[name]) for name in names}
    if family == "multinomial":
        found["sample_size"] = node.int("sample_size", 1)
    seed = node.attributes.get("seed")
    if seed is not None:
        found["seed"] = (seed.f, seed.i)
    if family != "dropout":
        found["dtype"] = drawn_type(scopes, scope, node)
    return found


def drawn_type(scopes: Scopes, scope: Graph, node: Node) -> int:
    """The type of what a random node makes; UNDEFINED where it is not known."""
    if "dtype" in node.attributes:
        return node.int("dtype", 0)
    if not node.inputs:
        return dtypes.FLOAT
    if node.op_type == "Multinomial":
        return dtypes.INT32
    return scopes.dtype(scope, node.inputs[0])


def dropout_inputs(node: Node) -> tuple[str, str]:
    """Names of a dropout's ratio and training mode; "" for what it takes from an attribute."""
    first = 3 if "Bias" in node.op_type else 1
    ratio, mode, *_ = (*node.inputs[first:], "", "")
    return ratio, mode


def _drops(scopes: Scopes, scope: Graph, node: Node) -> bool:
    """Whether a dropout is, or may be, in training mode and drops anything then."""
    if not node.domain and scope.opset.get("", 1) < 12:
        trains = scope.opset.get("", 1) < 7 and not node.int("is_test", 0)
        return trains and node.float("ratio", 0.5) != 0
    ratio, mode = dropout_inputs(node)
    return bool(mode) and scopes.value(scope, mode) != 0 and scopes.value(scope, ratio) != 0
