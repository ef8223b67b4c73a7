"""Blocks that the JSON documents share: model, device, environment, totals.

Fields may be added to the documents, never renamed; what is not known is null.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..costmodel.device import Device
from ..costmodel.result import ModelSummary, Totals

Document = dict[str, Any]


def dumps(document: Document) -> str:
    """A document as JSON text: the same document gives the same bytes."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def fields(source: object, names: Iterable[str]) -> Document:
    """Some attributes of an object by their names; null for a float that JSON can't hold."""
    return {name: _finite(getattr(source, name)) for name in names}


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def model(summary: ModelSummary) -> Document:
    """What is said of a model."""
    inputs, outputs = summary.ports
    return {
        **fields(summary, ("path", "graph_sha256")),
        "opset": dict(summary.opset),
        "nodes": summary.nodes,
        "inputs": {n: None if s is None else list(s) for n, s in summary.inputs.items()},
        "input_types": {n: p.type or None for n, p in inputs.items()},
        "outputs": {n: None if p.shape is None else list(p.shape) for n, p in outputs.items()},
        "output_types": {n: p.type or None for n, p in outputs.items()},
        "assumed_dims": dict(summary.assumed_dims),
        "inferred_dims": dict(summary.inferred_dims),
        "overridden": {n: list(shape) for n, shape in summary.overridden.items()},
    }


def device(which: Device) -> Document:
    """What is said of the device that something was costed for."""
    names = ("name", "title", "source", "runtime", "isa", "channel_block", "cores", "ridge")
    return fields(which, names)


def totals(figures: Totals) -> Document:
    """All totals, in the order of the contract."""
    return fields(figures, Totals.names())


def environment(which: Device) -> Document:
    """Versions, without importing what they are of, and the cores that the estimate uses."""
    packages = ("onnx", "onnxruntime", "onnxsim", "ocost")
    return {
        **{package: _version(package) for package in packages},
        "python": platform.python_version(),
        "threads": which.cores,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
