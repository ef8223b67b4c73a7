"""Activations that other operators carry inside, and com.microsoft's own family of Gelus."""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula
from .elementwise import FLOPS, GELU_TANH_FLOPS
from .softmax import SOFTMAX_FLOPS

# Runtimes spell these names in any case, so they are compared in lower case.
_FUSED: dict[str, int] = {
    **{name.lower(): flops for name, flops in FLOPS.items()},
    "": 0,
    "none": 0,
    "identity": 0,
    "affine": 2,  # multiply, add
    "scaledtanh": 3,  # multiply, Tanh, multiply
    "silu": FLOPS["Swish"],
    "relu2": 2,  # Relu, multiply with itself
    "geglu": GELU_TANH_FLOPS + 1,  # Gelu of the gate, multiply
    "softmax": SOFTMAX_FLOPS,
}


def activation_flops(name: str) -> int:
    """What an activation inside another operator takes an element; "" stands for none.

    Raises
    ------
    Unknown
        If no such activation is known.
    """
    try:
        return _FUSED[name.lower()]
    except KeyError:
        raise Unknown(f"no cost is known for the fused activation '{name}'") from None


def fused_activation(call: Call) -> int:
    """What the activation in the attribute ``activation`` takes an element."""
    return activation_flops(call.node.string("activation", ""))


def _bias(call: Call) -> int:
    return 1 if call.has_input(1) else 0


@formula("Gelu", domain="com.microsoft")
@formula("BiasGelu", domain="com.microsoft", weights=(1,))
def gelu(call: Call) -> Work:
    """The exact Gelu (5), after adding the bias where there is one (1)."""
    flops = (FLOPS["Gelu"] + _bias(call)) * call.output().size
    return Work(KernelKind.TRANSCENDENTAL, flops=flops)


@formula("FastGelu", domain="com.microsoft", weights=(1,))
def fast_gelu(call: Call) -> Work:
    """Gelu by Tanh (8), after adding the bias where there is one (1)."""
    flops = (GELU_TANH_FLOPS + _bias(call)) * call.output().size
    return Work(KernelKind.TRANSCENDENTAL, flops=flops)


@formula("QuickGelu", domain="com.microsoft")
def quick_gelu(call: Call) -> Work:
    """X * Sigmoid(alpha * X): Swish (2), and a multiplication by an alpha that is not 1."""
    scaled = call.node.float("alpha", 1.702) != 1.0
    return Work(KernelKind.TRANSCENDENTAL, flops=(FLOPS["Swish"] + scaled) * call.output().size)


@formula("BiasSplitGelu", domain="com.microsoft", weights=(1,))
def bias_split_gelu(call: Call) -> Work:
    """Add the bias to X [N, S, D]; the left half times the Gelu of the right one."""
    return Work(
        KernelKind.TRANSCENDENTAL,
        flops=call.input(0).size + (FLOPS["Gelu"] + 1) * call.output().size,
    )
