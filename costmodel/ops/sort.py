"""Sorting and selecting: comparisons are counted, by their upper bound."""

from __future__ import annotations

from math import prod

from ..kinds import KernelKind
from ..work import Call, Work, formula

# Intersection: 4 Min or Max, 2 Sub, 2 clips at 0, 1 Mul; two areas: 2 Sub, 1 Mul each;
# union: Add, Sub; then a division and a comparison.
IOU_FLOPS = 19


def ceil_log2(count: int) -> int:
    """Steps of a binary search among ``count``, rounded up."""
    return max(count - 1, 0).bit_length()


@formula("TopK")
def top_k(call: Call) -> Work:
    """N (1 + ceil(log2 k)): each element against the least of a heap of k, and its way down."""
    kept = call.output().shape[call.node.int("axis", -1)]
    return Work(KernelKind.SORT, flops=call.input(0).size * (1 + ceil_log2(kept)))


@formula("Unique")
def unique(call: Call) -> Work:
    """N ceil(log2 n): a sort of the n elements, or of the n slices of N / n along an axis."""
    x = call.input(0)
    count = x.shape[call.node.int("axis", 0)] if "axis" in call.node.attributes else x.size
    return Work(KernelKind.SORT, flops=x.size * ceil_log2(count))


@formula("NonMaxSuppression")
def non_max_suppression(call: Call) -> Work:
    """At most, an image and class: B scores compared, B ceil(log2 B) to sort, B k overlaps of 19.

    B boxes, k = max_output_boxes_per_class (B where that is not known before the run, 0 where it
    is left out). The data decide how many scores pass and how soon a box is suppressed.
    """
    images, classes, boxes = call.input(1).shape
    kept = boxes if call.has_input(2) else 0
    if 2 in call.values:
        kept = min(boxes, max(int(call.values[2].item()), 0))
    each = boxes * (1 + ceil_log2(boxes) + kept * IOU_FLOPS)
    return Work(KernelKind.SORT, flops=prod((images, classes)) * each)
