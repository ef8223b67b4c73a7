"""What tells an operator that was written out from any other arithmetic."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from onnx import helper

from ...graph import Node
from ...graph.dtypes import name
from ..pattern import Match
from ..scope import Refused, Scope

_ULPS = 4  # exporters compute 1 / sqrt(2) and the like in their own order


def scalar(scope: Scope, tensor: str, beside: str) -> float | None:
    """The value of a scalar that broadcasts against another tensor without giving it a new axis.

    It may be stored, a Constant node, computed from such, of shape [] or of ones.
    """
    found = scope.known(tensor)
    if found is None or found.size != 1:
        return None
    rank = scope.dims(beside)
    if found.ndim and (rank is None or found.ndim > len(rank)):
        return None
    return float(found.reshape(())[()])


def scalars(m: Match, **expected: float) -> bool:
    """Whether the match's tensors of these names are these numbers, as its ``x`` would hold them.

    A few last digits may be off, of the type that the constant is stored in.
    """
    return all(_near(m, key, value) for key, value in expected.items())


def _near(m: Match, key: str, value: float) -> bool:
    tensor = m.tensor(key)
    found = scalar(m.scope, tensor, m.tensor("x"))
    dtype = m.scope.dtype(tensor)
    if found is None or dtype is None:
        return False
    kind = np.dtype(helper.tensor_dtype_to_np_dtype(dtype))
    if kind.kind != "f":
        return found == value
    return abs(found - value) <= _ULPS * float(np.finfo(kind).eps) * abs(value)


def since(scope: Scope, version: int, operator: str) -> None:
    """Refuse where the model's opset has no such operator.

    Raises
    ------
    Refused
        Naming the opset that has it.
    """
    if scope.opset() < version:
        raise Refused(f"opset {version} has {operator}; convert with --opset {version}")


def of_type(scope: Scope, tensor: str, allowed: Collection[int], why: str) -> None:
    """Refuse where a tensor is not known to be of one of these types.

    Raises
    ------
    Refused
        With ``why`` and the type that it is.
    """
    dtype = scope.dtype(tensor)
    if dtype not in allowed:
        found = "not known" if dtype is None else name(dtype)
        raise Refused(f"{why}, and the type of '{tensor}' is {found}")


def read_only_by(scope: Scope, node: Node, readers: Collection[str]) -> None:
    """Refuse where others than the nodes of these ids read a node's first output.

    Raises
    ------
    Refused
        Naming who.
    """
    tensor = node.outputs[0]
    kept = scope.kept(tensor)
    if kept:
        raise Refused(f"'{tensor}' {kept}")
    for reader in scope.readers(tensor):
        if reader.id not in readers:
            raise Refused(f"'{tensor}' is also read by '{scope.graph.path(reader)}'")
