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

from ..node import WorkNode
from ..rule import Rule
from ..work import Constant, Work
from .conditions import is_real

_CONV_22 = (1, 26)


def _conv(work: Work, node: WorkNode) -> tuple[Constant, int] | None:
    """The weights and output channels of a Conv that takes folds."""
    if not work.is_op(node, "Conv"):
        return None
    if work.since(node) == 22 and work.target.version < _CONV_22:
        return None
    weights = work.constant(node.inputs[1])
    if weights is None or len(weights.shape) < 3 or not is_real(work, node.inputs[1]):
        return None
    if node.has_input(2):
        bias = work.constant(node.inputs[2])
        if bias is None or bias.dtype != weights.dtype:
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


def _add(work: Work, node: WorkNode) -> bool:
    found, add = _conv(work, node), work.next(node, "Add")
    if found is None or add is None or not work.is_op(add, "Add", 7, 13, 14):
        return False
    weights, channels = found
    constant = work.constant(add.inputs[1])
    if constant is None or work.input_edges(add) != 1 or not _per_channel(weights, constant):
        if constant is None and work.constant(add.inputs[0]) is not None:
            work.decline("ConvAddFusion", (node, add), "the constant is the first operand")
        return False
    work.absorb(node, add)
    _bias(work, node, weights.dtype, channels, f"ConvAddFusion_B_{add.inputs[1]}")
    return True


def _mul(work: Work, node: WorkNode) -> bool:
    found, mul = _conv(work, node), work.next(node, "Mul")
    if found is None or mul is None or not work.is_op(mul, "Mul", 7, 13, 14):
        return False
    weights, channels = found
    constant = work.constant(mul.inputs[1])
    if constant is None or work.input_edges(mul) != 1:
        if work.constant(mul.inputs[0]) is not None:
            work.decline("ConvMulFusion", (node, mul), "the constant is the first operand")
        return False
    if constant.shape != () and not _per_channel(weights, constant):
        return False
    work.absorb(node, mul)
    _weights(work, node, weights, "ConvMulFusion")
    if node.has_input(2):
        _bias(work, node, weights.dtype, channels, f"ConvMulFusion_Mul_B_{node.inputs[2]}")
    return True


def batch_norm_behind(work: Work, node: WorkNode) -> WorkNode | None:
    """The BatchNormalization of constants that alone reads a node."""
    norm = work.next(node, "BatchNormalization")
    if norm is None or not work.is_op(norm, "BatchNormalization", 7, 9, 14, 15):
        return None
    vectors = [work.constant(t) for t in norm.inputs[1:]]
    if len(vectors) != 4 or any(v is None or len(v.shape) != 1 for v in vectors):
        return None
    return None if any(norm.outputs[1:]) or norm.int("training_mode", 0) else norm


def _norm(work: Work, node: WorkNode) -> bool:
    found, norm = _conv(work, node), batch_norm_behind(work, node)
    if found is None or norm is None or work.dtype(norm.inputs[1]) != found[0].dtype:
        return False
    weights, channels = found
    work.absorb(node, norm)
    _weights(work, node, weights, "ConvBnFusion")
    _bias(work, node, weights.dtype, channels, f"ConvBnFusion_BN_B_{norm.inputs[2]}")
    return True


def _transposed(work: Work, node: WorkNode) -> bool:
    norm = batch_norm_behind(work, node)
    weights = work.constant(node.inputs[1])
    if norm is None or weights is None or node.domain or not is_real(work, node.inputs[1]):
        return False
    if node.has_input(2) and work.constant(node.inputs[2]) is None:
        return False
    channels = weights.shape[1] * node.int("group", 1)
    work.absorb(node, norm)
    _weights(work, node, weights, "ConvBnFusion")
    _bias(work, node, weights.dtype, channels, f"ConvBnFusion_BN_B_{norm.inputs[2]}")
    return True


ADD = Rule("ConvAddFusion", ("Conv",), _add)
MUL = Rule("ConvMulFusion", ("Conv",), _mul)
NORM = Rule("ConvBNFusion", ("Conv",), _norm)
NORM_TRANSPOSED = Rule("ConvBNFusion", ("ConvTranspose",), _transposed, since=(1, 31))
