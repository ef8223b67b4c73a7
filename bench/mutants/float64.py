"""A model in float64: in onnxruntime where that has the kernels, else in numpy.

onnx's reference evaluator is slow where windows slide; those operators are mended here. Random
operators draw the same numbers in every model, by the name of their output.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import ModelProto, TensorProto
from onnx.reference import ReferenceEvaluator

from ocost.graph.dataflow import RANDOM
from ocost.runtime.equality.reference_operators import mended
from ocost.runtime.equality.retype import retype, retyped_feeds

from . import noise, operators
from .view import Array, assign, graphs, version

Feeds = Mapping[str, Array]
Runner = Callable[[Feeds, int], Sequence[Any]]
_NARROW_KERNELS = ("LSTM", "GRU", "RNN")  # onnxruntime opens them in float64, but can't run them


def exact(model: ModelProto) -> Runner:
    """Runs a model in float64 on inputs of its own types; the number of the input seeds noise."""
    wide = ModelProto()
    wide.CopyFrom(model)
    retype(wide, TensorProto.DOUBLE)
    for graph in graphs(wide.graph):
        for node in graph.node:
            if node.op_type in ("RandomNormal", "RandomUniform"):  # float32 unless told
                assign(node, "dtype", TensorProto.DOUBLE)
    lacking = any(n.op_type in _NARROW_KERNELS for g in graphs(model.graph) for n in g.node)
    run = (None if lacking else _opened(wide)) or reference(wide)
    return lambda feeds, number: run(retyped_feeds(feeds, TensorProto.DOUBLE), number)


def own(model: ModelProto) -> Runner:
    """Runs a model in its own types."""
    return _opened(model) or reference(model)


def _opened(model: ModelProto) -> Runner | None:
    """In onnxruntime; None where that can't open it, or draws its own noise."""
    if any(node.op_type in {*RANDOM, "Dropout"} for g in graphs(model.graph) for node in g.node):
        return None
    try:
        return session(model)
    except Exception:  # its classes share no base of their own
        return None


def session(model: ModelProto) -> Runner:
    """In onnxruntime, as the model is written."""
    settings = ort.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    opened = ort.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return lambda feeds, _: opened.run(None, dict(feeds))


def reference(model: ModelProto) -> Runner:
    """In onnx's reference evaluator, mended."""
    opset = version(model)
    own = [*operators.ALWAYS, *noise.PAIRED, *mended(opset)]
    own += operators.BEFORE_19 if opset < 19 else ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = ReferenceEvaluator(model, new_ops=own)

    def run(feeds: Feeds, number: int) -> Sequence[Any]:
        noise.Noise.number = number
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            outputs: Sequence[Any] = evaluator.run(None, dict(feeds))
        return outputs

    return run
