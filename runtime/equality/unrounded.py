"""Which outputs no operation rounds: what they choose, of numbers as they are fed, is exact."""

from __future__ import annotations

from ...graph import Graph, Node, dtypes

# They move numbers, choose among them, compare them or make whole ones of them. TopK and Unique
# are left out: what they do with equals is compared as a set for a reason.
_EXACT = frozenset(
    (
        "Abs",
        "And",
        "ArgMax",
        "ArgMin",
        "Ceil",
        "Clip",
        "Compress",
        "Concat",
        "Constant",
        "ConstantOfShape",
        "DepthToSpace",
        "Equal",
        "Expand",
        "Flatten",
        "Floor",
        "Gather",
        "GatherElements",
        "GatherND",
        "Greater",
        "GreaterOrEqual",
        "Identity",
        "IsInf",
        "IsNaN",
        "Less",
        "LessOrEqual",
        "Max",
        "MaxPool",
        "Min",
        "Neg",
        "NonZero",
        "Not",
        "OneHot",
        "Or",
        "Pad",
        "ReduceMax",
        "ReduceMin",
        "Relu",
        "Reshape",
        "Round",
        "Shape",
        "Sign",
        "Size",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "ThresholdedRelu",
        "Tile",
        "Transpose",
        "Trilu",
        "Unsqueeze",
        "Where",
        "Xor",
    )
)
_WIDE = frozenset({dtypes.FLOAT, dtypes.DOUBLE})  # a cast to these seldom rounds


def unrounded(graph: Graph) -> frozenset[str]:
    """The outputs of a graph that follow from its inputs without rounding.

    Shaking the inputs moves values off a tie or across a limit there. That shows nothing that a
    right rewrite may do: it meets the very same numbers.
    """
    exact = {*graph.inputs, *graph.initializers}
    for node in graph:
        if _is_exact(node) and all(name in exact for name in node.inputs if name):
            exact.update(name for name in node.outputs if name)
    return frozenset(name for name in graph.outputs if name in exact)


def _is_exact(node: Node) -> bool:
    if node.domain:
        return False
    if node.op_type == "Cast":
        to = node.int("to", 0)
        return to in _WIDE or not dtypes.is_float(to)
    return node.op_type in _EXACT
