"""Nodes of 16 bit floats without a kernel compute in 32 bits, between Casts.

Runtime's condition, every level: no kernel (``kernels.widened``). One Cast a tensor; between two
such nodes there is none. A node that has a kernel but stands among widened ones alone is widened
too. Then pairs of Casts that lose nothing are taken out, those of the file too (f32, f64, f32). At
the level ALL a Cast of a constant that nothing else reads, for one reader, is computed before the
run, and the rules of the extended and layout level run again. That round since 1.23.

    before  Relu(x: f16)
    after   Cast(Relu(Cast(x)))
"""

from __future__ import annotations

from collections.abc import Iterator

from ....graph.dtypes import BFLOAT16, DOUBLE, FLOAT, FLOAT16
from ..near import CAST_NAME, listed
from ..node import WorkNode
from ..rule import LoweringRule, Sweep
from ..work import Constant, Type, Work, cover
from .conditions import hand_on
from .constant_sharing import MOST
from .kernels import widened

_INSERTED = CAST_NAME
_HALVES = (FLOAT16, BFLOAT16)
_KEPT_TYPE = frozenset({"Cast", "Shape", "If", "Loop", "Scan"})


def _insert(work: Work) -> bool:
    some = any(kind.dtype in _HALVES for scope in _around(work) for kind in scope.types.values())
    wide = {n.index for n in work.nodes.values() if widened(work, n)} if some else set()
    if wide:
        for node in work.order():
            if node.index not in wide and _isolated(work, node, wide):
                wide.add(node.index)
        for node in list(work.order()):
            if node.index in wide:
                _widen(work, node, wide)
    return _pairs(work) or bool(wide)


def _around(work: Work) -> Iterator[Work]:
    """A graph or body, and the scopes that it reads of."""
    scope: Work | None = work
    while scope is not None:
        yield scope
        scope = scope.parent


def _isolated(work: Work, node: WorkNode, wide: set[int]) -> bool:
    if node.op in _KEPT_TYPE or node.bodies or work.gives_output(node):
        return False
    halves = [t for t in node.inputs if t and work.dtype(t) in _HALVES and work.constant(t) is None]
    makers = [work.maker(t) for t in halves]
    if not halves or any(m is None or m.index not in wide for m in makers):
        return False
    readers = [r for o in node.outputs if o for r in work.readers(o)]
    return bool(readers) and all(r.index in wide for r in readers)


def _widen(work: Work, node: WorkNode, wide: set[int]) -> None:
    for slot, tensor in enumerate(node.inputs):
        if tensor and work.dtype(tensor) in _HALVES:
            work.set_input(node, slot, _wide(work, tensor, node))
    outputs = list(node.outputs)
    for slot, tensor in enumerate(outputs):
        kind = work.type(tensor)
        if not tensor or kind.dtype not in _HALVES:
            continue
        readers = list(work.readers(tensor))
        made = work.tensor(_INSERTED + tensor, Type(FLOAT, kind.dims))
        outputs[slot] = made
        work.set_outputs(node, outputs)
        work.root.wide_of[work, tensor] = made
        if work.is_output(tensor) or any(r.index not in wide for r in readers):
            cast = work.glue("Cast", made, tensor, (node,), to=kind.dtype)
            work.call(cast, made)


def _wide(work: Work, tensor: str, reader: WorkNode) -> str:
    """A tensor in 32 bits: as a widened node makes it, or behind a Cast."""
    found = work.root.wide_of.get((work, tensor))
    if found is None:
        kind = work.type(tensor)
        found = work.tensor(_INSERTED + tensor, Type(FLOAT, kind.dims))
        maker = work.maker(tensor)
        cast = work.glue("Cast", tensor, found, (maker or reader,), to=FLOAT)
        work.call(cast, found)
        work.root.wide_of[work, tensor] = found
    return found


def _pairs(work: Work) -> bool:
    """Take out Casts to a wider type and back, and those that undo an inserted one."""
    changed = False
    for node in work.visit(("Cast",)):
        source = work.made_by(node.inputs[0], "Cast")
        if source is None or node.domain:
            continue
        first, middle, last = (
            work.dtype(source.inputs[0]),
            work.dtype(node.inputs[0]),
            work.dtype(node.output),
        )
        if middle == last and not work.is_output(node.output):
            hand_on(work, node, work.readers(node.output))
            work.bypass(node, node.inputs[0])
            changed = True
            continue
        inserted = any(n.name.startswith(_INSERTED) for n in (source, node))
        widening = (first, middle) in _WIDER
        if first != last and widening and last in _FLOATS:
            cover(node, source)
            work.set_input(node, 0, source.inputs[0])
            _unread(work, source)
            changed = True
            continue
        if first != last or not (widening or inserted):
            continue
        if work.is_output(node.output):  # it stays, and changes nothing
            work.set_input(node, 0, source.inputs[0])
        else:
            for gone in (node, source):
                hand_on(work, gone, work.readers(node.output))
            work.bypass(node, source.inputs[0])
        _unread(work, source)
        changed = True
    return changed


def _unread(work: Work, node: WorkNode) -> None:
    """Take a Cast out that nothing reads any more."""
    if not work.readers(node.output) and not work.gives_output(node):
        work.drop(node, "cse")


_FLOATS = (FLOAT, FLOAT16, DOUBLE, BFLOAT16)
_WIDER = frozenset({(FLOAT, DOUBLE), (FLOAT16, FLOAT), (FLOAT16, DOUBLE), (BFLOAT16, FLOAT)})


def _fuse_back(work: Work, node: WorkNode) -> bool:
    """An inserted Cast of a constant that only it reads, for a single reader."""
    if not node.glue or not node.name.startswith(_INSERTED) or work.gives_output(node):
        return False
    found = work.constant(node.inputs[0])
    if found is None or found.dtype != FLOAT16:
        return False
    readers = work.readers(node.output)
    if len(readers) != 1 or len(work.readers(node.inputs[0])) != 1:
        tensor = node.inputs[0]
        off = found.size <= MOST and " and switch ConstantSharing off (disabled_optimizers)"
        if not work.decline(
            "FuseFp16InitializerToFp32NodeTransformer",
            readers,
            f"the constant '{tensor}' of 16 bits is read by {listed(readers)}, and so is cast in "
            "each run",
            f"store '{tensor}' once for each node that reads it{off or ''}",
            lambda: None,
            kind="a constant of 16 bits that several nodes read is cast in each run",
        ):
            return False
    work.detach(node)
    value = found.value()
    wide = None if value is None else value.astype("float32")
    work.settle(node.output, Constant(FLOAT, found.shape, None, wide))
    return True


INSERT = Sweep("InsertCastTransformer", (), _insert)
FUSE_BACK = LoweringRule(
    "FuseFp16InitializerToFp32NodeTransformer", ("Cast",), _fuse_back, since=(1, 23)
)
