"""Convolutions: Conv, ConvTranspose, their quantised and fused twins."""

from __future__ import annotations

from math import prod

from ...graph.dtypes import INT8, UINT8
from ..integer_kernels import product_kind
from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula
from .activation import fused_activation
from .quantise import QUANTISE_FLOPS
from .resize import interpolation_flops


def conv_kind(in_per_group: int, group: int, kernel: tuple[int, ...]) -> KernelKind:
    """The kernel kind of a convolution, from its weight's shape and its groups."""
    if group > 1:
        return KernelKind.DEPTHWISE if in_per_group == 1 else KernelKind.GROUPED
    if in_per_group <= 4:
        return KernelKind.FIRST_LAYER
    return KernelKind.POINTWISE if prod(kernel) == 1 else KernelKind.CONV


def convolve(call: Call, weight: int = 1, bias: int | None = None) -> Work:
    """Conv with its weight [M, C/group, k1, k2, ...] and bias in the given slots.

    macs = output elements x C/group x kernel volume; flops = 2 x macs + bias. The layout of the
    activations (NCHW or NHWC) makes no difference.
    """
    _, in_per_group, *kernel = call.input(weight).shape
    out = call.output().size
    macs = out * in_per_group * prod(kernel)
    flops = 2 * macs + (out if bias is not None and call.has_input(bias) else 0)
    kind = conv_kind(in_per_group, call.node.int("group", 1), tuple(kernel))
    return Work(kind, macs=macs, flops=flops)


def _fitting(call: Call) -> Call:
    """The call, if its weight is made for its input; onnx's inference does not look."""
    shape, weight = call.input(0).shape, call.input(1).shape
    channels = weight[1] * call.node.int("group", 1)
    if channels not in (shape[1], shape[-1]):  # NCHW or NHWC
        raise Unknown(f"its weight is for {channels} input channels, its input is {shape}")
    return call


@formula("Conv", weights=(1, 2))
@formula("NhwcConv", domain="com.microsoft", weights=(1, 2))
def conv(call: Call) -> Work:
    """X [N, C, ...], W [M, C/group, ...], optional B [M]."""
    return convolve(_fitting(call), bias=2)


@formula("FusedConv", "NhwcFusedConv", domain="com.microsoft", weights=(1, 2))
def fused_conv(call: Call) -> Work:
    """Conv, plus the sum with input 3 (a residual branch), plus the activation."""
    work = convolve(_fitting(call), bias=2)
    epilogue = fused_activation(call) + (1 if call.has_input(3) else 0)
    return work._replace(flops=work.flops + epilogue * call.output().size)


@formula("ConvInteger", weights=(1,))
def conv_integer(call: Call) -> Work:
    """Conv of 8-bit integers into int32. Zero points are not counted."""
    work, weight, x = convolve(call), call.input(1).dtype, call.input(0).dtype
    kind = product_kind(weight, x, grouped=work.kind is KernelKind.GROUPED)
    if work.kind is KernelKind.DEPTHWISE:
        kind = KernelKind.CHANNELWISE_U8 if weight == UINT8 else KernelKind.CHANNELWISE_S8
    return work._replace(kind=kind, dtype=INT8)


@formula("QLinearConv", weights=(3, 8))
@formula("QLinearConv", domain="com.microsoft", weights=(3, 8))
def qlinear_conv(call: Call) -> Work:
    """Conv of 8-bit integers, its output quantised again. Zero points are not counted."""
    work = convolve(call, weight=3, bias=8)
    flops = work.flops + QUANTISE_FLOPS * call.output().size
    kind = product_kind(
        call.input(0).dtype, call.input(3).dtype, grouped=work.kind is KernelKind.GROUPED
    )
    if work.kind is KernelKind.DEPTHWISE:
        kind = (
            KernelKind.DEPTHWISE_U8S8 if kind is KernelKind.GEMM_U8S8 else KernelKind.DEPTHWISE_8BIT
        )
    return work._replace(kind=kind, flops=flops, dtype=INT8)


@formula("ConvTranspose", weights=(1, 2))
def conv_transpose(call: Call) -> Work:
    """X [N, C, ...], W [C, M/group, k1, k2, ...], optional B [M].

    macs = input elements x M/group x kernel volume: every input element is multiplied with its
    whole kernel, also where ``pads`` crop the product away.
    """
    _, out_per_group, *kernel = call.input(1).shape
    macs = call.input(0).size * out_per_group * prod(kernel)
    bias = call.output().size if call.has_input(2) else 0
    return Work(KernelKind.CONV_TRANSPOSE, macs=macs, flops=2 * macs + bias)


@formula("DeformConv", weights=(1, 3))
def deform_conv(call: Call) -> Work:
    """Conv over samples between pixels; W in slot 1, offsets in 2, bias in 3, mask in 4.

    Each of the N x C x kernel volume x output positions samples is interpolated between the 2^n
    corners of its cell and multiplied by the mask. Each offset is added to its position. The
    corners' weights, which all channels share, are not counted.
    """
    work = convolve(call, bias=3)
    batch, channels, *spatial = call.input(0).shape
    kernel, positions = call.input(1).shape[2:], call.output().shape[2:]
    samples = batch * channels * prod(kernel) * prod(positions)
    flops = interpolation_flops(samples, 2 ** len(spatial)) + call.input(2).size
    flops += samples if call.has_input(4) else 0
    return work._replace(flops=work.flops + flops)


@formula("CausalConvWithState", weights=(1, 2))
def causal_conv(call: Call) -> Work:
    """Depthwise Conv over the past: W [C, 1, k], optional B [C], optional Swish."""
    work = convolve(call, bias=2)
    flops = work.flops + fused_activation(call) * call.output().size
    return work._replace(kind=KernelKind.DEPTHWISE, flops=flops)
