"""Models of a few nodes each that are measured together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ...costmodel.blocked import NCHWC
from ...costmodel.cost import Costed, cost_nodes
from ...costmodel.reuse import distances
from ...graph.load import from_proto
from ...graph.shapes import infer
from .case import Array, Case, Operand

_OPSETS = {"": 21, "com.microsoft": 1, NCHWC: 1, "ai.onnx.ml": 3}
_IR = 10
_PART = ".part"  # the end of the name of what an operand repeats
_MOST_NODES = 14
_MOST_WEIGHTS = (3e5, 1.2e7)  # bytes of a pack: in some the weights stay in a cache, in some not
_FAST_S = 3e-5


@dataclass(frozen=True)
class Pack:
    """Nodes to be measured in one session.

    Parameters
    ----------
    cases
        The nodes; the one at index i is called by ``name(i)``.
    model
        Each node behind those that make its operands.
    """

    cases: tuple[Case, ...]
    model: ModelProto

    def costed(self, order: Sequence[str]) -> list[Costed | None]:
        """The cases' nodes with their cost, for nodes that ran in this order; None unless it ran.

        Raises
        ------
        OcostError
            If the model's shapes can't be inferred.
        """
        rank = {node: at for at, node in enumerate(order)}
        shapes = infer(from_proto(self._fed()))
        nodes = [c for c in cost_nodes(shapes) if c.cost.name in rank]
        nodes.sort(key=lambda c: rank[c.cost.name])
        near = zip(nodes, distances(nodes), strict=True)
        found = {c.cost.name: c._replace(executed=True, distances=d) for c, d in near}
        return [found.get(name(at)) for at in range(len(self.cases))]

    def _fed(self) -> ModelProto:
        """The model as one that is fed what it repeats: its operands are no constants then."""
        model = ModelProto()
        model.CopyFrom(self.model)
        del model.graph.initializer[:]
        for tensor in self.model.graph.initializer:
            if tensor.name.endswith(_PART):
                info = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
                model.graph.input.append(info)
            else:
                model.graph.initializer.append(tensor)
        return model


def name(at: int) -> str:
    """The name of a pack's node."""
    return f"case{at}"


def pack(cases: Sequence[Case], random: np.random.Generator) -> Pack:
    """A model that runs each case once, its operands made by an Expand just before."""
    nodes, initializers = [], []
    for at, case in enumerate(cases):
        inputs = []
        for slot, operand in enumerate(case.operands):
            if operand is None:
                inputs.append("")
                continue
            tensor = f"{name(at)}.{slot}"
            inputs.append(tensor)
            if operand.constant:
                initializers.append(numpy_helper.from_array(_contents(operand, random), tensor))
                continue
            part = Operand(operand.dtype, _repeated(operand.shape))
            initializers += [
                numpy_helper.from_array(_contents(part, random), tensor + _PART),
                numpy_helper.from_array(np.array(operand.shape, np.int64), f"{tensor}.shape"),
            ]
            sources = [tensor + _PART, f"{tensor}.shape"]
            nodes.append(helper.make_node("Expand", sources, [tensor], name=f"make {tensor}"))
        outputs = [f"made{at}.{slot}" for slot in range(case.outputs)]
        nodes.append(
            helper.make_node(
                *(case.op_type, inputs, outputs),
                name=name(at),
                domain=case.domain,
                **case.attributes,
            )
        )
    last = f"made{len(cases) - 1}.0"
    nodes.append(helper.make_node("Shape", [last], ["out"], name="end"))  # of a fixed, tiny size
    output = helper.make_tensor_value_info("out", TensorProto.INT64, [None])
    graph = helper.make_graph(nodes, "pack", [], [output], initializers)
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    return Pack(tuple(cases), helper.make_model(graph, opset_imports=opsets, ir_version=_IR))


def packed(cases: Iterable[Case], random: np.random.Generator) -> Iterator[Pack]:
    """Packs of cases that take about as long as each other, in random order."""
    shelves: dict[int, list[Case]] = {}
    limits: dict[int, float] = {}
    for case in cases:
        shelf = _shelf(case)
        waiting = shelves.setdefault(shelf, [])
        most = limits.setdefault(shelf, float(np.exp(random.uniform(*np.log(_MOST_WEIGHTS)))))
        weights = sum(_weight_bytes(c) for c in (*waiting, case))
        if waiting and (len(waiting) == _MOST_NODES or weights > most):
            yield pack(waiting, random)
            waiting.clear()
            del limits[shelf]
        waiting.append(case)
    for waiting in shelves.values():
        if waiting:
            yield pack(waiting, random)


def guessed_s(case: Case) -> float:
    """About how long a node takes, to group those that take as long."""
    flop = 0.0
    shapes = [o.shape for o in case.operands if o is not None and len(o.shape) > 1]
    if len(shapes) > 1 and "Conv" in case.op_type:
        per = shapes[1][1] * case.attributes.get("group", 1)
        strides = prod(case.attributes.get("strides", (1,)))
        flop = 2.0 * prod(shapes[1]) * prod(shapes[0]) / per / strides
    elif len(shapes) > 1 and ("MatMul" in case.op_type or "Gemm" in case.op_type):
        by_row = case.attributes.get("transB") or case.op_type == "MatMulNBits"
        flop = 2.0 * prod(shapes[0]) * shapes[1][0 if by_row else -1]
    elif case.op_type in ("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM", "Attention"):
        flop = 2.0 * prod(shapes[0][:2]) * sum(prod(shape) for shape in shapes[1:3])
    return 3e-6 + case.elements * 4 / 8e9 + flop / 1e11


def _shelf(case: Case) -> int:
    return int(np.clip(np.log(guessed_s(case) / _FAST_S) / np.log(7), -1, 3))


def _weight_bytes(case: Case) -> int:
    return sum(4 * prod(o.shape) for o in case.operands if o is not None and o.constant)


def _repeated(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The part of a tensor that is repeated to fill it: its last dims, of a few elements."""
    kept: list[int] = []
    for dim in reversed(shape):
        kept.insert(0, dim if prod(kept) < 64 else 1)
    return tuple(kept)


def _contents(operand: Operand, random: np.random.Generator) -> Array:
    """Contents of an operand: small positive numbers, so that no arithmetic ends in denormals."""
    if operand.values is not None:
        return operand.values
    dtype = helper.tensor_dtype_to_np_dtype(operand.dtype)
    if dtype == np.bool_:
        return random.random(operand.shape) > 0.5
    if np.issubdtype(dtype, np.integer):
        low = 0 if np.iinfo(dtype).min == 0 or dtype.itemsize > 1 else -100
        high = 100 if dtype.itemsize == 1 else 1
        return random.integers(low, high, operand.shape).astype(dtype)
    numbers = random.random(operand.shape, dtype=np.float32) * np.float32(0.2) + np.float32(0.01)
    return np.asarray(numbers).astype(dtype)
