"""Whether a calibration is of this machine."""

from dataclasses import replace

import pytest

from ocost.costmodel.calibration.calibration import Provenance
from ocost.runtime.calibration.here import differs, this_machine

NOW = {
    "cpu": "A",
    "flags": ("avx512",),
    "runtime": "onnxruntime-cpu",
    "runtime_version": "1.32.0",
    "threads": 1,
}
THERE = Provenance(**NOW, denormals="flushed", date="2026-01-01", seconds=1.0, noise=0.0)


def test_the_same_machine() -> None:
    assert differs(THERE, 1, NOW) is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("cpu", "B", "its CPU is B, here it is A"),
        ("flags", ("avx2",), "its instruction set is avx2, here it is avx512"),
        ("runtime_version", "1.20.0", "its runtime version is 1.20.0, here it is 1.32.0"),
        ("threads", 2, "its number of threads is 2, here it is 1"),
    ],
)
def test_what_differs_is_named(key: str, value: object, said: str) -> None:
    assert differs(replace(THERE, **{key: value}), 1, NOW) == said


def test_this_machine_is_like_itself() -> None:
    now = this_machine(1)
    there = Provenance(**now, denormals="flushed", date="2026-01-01", seconds=1.0, noise=0.0)
    assert differs(there, 1) is None
    assert "number of threads" in (differs(there, 2) or "")
