"""Shapes, types and small contents of every tensor, in one pass over the nodes.

Each node is asked of, in turn: value folding (shape arithmetic on known contents), a shape rule
of ours, onnx's inference for that one node. Bodies of If, Loop, Scan and functions are scopes of
their own. The pass is linear in the nodes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from enum import Enum, auto

from onnx import FunctionProto, helper
from onnx.shape_inference import InferenceError

from .. import dtypes
from ..dataflow import RANDOM
from ..errors import OcostError
from ..functions import MOST_INLINED, shares_bodies
from ..graph import FunctionKey, Graph
from ..load import instantiate
from ..node import Node
from ..tensor import Tensor
from . import control, onnx_inference
from .fits import Misfit, require_fit, require_window
from .fold import fold
from .info import Array, Info, Quality, ShapeCall, Unresolved, shape_rules
from .origins import Key, Origins
from .sizes import Size, as_found

# Contents of more elements are data, not shape arithmetic.
VALUE_LIMIT = 1024
# Float contents that decide shapes (Resize's scales) are shorter still.
FLOAT_LIMIT = 16


class Reached(Exception):  # noqa: N818 - an answer, not a failure
    """Raised behind the node up to which sizes are tried."""


class Checks(Enum):
    """What happens to a node that can't take its inputs' shapes."""

    KEEP = auto()  # a reason, or an error if the user gave the shapes
    NOTE = auto()  # listed
    TRY = auto()  # raised


class Shapes:
    """What is known of the tensors of one scope; names of outer scopes are found too.

    Attributes
    ----------
    graph
        The graph, body or instantiated function.
    bodies
        The scopes of a node's bodies, by (node id, attribute name): those that may run.
    trips
        How often a Loop's or Scan's body runs, and how that is known, by node id.
    assumed, inferred
        Open dims that were assumed, most of them 1, and those for which no other size fits
        (root scope).
    overridden
        What the file says of inputs whose fixed sizes the user changed (root scope).
    misfits
        Nodes that can't take what is assumed of open dims, if that was asked for (root scope).
    told_trips
        What the user says of the trips of Loops, by their paths; ``followed`` are the paths of
        those that were met (root scope).

    Calls of functions have a scope each, named after the call. Where that would come to too many
    nodes, calls of one function whose inputs are known alike share a scope, named after the first.
    """

    def __init__(self, graph: Graph, parent: Shapes | None = None) -> None:
        self.graph = graph
        self.parent = parent
        self.root: Shapes = self if parent is None else parent.root
        self.bodies: dict[tuple[str, str], Shapes] = {}
        self.trips: dict[str, tuple[int, Quality]] = {}
        self.assumed: dict[str, int] = {}
        self.inferred: dict[str, int] = {}
        self.overridden: dict[str, tuple[int | None, ...]] = {}
        self.misfits: list[Misfit] = []
        self.checks: Checks | None = None  # at the root; none: only onnx's own inference tells
        self.until = ""
        self.visited = 0  # nodes, at the root
        self.told_trips: Mapping[str, int] = {}
        self.followed: set[str] = set()
        self.user_shapes: bool = parent is not None and parent.user_shapes
        self.lenient: bool = parent is not None and parent.lenient
        self.failed: Misfit | None = None  # the first of a scope that may never run
        self.proving: bool = parent is not None and parent.proving
        self._infos: dict[str, Info] = {}
        self._function_key: FunctionKey | None = None
        self._origins: Origins | None = None  # at the root, as what follows
        self._shared: dict[Hashable, Shapes] | None = None
        self._first: dict[FunctionKey, Shapes] = {}  # a scope of each function

    def get(self, name: str) -> Info | None:
        """What is known of a tensor, None if nothing."""
        scope: Shapes | None = self
        while scope is not None:
            found = scope._infos.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    @property
    def sizes(self) -> dict[str, Size]:
        """Of the open dims: what they were taken as (root scope)."""
        return as_found(self.assumed, self.inferred)

    def has(self, name: str) -> bool:
        """Whether a tensor belongs to this scope."""
        return name in self._infos

    def homes(self, name: str) -> Mapping[Key, int]:
        """The scopes that a tensor belongs to, and its name there; arguments are followed out.

        Each with the number of times that it stands there, once calls are inlined. Ask when all
        is inferred.
        """
        if self.parent is None and self.root is self:
            return {(self, name): 1}
        if self.root._origins is None:
            self.root._origins = Origins(self.root)
        return self.root._origins.of(self, name)

    @property
    def shares(self) -> bool:
        """Whether calls of functions may share a scope."""
        return self.root._shared is not None

    def first(self, node: Node) -> Shapes:
        """Where a Constant counts that has it in common with others: a function's in its first."""
        first = self.root._first.get(self._function_key, self) if self._function_key else self
        twin = first.graph.node(node.id) if node.id in first.graph else node
        return first if twin.attributes == node.attributes else self

    def call(self, node: Node) -> ShapeCall:
        """A node with what is known of its inputs."""
        return ShapeCall(
            node,
            [self.get(name) if name else None for name in node.inputs],
            self.graph.opset.get(node.domain, 1),
        )

    def start(self, inputs: dict[str, Info]) -> None:
        """Infer a root graph."""
        self._shared = {} if shares_bodies(self.graph) else None
        self.run(inputs)

    def run(self, inputs: dict[str, Info]) -> None:
        """Infer everything from the inputs on."""
        self._infos.update(inputs)
        for name, tensor in self.graph.initializers.items():
            if not (self.proving and self.graph.overridable(name)):
                self._infos[name] = _constant(tensor)
        for node in self.graph:
            self._node(node)

    def _node(self, node: Node) -> None:
        call = self.call(node)
        inputs = call.inputs
        quality = Quality.EXACT
        constant = node.op_type not in RANDOM and not self.graph.captures(node)
        for info in inputs:
            if info is not None:
                if info.quality is not Quality.EXACT:  # comparing enums takes its time
                    quality = max(quality, info.quality)
                constant = constant and info.constant
        outputs, contradicts = self._checked(node, call)
        for slot, name in enumerate(node.outputs):
            if not name:
                continue
            info = outputs[slot] if slot < len(outputs) else None
            if info is None:
                info = Info(dtypes.UNDEFINED, None)
            if info.resolved is None and info.type is None and not contradicts:
                info = self._declared(name, info, call)
            self._infos[name] = Info(
                info.dtype,
                info.shape,
                quality if info.quality is Quality.EXACT else max(quality, info.quality),
                info.value,
                constant or info.constant,
                info.reason,
                info.type,
            )
        if self.root.until and self.root.until == self.graph.path(node):
            raise Reached

    def _checked(self, node: Node, call: ShapeCall) -> tuple[Sequence[Info | None], bool]:
        """A node's outputs, or why they are not known; and whether its inputs contradict it."""
        contradicts = False
        try:
            if self.root.checks is None:
                return self._outputs(node, call), False
            self.root.visited += 1
            require_fit(call)
            outputs = self._outputs(node, call)
            require_window(call, outputs)
            return outputs, False
        except Unresolved as reason:
            made = Info(dtypes.UNDEFINED, None, reason=str(reason))
        except Misfit as misfit:
            made, contradicts = self._misfit(node, misfit), True
        except InferenceError as error:
            made, contradicts = self._misfit(node, Misfit(_clean(str(error)))), True
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            text = f"the node is malformed ({_clean(str(error))})"
            made = Info(dtypes.UNDEFINED, None, reason=text)
        return [made] * len(node.outputs), contradicts

    def _misfit(self, node: Node, misfit: Misfit) -> Info:
        """What is known of the outputs of a node that can't take its inputs.

        Raises
        ------
        OcostError
            If the user gave the shapes.
        Misfit
            If sizes are tried.
        """
        root = self.root
        if misfit.path:  # of a body's node
            raise misfit
        if not self.lenient:
            misfit.path, misfit.order = self.graph.path(node), root.visited
            if root.checks is Checks.TRY:
                raise misfit
            if root.checks is Checks.NOTE:
                root.misfits.append(misfit)
            elif self.user_shapes:
                raise OcostError(f"the shapes given contradict node '{misfit.path}': {misfit}")
        scope: Shapes | None = self
        while scope is not None and scope.lenient:
            scope.failed, scope = scope.failed or misfit, scope.parent
        return Info(dtypes.UNDEFINED, None, reason=f"{misfit}{self._hint()}")

    def _hint(self) -> str:
        """What to give where a dim that was assumed may be to blame."""
        assumed = list(self.root.assumed)
        if not assumed:
            return ""
        more = " ..." if len(assumed) > _HINTED else ""
        dims = " ".join(f"--dim {name}=..." for name in assumed[:_HINTED])
        return f"; open dims are assumed: give {dims}{more}"

    def _outputs(self, node: Node, call: ShapeCall) -> Sequence[Info | None]:
        function = self.graph.function(node)
        if function is not None:
            return self._function(node, call, function)
        if (rule := control.RULES.get(node.op_type)) is not None and not node.domain:
            return control.proven(self, call) if self.proving else rule(self, call)
        if node.op_type == "Constant" and not node.domain:
            return [self._constant_node(node)]
        folded = fold(call, VALUE_LIMIT)
        if folded is not None:
            return [_from_value(value) for value in folded]
        found = shape_rules().get((node.domain, node.op_type))
        return onnx_inference.infer(call) if found is None else found(call)

    def _constant_node(self, node: Node) -> Info:
        proto = node.tensor("value")
        if proto is not None:
            return _constant(Tensor.from_proto(proto, self.graph.header.source, node.outputs[0]))
        sparse = node.attributes.get("sparse_value")
        if sparse is not None:
            source = self.graph.header.source
            return _constant(Tensor.from_proto(sparse.sparse_tensor, source, node.outputs[0]))
        folded = fold(ShapeCall(node, []), VALUE_LIMIT)
        if folded is None:
            return (onnx_inference.infer(self.call(node))[0] or _NOTHING)._replace(constant=True)
        return _from_value(folded[0])._replace(constant=True)

    def _function(
        self, node: Node, call: ShapeCall, function: FunctionProto
    ) -> Sequence[Info | None]:
        root, called = self.root, (node.domain, node.op_type, node.overload)
        key = None if root._shared is None else self._signature(node, call)
        scope = None if root._shared is None else root._shared.get(key)
        if scope is None:
            scope = Shapes(instantiate(self.graph, node, function))
            scope.root, scope.user_shapes = root, self.user_shapes
            scope.lenient, scope.proving = self.lenient, self.proving
            scope._function_key = called
            root._first.setdefault(called, scope)
            given = dict(zip(scope.graph.inputs, call.inputs, strict=False))
            scope.run({name: info for name, info in given.items() if info is not None})
            if root._shared is not None:
                root._shared[key] = scope
                if len(root._shared) > MOST_INLINED:
                    raise OcostError(
                        f"function '{function.name}': calls of functions come to more than "
                        f"{MOST_INLINED} whose inputs differ in type, shape or contents"
                    )
        self.bodies[node.id, "function"] = scope
        return [scope.get(name) for name in scope.graph.outputs]

    def _signature(self, node: Node, call: ShapeCall) -> Hashable:
        """What an inference of a function's body rests on."""
        attributes = (a.SerializeToString(deterministic=True) for a in node.attributes.values())
        return (
            (node.domain, node.op_type, node.overload, self.lenient),
            tuple(sorted(attributes)),
            tuple(map(bool, node.inputs)),
            tuple(None if info is None else info.key for info in call.inputs),
        )

    def body(
        self, node: Node, name: str, inputs: Sequence[Info], *, lenient: bool = False
    ) -> Shapes:
        """Infer one of a node's bodies with these inputs, and keep it.

        In a ``lenient`` one, which may never run, a contradiction is a reason and no error.
        """
        graph = self.graph.subgraphs(node)[name]
        scope = Shapes(graph, self)
        scope.lenient = scope.lenient or lenient
        scope.run(dict(zip(graph.inputs, inputs, strict=False)))
        self.bodies[node.id, name] = scope
        return scope

    def told(self, node: Node, trips: int | None, quality: Quality) -> int | None:
        """The trips of a Loop by the user's word, None without it.

        Raises
        ------
        OcostError
            If the model contradicts: ``trips`` is how often it runs the body, or a bound of that.
        """
        path = self.graph.path(node)
        told = self.root.told_trips.get(path)
        if told is None:
            return None
        most = "at most " if quality is Quality.BOUND else ""
        wrong = trips is not None and (told > trips if most else told != trips)
        if wrong and quality is not Quality.ASSUMED and not self.lenient:
            raise OcostError(f"--trips {path}={told}: the model runs it {most}{trips} times")
        self.root.followed.add(path)
        return told

    def _declared(self, name: str, info: Info, call: ShapeCall) -> Info:
        """Fall back on the type that the file declares, where it still must hold."""
        declared = self.graph.declared.get(name)
        if declared is not None:
            stated = onnx_inference.from_type(declared.type)
            if stated.type is not None:
                return stated
            if stated.resolved is not None and not (self.root.assumed or self.user_shapes):
                return stated
            info = info._replace(dtype=info.dtype or stated.dtype)
        if info.reason:
            return info
        above = (i.reason for i in call.inputs if i is not None and i.reason)
        own = f"the shape of {call.node.op_type}'s output depends on data"
        if self.root.assumed and all(i is None or i.resolved is not None for i in call.inputs):
            own = f"{call.node.op_type} does not fit its inputs{self._hint()}"
        return info._replace(reason=next(above, own))


_NOTHING = Info(dtypes.UNDEFINED, None)
_HINTED = 4  # dims in a hint


def _clean(text: str) -> str:
    """An InferenceError's message as one line."""
    return " ".join(text.split()).removeprefix("[ShapeInferenceError] ")


def _constant(tensor: Tensor) -> Info:
    value: Array | None = None
    limit = _LIMITS.get(tensor.dtype)
    reason = ""
    if limit is not None and tensor.size <= limit:
        reason = tensor.absent
        value = None if reason else tensor.data()
    return Info(tensor.dtype, tensor.shape, value=value, constant=True, reason=reason)


# Contents of other types (quantised weights, zero points) decide no shape.
_LIMITS = {
    **dict.fromkeys((dtypes.BOOL, dtypes.INT32, dtypes.INT64), VALUE_LIMIT),
    **dict.fromkeys((dtypes.FLOAT, dtypes.DOUBLE, dtypes.FLOAT16), FLOAT_LIMIT),
}


def _from_value(value: Array) -> Info:
    dtype = helper.np_dtype_to_tensor_dtype(value.dtype)
    return Info(dtype, value.shape, value=value)
