"""An operator node: ordered tensor names and attributes, as the file has them."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import is_
from types import MappingProxyType
from typing import Any

from onnx import AttributeProto, NodeProto, TensorProto, helper

_NO_ATTRIBUTES: Mapping[str, AttributeProto] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator of a graph. Immutable: a changed node is a new one.

    Parameters
    ----------
    id
        Unique in its graph: the node's name if that is unique, else its first output.
    name
        The name that the file gives, "" if none.
    op_type, domain
        The operator; the default domain is "".
    inputs, outputs
        Tensor names in order, "" for an optional one that is left out.
    attributes
        By name, as protos, so that what was not touched goes back out as it came in.
    proto
        The proto that the node was read from; None for a node that a pass made.
    """

    id: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, AttributeProto] = field(default_factory=lambda: _NO_ATTRIBUTES)
    domain: str = ""
    name: str = ""
    overload: str = ""
    proto: NodeProto | None = field(default=None, repr=False)

    @classmethod
    def make(
        cls,
        op_type: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        name: str = "",
        domain: str = "",
        **attributes: Any,  # noqa: ANN401 - what onnx.helper.make_attribute takes
    ) -> Node:
        """A new node; attributes are Python values, arrays as TensorProto."""
        made = {k: helper.make_attribute(k, v) for k, v in attributes.items() if v is not None}
        first = next((o for o in outputs if o), op_type)
        return cls(
            id=name or first,
            op_type=op_type,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            attributes=made,
            domain=domain,
            name=name,
        )

    def with_io(
        self, inputs: Sequence[str] | None = None, outputs: Sequence[str] | None = None
    ) -> Node:
        """The same node on other tensors."""
        return replace(
            self,
            inputs=self.inputs if inputs is None else tuple(inputs),
            outputs=self.outputs if outputs is None else tuple(outputs),
        )

    def as_proto(self) -> NodeProto:
        """The node as ONNX writes it: the proto it was read from where nothing changed.

        Bodies are as they were read; ``save`` puts the current ones in their place.
        """
        source = self.proto
        if (
            source is not None
            and self.op_type == source.op_type
            and self.inputs == tuple(source.input)
            and self.outputs == tuple(source.output)
            and len(self.attributes) == len(source.attribute)
            and all(map(is_, self.attributes.values(), source.attribute))
        ):
            return source
        made = NodeProto()
        if source is not None:  # doc string and metadata stay
            made.CopyFrom(source)
            for repeated in ("input", "output", "attribute"):
                made.ClearField(repeated)
        made.op_type = self.op_type
        made.input.extend(self.inputs)
        made.output.extend(self.outputs)
        made.attribute.extend(self.attributes.values())
        for name in ("name", "domain", "overload"):
            value = getattr(self, name)
            if value != getattr(made, name) and not (name == "domain" and made.domain == "ai.onnx"):
                setattr(made, name, value)
        return made

    @property
    def qualified_type(self) -> str:
        """``Conv`` or ``com.microsoft::FusedConv``."""
        return f"{self.domain}::{self.op_type}" if self.domain else self.op_type

    def int(self, name: str, default: builtins.int) -> builtins.int:
        """An integer attribute."""
        attribute = self.attributes.get(name)
        return default if attribute is None else attribute.i

    def float(self, name: str, default: builtins.float) -> builtins.float:
        """A float attribute."""
        attribute = self.attributes.get(name)
        return default if attribute is None else attribute.f

    def string(self, name: str, default: str) -> str:
        """A string attribute, decoded as UTF-8."""
        attribute = self.attributes.get(name)
        return default if attribute is None else attribute.s.decode("utf-8", "replace")

    def ints(self, name: str) -> tuple[builtins.int, ...] | None:
        """A list of integers, or None where the attribute is absent."""
        attribute = self.attributes.get(name)
        return None if attribute is None else tuple(attribute.ints)

    def tensor(self, name: str) -> TensorProto | None:
        """A tensor attribute; its data may still lie in the file (see ``graph.tensor``)."""
        attribute = self.attributes.get(name)
        return None if attribute is None else attribute.t
