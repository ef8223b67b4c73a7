"""A busy machine is waited for, and given up in the end."""

import pytest

from ocost.graph import OcostError
from ocost.runtime.calibration import quiet
from ocost.runtime.calibration.quiet import Quiet, taken, work


def test_waits_until_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet.time, "sleep", lambda _: None)
    looks = iter([0.5, 0.3, 0.05])
    said: list[str] = []
    Quiet(10, lambda: next(looks)).wait(said.append)
    assert said == [
        "waiting: other programs take 50% of a core",
        "waiting: other programs take 30% of a core",
    ]


def test_gives_up_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet.time, "sleep", lambda _: None)
    with pytest.raises(OcostError, match=r"too busy.*run the same command again"):
        Quiet(2, lambda: 0.6).wait(lambda _: None)


def test_patience_is_for_all_waiting_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet.time, "sleep", lambda _: None)
    looks = iter([0.5, 0.5, 0.0, 0.5, 0.5])
    patient = Quiet(1.5, lambda: next(looks))
    patient.wait(lambda _: None)
    with pytest.raises(OcostError, match="too busy"):
        patient.wait(lambda _: None)


def test_what_others_take_is_a_share() -> None:
    assert 0 <= taken() <= 1


def test_slower_than_it_has_been() -> None:
    times = iter([1.0, 1.1, 1.3, 0.8, 1.0])
    looked = Quiet(0, lambda: 0.0, lambda: next(times))
    assert [looked.slow() for _ in range(5)] == [False, False, True, False, True]


def test_work_takes_time() -> None:
    assert 0 < work() < 1
