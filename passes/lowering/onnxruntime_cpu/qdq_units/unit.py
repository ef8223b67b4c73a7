"""A node between DequantizeLinears and QuantizeLinears, and the integer node that replaces it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...node import WorkNode
from ...work import Work
from ..quantisation import dq_of, is_q, quantised_type


class Unit(NamedTuple):
    """A target, the DQ of each of its inputs (None where it has none), and the Qs behind it."""

    work: Work
    target: WorkNode
    dqs: list[WorkNode | None]
    qs: list[WorkNode]

    @property
    def inputs(self) -> list[WorkNode]:
        """The DQs that there are."""
        return [d for d in self.dqs if d is not None]

    def full(self) -> bool:
        """Whether each given input has a DQ."""
        return all(d is not None for d, t in zip(self.dqs, self.target.inputs, strict=True) if t)

    def into(self) -> list[int]:
        """The integer types of the inputs."""
        return [quantised_type(self.work, d) for d in self.inputs]

    def out_of(self) -> list[int]:
        """The integer types of the outputs."""
        return [quantised_type(self.work, q) for q in self.qs]

    def parameters(self, node: WorkNode) -> list[str]:
        """Scale and zero point of a Q or DQ; a zero point of 0 where it is left out."""
        if node.has_input(2):
            return node.inputs[1:3]
        dtype = quantised_type(self.work, node)
        shape = self.work.type(node.inputs[1]).dims or ()
        fixed = tuple(d for d in shape if type(d) is int)
        zeros = np.zeros(fixed, np.uint8)
        return [node.inputs[1], self.work.store("zero_point", dtype, fixed, zeros)]

    def replace(
        self,
        op: str,
        inputs: Sequence[str],
        *,
        domain: str,
        attributes: Mapping[str, Any] | None = None,
    ) -> bool:
        """Put an integer node in the place of all of it."""
        work, target = self.work, self.target
        outputs = [q.output for q in self.qs] or target.outputs
        parts = [*self.inputs, target, *self.qs]
        work.replace(
            parts,
            op,
            list(inputs),
            outputs,
            domain=domain,
            name=target.name,
            attributes=dict(target.attributes) if attributes is None else attributes,
        )
        return True


def unit(work: Work, target: WorkNode, *, without_q: bool = False) -> Unit | None:
    """The unit around a node: what makes its inputs is read by it alone, Qs read all it makes.

    ``without_q``: nothing behind it need be quantised; then ``qs`` is empty.
    """
    dqs: list[WorkNode | None] = []
    for tensor in target.inputs:
        dq = dq_of(work, tensor) if tensor else None
        if dq is not None and (work.edges(dq) != 1 or work.gives_output(dq)):
            return None
        dqs.append(dq)
    if not any(dqs):
        return None
    outputs = [o for o in target.outputs if o]
    qs: list[WorkNode] = []
    for output in outputs:
        readers = work.readers(output)
        if len(readers) == 1 and is_q(readers[0]) and not work.is_output(output):
            qs.append(readers[0])
    if len(qs) != len(outputs):
        any_q = any(is_q(r) for o in outputs for r in work.readers(o))
        if not without_q or (any_q and work.edges(target) == 1):
            return None
        qs = []
    return Unit(work, target, dqs, qs)
