"""Kernel kinds: the rows of a device's efficiency table.

A kind groups operators whose kernels reach about the same share of a device's peak.
"""

from __future__ import annotations

from enum import StrEnum


class KernelKind(StrEnum):
    """What sort of kernel runs an operator."""

    CONV = "conv"  # dense, kernel larger than 1x1, more than 4 input channels
    FIRST_LAYER = "first_layer"  # dense Conv of at most 4 input channels
    POINTWISE = "pointwise"  # 1x1 Conv
    DEPTHWISE = "depthwise"  # one input channel a group
    GROUPED = "grouped"  # several, but not all, input channels a group
    CONV_TRANSPOSE = "conv_transpose"
    GEMM = "gemm"  # one matrix product: Gemm, MatMul with a 2-D right side
    MATMUL = "matmul"  # a batch of products: attention's, Einsum
    ATTENTION = "attention"  # fused attention
    # Products of 8-bit integers, by the types of the left and the right side; of a dense
    # convolution too. See ``integer_kernels``.
    GEMM_U8S8 = "gemm_u8s8"
    GEMM_U8U8 = "gemm_u8u8"
    GEMM_S8 = "gemm_s8"  # the left side is signed
    GROUPED_U8S8 = "grouped_u8s8"  # the same for each group of a convolution
    GROUPED_U8U8 = "grouped_u8u8"
    GROUPED_S8 = "grouped_s8"
    DEPTHWISE_U8S8 = "depthwise_u8s8"  # QLinearConv's own kernel
    DEPTHWISE_8BIT = "depthwise_8bit"  # the same of other types
    CHANNELWISE_U8 = "channelwise_u8"  # ConvInteger: a product for each channel, unsigned weights
    CHANNELWISE_S8 = "channelwise_s8"
    RNN = "rnn"
    ELEMENTWISE = "elementwise"
    TRANSCENDENTAL = "transcendental"
    POOLING = "pooling"
    NORMALISATION = "normalisation"
    REDUCTION = "reduction"
    SOFTMAX = "softmax"
    RESIZE = "resize"
    LAYOUT = "layout"  # moves elements without computing: Transpose, Concat, Slice, Pad
    INDEXING = "indexing"  # moves elements to or from computed places: Gather, Scatter
    QUANTISE = "quantise"
    SORT = "sort"  # TopK, Unique, NonMaxSuppression
    RANDOM = "random"
    CLASSICAL = "classical"  # trees, SVMs and the like of ai.onnx.ml
    VIEW = "view"  # another name for the same bytes: Reshape, Squeeze
    CONTROL = "control"  # If, Loop, Scan: what they cost lies in their bodies
    CALL = "call"  # of a local function: what it costs lies in its body
    CONSTANT = "constant"  # is there before the run: Constant
