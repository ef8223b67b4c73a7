"""What makes an executed node take time that the graph before did without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..costmodel.device import Device
from ..costmodel.integer_kernels import X86
from ..costmodel.kinds import KernelKind
from ..graph import Graph, Node, dtypes
from ..ledger.ran import Ran
from ..passes.lowering.near import NearMiss
from .added import Added

_SIGNED = frozenset({KernelKind.GEMM_S8, KernelKind.GROUPED_S8, KernelKind.CHANNELWISE_S8})
_UNSIGNED = frozenset({KernelKind.GEMM_U8U8, KernelKind.GROUPED_U8U8})
_MIXED = frozenset(
    {KernelKind.GEMM_U8S8, KernelKind.GROUPED_U8S8}
    | {KernelKind.DEPTHWISE_U8S8, KernelKind.DEPTHWISE_8BIT}
)
_CHANNELWISE = frozenset({KernelKind.CHANNELWISE_U8, KernelKind.CHANNELWISE_S8})
_INTEGER = frozenset({"ConvInteger", "MatMulInteger"})
_SCALES = frozenset({"Cast", "Mul", "Add"})
_HALVES = frozenset({dtypes.FLOAT16, dtypes.BFLOAT16})
_FAR = 4  # nodes between an integer product and the last that scales its result
_BLOCKED = "com.microsoft.nchwc"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why nodes add time, in general terms, and what to do about it; "" where nothing is known.

    Fixes of one reason may differ by place.
    """

    why: str
    fix: str = field(default="", compare=False)


_LEFT = Reason("Q and DQ are left over: no 8-bit kernel takes in what stands between them")
_ENDS = Reason("inputs are quantised and outputs dequantised, as 8-bit models need")


def reason(after: Ran, one: Added, device: Device, near: Mapping[str, NearMiss]) -> Reason:
    """Why a node adds time.

    Parameters
    ----------
    after
        The graph that it is of, as executed.
    one
        The node.
    device
        Where it runs.
    near
        By written node: what the runtime nearly rewrites there.
    """
    scope, node = after.nodes[one.path]
    found = _quantised(after, one.path, scope, node) or _integer(after, one, node, device)
    found = found or _cast(after, one.path, scope, node) or _scaling(scope, node)
    if found is None and after.inserted(one.path):
        found = Reason("layouts are changed between nodes of different ones")
    if found is None and one.works:
        found = _kernel(node, one.works)
    if found is None:
        apart = "the runtime does not fuse it into a neighbour here, as in the first model"
        found = Reason(apart if one.beside else "the first model has nothing like it")
    places = [*after.originals(one.path)]
    if found == _LEFT:  # what a neighbour lacks leaves them
        places += [o for path in after.beside(one.path) for o in after.originals(path)]
    declined = next((near[place] for place in places if place in near), None)
    if found.fix or found == _ENDS or declined is None:
        return found
    return Reason(f"{found.why}: {declined.kind} ({declined.rule})", declined.fix)


def _quantised(after: Ran, path: str, scope: Graph, node: Node) -> Reason | None:
    if node.op_type == "DynamicQuantizeLinear":
        return Reason(
            "activations are quantised anew in each run", "quantise statically, with calibration"
        )
    if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
        return None
    edges = (*scope.inputs,) if node.op_type == "QuantizeLinear" else (*scope.outputs,)
    ends = node.inputs[:1] if node.op_type == "QuantizeLinear" else node.outputs
    if scope is after.graph and any(tensor in edges for tensor in ends):
        return _ENDS
    return _LEFT


def _integer(after: Ran, one: Added, node: Node, device: Device) -> Reason | None:
    cost = after.costs.get(one.path)
    kind = None if cost is None else cost.kind
    slow = " on portable code" if device.isa in X86 else ""
    convolves = node.op_type == "ConvInteger"
    if kind in _CHANNELWISE:
        signed = f", with int8 weights{slow}" if kind in _SIGNED else ""
        return Reason(
            f"ConvInteger multiplies a depthwise convolution channel by channel{signed}",
            "leave depthwise convolutions in float, or quantise statically",
        )
    if kind in _SIGNED:
        if convolves:
            return Reason(
                f"ConvInteger with int8 weights runs{slow or ' slowly'}",
                "quantise weights to uint8, or quantise statically",
            )
        return Reason(
            f"8-bit products of int8 activations run{slow or ' slowly'}",
            "quantise activations to uint8",
        )
    if kind in _UNSIGNED:
        fix = "quantise statically" if convolves else "quantise weights to int8"
        return Reason("products of uint8 with uint8 run about as fast as float32", fix)
    if kind in _MIXED and one.works:
        return Reason("the 8-bit kernel is slower than the float one here")
    return None


def _cast(after: Ran, path: str, scope: Graph, node: Node) -> Reason | None:
    if node.op_type != "Cast":
        return None
    to = node.int("to", 0)
    shapes = after.cost.shapes
    info = None if shapes is None or scope is not after.graph else shapes.get(node.inputs[0])
    types = {to, info.dtype if info is not None else 0}
    if not types & _HALVES:
        return None
    if after.inserted(path):
        return Reason("Casts stand around nodes that have no 16-bit kernel, and run in float32")
    return Reason("Casts of the file turn float32 into 16 bits and back")


def _scaling(scope: Graph, node: Node) -> Reason | None:
    """Of what turns an integer product's result back into float."""
    current: Node | None = node
    for _ in range(_FAR):
        if current is None or current.op_type not in _SCALES:
            return None
        makers = [scope.producer(tensor) for tensor in current.inputs if tensor]
        if any(maker is not None and maker.op_type in _INTEGER for maker in makers):
            return Reason("results of integer products are scaled back to float, each step a pass")
        current = next((m for m in makers if m is not None and m.op_type in _SCALES), None)
    return None


def _kernel(node: Node, works: tuple[str, ...]) -> Reason:
    """Of another kernel for the same work."""
    blocked = any(work.startswith(_BLOCKED) for work in works)
    if blocked and node.domain != _BLOCKED:
        return Reason("it does not run in the blocked layout, as in the first model")
    types = {work.rpartition("::")[2] for work in works}
    if node.op_type in types:
        return Reason("the same operator takes longer")
    named = ", ".join(sorted(types)[:3])
    return Reason(f"it takes longer than what the first model runs instead ({named})")
