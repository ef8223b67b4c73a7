"""What the time of a node depends on, operator by operator."""

from __future__ import annotations

from functools import cache

from ...cost import Costed
from ..machine import Machine
from .general import general
from .register import Features, maker_of

__all__ = ["Features", "features_of"]


def features_of(costed: Costed, machine: Machine) -> Features | None:
    """The features of an executed node; None where its cost is not known, or it runs bodies."""
    call = costed.call
    if call is None or not costed.cost.known:
        return None
    _register()
    maker = maker_of(costed.node.domain, costed.node.op_type)
    found = None if maker is None else maker(costed, call, machine)
    return general(costed, call, machine) if found is None else found


@cache
def _register() -> None:
    """Import the files that register makers."""
    from . import (  # noqa: F401, PLC0415 - they register on import
        attention,
        classical,
        convolution,
        einsum,
        elementwise,
        indexing,
        layout,
        matmul,
        normalisation,
        pooling,
        quantised_convolution,
        quantised_elements,
        quantised_matmul,
        recurrent,
        reduction,
        signal,
    )
