"""What no operation rounds: what is chosen among numbers as they are fed is exact.

Shaking such numbers moves them off a tie or across a limit. That shows nothing that a right
rewrite may do: it meets the very same numbers. So a comparison, a Round or an ArgMax which reads
numbers that nothing has rounded yet reads them as they are fed, while arithmetic reads the shaken
ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from ...graph import Graph, dtypes

# They answer something else on the other side of a limit, or of a tie. TopK and Unique are left
# out: what they do with equals is compared as a set for a reason.
_JUMPING = frozenset(
    {
        "ArgMax",
        "ArgMin",
        "Ceil",
        "Equal",
        "Floor",
        "Greater",
        "GreaterOrEqual",
        "Hardmax",
        "IsInf",
        "IsNaN",
    }
    | {"Less", "LessOrEqual", "NonZero", "Round", "Sign", "ThresholdedRelu"}
)
# They move numbers or choose among them.
_EXACT = _JUMPING | frozenset(
    {"Abs", "And", "Clip", "Compress", "Concat", "Constant", "ConstantOfShape", "DepthToSpace"}
    | {"Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity", "Max", "MaxPool"}
    | {"Min", "Neg", "Not", "OneHot", "Or", "Pad", "ReduceMax", "ReduceMin", "Relu", "Reshape"}
    | {"Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Trilu", "Unsqueeze"}
    | {"Where", "Xor"}
)
# Of ai.onnx.ml: a tree goes left or right at each of its thresholds.
_TREES = frozenset({"Binarizer", "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"})
_SHAPES = frozenset({"Shape", "Size"})  # exact whatever they read
_WIDE = frozenset({dtypes.FLOAT, dtypes.DOUBLE})  # a cast to these seldom rounds


def unrounded(graph: Graph) -> frozenset[str]:
    """The outputs of a graph that follow from its inputs without rounding."""
    exact = {*graph.inputs, *graph.initializers}
    for node in graph:
        known = node.op_type in _SHAPES or all(name in exact for name in node.inputs if name)
        if known and _is_exact(node.domain, node.op_type, node.int("to", 0)):
            exact.update(name for name in node.outputs if name)
    return frozenset(name for name in graph.outputs if name in exact)


def _is_exact(domain: str, op_type: str, to: int) -> bool:
    if domain:
        return domain == "ai.onnx.ml" and op_type in _TREES
    if op_type == "Cast":
        return to in _WIDE or not dtypes.is_float(to)
    return op_type in _EXACT or op_type in _SHAPES


def pin(model: ModelProto) -> Mapping[str, str]:
    """Let what jumps read second copies of the numbers that it is fed, which are not to be shaken.

    ``c = Greater (x, t)  e = Exp (x)  y = Where (c, e, x)`` becomes
    ``c = Greater (x', t')  e = Exp (x)  y = Where (c, e, x)``.

    Parameters
    ----------
    model
        Is changed in place: it gets further inputs and initializers.

    Returns
    -------
    dict
        The name of each tensor of the main graph and of its bodies that got a copy, and the
        copy's: the inputs among them have to be fed twice.
    """
    pinning = _Pinning(model)
    pinning.scope(model.graph)
    return pinning.copies


class _Pinning:
    def __init__(self, model: ModelProto) -> None:
        self.copies: dict[str, str] = {}
        self._suffix = "/as fed"
        names = set(_names(model.graph))
        while any(name.endswith(self._suffix) for name in names):
            self._suffix += "'"

    def scope(self, graph: GraphProto, outer: Mapping[str, bool] | None = None) -> set[str]:
        """Pin a graph, or a body, and return what it wants copies of from outside.

        Of a body, ``outer`` has what is exact outside, and whether shaking changes it.
        """
        exact = _exact(graph, outer)
        wanted: set[str] = set()
        for node in graph.node:
            for body in _bodies(node):
                wanted |= self.scope(body, exact)
        for at in range(len(graph.node) - 1, -1, -1):
            node = graph.node[at]
            if not _is_known(node, exact):
                continue
            if _jumps(node):
                wanted |= self._read_copies(node, exact)
            elif not wanted.isdisjoint(node.output):
                twin = NodeProto()
                twin.CopyFrom(node)
                twin.name += self._suffix
                twin.output[:] = [self._copy(name) if name else "" for name in node.output]
                wanted |= self._read_copies(twin, exact)
                graph.node.insert(at, twin)
        for tensor in [one for one in graph.initializer if one.name in wanted]:
            graph.initializer.add().CopyFrom(tensor)
            graph.initializer[-1].name = self._copy(tensor.name)
        for value in [one for one in graph.input if one.name in wanted]:
            graph.input.add().CopyFrom(value)
            graph.input[-1].name = self._copy(value.name)
        return wanted.difference(_names(graph, bodies=False))

    def _read_copies(self, node: NodeProto, exact: Mapping[str, bool]) -> set[str]:
        """Let a node read copies of what shaking changes, and return what that is."""
        moved = {name for name in node.input if exact.get(name)}
        node.input[:] = [self._copy(name) if name in moved else name for name in node.input]
        return moved

    def _copy(self, name: str) -> str:
        return self.copies.setdefault(name, name + self._suffix)


def _exact(graph: GraphProto, outer: Mapping[str, bool] | None) -> dict[str, bool]:
    """What is exact in a graph or body, and whether shaking changes it.

    Weights in a file of their own are left out, as a copy would be shaken too.
    """
    own = {*_names(graph, bodies=False)}
    exact = {name: moves for name, moves in (outer or {}).items() if name not in own}
    if outer is None:  # the inputs of a body come from anywhere
        exact |= {i.name: dtypes.is_float(i.type.tensor_type.elem_type) for i in graph.input}
    exact |= {
        tensor.name: dtypes.is_float(tensor.data_type)
        for tensor in graph.initializer
        if tensor.data_location != TensorProto.EXTERNAL
    }
    for node in graph.node:
        if _is_known(node, exact):
            moves = any(exact.get(name) for name in node.input) or node.op_type == "Constant"
            if node.op_type in _SHAPES or _jumps(node):
                moves = False
            exact |= {name: moves for name in node.output if name}
    return exact


def _is_known(node: NodeProto, exact: Mapping[str, bool]) -> bool:
    """Whether a node's outputs are exact."""
    if not _is_exact(node.domain, node.op_type, _to(node)):
        return False
    return node.op_type in _SHAPES or all(name in exact for name in node.input if name)


def _to(node: NodeProto) -> int:
    return next((a.i for a in node.attribute if a.name == "to"), 0)


def _jumps(node: NodeProto) -> bool:
    if node.op_type == "Cast":
        return not dtypes.is_float(_to(node))
    return node.op_type in _JUMPING | _TREES


def _bodies(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _names(graph: GraphProto, *, bodies: bool = True) -> Iterator[str]:
    """The tensors of a graph; those of its bodies too, or not."""
    yield from (value.name for values in (graph.input, graph.initializer) for value in values)
    for node in graph.node:
        yield from node.output
        for body in _bodies(node) if bodies else ():
            yield from _names(body)
