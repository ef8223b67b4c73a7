"""One schema, one renderer a format.

The renderers are imported where they are used: ``text_cost``, ``text_diff``, ``text_profile``,
``text_devices`` and ``text_explain`` need rich.
"""

from __future__ import annotations

from .document import cost_document, devices_document, diff_document, dumps
from .optimize_document import optimize_document
from .profile_document import profile_document

__all__ = [
    "cost_document",
    "devices_document",
    "diff_document",
    "dumps",
    "optimize_document",
    "profile_document",
]
