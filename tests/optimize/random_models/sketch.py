"""A random model in the making: its nodes, constants, and the type and shape of every tensor."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
    defs,
    helper,
    numpy_helper,
    shape_inference,
)

Array = npt.NDArray[Any]
OPSETS = (17, 11, 13, 18, 21, 23)
# Where in a model a constant is out of the ordinary.
ODDITIES = ("", "overridable", "constant nodes", "shared", "views", "old")


# Symbols of dims that may be open: their axis, and their size in the first run.
OPEN = {"batch": (0, 2), "height": (2, 5)}


@dataclass
class Sketch:
    """A graph in the making.

    Parameters
    ----------
    draw
        hypothesis's.
    opset
        Of the default domain.
    odd
        What is odd about some of its constants, one of ``ODDITIES``.
    """

    draw: st.DrawFn
    opset: int = 17
    odd: str = ""
    types: dict[str, TypeProto] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)  # float32 tensors that a next node may read
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    made: int = 0

    # --- choices ---------------------------------------------------------------------------

    def one(self, *options: Any) -> Any:
        """One of these, the first one in the simplest example."""
        return self.draw(st.sampled_from(options))

    def maybe(self) -> bool:
        """Yes or no, the latter in the simplest example."""
        return self.draw(st.booleans())

    def rarely(self) -> bool:
        """Yes in one of eight cases."""
        return self.draw(st.integers(0, 7)) == 7

    def pick(self, *ranks: int) -> str:
        """A tensor of one of these ranks, rather a late one; "" if there is none."""
        fits = [t for t in self.open if not ranks or len(self.shape(t)) in ranks]
        return self.draw(st.sampled_from(fits[-4:][::-1])) if fits else ""

    def pick_like(self, x: str) -> str:
        """A tensor of the same shape, maybe itself."""
        alike = [t for t in self.open if self.shape(t) == self.shape(x)]
        return self.draw(st.sampled_from(alike[-4:]))

    # --- what is there ---------------------------------------------------------------------

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Of any tensor, its open dims as they are in the first run."""
        return tuple(dim.dim_value for dim in self.types[tensor].tensor_type.shape.dim)

    def name(self, hint: str) -> str:
        """A new one."""
        self.made += 1
        return f"{hint}{self.made:03}"

    def input(self, name: str, dtype: int, shape: Sequence[int]) -> str:
        """An input of the graph."""
        self.types[name] = helper.make_tensor_type_proto(dtype, shape)
        self.inputs.append(name)
        if dtype == TensorProto.FLOAT:
            self.open.append(name)
        return name

    # --- constants -------------------------------------------------------------------------

    def constant(self, array: Array, *, plain: bool = False) -> str:
        """A constant, odd or ``plain``."""
        odd = "" if plain or not self.odd or not self.maybe() else self.odd
        if odd == "shared":
            for name, proto in self.constants.items():
                if tuple(proto.dims) == array.shape and proto.data_type == _type(array):
                    return name
        name = self.name("c")
        proto = numpy_helper.from_array(np.ascontiguousarray(array), name)
        proto.dims[:] = array.shape
        if odd == "constant nodes":
            self.types[name] = helper.make_tensor_type_proto(_type(array), array.shape)
            self.nodes.append(helper.make_node("Constant", [], [name], value=proto))
            return name
        self.constants[name] = proto
        self.types[name] = helper.make_tensor_type_proto(_type(array), array.shape)
        if odd == "overridable" and _type(array) == TensorProto.FLOAT:
            self.inputs.append(name)
        if odd == "views" and array.ndim:
            open_before = len(self.open)
            name = self.node("Identity", [name]) if self.maybe() else self._viewed(name)
            del self.open[open_before:]
        return name

    def _viewed(self, name: str) -> str:
        flat = self.node("Reshape", [name, self.ints(-1)])
        return self.node("Reshape", [flat, self.ints(*self.shape(name))])

    def weight(self, *shape: int, spread: float = 1.0, offset: float = 0.0) -> str:
        """A random float constant."""
        generator = np.random.default_rng(len(self.types))
        return self.constant((offset + spread * generator.standard_normal(shape)).astype("f4"))

    def positive(self, *shape: int) -> str:
        """A random float constant between a half and two."""
        generator = np.random.default_rng(len(self.types))
        return self.constant(generator.uniform(0.5, 2, shape).astype("f4"))

    def scalar(self, value: float) -> str:
        """A float constant without axes."""
        return self.constant(np.full((), value, "f4"), plain=True)

    def number(self, value: float) -> str:
        """The same, or of axes that may give what it is combined with another one."""
        shape = (1,) * (4 if self.rarely() else self.one(0, 1))
        return self.constant(np.full(shape, value, "f4"), plain=True)

    def ints(self, *values: int) -> str:
        """A constant list of integers."""
        return self.constant(np.array(values, np.int64), plain=True)

    # --- nodes -----------------------------------------------------------------------------

    def node(
        self,
        op_type: str,
        inputs: Sequence[str],
        outputs: int = 1,
        shapes: Sequence[Sequence[int]] = (),
        **attributes: Any,
    ) -> str:
        """Add a node; answers its first output.

        ``shapes`` are those of its outputs, where they depend on what is computed.
        """
        made = [self.name(op_type.lower()) for _ in range(outputs)]
        label = self.one("", op_type) and f"{op_type}_{self.made}"
        node = helper.make_node(op_type, inputs, made, label, **attributes)
        if op_type == "If":
            self.types[made[0]] = helper.make_tensor_type_proto(TensorProto.FLOAT, shapes[0])
        else:
            self.types.update(self.infer(node))
        for name, shape in zip(made, shapes, strict=False):
            dtype = self.types[name].tensor_type.elem_type
            self.types[name] = helper.make_tensor_type_proto(dtype, shape)
        for name in made:
            if self.types[name].tensor_type.elem_type == TensorProto.FLOAT:
                self.open.append(name)
        self.nodes.append(node)
        return made[0]

    def infer(self, node: NodeProto) -> dict[str, TypeProto]:
        """The types of what a node makes."""
        schema = defs.get_schema(node.op_type, self.opset, node.domain)
        return shape_inference.infer_node_outputs(
            schema,
            node,
            {name: self.types[name] for name in node.input if name},
            {name: self.constants[name] for name in node.input if name in self.constants},
            opset_imports=[helper.make_opsetid("", self.opset)],
            ir_version=8,
        )

    def with_axes(
        self, op_type: str, x: str, axes: Sequence[int], since: int, **attributes: Any
    ) -> str:
        """Add a node whose axes are an attribute before an opset, an input since then."""
        if self.opset < since:
            return self.node(op_type, [x], axes=axes, **attributes)
        return self.node(op_type, [x, self.ints(*axes)], **attributes)

    # --- the whole -------------------------------------------------------------------------

    def model(self, symbols: Collection[str] = ()) -> ModelProto:
        """The model, with some symbols of ``OPEN`` for dims of its inputs."""
        read = {name for node in self.nodes for name in _read(node)}
        left = [t for t in self.open if t not in read and t not in self.inputs]
        if not left:
            left.append(self.node("Relu", self.inputs[:1]))
        if len(left) > 1 and self.rarely():
            left.remove(self.one(*left))
        inner = [t for t in self.open if t in read and t not in self.inputs]
        shown = [self.one(*inner)] if inner and self.rarely() else []
        outputs = [t for t in self.types if t in {*left, *shown} and t not in self.constants]
        old = self.odd == "old"  # below IR version 4 constants are inputs that nobody overrides
        inputs = [*self.inputs, *(self.constants if old else ())]
        graph = helper.make_graph(
            self.nodes,
            "sketch",
            [self._value(name, symbols) for name in inputs],
            [self._declared(name, symbols) for name in outputs],
            list(self.constants.values()),
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", self.opset)],
            ir_version=3 if old else 8,
        )

    def body(self, name: str, output: str) -> GraphProto:
        """What was made as the body of an If."""
        declared = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        constants = list(self.constants.values())
        return helper.make_graph(self.nodes, name, [], [declared], constants)

    def _value(self, name: str, symbols: Collection[str]) -> ValueInfoProto:
        made = helper.make_value_info(name, self.types[name])
        dims = made.type.tensor_type.shape.dim
        for symbol in symbols if name not in self.constants else ():
            axis, size = OPEN[symbol]
            if len(dims) > axis and dims[axis].dim_value == size:
                dims[axis].dim_param = symbol
        return made

    def _declared(self, name: str, symbols: Collection[str]) -> ValueInfoProto:
        made = helper.make_value_info(name, self.types[name])
        if symbols:
            made.type.tensor_type.ClearField("shape")
        return made


def _type(array: Array) -> int:
    return helper.np_dtype_to_tensor_dtype(array.dtype)


def _read(node: NodeProto) -> list[str]:
    bodies = [a.g for a in node.attribute if a.HasField("g")]
    return [*node.input, *(name for body in bodies for inner in body.node for name in _read(inner))]
