import pytest

from ocost.report.footing import Footing, marked


@pytest.mark.parametrize(
    ("partial", "bounded", "mark", "share"),
    [
        (False, False, "", "25.0 %"),
        (True, False, "≥", "?"),
        (False, True, "≤", "~25.0 %"),
        (True, True, "~", "?"),
    ],
)
def test_a_sum_is_at_least_or_at_most(partial, bounded, mark, share):
    footing = Footing(partial, bounded)
    assert footing.mark == mark
    assert footing.share(1, 4) == share


@pytest.mark.parametrize(
    ("number", "mark", "text"),
    [
        ("5", "≥", "≥5"),
        ("5", "", "5"),
        ("?", "≥", "?"),
        ("0", "≤", "0"),  # at most 0 is 0
        ("0", "≥", "≥0"),
        ("<0.1", "≤", "<0.1"),
        ("<0.1", "≥", "≥0"),
        ("<0.1", "", "<0.1"),
    ],
)
def test_marks(number, mark, text):
    assert marked(number, mark) == text
