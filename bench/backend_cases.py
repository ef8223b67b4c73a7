"""The cases of onnx's backend suite, and the same with their inputs frozen to constants."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, TypeProto, helper, numpy_helper

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "light")
VARIANTS = ("as it is", "frozen to initializers", "frozen to Constant nodes")


@dataclass(frozen=True)
class Case:
    """A model of the suite, with the inputs and outputs that come with it.

    Parameters
    ----------
    kind, name
        As the suite calls them.
    model
        With its weights.
    inputs
        By name: arrays, or lists of them.
    outputs
        In the order of the graph's.
    rtol, atol
        What the suite lets outputs differ by.
    """

    kind: str
    name: str
    model: ModelProto
    inputs: dict[str, Any]
    outputs: Sequence[Any]
    rtol: float
    atol: float


def cases() -> Iterator[Case]:
    """All that need no download."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # onnx computes overflows and NaN on purpose
        for kind in KINDS:
            for test in load_model_tests(kind="real" if kind == "light" else kind):
                if kind == "light":
                    yield _light(test)
                elif test.model_dir:
                    yield _folder(kind, test)
                else:
                    (inputs, outputs), *_ = test.data_sets
                    named = zip(test.model.graph.input, inputs, strict=False)
                    given = {value.name: _array(array) for value, array in named}
                    answers = [_array(array) for array in outputs]
                    yield Case(kind, test.name, test.model, given, answers, test.rtol, test.atol)


def _array(item: Any) -> Any:  # noqa: ANN401 - what the suite holds
    if isinstance(item, TensorProto):
        return numpy_helper.to_array(item)
    if isinstance(item, list | tuple):
        return [_array(one) for one in item]
    return item if item is None else np.asarray(item)


def _folder(kind: str, test: Any) -> Case:  # noqa: ANN401 - its type is not public
    folder = Path(test.model_dir)
    model = onnx.load(folder / "model.onnx")
    data = folder / "test_data_set_0"
    inputs = {
        value.name: _read(data / f"input_{at}.pb", value.type)
        for at, value in enumerate(model.graph.input)
        if (data / f"input_{at}.pb").exists()
    }
    outputs = [
        _read(data / f"output_{at}.pb", value.type) for at, value in enumerate(model.graph.output)
    ]
    return Case(kind, test.name, model, inputs, outputs, test.rtol, test.atol)


def _read(file: Path, kind: TypeProto) -> Any:  # noqa: ANN401 - of onnx, without types
    data = file.read_bytes()
    if kind.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind.HasField("optional_type"):
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(TensorProto.FromString(data))


def _light(test: Any) -> Case:  # noqa: ANN401 - of onnx, without types
    """Its input is what the suite makes for it; its output lies beside it."""
    from onnx.backend.test.runner import Runner

    file = Path(onnx.__file__).parents[1] / test.url
    model = onnx.load(file)
    own = {tensor.name for tensor in model.graph.initializer}
    inputs = {
        value.name: Runner.generate_dummy_data(value, seed=0, name=test.model_name, random=False)
        for value in model.graph.input
        if value.name not in own
    }
    outputs = [
        _read(file.with_name(f"{file.stem}_output_{at}.pb"), value.type)
        for at, value in enumerate(model.graph.output)
    ]
    return Case("light", test.name, model, inputs, outputs, test.rtol, test.atol)


def variant(case: Case, name: str) -> Case | None:
    """A case as one of the ``VARIANTS``; None where no input can be frozen."""
    if name == VARIANTS[0]:
        return case
    model = ModelProto()
    model.CopyFrom(case.model)
    graph = model.graph
    held = {tensor.name for tensor in graph.initializer}
    frozen = {
        value.name: _tensor(value.name, case.inputs[value.name], value.type)
        for value in graph.input
        if value.type.HasField("tensor_type") and value.name in case.inputs
    }
    frozen = {name: tensor for name, tensor in frozen.items() if tensor is not None}
    if not frozen.keys() - held:
        return None
    kept = [value for value in graph.input if value.name not in frozen]
    weights = [tensor for tensor in graph.initializer if tensor.name not in frozen]
    nodes = list(graph.node)
    if name == VARIANTS[1]:
        weights += frozen.values()
        model.ir_version = max(model.ir_version, 4)  # before, each had to be an input
    else:
        made = [helper.make_node("Constant", [], [n], value=t) for n, t in frozen.items()]
        nodes = made + nodes
    for items, wanted in ((graph.input, kept), (graph.initializer, weights), (graph.node, nodes)):
        copied = [type(item).FromString(item.SerializeToString()) for item in wanted]
        del items[:]
        items.extend(copied)
    left = {n: array for n, array in case.inputs.items() if n not in frozen}
    return replace(case, model=model, inputs=left)


def _tensor(name: str, array: Any, kind: TypeProto) -> TensorProto | None:  # noqa: ANN401 - of onnx, without types
    """An input as a constant; None where it is no array of the declared type."""
    if not isinstance(array, np.ndarray):
        return None
    made = numpy_helper.from_array(array, name)
    return made if made.data_type == kind.tensor_type.elem_type else None
