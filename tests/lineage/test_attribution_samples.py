"""Every executed node of every bundled model is mapped, and no original is missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ocost.graph import load
from ocost.lineage.attribution import attribute
from ocost.models import samples
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session
from ocost.runtime.protocol import Options, SessionLevel


@pytest.mark.parametrize("sample", [sample.name for sample in samples()])
def test_sample(sample: str, tmp_path: Path) -> None:
    original = load(f"@{sample}")
    model = named(original)
    names = [scope.path(node) for scope, node in original.walk()]
    for level in SessionLevel:
        saved = tmp_path / f"{level}.onnx"
        open_session(model, Options(level=level), optimized=saved)
        found = attribute(original, load(saved))
        status = Counter(node.status for node in found.executed)
        assert status["unmapped"] == status["empty"] == 0, level
        assert sorted(found.originals) == sorted(names)
        assert "missing" not in found.originals.values(), level
        covered = {name for node in found.executed for name in node.originals}
        fates = found.originals.items()
        assert covered >= {name for name, fate in fates if fate in ("once", "multi")}


def test_one_node_one_original(optimised) -> None:
    """Nothing is fused: each node stands for itself, constants are there before the run."""
    original = load("@shufflenet_v2")
    found = attribute(original, optimised(original, SessionLevel.DISABLE))
    assert {node.originals for node in found.executed} == {(node.name,) for node in found.executed}
    constants = {node.id for node in original if node.op_type == "Constant"}
    folded = {name for name, fate in found.originals.items() if fate == "folded"}
    assert folded == constants
