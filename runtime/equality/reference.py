"""onnx's reference evaluator, on a model's file."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ...graph import OcostError, dtypes
from .reference_operators import mended, require_known
from .retype import retype, retyped_feeds

Run = Callable[[Mapping[str, Any]], Sequence[Any]]


def open_evaluator(path: Path, *, wide: bool = False) -> Run:
    """Open a model's file in the evaluator; what is answered runs it on inputs by name.

    Parameters
    ----------
    path
        Of the model.
    wide
        Whether it shall compute in float64 throughout.

    Raises
    ------
    OcostError
        If the evaluator doesn't know an operator; the function that is returned, if it fails.
    """
    try:
        model = onnx.load(path)
    except Exception as error:  # whatever protobuf or the system may raise
        raise _failure(error) from error
    return evaluator(model, wide=wide)


def evaluator(model: onnx.ModelProto, *, wide: bool = False) -> Run:
    """The same for a model in memory, which changes if it is to be ``wide``."""
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - slow to import

    require_known(model)
    try:
        opset = next((i.version for i in model.opset_import if i.domain in ("", "ai.onnx")), 1)
        if wide:
            retype(model, dtypes.DOUBLE)
        opened = ReferenceEvaluator(model, new_ops=mended(opset))
    except Exception as error:  # whatever a numpy implementation of an operator may raise
        raise _failure(error) from error

    def run(feeds: Mapping[str, Any]) -> Sequence[Any]:
        given = retyped_feeds(feeds, dtypes.DOUBLE) if wide else dict(feeds)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                outputs: Sequence[Any] = list(opened.run(None, given))
                return outputs
        except Exception as error:  # as above
            raise _failure(error) from error

    return run


def _failure(error: Exception) -> OcostError:
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return OcostError(f"onnx's reference evaluator fails: {text[:120]}")
