"""ocost: what an ONNX graph costs, what an optimisation really saves, and whether that is true.

Each command is one function here. Models are given as a path, ``@name`` of a bundled sample, or a
``Graph``; devices as a name (``ocost devices`` lists them), the path of a device file, or a
``Device``.
"""

from .api import DEFAULT_DEVICE, cost, devices, diff, explain, find_device, given, load

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_DEVICE",
    "cost",
    "devices",
    "diff",
    "explain",
    "find_device",
    "given",
    "load",
]
