"""The runtimes that a graph can be lowered for: the one list of them."""

from __future__ import annotations

from .ideal.pipeline import RUNTIME as IDEAL
from .mobile.pipeline import RUNTIME as MOBILE
from .onnxruntime_cpu.pipeline import RUNTIME as ONNXRUNTIME_CPU
from .target import Runtime

RUNTIMES: dict[str, Runtime] = {one.name: one for one in (ONNXRUNTIME_CPU, MOBILE, IDEAL)}
