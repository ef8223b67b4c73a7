from dataclasses import replace

import pytest

from ocost.compare.verdict import Conclusion
from ocost.report.text_diff import render_diff

from .conftest import sides

GOLDEN = """\
Levels  latency; written and executed: estimates on toy (2 cores at work)
level          nodes  traffic  before  after   change
                                   µs     µs
────────────  ──────  ───────  ──────  ─────  ───────  ───────────────────────────────────────
written       3 -> 3  -66.7 %    83.0   46.0  -44.6 %
executed      3 -> 3  -66.7 %    83.0   46.0  -44.6 %
  by runtime  3 -> 3  -66.7 %    83.0   46.0  -44.6 %
measured                        100.0   80.0  -20.0 %  -22.0 % to -18.0 %, with 99 % certainty
The saving is real.
The graph before differs from itself by 1.0 %; 2.0 % is the least that this measurement tells from
none (320 rounds in 16 blocks).
warning: the machine was busy: 1.25 s went by for every second of computing; measure again when it
is idle
note: something is left out

What changed  as executed; measured by profile, next to the predicted change
places  executed operators                   before  after  change  predicted
                                                 µs     µs      µs         µs
──────  ───────────────────────────────────  ──────  ─────  ──────  ─────────
     2  Clip + Conv -> microsoft::FusedConv    50.0   28.0   -22.0      -20.0
──────  ───────────────────────────────────  ──────  ─────  ──────  ─────────
        1 change below the noise (-v lists)       0    2.0    +2.0          ?
        unchanged                              50.0   50.0       0          0

"""


def part(page):
    """From the levels to what is as written."""
    return page[page.index("Levels") : page.index("As written")]


def changed(diff, **fields):
    return replace(diff, measured=replace(diff.measured, **fields))


def test_levels_and_regions(measured_diff, text):
    page = text(render_diff(measured_diff))
    assert part(page) == GOLDEN
    assert "the runtime may make some of them by itself" not in page
    assert "\nAs written\n   " in page


def test_the_headline_says_what_was_measured(measured_diff, text):
    def first(diff):
        return " ".join(text(render_diff(diff), width=200).split("\n")[0].split())

    assert first(measured_diff).endswith("% (83.0 -> 46.0 µs) on toy, measured -20.0 %.")
    same = replace(measured_diff.measured.comparison, verdict="no measurable difference")
    assert first(changed(measured_diff, comparison=same)).endswith(
        " on toy, no measurable difference."
    )
    before = sides(measured_diff, after=measured_diff.before)
    assert first(before).endswith("at the same cost, measured -20.0 %.")


def test_what_is_not_measured_has_no_such_part(diff, text):
    page = text(render_diff(diff))
    assert "Levels" not in page
    assert "As written" not in page


def test_verbose_shows_what_is_below_the_noise(measured_diff, text):
    rows = [
        " ".join(line.split())
        for line in text(render_diff(measured_diff, verbose=True)).split("\n")
    ]
    assert "1 nothing -> 2 nchwc::ReorderInput 0 2.0 +2.0 ?" in rows
    assert not any("below the noise" in row for row in rows)


def test_the_rest_is_summed(measured_diff, text):
    loud = replace(measured_diff.measured.regions.changed[1], below_noise=False)
    regions = measured_diff.measured.regions
    regions = replace(regions, changed=(regions.changed[0], loud))
    page = part(text(render_diff(changed(measured_diff, regions=regions), top=1)))
    assert "1 more" in page
    assert "ReorderInput" not in page
    assert "What changed" not in part(text(render_diff(measured_diff, top=0)))


def test_nothing_changed_in_what_is_executed(measured_diff, text):
    regions = replace(measured_diff.measured.regions, changed=())
    page = part(text(render_diff(changed(measured_diff, regions=regions))))
    assert "\nThe runtime executes the same nodes for both graphs.\n" in page


def test_without_a_profile(measured_diff, text):
    levels = {"written": measured_diff.levels["written"]}
    without = replace(changed(measured_diff, regions=None), levels=levels)
    page = part(text(render_diff(without)))
    rows = [line.split()[0] for line in page.splitlines() if line]
    assert "written" in rows
    assert "executed" not in rows
    assert "What changed" not in page


def test_a_quiet_machine_has_no_warning(measured_diff, text):
    quiet = replace(measured_diff.measured.comparison, noisy=False)
    assert "warning" not in text(render_diff(changed(measured_diff, comparison=quiet)))
    several = replace(measured_diff.measured.comparison, wall_over_cpu=None)
    page = text(render_diff(changed(measured_diff, comparison=several)))
    assert "warning: the machine was busy; measure again when it is idle\n" in page


@pytest.mark.parametrize(
    ("kind", "style"), [("real", "1;32"), ("slow-down", "1;31"), ("not confirmed", "1;33")]
)
def test_the_conclusion_stands_out(measured_diff, text, kind, style):
    quiet = replace(measured_diff.measured.comparison, noisy=False)
    said = changed(measured_diff, conclusion=Conclusion(kind, "So it is."), comparison=quiet)
    assert f"\x1b[{style}mSo it is." in text(render_diff(said), color="always")
    busy = changed(said, comparison=replace(quiet, noisy=True))
    assert "\x1b[1;33mSo it is." in text(render_diff(busy), color="always")


def test_a_difference_within_the_noise_has_no_colour(measured_diff, text):
    for verdict, coloured in (("faster", True), ("no measurable difference", False)):
        found = replace(measured_diff.measured.comparison, verdict=verdict)
        page = text(render_diff(changed(measured_diff, comparison=found)), color="always")
        (line,) = [line for line in page.splitlines() if line.startswith("measured")]
        assert ("\x1b[32m" in line) is coloured


def test_it_fits_into_a_narrow_page(measured_diff, text):
    page = part(text(render_diff(measured_diff), width=50))
    assert max(map(len, page.splitlines())) <= 50
    rows = [" ".join(line.split()) for line in page.splitlines()]
    assert "measured 100.0 80.0 -20.0 %" in rows
