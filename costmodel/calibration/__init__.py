"""What a machine's kernels were measured to take, and what follows for nodes that were not.

``runtime.calibration`` makes it; here it is read and asked. ``features`` says what the time of a
kernel depends on, ``kernel`` is the model of one kernel, ``calibration`` all of them together.
"""

from __future__ import annotations

from .calibration import Calibration
from .kernel import Estimate, KernelModel

__all__ = ["Calibration", "Estimate", "KernelModel"]
