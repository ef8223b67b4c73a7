"""The JSON Schemas (2020-12) of the documents, which ship with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

_SHARED = "ocost.common/1"


def load(name: str) -> dict[str, Any]:
    """The schema of a document, complete in itself.

    Parameters
    ----------
    name
        What the document says in its field ``schema``: ``ocost.cost/1``.

    Raises
    ------
    KeyError
        If there is no such schema.
    """
    schema = _schemas()[name]
    schema.setdefault("$defs", {})["common"] = _schemas()[_SHARED]  # found by its own $id
    return schema


def names() -> tuple[str, ...]:
    """Names of the documents that have a schema."""
    return tuple(sorted(_schemas().keys() - {_SHARED}))


def _schemas() -> dict[str, dict[str, Any]]:
    folder = files(__package__) / "schemas"
    schemas = [file for file in folder.iterdir() if file.name.endswith(".json")]
    found = (json.loads(file.read_text(encoding="utf-8")) for file in schemas)
    return {schema["title"]: schema for schema in found}
