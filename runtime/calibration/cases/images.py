"""What makes images of another size, or looks at neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from ....costmodel.blocked import NCHWC
from ..case import FLOAT, Case, activation, cases, value
from ..sizes import Random, channels, image, size, up

_MOST = 1e6


@cases("resizing", 3)
def resizing(random: Random, block: int) -> Case | None:
    """To a multiple of the size, or to any: nearest, linear, cubic, in blocks too."""
    height, width = image(random, 128)
    count = channels(random, 1, 512)
    scale = float(random.choice([2.0, 2.0, 2.0, 4.0, 0.5]))
    if random.random() < 0.2:
        scale = round(random.uniform(0.5, 3), 2)
    if count * height * width * max(1, scale**2) > _MOST or min(height, width) * scale < 1:
        return None
    mode = str(random.choice(["nearest"] * 4 + ["linear"] * 5 + ["cubic"]))
    if block > 1 and random.random() < 0.25 and scale in (2.0, 4.0):
        source = activation(1, up(count, block), height, width)
        attributes: dict[str, Any] = {"scales": [1, 1, int(scale), int(scale)]}
        if mode == "linear":
            attributes |= {"mode": mode, "coordinate_transformation_mode": "half_pixel"}
        return Case("Upsample", (source,), NCHWC, attributes=attributes)
    manners = ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"]
    manner = "asymmetric" if mode == "nearest" else str(random.choice(manners))
    attributes = {"mode": mode, "coordinate_transformation_mode": manner, "nearest_mode": "floor"}
    if mode != "nearest" and scale < 1 and random.random() < 0.5:
        attributes["antialias"] = 1
    dtype = TensorProto.UINT8 if random.random() < 0.12 and mode != "cubic" else FLOAT
    scales = value([1, 1, scale, scale], np.float32)
    operands = (activation(1, count, height, width, dtype=dtype), None, scales)
    return Case("Resize", operands, attributes=attributes)


@cases("places in images", 1)
def sampled(random: Random, block: int) -> Case | None:
    """GridSample, RoiAlign, LRN."""
    del block
    (height, width), count = image(random, 64), size(random, 1, 256)
    if count * height * width > _MOST / 4:
        return None
    source = activation(1, count, height, width)
    name = str(random.choice(["GridSample", "GridSample", "RoiAlign", "LRN", "LRN"]))
    if name == "LRN":
        return Case(name, (source,), attributes={"size": int(random.choice([3, 5, 5]))})
    if name == "GridSample":
        tall, wide = image(random, 64)
        if count * tall * wide > _MOST / 4:
            return None
        grid = value(random.uniform(-1, 1, (1, tall, wide, 2)), np.float32)
        mode = "nearest" if random.random() < 0.2 else "linear"
        return Case(name, (source, grid), attributes={"mode": mode})
    regions = size(random, 1, 64)
    corners = random.uniform(0, 0.5, (regions, 2)) * [width, height]
    boxes = np.concatenate([corners, corners + 0.4 * np.array([width, height])], axis=1)
    operands = (source, value(boxes, np.float32), value(np.zeros(regions)))
    side = int(random.choice([7, 7, 14]))
    if regions * count * side**2 > _MOST / 8:
        return None
    attributes = {"output_height": side, "output_width": side, "sampling_ratio": 2}
    return Case(name, operands, attributes=attributes)
