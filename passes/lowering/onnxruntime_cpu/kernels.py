"""Which operators the CPU provider has no kernel for, by their type and version.

An operator that ONNX writes as a function is then replaced by the function's body; a node of 16
bit floats computes in 32 bits between Casts. Tabulated from what 1.20 to 1.32 saved of every
operator; x86.
"""

from __future__ import annotations

from ....graph.dtypes import BFLOAT16, FLOAT16
from ..node import WorkNode
from ..work import Work

# Functions without a kernel whatever their type: the versions, or all.
_ALWAYS = frozenset(
    {"SequenceMap", "HardSwish", "Mish", "Swish", "SwiGLU", "LinearAttention", "GroupNormalization"}
    | {"CausalConvWithState", "CastLike", "CenterCropPad", "Bernoulli"}
    | {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss", "ClipByValue"}
)
_FUNCTIONS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_ALWAYS, ()),
    "Attention": (25,),
    "ReduceLogSum": (28,),
    "ReduceLogSumExp": (28,),
}
# Functions without a kernel for 16 bit floats, where the others have Casts around them.
_HALF_FUNCTIONS = frozenset(
    {"Softmax", "LogSoftmax", "Gelu", "ReduceLogSum", "ReduceLogSumExp", "ReduceL1"}
    | {"ReduceL2", "ReduceSumSquare", "MeanVarianceNormalization", "AffineGrid"}
)
_HALF_FUNCTIONS_FROM = {"Range": 27, "DepthToSpace": 28, "SpaceToDepth": 28}  # versions
_HALF_COMPARISONS = frozenset({"GreaterOrEqual", "LessOrEqual"})
_HALF_AT_16 = frozenset({"LeakyRelu", "PRelu"})  # functions at opset 16 to 18 alone
_HALF_AT_18 = frozenset(
    {"Relu", "Elu", "Selu", "Softplus", "Softsign", "HardSigmoid", "ThresholdedRelu"}
)
# Operators with a kernel for 16 bit floats.
_HALF_KERNELS = frozenset(
    {"Attention", "Cast", "Clip", "Compress", "Concat", "ConstantOfShape", "DequantizeLinear"}
    | {"QuantizeLinear", "Expand", "Flatten", "Gather", "GatherElements", "GatherND"}
    | {"Identity", "If", "Loop", "Scan", "IsNaN", "LayerNormalization", "Max", "Min", "Mod"}
    | {"RMSNormalization", "Reshape", "RotaryEmbedding", "Round", "ScatterElements"}
    | {"ScatterND", "Scatter", "Shape", "Shrink", "Sign", "Size", "Slice", "Split", "Squeeze"}
    | {"Unsqueeze", "Transpose", "TensorScatter", "SequenceAt", "SequenceConstruct"}
    | {"SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength"}
    | {"ConcatFromSequence", "SplitToSequence", "Optional", "OptionalGetElement"}
    | {"OptionalHasElement", "SimplifiedLayerNormalization", "SkipSimplifiedLayerNormalization"}
    | {"SkipLayerNormalization", "GroupQueryAttention", "Constant", "EyeLike"}
)

# From a version on: Celu for both types of 16 bits, the others for bfloat16 alone.
_HALF_KERNELS_FROM = {"Celu": 28}
_BFLOAT_KERNELS_FROM = {"Einsum": 28, "ReverseSequence": 28, "Unique": 28, "DepthToSpace": 28}


def halves(work: Work, node: WorkNode) -> bool:
    """Whether a node reads or makes 16 bit floats."""
    dtypes = {work.dtype(t) for t in (*node.inputs, *node.outputs) if t}
    return FLOAT16 in dtypes or BFLOAT16 in dtypes


def is_expanded(work: Work, node: WorkNode) -> bool:
    """Whether the runtime puts an operator's own function body in its place."""
    if node.domain:
        return False
    versions = _FUNCTIONS.get(node.op)
    if versions is not None and (not versions or work.since(node) in versions):
        return True
    if node.op not in _HALF_ALL or work.dtype(node.inputs[0]) not in (FLOAT16, BFLOAT16):
        return False
    opset = work.opset.get("", 1)
    if node.op in _HALF_FUNCTIONS_FROM:
        return work.since(node) >= _HALF_FUNCTIONS_FROM[node.op] and not _kernel_from(work, node)
    if node.op in _HALF_COMPARISONS:
        return opset == 12 or 16 <= opset <= 18
    if node.op in _HALF_AT_16:
        return 16 <= opset <= 18
    if node.op in _HALF_AT_18:
        return opset == 18
    return True


_HALF_ALL = _HALF_FUNCTIONS | _HALF_COMPARISONS | _HALF_AT_16 | _HALF_AT_18
_HALF_ALL |= _HALF_FUNCTIONS_FROM.keys()


def _kernel_from(work: Work, node: WorkNode) -> bool:
    """Whether a kernel for its type of 16 bits came with the node's version."""
    table = _HALF_KERNELS_FROM
    if work.dtype(node.inputs[0]) == BFLOAT16:
        table = {**_HALF_KERNELS_FROM, **_BFLOAT_KERNELS_FROM}
    return work.since(node) >= table.get(node.op, _NEVER)


_NEVER = 1 << 30


def widened(work: Work, node: WorkNode) -> bool:
    """Whether a node of 16 bit floats has no kernel, so that it computes in 32 bits."""
    if node.op in _HALF_KERNELS or node.bodies or (node.inputs and _kernel_from(work, node)):
        return False
    if node.op == "IsInf":
        return work.since(node) < 20 and halves(work, node)
    return halves(work, node)
