"""Whole graphs against what other builds of onnxruntime saved of them: releases, blocks of 8.

``bench/lowering_saved.py`` makes the table; graphs are kept without their weights.
"""

from __future__ import annotations

import importlib
import statistics
from pathlib import Path
from typing import Any

import pytest

import ocost


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(ocost.__file__).parent / "bench")
    return importlib.import_module("lowering_saved")


@pytest.mark.parametrize("key", ["1.32/8", "1.24", "1.32"])
def test_twenty_graphs_agree(key: str, bench: Any) -> None:
    kept = bench.read()
    column = {"graphs": kept["graphs"], "saved": {key: kept["saved"][key]}}
    found = {name: (share, ratio) for _, name, share, ratio in bench.rows(column)}
    assert len(found) == 20
    shares = [share for share, _ in found.values()]
    assert statistics.median(shares) >= 0.97
    assert min(shares) >= 0.9, found
    far = [name for name, (_, ratio) in found.items() if abs(ratio - 1) > 0.02]
    assert len(far) <= 1, found


def test_the_versions_differ_in_each_of_the_graphs(bench: Any) -> None:
    """On graphs that are the same in both a test of versions would show nothing."""
    older, newer = (bench.read()["saved"][key] for key in ("1.24", "1.32"))
    assert older.keys() == newer.keys()
    for name in older:
        assert bench.operators(older[name]) != bench.operators(newer[name]), name


def test_the_rules_of_the_wrong_version_or_block_agree_less(bench: Any) -> None:
    kept = bench.read()
    for key, other in (("1.24", "1.32"), ("1.32/8", "1.32")):
        shares = [
            bench.compared(
                bench.unpacked(kept["graphs"][name]), bench.unpacked(text), bench.target_of(other)
            )[0]
            for name, text in kept["saved"][key].items()
        ]
        assert max(shares) < 1, key
