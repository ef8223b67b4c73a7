"""What a random node makes, written out in operators that read their noise from a graph input.

An input of noise holds as many numbers as a prime, whatever the model asks for: where it asks for
more, they are read round and round. So its shape needs not be known, and the n-th element of a
draw is the same number whichever operator draws it, in whichever body. Each iteration of a loop
reads from another place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, helper, numpy_helper

from ...graph import Graph, Node, dtypes
from ...graph.graph import Rank
from .randomness_nodes import Draw, Scopes, drawn_type, dropout_inputs

LENGTH = 65537  # of an input of noise
_STRIDE, _NESTED = 7919, 31  # from one iteration to the next, and between loops in loops
_LEAST = 1e-7  # uniform noise that has its logarithm taken is at least this


class Unfed(Exception):  # noqa: N818 - an answer, not a failure
    """Raised for a random node that can't read its noise from an input; says why."""


class Names:
    """Names that nothing in either graph has."""

    def __init__(self, graphs: Sequence[Graph]) -> None:
        taken = set()
        for graph in graphs:
            for scope, node in graph.walk():
                taken |= {node.id, *scope.live_tensors()}
                for body in scope.subgraphs(node).values():
                    taken |= body.live_tensors()
        self._prefix = "noise"
        while any(name.startswith(self._prefix) for name in taken):
            self._prefix += "_"
        self._made = 0

    def noise(self, number: int) -> str:
        """Of an input of noise."""
        return f"{self._prefix}_{number}"

    def fresh(self, op_type: str) -> str:
        """Of a tensor and the node that makes it."""
        self._made += 1
        return f"{self._prefix}/{op_type}_{self._made}"


class _Writer:
    """Adds operators to one graph, at the place of a node or before all others."""

    def __init__(self, graph: Graph, rank: Rank, names: Names) -> None:
        self.graph, self.names = graph, names
        self.opset = graph.opset.get("", 1)
        self._rank, self._count = rank, 0

    def __call__(
        self,
        op_type: str,
        *inputs: str,
        output: str = "",
        **attributes: Any,  # noqa: ANN401 - what onnx.helper.make_attribute takes
    ) -> str:
        name = output or self.names.fresh(op_type)
        node = Node.make(op_type, inputs, [name], name=self.names.fresh(op_type), **attributes)
        self.graph.add_node(node, rank=(*self._rank, self._count))
        self._count += 1
        return name

    def constant(self, value: object, dtype: type[np.generic] = np.float32) -> str:
        return self("Constant", value=numpy_helper.from_array(np.asarray(value, dtype)))

    def cast(self, name: str, dtype: int, output: str = "") -> str:
        return self("Cast", name, output=output, to=dtype)


class Feeder:
    """Lets the random nodes of one graph read noise.

    Parameters
    ----------
    scopes
        Of the graph, which is changed.
    names
        Shared by both graphs.
    """

    def __init__(self, scopes: Scopes, names: Names) -> None:
        self._scopes, self._names = scopes, names
        self._offsets: dict[int, str] = {}

    def obstacle(self, draw: Draw) -> str:
        """Why a node can't be fed, "" if it can."""
        node, opset = draw.node, draw.scope.opset.get("", 1)
        packed = "Bitmask" in node.op_type and any(node.outputs[1:])
        reasons = {
            "it can't be fed with noise": draw.family == "sampling",
            "its packed mask can't be made of noise": packed,
            f"opset {opset} lacks what feeds it with noise": opset < 9 and bool(node.inputs),
            "its type is not known": self._type(draw) == dtypes.UNDEFINED,
        }
        return next((text for text, holds in reasons.items() if holds), "") or self._inside(draw)

    def _inside(self, draw: Draw) -> str:
        """Which body around a node keeps it from being fed."""
        scope = draw.scope
        while (owned := self._scopes.owners.get(id(scope))) is not None:
            scope, owner, _ = owned
            if owner.op_type not in ("If", "Loop", "Scan") or owner.domain:
                return f"it is in a body of '{scope.path(owner)}' ({owner.qualified_type})"
            if owner.op_type == "Scan" and scope.opset.get("", 1) < 9:
                return "it is in a Scan of opset 8"
        return ""

    def _type(self, draw: Draw) -> int:
        if draw.family == "dropout":
            return self._scopes.dtype(draw.scope, draw.node.inputs[0])
        return drawn_type(self._scopes, draw.scope, draw.node)

    def feed(self, draw: Draw, noise: str) -> None:
        """Put operators that read an input of noise in a node's place."""
        offset = self._offset(draw.scope)
        dtype = self._type(draw)
        rank = draw.scope.rank(draw.node.id)
        draw.scope.remove_node(draw.node.id)
        write = _Writer(draw.scope, rank, self._names)
        if draw.family == "dropout":
            _dropout(write, draw.node, noise, offset, dtype)
            return
        made = {
            "normal": _normal,
            "uniform": _uniform,
            "bernoulli": _bernoulli,
            "multinomial": _multinomial,
        }[draw.family](write, draw.node, noise, offset)
        write.cast(made, dtype, output=draw.node.outputs[0])

    def _offset(self, scope: Graph) -> str:
        """Where in the noise a body starts reading, "" for 0."""
        if id(scope) in self._offsets:
            return self._offsets[id(scope)]
        owned = self._scopes.owners.get(id(scope))
        made = ""
        if owned is not None:
            outer, owner, _ = owned
            made = self._offset(outer)
            if owner.op_type != "If":
                trip = scope.inputs[0] if owner.op_type == "Loop" else self._count(scope, owner)
                write = _Writer(scope, (0,), self._names)
                trips = write("Mul", trip, write.constant(_STRIDE, np.int64))
                if made:
                    nested = write("Mul", made, write.constant(_NESTED, np.int64))
                    trips = write("Add", nested, trips)
                made = trips
        self._offsets[id(scope)] = made
        return made

    def _count(self, body: Graph, owner: Node) -> str:
        """Let a Scan count its iterations; answers the count's name in its body."""
        outer, _, at = self._scopes.owners[id(body)]
        owner = outer.node(owner.id)
        count = self._names.fresh("count")
        write = _Writer(body, (0,), self._names)
        following = write("Add", count, write.constant(1, np.int64))
        skeleton = GraphProto()
        skeleton.CopyFrom(body.skeleton)
        for values, name in ((skeleton.input, count), (skeleton.output, following)):
            others = list(values)
            del values[:]
            values.append(helper.make_tensor_value_info(name, TensorProto.INT64, []))
            values.extend(others)
            body.declared[name] = values[0]
        body.skeleton = skeleton
        body.set_interface((count, *body.inputs), (following, *body.outputs))
        start = _Writer(outer, (0,), self._names).constant(0, np.int64)
        rank, bodies = outer.rank(owner.id), outer.subgraphs(owner)
        outer.remove_node(owner.id)
        inputs, outputs = (start, *owner.inputs), (self._names.fresh("count"), *owner.outputs)
        changed = owner.with_io(inputs, outputs)
        outer.add_node(changed, bodies, rank=rank)
        self._scopes.owners[id(body)] = outer, changed, at
        return count


def _read(write: _Writer, noise: str, offset: str, like: str, shape: Sequence[int] | None) -> str:
    """Noise of the shape of a tensor, or of a fixed shape."""
    if shape is not None:
        index = write.constant(np.arange(int(np.prod(shape)), dtype=np.int64), np.int64)
        dims = write.constant(list(shape), np.int64)
    else:
        one = numpy_helper.from_array(np.ones(1, np.int64))
        dims = write("Shape", like)
        count = write("Size", write("ConstantOfShape", dims))  # it takes any type for Shape alone
        size = write("Reshape", count, write.constant([1], np.int64))
        found = write("NonZero", write("ConstantOfShape", size, value=one))
        index = write("Gather", found, write.constant(0, np.int64), axis=0)
    if offset:
        index = write("Add", index, offset)
    length = write.constant(LENGTH, np.int64)  # there is no Mod before opset 10
    index = write("Sub", index, write("Mul", write("Div", index, length), length))
    allowzero = 1 if write.opset >= 14 else None
    return write("Reshape", write("Gather", noise, index, axis=0), dims, allowzero=allowzero)


def _drawn(write: _Writer, node: Node, noise: str, offset: str) -> str:
    """Noise for a node that has its shape in an attribute or of the tensor that it reads."""
    like = node.inputs[0] if node.inputs else ""
    return _read(write, noise, offset, like, None if like else node.ints("shape") or ())


def _normal(write: _Writer, node: Node, noise: str, offset: str) -> str:
    drawn = _drawn(write, node, noise, offset)
    scaled = write("Mul", drawn, write.constant(node.float("scale", 1.0)))
    return write("Add", scaled, write.constant(node.float("mean", 0.0)))


def _uniform(write: _Writer, node: Node, noise: str, offset: str) -> str:
    low, high = node.float("low", 0.0), node.float("high", 1.0)
    scaled = write("Mul", _drawn(write, node, noise, offset), write.constant(high - low))
    return write("Add", scaled, write.constant(low))


def _bernoulli(write: _Writer, node: Node, noise: str, offset: str) -> str:
    share = write.cast(node.inputs[0], dtypes.FLOAT)
    return write("Less", _drawn(write, node, noise, offset), share)


def _multinomial(write: _Writer, node: Node, noise: str, offset: str) -> str:
    """The largest of the logarithms plus Gumbel noise is class k with k's probability."""
    scores = write.cast(node.inputs[0], dtypes.FLOAT)
    shape = write("Shape", scores)
    batch = write("Gather", shape, write.constant([0], np.int64), axis=0)
    classes = write("Gather", shape, write.constant([1], np.int64), axis=0)
    single = write.constant([1], np.int64)
    samples = write.constant([node.int("sample_size", 1)], np.int64)
    spread = write("Reshape", scores, write("Concat", batch, single, classes, axis=0))
    zeros = write("ConstantOfShape", write("Concat", batch, samples, classes, axis=0))
    drawn = _read(write, noise, offset, zeros, None)
    drawn = write("Add", write("Mul", drawn, write.constant(1 - _LEAST)), write.constant(_LEAST))
    gumbel = write("Neg", write("Log", write("Neg", write("Log", drawn))))
    return write("ArgMax", write("Add", spread, gumbel), axis=2, keepdims=0)


def _dropout(write: _Writer, node: Node, noise: str, offset: str, dtype: int) -> None:
    """Elements of x are kept where noise is at least the ratio, and made larger to make up."""
    wide = dtypes.DOUBLE if dtype == dtypes.DOUBLE else dtypes.FLOAT
    x = write.cast(node.inputs[0], wide)
    residual = ""
    if "Bias" in node.op_type:
        x = write("Add", x, write.cast(node.inputs[1], wide))
        residual = node.inputs[2] if len(node.inputs) > 2 else ""
    ratio, mode = dropout_inputs(node)
    share = write.cast(ratio, dtypes.FLOAT) if ratio else write.constant(node.float("ratio", 0.5))
    drawn = _read(write, noise, offset, node.inputs[0], None)
    dropped = write("Less", drawn, share)
    factor = write("Div", write.constant(1), write("Sub", write.constant(1), share))
    if mode:
        dropped = write("And", dropped, mode)
        factor = write("Where", mode, factor, write.constant(1))
    kept = write("Mul", x, write.cast(factor, wide))
    zero = write.cast(write.constant(0), wide)
    made = write("Where", dropped, zero, kept)
    if residual:
        made = write("Add", made, write.cast(residual, wide))
    write.cast(made, dtype, output=node.outputs[0])
    if len(node.outputs) > 1 and node.outputs[1]:
        mask = write("Not", dropped)
        boolean = write.opset >= 10  # before, a mask was of the data's type
        write.cast(mask, dtypes.BOOL if boolean else dtype, output=node.outputs[1])
