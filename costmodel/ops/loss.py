"""Loss functions, as their ONNX functions compute them."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Work, formula
from .softmax import LOG_SOFTMAX_FLOPS


def _negative_log_likelihood(call: Call) -> int:
    """FLOP on the T targets, whose log-probabilities are gathered.

    Neg of each, and with a weight the product by it. With an ignore_index the compare and three
    choices of each (of the class, of the value, of the weight, which then is there). Sum takes
    T - 1 additions, an unweighted mean one division more; a weighted mean sums the weights too.
    """
    targets = call.input(1).size
    ignored = "ignore_index" in call.node.attributes
    weighted = call.has_input(2) or ignored
    flops = targets * (1 + weighted + 4 * ignored)
    reduction = call.node.string("reduction", "mean")
    sums = max(targets - 1, 0)
    if reduction == "sum":
        flops += sums
    elif reduction == "mean":
        flops += (2 * sums if weighted else sums) + 1
    return flops


@formula("NegativeLogLikelihoodLoss")
def negative_log_likelihood_loss(call: Call) -> Work:
    """1 a target, 1 with weights, 4 with ignore_index, and the reduction; reads the targets' own.

    See the ONNX function; the input's other classes are not read.
    """
    targets = call.input(1).size
    reads = {0: targets}
    if call.has_input(2):
        reads[2] = min(targets, call.input(2).size)
    return Work(KernelKind.REDUCTION, flops=_negative_log_likelihood(call), reads=reads)


@formula("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy_loss(call: Call) -> Work:
    """LogSoftmax, 5 a score, then NegativeLogLikelihoodLoss."""
    flops = LOG_SOFTMAX_FLOPS * call.input(0).size + _negative_log_likelihood(call)
    reads = {2: min(call.input(1).size, call.input(2).size)} if call.has_input(2) else {}
    return Work(KernelKind.SOFTMAX, flops=flops, reads=reads)
