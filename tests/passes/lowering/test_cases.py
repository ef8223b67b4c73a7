"""Tiny graphs at the edges of the runtime's conditions, against what onnxruntime saved of them.

``bench/lowering_cases.py`` re-makes the table. What differs is listed here with its cause: a rule
that comes to be written takes its line out.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto

from ocost.graph.load import from_proto
from ocost.passes.lowering import OptimizationLevel, Target, lower

LEVELS = {level.name.lower(): level for level in OptimizationLevel}
KNOWN: dict[str, set[str]] = {level: set() for level in LEVELS}


@cache
def cases() -> list[dict[str, Any]]:
    path = Path(__file__).with_name("cases.json.gz")
    found: list[dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))["cases"]
    return found


def lowered(case: dict[str, Any], target: Target) -> dict[str, int]:
    graph = from_proto(ModelProto.FromString(base64.b64decode(case["model"])))
    done = lower(graph, target)
    return dict(
        Counter(n.op_type if not n.domain else f"{n.domain}:{n.op_type}" for n in done.graph)
    )


def wrong(version: str, level: str, block: int = 16) -> set[str]:
    """The cases of which the rules say something else than this release did."""
    key = version if block == 16 else f"{version}/{block}"
    number = tuple(map(int, version.split(".")))
    target = Target(version=(number[0], number[1]), block=block, level=LEVELS[level])
    found = set()
    for case in cases():
        saved = case["saved"].get(key, case["saved"]["1.32"])[level]
        if saved is not None and lowered(case, target) != saved:
            found.add(case["name"])
    return found


def test_there_are_cases() -> None:
    assert len(cases()) > 600


@pytest.mark.parametrize("level", list(LEVELS))
def test_the_newest_release(level: str) -> None:
    differ = wrong("1.32", level)
    assert differ <= KNOWN[level]
    assert len(differ) <= 0.02 * len(cases())


def test_blocks_of_eight() -> None:
    assert wrong("1.32", "layout", block=8) <= KNOWN["layout"]


@pytest.mark.parametrize(
    "version", ["1.20", "1.22", "1.23", "1.24", "1.26", "1.28", "1.30", "1.31"]
)
def test_older_releases(version: str) -> None:
    assert len(wrong(version, "extended")) <= 0.02 * len(cases())
