"""One small network in several precisions."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16

SHAPE = (1, 16, 24, 24)


def network() -> ModelProto:
    """A depthwise convolution, a pointwise one, each with an activation, and a product."""
    rng = np.random.default_rng(0)
    weights = {
        "dw": rng.standard_normal((16, 1, 3, 3)),
        "pw": rng.standard_normal((32, 16, 1, 1)),
        "w": rng.standard_normal((32, 10)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "dw"], ["a"], "dw", group=16, pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "dw_relu"),
        helper.make_node("Conv", ["b", "pw"], ["c"], "pw"),
        helper.make_node("Relu", ["c"], ["d"], "pw_relu"),
        helper.make_node("GlobalAveragePool", ["d"], ["e"], "pool"),
        helper.make_node("Flatten", ["e"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "w"], ["y"], "matmul"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 10))],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, ir_version=8, opset_imports=opset)


class _Once(CalibrationDataReader):
    def __init__(self) -> None:
        x = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
        self._left: Iterator[dict[str, object]] = iter([{"x": x}])

    def get_next(self) -> dict[str, object] | None:
        return next(self._left, None)


def half(*, ports: bool = False) -> ModelProto:
    """In float16, its inputs and outputs too or not."""
    return convert_float_to_float16(network(), keep_io_types=not ports)


def quantised(folder: Path, form: str) -> ModelProto:
    """``dynamic`` (uint8 weights), ``dynamic_s8``, ``qdq`` or ``qop``."""
    logging.disable(logging.WARNING)  # onnxruntime advises to prepare the model first
    given, made = folder / f"given_{form}.onnx", folder / f"made_{form}.onnx"
    onnx.save(network(), given)
    try:
        if form.startswith("dynamic"):
            weights = QuantType.QInt8 if form == "dynamic_s8" else QuantType.QUInt8
            quantize_dynamic(given, made, weight_type=weights)
        else:
            kind = {"qdq": QuantFormat.QDQ, "qop": QuantFormat.QOperator}[form]
            quantize_static(given, made, _Once(), quant_format=kind)
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load(made)


def saved(folder: Path, forms: Sequence[str]) -> list[str]:
    """Files of the network and its variants (also ``half`` and ``half_ports``), by name."""
    paths = []
    for form in forms:
        match form:
            case "float32":
                model = network()
            case "half" | "half_ports":
                model = half(ports=form == "half_ports")
            case _:
                model = quantised(folder, form)
        paths.append(str(folder / f"net.{form}.onnx"))
        onnx.save(model, paths[-1])
    return paths
