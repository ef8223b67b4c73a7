"""What decides a branch, as a function of root tensors, wherever in the graph it is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ...graph import Node, Tensor
from ...graph.dataflow import RANDOM
from ...graph.shapes import Shapes
from ...graph.tensor import Source

Array = npt.NDArray[Any]
Seen = Mapping[str, Array]


@dataclass(frozen=True)
class Condition:
    """A value that decides: the root tensors and constants that it is made from, and how.

    It is empty where it can't be computed from them.
    """

    leaves: tuple[str, ...]
    value: Callable[[Seen], Array]
    constants: tuple[Tensor, ...] = ()


class _Unwatchable(Exception):  # noqa: N818 - an answer, not a failure
    """It depends on what a body's trip makes, or is made by what can't be run apart."""


def condition(scope: Shapes, name: str) -> Condition | None:
    """What decides, in a scope; None where no root tensors tell it."""
    homes = list(scope.homes(name))
    if len(homes) != 1:  # of a body that several calls share
        return None
    home, there = homes[0]
    if home is scope.root:
        return Condition((there,), lambda seen: seen[there])
    part = _Part()
    try:
        output = part.tensor(home, there)
        run = part.runner(output, scope.root)
    except _Unwatchable:
        return None
    constants = tuple(Tensor.from_proto(made, Source()) for made in part.constants)
    return Condition(tuple(part.leaves.values()), run, constants)


class _Part:
    """The nodes of bodies and functions that make a tensor, under names that are their own."""

    def __init__(self) -> None:
        self.leaves: dict[str, str] = {}  # names here and in the root
        self.constants: list[TensorProto] = []
        self.nodes: list[NodeProto] = []
        self._names: dict[tuple[int, str], str] = {}

    def tensor(self, scope: Shapes, name: str) -> str:
        """The name here of a tensor, what makes it included."""
        key = (id(scope), name)
        if key in self._names:
            return self._names[key]
        mine = self._names[key] = f"t{len(self._names)}"
        node = scope.graph.producer(name)
        info = scope.get(name)
        if info is not None and info.value is not None:  # shapes alone tell it
            self.constants.append(numpy_helper.from_array(info.value, mine))
        elif scope is scope.root:
            self.leaves[mine] = name
        elif name in scope.graph.initializers:
            self._constant(mine, scope, name)
        elif node is None or node.op_type in RANDOM or scope.graph.subgraphs(node):
            raise _Unwatchable
        else:
            self._node(scope, node)
        return mine

    def _constant(self, mine: str, scope: Shapes, name: str) -> None:
        tensor = scope.graph.initializers[name]
        if not isinstance(tensor.proto, TensorProto):
            raise _Unwatchable
        made = TensorProto()
        made.CopyFrom(tensor.source.load(tensor.proto))
        made.name = mine
        self.constants.append(made)

    def _node(self, scope: Shapes, node: Node) -> None:
        inputs = [self.tensor(*_home(scope, read)) if read else "" for read in node.inputs]
        outputs = [
            self._names.setdefault((id(scope), made), f"t{len(self._names)}") if made else ""
            for made in node.outputs
        ]
        self.nodes.append(node.with_io(inputs, outputs).as_proto())

    def runner(self, output: str, root: Shapes) -> Callable[[Seen], Array]:
        """Runs the nodes on contents of the root tensors.

        Raises
        ------
        _Unwatchable
            If onnx's reference evaluator doesn't know an operator.
        """
        from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - slow to import

        model = self._model(output, root)
        try:
            evaluator = ReferenceEvaluator(model)
        except Exception as error:  # of many classes
            raise _Unwatchable from error

        def run(seen: Seen) -> Array:
            feeds = {mine: seen[theirs] for mine, theirs in self.leaves.items()}
            try:
                (value,) = evaluator.run(None, feeds)
                return np.asarray(value)
            except Exception:  # as above
                return np.empty(0)

        return run

    def _model(self, output: str, root: Shapes) -> ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "condition",
            [helper.make_empty_tensor_value_info(name) for name in self.leaves],
            [helper.make_empty_tensor_value_info(output)],
            self.constants,
        )
        return helper.make_model(
            graph,
            ir_version=root.graph.header.ir_version,
            opset_imports=[helper.make_opsetid(*entry) for entry in root.graph.opset.items()],
            functions=list(root.graph.header.functions.values()),
        )


def _home(scope: Shapes, name: str) -> tuple[Shapes, str]:
    homes = list(scope.homes(name))
    if len(homes) != 1:
        raise _Unwatchable
    return homes[0]
