"""Transposes are moved, merged and cancelled, where that saves dims to move.

Runtime's condition, basic level in the first round and extended level; opset 7 on. In the runtime's
order each node behind a Transpose is looked at: the Transpose is pushed through if the operator has
a handler and the sum is negative of, for each input that has to be transposed: 0 for a constant;
minus its dims that are not 1 if it comes from an equal Transpose all of whose readers have
handlers; 0 from another Transpose; plus its dims else; and then, unless an output leads through
handled operators to another Transpose, plus the dims of the largest output. 1.20 to 1.32.

    before  Transpose -> Relu -> Transpose
    after   Relu
"""

from __future__ import annotations

from collections.abc import Mapping

from ...node import WorkNode
from ...rule import Sweep
from ...work import Work
from .handlers import HANDLERS
from .moves import Handler, Perm, Push, perm_of, weight
from .quantised import EXTENDED

Handlers = Mapping[tuple[str, str], Handler]
_CERTAIN = ("MaxPool", "Transpose")  # pushed through whatever it costs


def optimise(work: Work, handlers: Handlers) -> bool:
    """Push Transposes through what comes behind them, once through the graph."""
    nodes = list(work.order())
    leading = _leading(work, nodes, handlers)
    changed = False
    for node in nodes:
        if work.nodes.get(node.index) is not node:
            continue
        for slot, tensor in enumerate(node.inputs):
            before = work.made_by(tensor, "Transpose") if tensor else None
            perm = None if before is None else perm_of(work, before)
            if perm is not None and _process(work, node, slot, perm, leading, handlers):
                changed = True
                break
    return changed


def _handler(work: Work, node: WorkNode, handlers: Handlers) -> Handler | None:
    found = handlers.get((node.domain, node.op))
    if node.op == "Elu" and work.target.version < (1, 30):
        return None
    return found


def _leading(work: Work, nodes: list[WorkNode], handlers: Handlers) -> set[str]:
    """Tensors that lead through handled operators to a Transpose."""
    leading: set[str] = set()
    for node in reversed(nodes):
        if node.op == "Transpose" and not node.domain:
            leading.add(node.inputs[0])
        elif any(o in leading for o in node.outputs):
            handler = _handler(work, node, handlers)
            if handler is not None and handler.outward:
                leading.update(node.inputs[s] for s in handler.slots(work, node))
    return leading


def _process(
    work: Work, node: WorkNode, slot: int, perm: Perm, leading: set[str], handlers: Handlers
) -> bool:
    handler = _handler(work, node, handlers)
    if handler is None:
        return False
    slots = [s for s in handler.slots(work, node) if s < len(node.inputs) and node.inputs[s]]
    if slot not in slots:
        return False
    if node.op not in _CERTAIN and _cost(work, node, slots, perm, leading, handlers) >= 0:
        return False
    return handler.push(Push(work, node, perm, slots))


def _cost(
    work: Work,
    node: WorkNode,
    slots: list[int],
    perm: Perm,
    leading: set[str],
    handlers: Handlers,
) -> int:
    cost = sum(_input_cost(work, node.inputs[s], perm, handlers) for s in slots)
    handler = _handler(work, node, handlers)
    if cost < 0 and handler is not None and handler.outward:
        outputs = [o for o in node.outputs if o]
        if not any(o in leading for o in outputs):
            cost += max(weight(work.dims(o)) for o in outputs)
    return cost


def _input_cost(work: Work, tensor: str, perm: Perm, handlers: Handlers) -> int:
    if work.constant(tensor) is not None:
        return 0
    maker = work.maker(tensor)
    if maker is not None and not maker.domain:
        if maker.op == "DequantizeLinear" and work.constant(maker.inputs[0]) is not None:
            return 0
        if maker.op == "Transpose":
            if perm_of(work, maker) == perm and _removable(work, maker, handlers):
                return -weight(work.dims(tensor))
            return 0
    return weight(work.dims(tensor))


def _removable(work: Work, node: WorkNode, handlers: Handlers) -> bool:
    if work.gives_output(node):
        return False
    readers = work.readers(node.output)
    return all(node.output in r.inputs and _handler(work, r, handlers) is not None for r in readers)


def _basic(work: Work) -> bool:
    return optimise(work, HANDLERS)


def _extended(work: Work) -> bool:
    return optimise(work, EXTENDED)


BASIC = Sweep("TransposeOptimizer", ("Transpose",), _basic)
AGAIN = Sweep("TransposeOptimizer_CPUExecutionProvider", ("Transpose",), _extended)
