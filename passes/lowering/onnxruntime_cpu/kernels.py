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
    {"HardSwish", "Mish", "Swish", "SwiGLU", "LinearAttention", "GroupNormalization"}
    | {"CausalConvWithState", "CastLike", "CenterCropPad", "Bernoulli"}
    | {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss", "ClipByValue"}
)
_FUNCTIONS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_ALWAYS, ()),
    "Attention": (25,),
    "ReduceLogSum": (28,),
    "ReduceLogSumExp": (28,),
    "DepthToSpace": (28,),
    "SpaceToDepth": (28,),
}
# Functions without a kernel for 16 bit floats, where the others have Casts around them.
_HALF_FUNCTIONS = frozenset(
    {"Softmax", "LogSoftmax", "Gelu", "ReduceLogSum", "ReduceLogSumExp", "ReduceL1"}
    | {"ReduceL2", "ReduceSumSquare", "MeanVarianceNormalization", "AffineGrid"}
)
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
    if node.op in _HALF_COMPARISONS:
        return opset == 12 or 16 <= opset <= 18
    if node.op in _HALF_AT_16:
        return 16 <= opset <= 18
    if node.op in _HALF_AT_18:
        return opset == 18
    return True


_HALF_ALL = _HALF_FUNCTIONS | _HALF_COMPARISONS | _HALF_AT_16 | _HALF_AT_18


def widened(work: Work, node: WorkNode) -> bool:
    """Whether a node of 16 bit floats has no kernel, so that it computes in 32 bits."""
    if node.op in _HALF_KERNELS or node.bodies:
        return False
    if node.op == "IsInf":
        return work.since(node) < 20 and halves(work, node)
    return halves(work, node)
