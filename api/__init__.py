"""The functions behind the commands. Nothing heavy is imported before it is needed."""

from .asked import DEFAULT_DEVICE, devices, find_device, given, load
from .calibrated import calibrate
from .changed import diff
from .optimized import optimize_model
from .profiled import profile, read_profile
from .refined import refine
from .several import diff_several
from .swept import sweep
from .written import cost, explain, fate, prepare, topics, write

__all__ = [
    "DEFAULT_DEVICE",
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
    "refine",
    "sweep",
    "topics",
    "write",
]
