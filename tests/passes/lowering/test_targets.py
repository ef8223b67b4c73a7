"""Which target a device names, and what is taken where there are no rules for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import ocost
from ocost.costmodel.catalogue import find
from ocost.costmodel.device_file import load
from ocost.graph import OcostError
from ocost.passes.lowering import OptimizationLevel
from ocost.passes.lowering.costed import lowered_cost, target_of
from ocost.passes.lowering.targets import RUNTIMES

CORE = find("x86-server-core")


def test_a_runtime_is_listed_under_its_name() -> None:
    assert list(RUNTIMES) == ["onnxruntime-cpu", "mobile", "ideal"]


def test_a_device_names_runtime_version_and_level() -> None:
    device = replace(CORE, runtime_version="1.24.4", runtime_level="extended")
    target, notes = target_of(device)
    assert (target.runtime, target.version) == ("onnxruntime-cpu", (1, 24))
    assert (target.level, target.block) == (OptimizationLevel.EXTENDED, 16)
    assert notes == ()


@pytest.mark.parametrize(
    ("version", "taken"),
    [("1.25", (1, 24)), ("1.19", (1, 20)), ("1.40.1", (1, 32)), ("2.0", (1, 32))],
)
def test_the_nearest_version_is_taken_and_named(version: str, taken: tuple[int, int]) -> None:
    target, (note,) = target_of(replace(CORE, runtime_version=version))
    assert target.version == taken
    major_minor = ".".join(version.split(".")[:2])
    assert note == (
        f"executed by the rules for onnxruntime-cpu {taken[0]}.{taken[1]}, the nearest to "
        f"{major_minor}, which is not tabulated"
    )


def test_without_rules_the_target_is_ideal_and_reports_say_so() -> None:
    target, (note,) = target_of(find("nvidia-h100"))
    assert target.runtime == "ideal"
    assert note == (
        "executed on the target 'ideal', which fuses all that may be fused: there are no rules for "
        "onnxruntime-cuda"
    )
    found = ocost.cost("@mobilenet_v2", "nvidia-h100", level="executed")
    assert note in found.notes
    assert len(found.nodes) < 60  # of 222
    diff = ocost.diff("@odd_channels", device="nvidia-h100")
    assert note in diff.before.notes
    assert diff.levels["executed"].after.totals.latency_s is not None


def test_a_device_of_the_ideal_needs_no_note() -> None:
    assert target_of(replace(CORE, runtime="ideal")).notes == ()


def test_a_lower_level_rewrites_less() -> None:
    graph = ocost.load("@mobilenet_v2")
    for name in ("x86-server-core", "nvidia-h100"):
        counts = [
            len(lowered_cost(graph, replace(find(name), runtime_level=level)).lowered.graph)
            for level in ("disable", "extended")
        ]
        assert counts[1] < counts[0] < len(graph)  # its Constants are there before the run


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('runtime_version = "new"', "runtime_version must be a text like \"1.32\", not 'new'"),
        ("runtime_version = 1.32", 'runtime_version must be a text like "1.32", not 1.32'),
        ('runtime_level = "most"', "runtime_level must be one of disable, basic, extended"),
    ],
)
def test_a_device_file_that_names_no_version_or_level(
    line: str, problem: str, tmp_path: Path
) -> None:
    bundled = Path(ocost.__file__).parent / "costmodel" / "devices" / "nvidia-t4.toml"
    file = tmp_path / "mine.toml"
    file.write_text(f"{line}\n{bundled.read_text()}")
    with pytest.raises(OcostError, match=problem):
        load(file)
