"""What hangs together."""

from __future__ import annotations

from ocost.ledger.parts import parts


def test_parts_are_in_order_and_what_ties_them_is_left_out() -> None:
    links = [("d", "tensor"), ("b", "tensor"), ("e", "a")]
    assert parts("abcde", links) == [["a", "e"], ["b", "d"], ["c"]]


def test_nothing_is_tied_to_nothing() -> None:
    assert parts("", []) == []
    assert parts("ab", []) == [["a"], ["b"]]
