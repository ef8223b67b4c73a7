"""Nodes followed through a ledger."""

from __future__ import annotations

from collections.abc import Mapping

from ocost.ledger.entries import LedgerEntry
from ocost.ledger.traces import trace


def entry(removed: str, added: str, rewired: Mapping[str, str] | None = None) -> LedgerEntry:
    return LedgerEntry("pre", "p", tuple(removed), tuple(added), (), (), "", {}, rewired or {})


def test_what_builds_on_another_rewrite_has_a_hand_in_its_originals() -> None:
    found = trace([entry("ab", "x"), entry("xc", "y")])
    assert found.took == {"a": {0, 1}, "b": {0, 1}, "c": {1}}
    assert found.made == {"y": {0, 1}}


def test_what_stays_under_its_path_stands_for_itself_and_for_what_is_gone() -> None:
    found = trace([entry("abz", "ab"), entry("b", "")])
    assert found.took == {"a": {0}, "b": {0, 1}, "z": {0, 1}}
    assert found.made == {"a": {0}}


def test_who_merely_reads_another_tensor_is_credited_with_nothing() -> None:
    found = trace([entry("ircs", "rcS", {"r": "r", "c": "c", "S": "s"})])
    assert found.took == {"i": {0}}
    assert found.hands(0, "rcs") == found.hands(1, "rcS") == frozenset()
    assert found.rewirers(0, "r") == found.rewirers(1, "S") == frozenset({0})


def test_what_was_renamed_is_traced() -> None:
    found = trace([entry("is", "S", {"S": "s"}), entry("S", "t")])
    assert found.took == {"i": {0}, "s": {1}}
    assert found.made == {"t": {1}}
