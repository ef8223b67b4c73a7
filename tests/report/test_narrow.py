"""Pages of a terminal of few columns: nothing is wider, nothing is cut but names, all differ."""

import pytest
from rich.cells import cell_len

from ocost.report.numbers import unit_of
from ocost.report.pieces import Headline, Listing
from ocost.report.short_diff import diff_page
from ocost.report.short_profile import profile_page
from ocost.report.table import Column, Table, figures
from ocost.report.text import Page

NAMES = ["/encoder/block.10/attn/MatMul", "/encoder/block.11/attn/MatMul", "/decoder/attn/MatMul"]


def table(**options):
    times = [1.5e-3, 2.25e-3, 0.5e-3]
    return Table(
        [
            Column("node", NAMES, right=False, elide=30),
            figures("before", times, unit_of(times, "seconds")),
            figures("after", times, unit_of(times, "seconds")),
        ],
        **options,
    )


@pytest.mark.parametrize(("light", "width"), [(False, 25), (True, 30)])
def test_names_are_shortened_further_where_nothing_may_go(text, light, width):
    shown = text(Page(table(light=light)), width)
    rows = shown.splitlines()[-3:]
    assert max(map(cell_len, shown.splitlines())) <= width
    assert all(row.endswith(("1.50", "2.25", "0.50")) for row in rows)
    assert len({row.split("  ")[0] for row in rows}) == 3


def test_rows_become_sentences_where_no_figure_fits(text):
    shown = text(Page(table()), 20)
    assert "".join(shown.split()) == "".join(
        "".join(f"- {name}: before {time} ms, after {time} ms".split())
        for name, time in zip(NAMES, ("1.50", "2.25", "0.50"), strict=True)
    )
    assert max(map(cell_len, shown.splitlines())) <= 20
    # The unit is named once: the head of a light table has it in one line.
    assert "".join(text(Page(table(light=True)), 20).split()) == "".join(shown.split())


def test_a_figure_without_a_value_has_no_unit(text):
    columns = [Column("a long label", ["x"]), Column("a long head", [""], "ms")]
    assert text(Page(Table(columns)), 18) == "- x: a long head\n"


def test_listed_names_that_differ_late_stay_apart(text):
    entries = [(f"a_folder_of_inputs/past_key_{n}.value", "float32 1x8x3x64") for n in "ab"]
    rows = text(Page(Listing("inputs     ", entries)), 40).splitlines()
    assert len(rows) == len(set(rows)) == 2
    assert all("float32 1x8x3x64" in row and cell_len(row) <= 40 for row in rows)


def test_a_model_s_name_goes_before_the_verdict_wraps(text):
    verdict = Headline(["takes 8.55 ms here, as said", "takes 8.55 ms"], about="mobilenet_v2.onnx")
    assert text(Page(verdict), 30) == "mobilen…v2.onnx: takes 8.55 ms\n"
    assert text(Page(verdict), 22) == "takes 8.55 ms\n"


@pytest.mark.parametrize("width", [40, 60])
def test_the_verdict_is_one_line(diff, measured_diff, profiled, text, width):
    for page in (diff_page(diff), diff_page(measured_diff), profile_page(profiled)):
        lines = text(page, width).splitlines()
        assert lines[0] == lines[-1]


def test_what_was_measured_has_its_interval(measured_diff, text):
    shown = text(diff_page(measured_diff), 40)
    (row,) = [line for line in shown.splitlines() if line.startswith("measured")]
    assert row.endswith("80.0 µs (-22.0 to -18.0 %)")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_long_pages_are_no_wider_but_for_names(diff, measured_diff, profiled, text, width):
    pages = [diff_page(diff, top=2), diff_page(measured_diff, top=2), profile_page(profiled, top=2)]
    for page in pages:
        assert max(map(cell_len, text(page, width).splitlines())) <= width
