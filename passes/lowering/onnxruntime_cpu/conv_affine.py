"""Add, Mul and BatchNormalization behind a convolution go into its weights.

Runtime's condition, basic level: W (and B, if there is one) are constants of one real type, and
only the next node reads the convolution, which is no output of the graph. An Add or Mul has the
constant as its SECOND operand: of the rank of W with the channels on axis 1, or one less with
them first, all other dims 1; a Mul may also be by a scalar without dims. BatchNormalization has
four constant vectors and no further outputs. Conv of version 22 since 1.26; ConvTranspose with
BatchNormalization since 1.31.

    before  Conv(x, w) -> BatchNormalization(s, b, m, v)
    after   Conv(x, w', b')
"""

from __future__ import annotations

from ..mends import reshape_constant, swap_inputs
from ..near import an, called
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Constant, Work
from .conditions import is_real, overridden, stands_apart

_CONV_22 = (1, 26)
_TWINS = {"Add": "Sub", "Mul": "Div"}  # what does the same with another constant
_RULES = {"Add": "ConvAddFusion", "Mul": "ConvMulFusion"}
_NORM, _VERSIONS = "ConvBNFusion", (7, 9, 14, 15)


def _conv(work: Work, node: WorkNode, rule: str, behind: WorkNode) -> tuple[Constant, int] | None:
    """The weights and output channels of a Conv that takes folds."""
    if not work.is_op(node, "Conv"):
        return None
    if work.since(node) == 22 and work.target.version < _CONV_22:
        return None
    weights = work.constant(node.inputs[1])
    if weights is None:
        overridden(work, rule, (node, behind), node.inputs[1])
        return None
    if len(weights.shape) < 3 or not is_real(work, node.inputs[1]):
        return None
    if node.has_input(2):
        bias = work.constant(node.inputs[2])
        if bias is None or bias.dtype != weights.dtype:
            overridden(work, rule, (node, behind), node.inputs[2])
            return None
    return weights, weights.shape[0]


def _per_channel(weights: Constant, constant: Constant) -> bool:
    """Whether a constant has one value an output channel, and dims as a convolution's output."""
    rank, shape = len(weights.shape), constant.shape
    if constant.dtype != weights.dtype or len(shape) not in (rank, rank - 1):
        return False
    axis = 1 if len(shape) == rank else 0
    return shape[axis] == weights.shape[0] and all(d == 1 for i, d in enumerate(shape) if i != axis)


def _weights(work: Work, node: WorkNode, weights: Constant, hint: str) -> None:
    name = work.store(f"{hint}_W_{node.inputs[1]}", weights.dtype, weights.shape)
    work.set_input(node, 1, name)


def _bias(work: Work, node: WorkNode, dtype: int, channels: int, hint: str) -> None:
    work.set_input(node, 2, work.store(hint, dtype, (channels,)))


def _behind(work: Work, node: WorkNode, op: str) -> WorkNode | None:
    """The Add or Mul of a constant that alone reads a Conv."""
    found = work.next(node, op)
    if found is not None:
        return found if work.is_op(found, op, 7, 13, 14) else None
    for reader in work.readers(node.output):
        if reader.op not in (op, _TWINS[op]) or reader.domain or len(reader.inputs) != 2:
            continue
        if work.constant(reader.inputs[reader.inputs[0] == node.output]) is None:
            continue
        if not work.single(node):
            if reader.op == op and stands_apart(work, _RULES[op], node, reader):
                return _behind(work, node, op)
        elif reader.inputs[0] == node.output and _twin(work, node, reader, op):
            return reader
    return None


def _twin(work: Work, node: WorkNode, behind: WorkNode, op: str) -> bool:
    """Tell of a Sub where an Add would do, or of a Div where a Mul would."""
    weights, constant = work.constant(node.inputs[1]), work.constant(behind.inputs[1])
    if weights is None or constant is None or len(weights.shape) < 3:
        return False
    if not _per_channel(weights, constant) and (constant.size != 1 or op == "Add"):
        return False
    inverse = "negative" if op == "Add" else "reciprocal"

    def mend() -> None:
        work.set_op(behind, op)
        if constant.shape != () and constant.size == 1:
            reshape_constant(work, behind, 1, ())

    return work.decline(
        _RULES[op],
        (node, behind),
        f"{called(behind)} is {an(behind.op)}, and the runtime takes {an(op)} alone",
        f"write {called(behind)} as {an(op)} of the {inverse} of '{behind.inputs[1]}'",
        mend,
        kind=f"{an(behind.op)} of a constant stands where {an(op)} would be taken",
    )


def _constant(work: Work, node: WorkNode, behind: WorkNode, weights: Constant) -> bool:
    """Whether the second operand is one that goes into a Conv; tells why not."""
    constant, nodes = work.constant(behind.inputs[1]), (node, behind)
    rule, scalar = _RULES[behind.op], behind.op == "Mul"
    if constant is None:
        first = work.constant(behind.inputs[0])
        if first is None or not (first.size == 1 or _per_channel(weights, first)):
            return overridden(work, rule, nodes, behind.inputs[1])
        return work.decline(
            rule,
            nodes,
            f"the constant '{behind.inputs[0]}' is the first operand of {called(behind)}",
            f"make '{behind.inputs[0]}' the second operand of {called(behind)}",
            lambda: swap_inputs(work, behind),
            kind="the constant is the first operand",
        ) and _constant(work, node, behind, weights)
    if work.input_edges(behind) != 1:
        return False
    if (scalar and constant.shape == ()) or _per_channel(weights, constant):
        return True
    if constant.dtype != weights.dtype or constant.size != 1:
        return False
    rank, channels = len(weights.shape), weights.shape[0]
    shape = () if scalar else (1, channels, *(1,) * (rank - 2))
    text = "without dims" if scalar else f"as {list(shape)}"
    return work.decline(
        rule,
        nodes,
        f"the constant '{behind.inputs[1]}' of {called(behind)} is of shape {list(constant.shape)}",
        f"write '{behind.inputs[1]}' {text}",
        lambda: reshape_constant(work, behind, 1, shape),
        kind="the constant has one element, and not the shape that the runtime takes",
    )


def _add(work: Work, node: WorkNode) -> bool:
    add = _behind(work, node, "Add")
    found = None if add is None else _conv(work, node, "ConvAddFusion", add)
    if add is None or found is None or not _constant(work, node, add, found[0]):
        return False
    weights, channels = found
    bias = add.inputs[1]
    work.absorb(node, add)
    _bias(work, node, weights.dtype, channels, f"ConvAddFusion_B_{bias}")
    return True


def _mul(work: Work, node: WorkNode) -> bool:
    mul = _behind(work, node, "Mul")
    found = None if mul is None else _conv(work, node, "ConvMulFusion", mul)
    if mul is None or found is None or not _constant(work, node, mul, found[0]):
        return False
    weights, channels = found
    work.absorb(node, mul)
    _weights(work, node, weights, "ConvMulFusion")
    if node.has_input(2):
        _bias(work, node, weights.dtype, channels, f"ConvMulFusion_Mul_B_{node.inputs[2]}")
    return True


def batch_norm_behind(work: Work, node: WorkNode, rule: str = "") -> WorkNode | None:
    """The BatchNormalization of constants that alone reads a node; tells of a rule why not."""
    norm = work.next(node, "BatchNormalization")
    if norm is None:
        norms = [r for r in work.readers(node.output) if r.op == "BatchNormalization"]
        if not rule or not norms or not stands_apart(work, rule, node, norms[0]):
            return None
        norm = norms[0]
    if not work.is_op(norm, "BatchNormalization", *_VERSIONS) or norm.int("training_mode", 0):
        return None
    vectors = [work.constant(t) for t in norm.inputs[1:]]
    if len(vectors) != 4 or any(v is None or len(v.shape) != 1 for v in vectors):
        for tensor in norm.inputs[1:] if rule else ():
            overridden(work, rule, (node, norm), tensor)
        return None
    return None if any(norm.outputs[1:]) else norm


def _norm(work: Work, node: WorkNode) -> bool:
    norm = None if node.domain else batch_norm_behind(work, node, _NORM)
    found = None if norm is None else _conv(work, node, _NORM, norm)
    if found is None or norm is None or work.dtype(norm.inputs[1]) != found[0].dtype:
        return False
    weights, channels = found
    work.absorb(node, norm)
    _weights(work, node, weights, "ConvBnFusion")
    _bias(work, node, weights.dtype, channels, f"ConvBnFusion_BN_B_{norm.inputs[2]}")
    return True


def _transposed(work: Work, node: WorkNode) -> bool:
    norm = None if node.domain else batch_norm_behind(work, node, _NORM)
    weights = work.constant(node.inputs[1])
    if norm is None:
        return False
    if weights is None or not is_real(work, node.inputs[1]):
        return overridden(work, _NORM, (node, norm), node.inputs[1])
    if node.has_input(2) and work.constant(node.inputs[2]) is None:
        return overridden(work, _NORM, (node, norm), node.inputs[2])
    channels = weights.shape[1] * node.int("group", 1)
    work.absorb(node, norm)
    _weights(work, node, weights, "ConvBnFusion")
    _bias(work, node, weights.dtype, channels, f"ConvBnFusion_BN_B_{norm.inputs[2]}")
    return True


ADD = LoweringRule("ConvAddFusion", ("Conv",), _add)
MUL = LoweringRule("ConvMulFusion", ("Conv",), _mul)
NORM = LoweringRule("ConvBNFusion", ("Conv",), _norm)
NORM_TRANSPOSED = LoweringRule("ConvBNFusion", ("ConvTranspose",), _transposed, since=(1, 31))
