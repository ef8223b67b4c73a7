"""Which way a model goes at which sizes: the conditions of its Ifs that shapes alone decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...graph import OcostError
from ...graph.shapes import Shapes
from .branches import ways
from .conditions import Array
from .sizes import Frame, Sizes

_DEEPEST = 8  # bodies within bodies
_Path = tuple[tuple[str, str], ...]  # node and attribute of each body on the way


@dataclass(frozen=True)
class SizeTarget:
    """A way that a model can go, where shapes alone decide.

    Parameters
    ----------
    path, tensor
        What decides: a tensor of a body.
    way
        Whether that content of it leads there.
    missed
        For people, where no size is found.
    """

    path: _Path
    tensor: str
    way: Callable[[Array], bool]
    missed: str

    def met(self, shapes: Shapes) -> bool:
        """Whether the model goes that way at the sizes that are inferred there."""
        value = _value(shapes, self.path, self.tensor)
        return value is not None and bool(value.size) and self.way(value.reshape(-1)[0])


def size_targets(frame: Frame, base: Sizes) -> list[SizeTarget]:
    """The ways at conditions that are known at ``base``, but not at every size.

    Those in a branch that is not taken at ``base`` are among them, whatever decides them.
    """
    try:
        open_ = frame.proven(frame.known)
        return list(_targets(open_, frame.proven(base), ()))
    except OcostError:
        return []


def _targets(scope: Shapes, there: Shapes | None, path: _Path) -> Iterator[SizeTarget]:
    for node in scope.graph:
        bodies = [name for owner, name in scope.bodies if owner == node.id]
        if not bodies:
            continue
        for slot, possible in ways(node):
            name = node.inputs[slot] if slot < len(node.inputs) else ""
            info = scope.get(name) if name else None
            if not name or (info is not None and info.value is not None):
                continue
            if there is not None and _value(there, (), name) is None:
                continue  # contents decide
            for way in possible:
                if way.at_some_size:
                    yield SizeTarget(path, name, way.met, way.missed)
        if len(path) < _DEEPEST:
            for name in bodies:
                key = (node.id, name)
                below = None if there is None else there.bodies.get(key)
                yield from _targets(scope.bodies[key], below, (*path, key))


def _value(shapes: Shapes, path: _Path, tensor: str) -> Array | None:
    for key in path:
        if key not in shapes.bodies:
            return None
        shapes = shapes.bodies[key]
    info = shapes.get(tensor)
    return None if info is None else info.value
