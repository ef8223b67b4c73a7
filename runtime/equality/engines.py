"""What runs a model in a check: onnxruntime, or onnx's reference evaluator where that can't."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import onnx

from ...graph import dtypes
from ..onnxruntime.session import AS_WRITTEN, open_session, run_once
from ..protocol import Options
from .reference import Run, open_evaluator
from .retype import retype, retyped_feeds


class Engine(StrEnum):
    """Who computes, and in which precision."""

    RUNTIME = "onnxruntime"  # as written, without optimisation
    RUNTIME_OPTIMISED = "onnxruntime, optimised"
    RUNTIME_FLOAT32 = "onnxruntime, in float32"
    REFERENCE = "onnx's reference evaluator"
    FLOAT64 = "onnx's reference evaluator, in float64"


def open_engine(path: Path, engine: Engine) -> Run:
    """Open a model's file.

    Raises
    ------
    OcostError
        If the engine refuses it; what it returns raises that on inputs which it can't run on.
    """
    if engine in (Engine.RUNTIME, Engine.RUNTIME_OPTIMISED):
        session = open_session(path, AS_WRITTEN if engine is Engine.RUNTIME else Options())
        return lambda feeds: run_once(session, feeds)
    if engine is Engine.RUNTIME_FLOAT32:
        model = retype(onnx.load(path), dtypes.FLOAT)
        session = open_session(model, AS_WRITTEN)
        return lambda feeds: run_once(session, retyped_feeds(feeds, dtypes.FLOAT))
    return open_evaluator(path, wide=engine is Engine.FLOAT64)
