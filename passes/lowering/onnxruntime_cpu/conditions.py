"""Conditions that many of onnxruntime's rules share."""

from __future__ import annotations

from collections.abc import Iterable

from ....graph.dtypes import BFLOAT16, DOUBLE, FLOAT, FLOAT16
from ..mends import copy_for, off_outputs
from ..near import OPEN_SIZES, OVERRIDABLE, an, called, listed
from ..node import WorkNode
from ..work import Dim, Work, cover

MS = "com.microsoft"
NCHWC = "com.microsoft.nchwc"
QDQ_DOMAINS = ("", MS)


# Whose readers do no more than before when it goes: what it makes is what it reads.
_PASS_ON = frozenset({"Identity", "Dropout"})


def removable(work: Work, node: WorkNode) -> bool:
    """Whether the runtime can take a node out and let its readers read its input.

    It makes no output of the graph, no more than one of its outputs is read, and it has exactly one
    input that a node makes, or one input at all.
    """
    used = sum(1 for o in node.outputs if work.readers(o))
    if used > 1 or work.gives_output(node):
        return False
    return work.input_edges(node) == 1 or len(node.inputs) == 1


def take_out(work: Work, node: WorkNode) -> bool:
    """Take out a node that is removable: its readers read what it reads."""
    source = next((t for t in node.inputs if work.maker(t) is not None), node.inputs[0])
    output = next((o for o in node.outputs if work.readers(o)), node.outputs[0])
    if node.op not in _PASS_ON:
        work.root.left_out.setdefault(source, []).extend(node.covers)
        if node.op in ("Mul", "Div"):
            work.root.factors.update(node.covers)
        hand_on(work, node, work.readers(output))
    work.drop(node, "cse")
    work.rewire(output, source)
    return True


def hand_on(work: Work, node: WorkNode, nodes: Iterable[WorkNode]) -> None:
    """Let others stand for a node that goes: those that do with another input what it changed."""
    if not node.glue:
        for heir in nodes:
            if not heir.glue:
                cover(heir, node)


def assigned(work: Work, node: WorkNode) -> bool:
    """Whether the provider has a kernel for a node by then, so that later rules look at it."""
    from .kernels import widened  # noqa: PLC0415 - the table stands apart

    return not widened(work, node)


def is_float32(work: Work, tensor: str) -> bool:
    """Whether a tensor is of single precision."""
    return work.dtype(tensor) == FLOAT


def is_real(work: Work, tensor: str) -> bool:
    """Whether a tensor is of a type that folds into weights are made in."""
    return work.dtype(tensor) in (FLOAT, FLOAT16, DOUBLE)


def half(dtype: int) -> bool:
    """Whether it is a type of 16 bits."""
    return dtype in (FLOAT16, BFLOAT16)


def same_dim(first: Dim, second: Dim) -> bool:
    """Whether two dims are known to be equal: by size or by symbol."""
    return first is not None and first == second


def same_dims(work: Work, first: str, second: str) -> bool:
    """Whether two tensors are known to have equal dims."""
    one, two = work.dims(first), work.dims(second)
    if one is None or two is None or len(one) != len(two):
        return False
    return all(same_dim(a, b) for a, b in zip(one, two, strict=True))


def near(value: float | None, wanted: float, tolerance: float = 1e-5) -> bool:
    """Whether a known number is about another."""
    return value is not None and abs(value - wanted) <= tolerance * max(abs(wanted), 1)


def holds(work: Work, tensor: str, wanted: float) -> bool:
    """Whether a constant of no more than one dim is about a number, as exactly as its type is."""
    return (work.rank(tensor) or 0) <= 1 and near(
        work.number(tensor), wanted, 1e-3 if half(work.dtype(tensor)) else 1e-5
    )


def other(node: WorkNode, tensor: str) -> str | None:
    """The other input of a node with two; None if both are the tensor or neither is."""
    if len(node.inputs) != 2 or node.inputs[0] == node.inputs[1]:
        return None
    if node.inputs[0] == tensor:
        return node.inputs[1]
    return node.inputs[0] if node.inputs[1] == tensor else None


def constant_side(work: Work, node: WorkNode) -> tuple[str, str] | None:
    """The variable and the constant input of a node with two inputs, in this order."""
    if len(node.inputs) != 2:
        return None
    first, second = node.inputs
    if work.constant(second) is not None:
        return None if work.constant(first) is not None else (first, second)
    return (second, first) if work.constant(first) is not None else None


def stands_apart(work: Work, rule: str, node: WorkNode, behind: WorkNode) -> bool:
    """Tell why a reader of a node is not all that reads it; whether that was mended."""
    readers = [r for r in work.readers(node.output) if r is not behind]
    if any(r.op == "Mul" and behind.output in r.inputs for r in readers):
        return False  # a gate: both are needed where they meet
    if work.gives_output(node):
        mended = work.decline(
            rule,
            (node, behind),
            f"what {called(node)} makes, '{node.output}', is an output of the graph",
            f"take '{node.output}' off the graph's outputs",
            lambda: off_outputs(work, node),
            kind=f"what the {node.op} makes is an output of the graph",
        )
    else:
        mended = bool(readers) and work.decline(
            rule,
            (node, behind),
            f"{called(node)} is read by {listed(readers)} too",
            f"give {called(behind)} {an(node.op)} of its own",
            lambda: copy_for(work, node, behind),
            kind=f"the {node.op} is read elsewhere too",
        )
    return mended and work.single(node)


def overridden(work: Work, rule: str, nodes: Iterable[WorkNode], tensor: str) -> bool:
    """Tell of a constant that is none to the runtime; answers False."""
    scope: Work | None = work
    while scope is not None and tensor not in scope.overridable:
        scope = scope.parent
    if scope is not None:
        work.decline(
            rule,
            nodes,
            f"the initializer '{tensor}' can be overridden, being an input of the graph too",
            f"take '{tensor}' off the graph's inputs",
            kind=OVERRIDABLE,
        )
    return False


def may_equal(work: Work, first: str, second: str) -> bool:
    """Whether two tensors may well have equal dims: one of 1 beside an open one is broadcast."""
    one, two = work.dims(first), work.dims(second)
    if one is None or two is None or len(one) != len(two):
        return False
    pairs = zip(one, two, strict=True)
    return not any(a != b and (1 in (a, b) or type(a) is type(b) is int) for a, b in pairs)


def open_sizes(work: Work, rule: str, nodes: Iterable[WorkNode], reason: str) -> bool:
    """Tell of what is only true of known sizes; answers False."""
    work.decline(rule, nodes, reason, "fix the sizes of the model's inputs", kind=OPEN_SIZES)
    return False
