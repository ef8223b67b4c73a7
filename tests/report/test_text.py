import fcntl
import io
import os
import struct
import termios
from dataclasses import replace

import pytest
from rich.text import Text

from ocost.report.table import Column, Table
from ocost.report.text import Page, bar, change_bar, console, to_ascii
from ocost.report.text_cost import render_cost
from ocost.report.text_diff import render_diff

ANSI = "\x1b["


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def environment(monkeypatch):
    """No settings of the machine that the tests run on."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return monkeypatch


def printed(file, color, page):
    console(file, color).print(page)
    return file.getvalue()


def test_colour_is_for_terminals(environment, diff):
    page = render_diff(diff)
    assert ANSI not in printed(io.StringIO(), "auto", page)
    assert ANSI in printed(Terminal(), "auto", page)
    assert ANSI in printed(io.StringIO(), "always", page)
    assert ANSI not in printed(Terminal(), "never", page)


def test_no_color_is_honoured_unless_asked_for(environment, diff):
    environment.setenv("NO_COLOR", "1")
    page = render_diff(diff)
    assert ANSI not in printed(Terminal(), "auto", page)
    assert "\x1b[32m" in printed(Terminal(), "always", page)  # green: a saving


def test_width_where_there_is_no_terminal(environment):
    assert console(io.StringIO()).width == 80
    environment.setenv("COLUMNS", "72")
    assert console(io.StringIO()).width == 72
    for nonsense in ("0", "", "wide", "-5"):
        environment.setenv("COLUMNS", nonsense)
        assert console(io.StringIO()).width == 80


def test_a_terminal_says_how_wide_it_is(environment):
    environment.setenv("COLUMNS", "72")
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 133, 0, 0))
    with os.fdopen(follower, "w") as file:
        assert console(file).width == 133
    os.close(leader)


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_too_long(cost, device, diff, text, width, encoding):
    for page in (render_cost(cost, device), render_diff(diff)):
        lines = text(page, width, encoding).splitlines()
        assert max(map(len, lines)) <= width
        assert not any(line != line.rstrip() for line in lines)
        assert any("clip" in line and "41.0" in line for line in lines)


def test_ascii_is_as_wide(diff, text):
    plain = text(render_diff(diff), encoding="ascii")
    assert [len(line) for line in plain.splitlines()] == [
        len(line) for line in text(render_diff(diff)).splitlines()
    ]
    assert "latency on toy; # stays, . saved, + added" in plain
    assert "Clip                      1 -> 0    41.0      0  -100.0 %  ................." in plain
    assert " us " in plain


def test_to_ascii():
    assert to_ascii("µs ─ … █▌▏░▓ é中") == "us - ~ ## .+ ??"


def test_names_are_no_markup_and_no_control_sequences(known_cost, device, text):
    conv = known_cost.nodes[0]._replace(name="[bold]x[/bold]:smile:\x1b[31m\n")
    page = text(render_cost(replace(known_cost, nodes=(conv,)), device))
    assert "[bold]x[/bold]:smile:\\x1b[31m\\n" in page
    assert ANSI not in page


def test_same_input_same_text(cost, device, text):
    assert text(render_cost(cost, device)) == text(render_cost(cost, device))


def test_bars():
    assert bar(1.0, 1.0).plain == "█" * 18
    assert bar(0.5, 1.0).plain == "█" * 9
    assert bar(1 / 144, 1.0).plain == "▏"  # an eighth of one of 18
    assert bar(None, 1.0).plain == bar(0.0, None).plain == ""
    assert change_bar(1.0, 0.5, 1.0).plain == "█" * 9 + "░" * 9
    assert change_bar(0.5, 1.0, 1.0).plain == "█" * 9 + "▓" * 9
    assert change_bar(None, 1.0, 1.0).plain == ""


def test_columns_go_by_rank_and_names_are_cut_before(text):
    columns = [
        Column("name", ["abcdefghij" * 2], right=False, elide=8),
        Column("first", ["1"], drop=2),
        Column("second", ["2"], drop=1),
    ]
    head, _, row = text(Page(Table(columns)), width=35).splitlines()
    assert (head.split(), row) == (
        ["name", "first", "second"],
        "abcdefghijabcdefghij      1       2",
    )
    *_, row = text(Page(Table(columns)), width=30).splitlines()
    assert row == "abcdefg…defghij      1       2"  # 15 + 2 + 5 + 2 + 6
    *_, row = text(Page(Table(columns)), width=20).splitlines()
    assert row == "abcde…efghij       2"  # 8 + 2 + 5 + 2 + 6 = 23 is too much: 12 + 2 + 6


def test_wrapped_lines_keep_their_indentation(text):
    page = Page(Text("- one two three"), Text("  four five six"), Text("seven eight nine"))
    assert text(page, width=10).splitlines() == [
        "- one two",
        "  three",
        "  four",
        "  five six",
        "seven",
        "eight nine",
    ]


def test_marks_that_are_wider_in_ascii_stay_aligned(text):
    columns = [Column("figure", ["≥1", Text("≤22", "red")]), Column("", ["|", "|"], right=False)]
    page = text(Page(Table(columns), Text("≥3 and more")), encoding="ascii")
    assert page.splitlines()[2:] == ["   >=1  |", "  <=22  |", ">=3 and more"]
