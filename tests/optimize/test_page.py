"""docs/passes.md lists every pass with what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocost.optimize.page import update
from ocost.passes import passes

PAGE = (Path(__file__).parents[2] / "docs" / "passes.md").read_text("utf-8")


def test_the_page_is_up_to_date() -> None:
    assert update(PAGE) == PAGE, "run: python -m ocost.optimize.page docs/passes.md"


def test_every_pass_says_what_it_does() -> None:
    for name, kind in passes().items():
        assert kind.__doc__, name
        assert f"### `{name}`" in PAGE


def test_lost_marks_are_an_error() -> None:
    with pytest.raises(ValueError, match="no place"):
        update("nothing")
