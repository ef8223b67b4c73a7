"""The blocked layout."""

from __future__ import annotations

import numpy as np

from .near_made import Case, Made, W, f, swap


def blocked() -> list[Case]:
    odd = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ c = Conv <pads=[1,1,1,1]> (x, w) r = Relu (c) y = Conv <pads=[1,1,1,1]> (r, v) }",
        {"w": (22, 32, 3, 3), "v": (32, 22, 3, 3)},
    )
    pool = Made(
        "(float[1,32,16,16] x) => (float[1,32,8,8] y) { c = Conv (x, w) r = Relu (c) "
        "p = MaxPool <kernel_shape=[2,2], strides=[2,2]> (r) y = Conv (p, v) }",
        {"w": (24, 32, 1, 1), "v": (32, 24, 1, 1)},
    )
    group = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ y = Conv <pads=[1,1,1,1], group=4> (x, w) }",
        {"w": (32, 8, 3, 3)},
    )
    scale = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ c = Conv (x, w) r = Relu (c) m = Mul (r, k) y = Conv (m, v) }",
        {"w": (32, 32, 1, 1), "v": (32, 32, 1, 1), "k": (1,)},
    )
    mean = Made(
        "(float[1,32,16,16] x) => (float[1,32,1,1] y) "
        "{ c = Conv (x, w) y = ReduceMean <axes=[2,3]> (c) }",
        {"w": (32, 32, 1, 1)},
    )
    concat = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ c = Conv (x, w) d = Conv (x, v) j = Concat <axis=-3> (c, d) y = Conv (j, u) }",
        {"w": (32, 32, 1, 1), "v": (32, 32, 1, 1), "u": (32, 64, 1, 1)},
    )
    up = Made(
        "(float[1,32,16,16] x) => (float[1,32,32,32] y) "
        '{ c = Conv (x, w) r = Resize <mode="nearest"> (c, , k) y = Conv (r, v) }',
        {"w": (32, 32, 1, 1), "v": (32, 32, 1, 1), "k": np.array([1, 1, 2, 2], np.float32)},
    )
    asymmetric = (
        '<mode="nearest">',
        '<mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor">',
    )
    return [
        Case(
            "22 channels",
            "NchwcTransformer",
            "the input channels are no multiple of 4",
            "the 22 input channels of 'y' are no multiple of 4",
            "pad 'r' to 24 channels",
            odd,
            swap(odd, w=(24, 32, 3, 3), v=(32, 24, 3, 3)),
        ),
        Case(
            "a pool of 24 channels",
            "NchwcTransformer",
            "the channels of a MaxPool are no multiple of 16",
            "the 24 channels of 'r', which 'p' reads",
            "pad 'r' to 32 channels",
            pool,
            swap(pool, w=(32, 32, 1, 1), v=(32, 32, 1, 1)),
        ),
        Case(
            "groups of 8 channels",
            "NchwcTransformer",
            "channels a group are no multiple of 16, nor 1",
            "'y' has 4 groups of 8 input and 8 output channels",
            "write 'y' without groups",
            group,
            swap(group, (", group=4", ""), w=W),
        ),
        Case(
            "a scale of one number",
            "NchwcTransformer",
            "a Mul of a constant ends the blocked layout",
            "'m' is a Mul of the constant 'k'",
            "as a Mul of a constant of [1, 32, 1, 1]",
            scale,
            swap(scale, k=(1, 32, 1, 1)),
        ),
        Case(
            "a constant that is added",
            "NchwcTransformer",
            "an Add of a constant ends the blocked layout",
            "'m' is an Add of the constant 'k'",
            "as a BatchNormalization whose scale is 1",
            swap(scale, ("Mul", "Add"), k=(32, 1, 1)),
            swap(
                scale,
                ("Mul (r, k)", "BatchNormalization (r, k, b, e, d)"),
                k=f(1.0, 32),
                b=(32,),
                e=f(0.0, 32),
                d=f(1.0, 32),
            ),
        ),
        Case(
            "a mean of height and width",
            "NchwcTransformer",
            "a ReduceMean stands where a GlobalAveragePool would be taken",
            "'y' takes the mean of height and width",
            "write 'y' as a GlobalAveragePool",
            mean,
            swap(mean, ("ReduceMean <axes=[2,3]>", "GlobalAveragePool")),
        ),
        Case(
            "an axis that counts from behind",
            "NchwcTransformer",
            "the axis of a Concat on the channels is not written as 1",
            "the axis of 'j' is written as -3",
            "write the axis of 'j' as 1",
            concat,
            swap(concat, ("axis=-3", "axis=1")),
        ),
        Case(
            "a Resize with half pixels",
            "NchwcTransformer",
            "a Resize by nearest with half_pixel",
            "'r' resizes by nearest with half_pixel",
            "coordinate_transformation_mode=asymmetric, nearest_mode=floor",
            up,
            swap(up, asymmetric),
        ),
    ]
