"""An interrupted calibration goes on from its journal."""

from pathlib import Path

import pytest

from ocost.graph import OcostError
from ocost.runtime.calibration.journal import Journal
from ocost.runtime.calibration.measuring import Times

ABOUT = {"cpu": "one", "threads": 1}
TIMES = Times({"case0": 1e-5, "case1": 3e-6})


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "d.json.part"
    first = Journal(path, ABOUT)
    first.add((1, 0, 3), TIMES, 0.5)
    first.add((2, 0, 3), None, 0.25)
    again = Journal(path, ABOUT)
    assert again.get((1, 0, 3)) == TIMES
    assert again.get((2, 0, 3)) == Times({})  # refused, and not tried once more
    assert again.get((1, 0, 4)) is None
    assert again.spent_s == 0.75


def test_the_order_of_nodes_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "d.json.part"
    Journal(path, ABOUT).add((1, 0, 0), Times({"case2": 1.0, "case0": 2.0}), 0.0)
    found = Journal(path, ABOUT).get((1, 0, 0))
    assert found is not None
    assert list(found.seconds) == ["case2", "case0"]


def test_a_last_line_that_is_cut_off_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "d.json.part"
    journal = Journal(path, ABOUT)
    journal.add((1, 0, 0), TIMES, 1.0)
    journal.add((1, 0, 1), TIMES, 1.0)
    path.write_text(path.read_text()[:-20])
    again = Journal(path, ABOUT)
    assert again.get((1, 0, 0)) == TIMES
    assert again.get((1, 0, 1)) is None
    assert again.spent_s == 1.0
    again.add((1, 0, 1), TIMES, 1.0)
    assert Journal(path, ABOUT).get((1, 0, 1)) == TIMES


def test_of_another_machine_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.json.part"
    Journal(path, ABOUT)
    with pytest.raises(OcostError, match=r"d\.json\.part.*another machine.*remove it"):
        Journal(path, {**ABOUT, "cpu": "another"})


def test_it_goes_when_all_is_done(tmp_path: Path) -> None:
    path = tmp_path / "d.json.part"
    journal = Journal(path, ABOUT)
    assert path.exists()
    journal.close()
    assert not path.exists()


def test_without_a_file_it_is_in_memory() -> None:
    journal = Journal(None, ABOUT)
    journal.add((1, 0, 0), TIMES, 1.0)
    assert journal.get((1, 0, 0)) == TIMES
    journal.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OcostError, match="can't write"):
        Journal(tmp_path / "none" / "d.json.part", ABOUT)
