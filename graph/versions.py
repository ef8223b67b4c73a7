"""Versions of an operator: whether two opsets mean the same by it."""

from __future__ import annotations

import re
from collections.abc import Hashable
from functools import lru_cache

from onnx import defs

_NOTE = re.compile(r"\(Opset \d+ change\):[^\n]*")  # of further types, behind the same text


def exists(op_type: str, domain: str, opset: int) -> bool:
    """Whether an opset has an operator; one that is deprecated there is not to be used."""
    found = _schema(op_type, domain, opset)
    return found is not None and not found.deprecated


@lru_cache(maxsize=4096)
def same_operator(op_type: str, domain: str, one: int, other: int) -> bool:
    """Whether two opsets have an operator, and by their texts mean the same by it.

    They do where description, attributes and arguments are the same and at most the types differ
    that it takes.
    """
    found = [_schema(op_type, domain, version) for version in (one, other)]
    if found[0] is None or found[1] is None:
        return False
    if found[0].since_version == found[1].since_version:
        return True
    return _meaning(found[0]) == _meaning(found[1])


def _schema(op_type: str, domain: str, opset: int) -> defs.OpSchema | None:
    try:
        return defs.get_schema(op_type, opset, domain)
    except defs.SchemaError:
        return None


def _meaning(schema: defs.OpSchema) -> Hashable:
    attributes = (
        (name, a.type, a.required, a.default_value.SerializeToString())
        for name, a in schema.attributes.items()
    )
    arguments = [
        tuple((one.name, one.option, one.is_homogeneous) for one in some)
        for some in (schema.inputs, schema.outputs)
    ]
    text = " ".join(_NOTE.sub("", schema.doc or "").split())
    return text, schema.deprecated, tuple(sorted(attributes)), *arguments
