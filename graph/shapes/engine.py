"""Shapes, types and small contents of every tensor, in one pass over the nodes.

Each node is asked of, in turn: value folding (shape arithmetic on known contents), a shape rule
of ours, onnx's inference for that one node. Bodies of If, Loop, Scan and functions are scopes of
their own. The pass is linear in the nodes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from onnx import FunctionProto, helper
from onnx.shape_inference import InferenceError

from .. import dtypes
from ..dataflow import RANDOM
from ..errors import OcostError
from ..functions import MOST_INLINED, shares_bodies
from ..load import instantiate
from ..node import Node
from ..tensor import Tensor
from . import control, onnx_inference
from .fits import Misfit, require_fit, require_window
from .fold import fold
from .info import Array, Info, Quality, ShapeCall, Unresolved, shape_rules
from .table import Shapes

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


@dataclass
class Inference:
    """An inference of a graph: what holds for all its scopes.

    Parameters
    ----------
    root
        The table to fill.
    checks
        What happens to a node that can't take its inputs; without, only onnx's own inference tells.
    until
        The path of the node to stop behind.
    told_trips
        What the user says of the trips of Loops, by their paths.
    user_shapes
        Whether what is given is the user's word, before what the file declares.
    proving
        Whether only what holds in every run counts.
    lenient
        Whether a contradiction is a reason and no error.
    """

    root: Shapes
    checks: Checks | None = None
    until: str = ""
    told_trips: Mapping[str, int] = field(default_factory=dict)
    user_shapes: bool = False
    proving: bool = False
    lenient: bool = False
    visited: int = field(default=0, init=False)  # nodes
    shared: dict[Hashable, Shapes] | None = field(default=None, init=False)  # by signature

    def run(self, inputs: Mapping[str, Info], *, share: bool = True) -> Shapes:
        """Infer everything from the inputs on; calls ``share`` scopes where there are too many.

        Raises
        ------
        OcostError
            If what the user gave contradicts the model.
        Misfit, Reached
            If sizes are tried.
        """
        self.shared = {} if share and shares_bodies(self.root.graph) else None
        self.root.shares = self.shared is not None
        Worker(self.root, self, lenient=self.lenient).run(inputs)
        return self.root


class Worker:
    """Fills the table of one scope.

    Attributes
    ----------
    failed
        The first node that can't take its inputs in a scope that may never run.
    """

    def __init__(
        self, table: Shapes, inference: Inference, above: Worker | None = None, *, lenient: bool
    ) -> None:
        self.table, self.graph = table, table.graph
        self.inference = inference
        self.lenient = lenient
        self.failed: Misfit | None = None
        self._above = above

    def run(self, inputs: Mapping[str, Info]) -> None:
        """Infer everything from the inputs on."""
        self.table.infos.update(inputs)
        for name, tensor in self.graph.initializers.items():
            if not (self.inference.proving and self.graph.overridable(name)):
                self.table.infos[name] = _constant(tensor)
        for node in self.graph:
            self._node(node)

    def _node(self, node: Node) -> None:
        call = self.table.call(node)
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
            self.table.infos[name] = Info(
                info.dtype,
                info.shape,
                quality if info.quality is Quality.EXACT else max(quality, info.quality),
                info.value,
                constant or info.constant,
                info.reason,
                info.type,
            )
        if self.inference.until and self.inference.until == self.graph.path(node):
            raise Reached

    def _checked(self, node: Node, call: ShapeCall) -> tuple[Sequence[Info | None], bool]:
        """A node's outputs, or why they are not known; and whether its inputs contradict it."""
        contradicts = False
        try:
            if self.inference.checks is None:
                return self._outputs(node, call), False
            self.inference.visited += 1
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
        run = self.inference
        if misfit.path:  # of a body's node
            raise misfit
        if not self.lenient:
            misfit.path, misfit.order = self.graph.path(node), run.visited
            if run.checks is Checks.TRY:
                raise misfit
            if run.checks is Checks.NOTE:
                run.root.misfits.append(misfit)
            elif run.user_shapes:
                raise OcostError(f"the shapes given contradict node '{misfit.path}': {misfit}")
        scope: Worker | None = self
        while scope is not None and scope.lenient:
            scope.failed, scope = scope.failed or misfit, scope._above
        return Info(dtypes.UNDEFINED, None, reason=f"{misfit}{self._hint()}")

    def _hint(self) -> str:
        """What to give where a dim that was assumed may be to blame."""
        assumed = list(self.inference.root.assumed)
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
            return control.proven(self, call) if self.inference.proving else rule(self, call)
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
            return (onnx_inference.infer(self.table.call(node))[0] or _NOTHING)._replace(
                constant=True
            )
        return _from_value(folded[0])._replace(constant=True)

    def _function(
        self, node: Node, call: ShapeCall, function: FunctionProto
    ) -> Sequence[Info | None]:
        run, called = self.inference, (node.domain, node.op_type, node.overload)
        key = None if run.shared is None else self._signature(node, call)
        table = None if run.shared is None else run.shared.get(key)
        if table is None:
            table = Shapes(instantiate(self.graph, node, function), root=run.root)
            table.function = called
            run.root.first_calls.setdefault(called, table)
            given = dict(zip(table.graph.inputs, call.inputs, strict=False))
            worker = Worker(table, run, lenient=self.lenient)
            worker.run({name: info for name, info in given.items() if info is not None})
            if run.shared is not None:
                run.shared[key] = table
                if len(run.shared) > MOST_INLINED:
                    raise OcostError(
                        f"function '{function.name}': calls of functions come to more than "
                        f"{MOST_INLINED} whose inputs differ in type, shape or contents"
                    )
        self.table.bodies[node.id, "function"] = table
        return [table.get(name) for name in table.graph.outputs]

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
    ) -> Worker:
        """Infer one of a node's bodies with these inputs, and keep it.

        In a ``lenient`` one, which may never run, a contradiction is a reason and no error.
        """
        graph = self.graph.subgraphs(node)[name]
        table = Shapes(graph, self.table)
        worker = Worker(table, self.inference, self, lenient=self.lenient or lenient)
        worker.run(dict(zip(graph.inputs, inputs, strict=False)))
        self.table.bodies[node.id, name] = table
        return worker

    def told(self, node: Node, trips: int | None, quality: Quality) -> int | None:
        """The trips of a Loop by the user's word, None without it.

        Raises
        ------
        OcostError
            If the model contradicts: ``trips`` is how often it runs the body, or a bound of that.
        """
        path = self.graph.path(node)
        told = self.inference.told_trips.get(path)
        if told is None:
            return None
        most = "at most " if quality is Quality.BOUND else ""
        wrong = trips is not None and (told > trips if most else told != trips)
        if wrong and quality is not Quality.ASSUMED and not self.lenient:
            raise OcostError(f"--trips {path}={told}: the model runs it {most}{trips} times")
        self.inference.root.followed.add(path)
        return told

    def _declared(self, name: str, info: Info, call: ShapeCall) -> Info:
        """Fall back on the type that the file declares, where it still must hold."""
        assumed = self.inference.root.assumed
        declared = self.graph.declared.get(name)
        if declared is not None:
            stated = onnx_inference.from_type(declared.type)
            if stated.type is not None:
                return stated
            if stated.resolved is not None and not (assumed or self.inference.user_shapes):
                return stated
            info = info._replace(dtype=info.dtype or stated.dtype)
        if info.reason:
            return info
        above = (i.reason for i in call.inputs if i is not None and i.reason)
        own = f"the shape of {call.node.op_type}'s output depends on data"
        if assumed and all(i is None or i.resolved is not None for i in call.inputs):
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
