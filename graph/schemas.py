"""What onnx's schemas say of an operator at an opset."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from onnx import AttributeProto, defs


@lru_cache(maxsize=4096)
def schema(op: str, opset: int, domain: str) -> defs.OpSchema | None:
    """The operator's schema, None where onnx has none."""
    try:
        return defs.get_schema(op, opset, "" if domain == "ai.onnx" else domain)
    except defs.SchemaError:
        return None


@lru_cache(maxsize=4096)
def since_version(op: str, opset: int, domain: str) -> int:
    """From which version on the operator is as this opset has it; 1 where onnx has no schema."""
    found = schema(op, opset, domain)
    return 1 if found is None else found.since_version


@lru_cache(maxsize=4096)
def defaults(op: str, opset: int, domain: str) -> Mapping[str, AttributeProto]:
    """The attributes that have a default value."""
    found = schema(op, opset, domain)
    if found is None:
        return {}
    return {
        name: attribute.default_value
        for name, attribute in found.attributes.items()
        if attribute.default_value.type != AttributeProto.UNDEFINED
    }
