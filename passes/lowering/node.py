"""A node of the working graph: like one of the file's, but it may be changed."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onnx import AttributeProto, helper

from ...graph.node import Node

if TYPE_CHECKING:
    from .work import Work


class WorkNode:
    """An operator, and what of the original graph it stands for.

    Attributes
    ----------
    index
        Its place in the order of creation, which decides the order in which a runtime visits.
    covers
        Paths of the original nodes whose work it does.
    glue
        Whether it does the work of no original: what ``covers`` names is then the boundary
        between originals that it stands at.
    moved
        Of a Transpose, originals that it stands for, each with a node that it first moved past, and
        whether it moved past that alone.
    bodies, captures
        The working graphs of its bodies, and what they read of the scopes around them.
    parts
        Of a fused node: the nodes that one kernel runs, in their order.
    """

    __slots__ = (
        "attributes",
        "bodies",
        "captures",
        "covers",
        "domain",
        "glue",
        "index",
        "inputs",
        "moved",
        "name",
        "op",
        "outputs",
        "parts",
        "source",
    )

    def __init__(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, AttributeProto],
        *,
        domain: str = "",
        name: str = "",
        covers: tuple[str, ...] = (),
        source: Node | None = None,
    ) -> None:
        self.index = -1
        self.op, self.domain, self.name = op, domain, name
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.attributes = attributes
        self.covers, self.glue = covers, False
        self.source = source
        self.moved: tuple[tuple[tuple[str, ...], WorkNode, bool], ...] = ()
        self.bodies: dict[str, Work] = {}
        self.captures: tuple[str, ...] = ()
        self.parts: tuple[WorkNode, ...] = ()

    @property
    def output(self) -> str:
        """The first output."""
        return self.outputs[0]

    def has_input(self, slot: int) -> bool:
        """Whether an optional input is given."""
        return slot < len(self.inputs) and bool(self.inputs[slot])

    def input(self, slot: int) -> str:
        """An input's tensor, "" where it is left out."""
        return self.inputs[slot] if slot < len(self.inputs) else ""

    def int(self, name: str, default: builtins.int) -> builtins.int:
        """An integer attribute."""
        found = self.attributes.get(name)
        return default if found is None else found.i

    def float(self, name: str, default: builtins.float) -> builtins.float:
        """A float attribute."""
        found = self.attributes.get(name)
        return default if found is None else found.f

    def string(self, name: str, default: str) -> str:
        """A string attribute."""
        found = self.attributes.get(name)
        return default if found is None else found.s.decode("utf-8", "replace")

    def ints(self, name: str) -> tuple[builtins.int, ...] | None:
        """A list of integers, None where it is absent."""
        found = self.attributes.get(name)
        return None if found is None else tuple(found.ints)

    def set(self, **attributes: Any) -> None:  # noqa: ANN401 - what make_attribute takes
        """Set attributes; the others stay."""
        self.attributes = {**self.attributes, **made(attributes)}

    def frozen(self, node_id: str = "") -> Node:
        """The node as the graph has it."""
        source = self.source
        if (
            source is not None
            and source.op_type == self.op
            and source.domain == self.domain
            and list(source.inputs) == self.inputs
            and list(source.outputs) == self.outputs
            and source.attributes is self.attributes
            and node_id in ("", source.id)
        ):
            return source
        first = next((o for o in self.outputs if o), self.op)
        return Node(
            node_id or self.name or first,
            self.op,
            tuple(self.inputs),
            tuple(self.outputs),
            self.attributes,
            self.domain,
            node_id if self.name else "",
        )

    def __repr__(self) -> str:
        return f"{self.domain}:{self.op}({', '.join(self.inputs)} -> {', '.join(self.outputs)})"


def made(attributes: Mapping[str, Any]) -> dict[str, AttributeProto]:
    """Attributes as protos; those that are None are left out."""
    return {k: helper.make_attribute(k, v) for k, v in attributes.items() if v is not None}
