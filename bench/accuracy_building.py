"""What the models that ``accuracy_models.py`` makes are built with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, helper, numpy_helper

ML, MICROSOFT = "ai.onnx.ml", "com.microsoft"
_OPSETS = {"": 17, ML: 3, MICROSOFT: 1}


class Net:
    """A graph that grows node by node; its random weights are the same each time."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._nodes: list[object] = []
        self._constants: list[TensorProto] = []
        self._count = 0

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """The name of a tensor that is stored."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def integers(self, *values: int) -> str:
        """The name of a vector of int64."""
        return self.constant(values, np.int64)

    def weight(self, *shape: int, fan: int = 0) -> str:
        """The name of random weights; what passes them keeps about its scale.

        ``fan`` is how many terms a sum over them has: all dims but the first, unless said.
        """
        fan = fan or int(np.prod(shape[1:])) or 1
        return self.constant(self._random.normal(0, fan**-0.5, shape))

    def add(self, op_type: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        """A node with one output, whose name it gives."""
        return self.several(1, op_type, *inputs, domain=domain, **attributes)[0]

    def several(
        self, outputs: int, op_type: str, *inputs: str, domain: str = "", **attributes: object
    ) -> list[str]:
        """A node with that many outputs, whose names it gives."""
        made = [f"t{self._count + at}" for at in range(outputs)]
        self._count += outputs
        name = f"{op_type}_{len(self._nodes)}"
        self._nodes.append(
            helper.make_node(op_type, inputs, made, name, domain=domain, **attributes)
        )
        return made

    def model(
        self,
        inputs: Mapping[str, Sequence[int]],
        outputs: Sequence[str],
        dtype: int = TensorProto.FLOAT,
    ) -> ModelProto:
        """The model with those inputs; the shapes of its outputs are left to inference."""
        graph = helper.make_graph(
            self._nodes,
            "made",
            [helper.make_tensor_value_info(n, dtype, shape) for n, shape in inputs.items()],
            [helper.make_empty_tensor_value_info(name) for name in outputs],
            self._constants,
        )
        for value in graph.output:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
        used = {node.domain for node in graph.node} | {""}
        opsets = [helper.make_opsetid(domain, _OPSETS[domain]) for domain in sorted(used)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)
