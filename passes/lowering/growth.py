"""How a kernel grows over what stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .node import WorkNode
from .work import Work

_MOST = 64  # nodes that one kernel takes


def places(work: Work) -> dict[int, int]:
    """By index of a node: its place in the order of execution."""
    return {node.index: place for place, node in enumerate(work.order())}


def grow(
    work: Work,
    start: WorkNode,
    accepts: Callable[[WorkNode, str], bool],
    place: Mapping[int, int],
) -> list[WorkNode]:
    """A node, and all behind it that the kernel which runs it may run too.

    The kernel ends at the last tensor from which on nothing else that it makes is read outside.
    So no path between two of its nodes leads outside, and nothing more is written than before.

    Parameters
    ----------
    start
        The node that the kernel is for.
    accepts
        Whether the kernel may go on with a node, which reads a tensor that it has made.
    place
        By index: places in an order of execution; what is not there is not asked for.

    Returns
    -------
    list of WorkNode
        In that order.
    """
    group, taken, whole = [start], {start.index}, 1
    while len(group) < _MOST:
        unread = {
            tensor: [r for r in work.readers(tensor) if r.index not in taken]
            for node in group
            for tensor in node.outputs
            if tensor
        }
        unread = {t: found for t, found in unread.items() if found or work.is_output(t)}
        if len(unread) == 1:
            whole = len(group)
        behind = [(reader, tensor) for tensor, found in unread.items() for reader in found]
        if not behind or any(map(work.is_output, unread)):
            break
        if not all(r.index in place and accepts(r, tensor) for r, tensor in behind):
            break
        following = min((reader for reader, _ in behind), key=lambda r: place[r.index])
        group.append(following)
        taken.add(following.index)
    return sorted(group[:whole], key=lambda node: place[node.index])
