"""Which names change what is executed: alone, together, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ocost.runtime.optimisations.acts import Off, find_acts

NAMES = tuple("abcdefgh")
Model = Callable[[frozenset[str]], object]  # what is executed with these names on


def acts(model: Model, names: tuple[str, ...] = NAMES) -> list[tuple[str, str, str]]:
    """Names of each act, what is on before its step (behind the one before) and behind it."""
    everything = frozenset(names)
    asked: list[Off] = []

    def structure(off: Off) -> object:
        asked.append(off)
        return model(everything - off)

    found = find_acts(names, structure)
    assert len(asked) == len(set(asked))
    return [
        (
            "".join(act.names),
            "".join(n for n in names if n not in act.before),
            "".join(n for n in names if n not in act.after),
        )
        for act in found
    ]


def test_names_that_act_by_themselves() -> None:
    assert acts(lambda on: on & set("bf")) == [("b", "", "ab"), ("f", "ab", "abcdef")]


def test_nothing_acts() -> None:
    assert acts(lambda on: "the same") == []
    assert acts(lambda on: "the same", ()) == []


def test_everything_acts() -> None:
    found = acts(lambda on: on)
    assert [names for names, _, _ in found] == list(NAMES)
    assert found[-1] == ("h", "abcdefg", "abcdefgh")


def test_what_prepares_a_later_one_belongs_to_it() -> None:
    # e does nothing without b, and b nothing without e.
    assert acts(lambda on: set("be") <= on) == [("be", "", "abcde")]


def test_what_takes_over_where_the_other_is_off_belongs_to_it() -> None:
    # Either of c and g does the work: only both off change anything.
    assert acts(lambda on: bool(on & set("cg"))) == [("cg", "", "abc")]


def test_one_whose_work_another_act_takes_over_has_its_step() -> None:
    # d fuses, and h fuses more, with d or without.
    found = acts(lambda on: "all" if "h" in on else "d" in on)
    assert found == [("d", "", "abcd"), ("h", "abcd", "abcdefgh")]


def test_preparing_in_pairs() -> None:
    # a or c prepares what f does; b is an act of its own.
    found = acts(lambda on: ("b" in on, "f" in on and bool(on & set("ac"))))
    assert found == [("b", "", "ab"), ("acf", "ab", "abcdef")]


def test_what_prepares_several_belongs_to_the_first() -> None:
    found = acts(lambda on: on & set("dg") if "a" in on else set())
    assert [names for names, _, _ in found] == ["ad", "g"]


@pytest.mark.parametrize("count", [1, 2, 7, 61])
def test_few_are_asked(count: int) -> None:
    names = tuple(f"n{i}" for i in range(count))
    asked = 0

    def structure(off: Off) -> object:
        nonlocal asked
        asked += 1
        return names[count // 2] in off

    (act,) = find_acts(names, structure)
    assert act.names == (names[count // 2],)
    assert asked <= 18
