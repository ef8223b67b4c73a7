"""com.microsoft's fusions of additions, normalisations, Softmax and Dropout."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula
from .attributes import required_int
from .elementwise import FLOPS
from .normalisation import layer_norm_flops, normalised_rows, rms_norm_flops, scales, shifts
from .softmax import SOFTMAX_FLOPS

_TRAINING_FLOPS = 4  # Dropout in training: draw, compare, multiply by the mask, scale


@formula("BiasAdd", domain="com.microsoft", weights=(1,))
def bias_add(call: Call) -> Work:
    """2 an element: add the bias, add the residual branch."""
    return Work(KernelKind.ELEMENTWISE, flops=2 * call.output().size)


@formula("BiasSoftmax", domain="com.microsoft")
def bias_softmax(call: Call) -> Work:
    """6 an element: add the bias (mostly a mask), Softmax."""
    return Work(KernelKind.SOFTMAX, flops=(1 + SOFTMAX_FLOPS) * call.output().size)


@formula("SkipLayerNormalization", domain="com.microsoft", weights=(2, 3, 4))
def skip_layer_normalization(call: Call) -> Work:
    """LayerNormalization of input + skip (1 an element) + the bias in slot 4 (1)."""
    x, scale = call.input(0), call.input(2)
    rows = x.size // max(scale.size, 1)
    added = (1 + call.has_input(4)) * x.size
    flops = added + layer_norm_flops(x.size, rows, scales(call, 2), shifts(call, 3))
    return Work(KernelKind.NORMALISATION, flops=flops)


@formula("SkipSimplifiedLayerNormalization", domain="com.microsoft", weights=(2, 3))
def skip_rms_normalization(call: Call) -> Work:
    """RMSNormalization of input + skip (1 an element) + the bias in slot 3 (1)."""
    x, scale = call.input(0), call.input(2)
    rows = x.size // max(scale.size, 1)
    added = (1 + call.has_input(3)) * x.size
    return Work(
        KernelKind.NORMALISATION, flops=added + rms_norm_flops(x.size, rows, scales(call, 2))
    )


# onnxruntime registers this one in the default domain.
@formula("SimplifiedLayerNormalization", weights=(1,))
def simplified_layer_normalization(call: Call) -> Work:
    """RMSNormalization with scale, from ``axis`` on; a row more to return its inverse root."""
    x = call.input(0)
    rows = normalised_rows(x.shape, call.node.int("axis", -1))
    flops = rms_norm_flops(x.size, rows, scales(call, 1))
    return Work(KernelKind.NORMALISATION, flops=flops + (rows if call.has_output(1) else 0))


def _group_norm(call: Call) -> int:
    """LayerNormalization of each group with scale and bias, then perhaps Swish."""
    x = call.input(0)
    groups = x.shape[0] * required_int(call, "groups")
    swish = FLOPS["Swish"] * x.size if call.node.int("activation", 0) else 0
    return layer_norm_flops(x.size, groups, scales(call, 1), shifts(call, 2)) + swish


@formula("GroupNorm", domain="com.microsoft", weights=(1, 2))
def group_norm(call: Call) -> Work:
    """7 an element and 2 a group, 2 an element for Swish (``activation`` 1); in either layout."""
    return Work(KernelKind.NORMALISATION, flops=_group_norm(call))


@formula("SkipGroupNorm", domain="com.microsoft", weights=(1, 2, 4))
def skip_group_norm(call: Call) -> Work:
    """GroupNorm of input + skip (1 an element) + the bias in slot 4 (1)."""
    added = (1 + call.has_input(4)) * call.input(0).size
    return Work(KernelKind.NORMALISATION, flops=added + _group_norm(call))


def _drops(call: Call, slot: int) -> bool:
    """Whether Dropout is in training, which the input ``slot`` says."""
    if not call.has_input(slot):
        return False
    if slot not in call.values:
        raise Unknown(f"{call.node.op_type}'s training_mode is not known before the run")
    return bool(call.values[slot].item())


@formula("BitmaskDropout", domain="com.microsoft")
def bitmask_dropout(call: Call) -> Work:
    """Dropout with a packed mask. Inference: a view, or a copy if the mask is asked for."""
    if _drops(call, 2):
        return Work(KernelKind.RANDOM, flops=_TRAINING_FLOPS * call.output().size)
    return Work(KernelKind.LAYOUT) if call.has_output(1) else Work(KernelKind.VIEW, view=True)


@formula("BiasDropout", "BitmaskBiasDropout", domain="com.microsoft", weights=(1,))
def bias_dropout(call: Call) -> Work:
    """Add the bias, drop (in training only), add the residual branch if there is one."""
    training = _drops(call, 4)
    each = 1 + call.has_input(2) + (_TRAINING_FLOPS if training else 0)
    kind = KernelKind.RANDOM if training else KernelKind.ELEMENTWISE
    return Work(kind, flops=each * call.output().size)
