"""ocost: what an ONNX graph costs, what an optimisation really saves, and whether that is true.

Each command is one function here. Models are given as a path, ``@name`` of a bundled sample, or a
``Graph``; devices as a name (``ocost devices`` lists them), the path of a device file, or a
``Device``.
"""

import os
import sys
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses it, a checkout on the path doesn't
    _VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise ImportError(f"ocost needs Python 3.11 or newer, and this is {_VERSION}", name=__name__)

from .api import (
    DEFAULT_DEVICE,
    calibrate,
    cost,
    devices,
    diff,
    diff_several,
    explain,
    fate,
    find_device,
    given,
    load,
    optimize_model,
    prepare,
    profile,
    read_profile,
    sweep,
    write,
)

if TYPE_CHECKING:
    from .graph.errors import OcostError

# From its import on, onnxruntime reports every session to its makers: a thread and a file beside
# what is measured, and models that may be nobody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_DEVICE",
    "OcostError",
    "calibrate",
    "cost",
    "devices",
    "diff",
    "diff_several",
    "explain",
    "fate",
    "find_device",
    "given",
    "load",
    "optimize_model",
    "prepare",
    "profile",
    "read_profile",
    "sweep",
    "write",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """``OcostError``, on its first use: what it comes with takes a while to import."""
    if name == "OcostError":
        from .graph.errors import OcostError  # noqa: PLC0415 - when first asked for

        return OcostError
    raise AttributeError(f"module 'ocost' has no attribute {name!r}")
