"""Latency of a node by the roofline model.

S. Williams, A. Waterman, D. Patterson: "Roofline: an insightful visual performance model for
multicore architectures", Communications of the ACM 52(4), 2009.
"""

from __future__ import annotations

from ..device import Device
from ..kinds import KernelKind
from ..result import Bound, NodeCost


def estimate(node: NodeCost, device: Device, compute: float | None = None) -> NodeCost:
    """The node with its bound, efficiency and latency on a device.

    With P = peak of the node's dtype, B = bandwidth, and c, m = the shares of them that the
    node's kind of kernel reaches (the device's efficiency table):

    * attainable FLOP/s = min(flops / traffic x B x m, P x c); ``efficiency`` is that over P,
      None where nothing is computed
    * ``latency_s`` = max((flops + padded_flops) / (P x c), traffic / (B x m))
      + trips x overhead
    * ``latency_low_s`` = the same with c = m = 1 and no overhead: the ideal roofline
    * ``bound`` = the largest of those three terms

    This is the model of Williams, Waterman and Patterson (2009) with ceilings by kernel kind and
    a constant per node. A constant is there before the run and takes no time, a call of a
    function is inlined; a view moves
    nothing and so costs its overhead alone. A node that is not costed keeps unknown times.
    It has no upper end: ``latency_high_s`` stays None.

    ``compute`` is c where more is known of the node than its kind.
    """
    flops, traffic = node.flops, node.traffic_bytes
    if flops is None or traffic is None:
        return node
    if node.kind in (KernelKind.CONSTANT, KernelKind.CALL):
        return node._replace(latency_s=0.0, latency_low_s=0.0, estimator="roofline")
    row = device.row(node.kind)
    reached = row.compute if compute is None else compute
    peak, _ = device.peak(node.dtype)
    work = flops + (node.padded_flops or 0)  # as written, nothing is padded

    compute_s = work / (peak * reached)
    memory_s = traffic / (device.bandwidth * row.memory)
    overhead_s = node.trips * device.overhead_s
    return node._replace(
        bound=_bound(compute_s, memory_s, overhead_s),
        efficiency=_share(flops, traffic, device.bandwidth * row.memory / peak, reached),
        latency_s=max(compute_s, memory_s) + overhead_s,
        latency_low_s=max(work / peak, traffic / device.bandwidth),
        latency_high_s=None,
        estimator="roofline",
    )


def _bound(compute_s: float, memory_s: float, overhead_s: float) -> Bound:
    if overhead_s >= max(compute_s, memory_s):
        return "overhead"
    return "compute" if compute_s >= memory_s else "memory"


def _share(flops: int, traffic: int, slope: float, ceiling: float) -> float | None:
    """Attainable share of the peak: the sloped roof (a share per FLOP/byte) or the flat one."""
    if not flops:
        return None
    return min(flops / traffic * slope, ceiling) if traffic else ceiling
