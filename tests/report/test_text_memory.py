"""The memory of a session on the pages of ``ocost cost``: where it is asked for, and there only."""

from dataclasses import replace

import pytest

from ocost import cost, find_device
from ocost.costmodel.result import GraphCost
from ocost.costmodel.session_memory import Footprint
from ocost.report.cost_document import cost_document
from ocost.report.short_cost import cost_page

DEVICE = find_device("x86-server-core")


@pytest.fixture
def executed() -> GraphCost:
    return cost("@odd_channels", DEVICE)


def _never() -> Footprint:
    raise AssertionError("nobody asked")


def test_the_long_page_has_it(executed, text):
    told = Footprint(3 << 20, 8 << 20, 7 << 20, 12 << 20)
    page = text(cost_page(replace(executed, footprint=lambda: told), DEVICE, verbose=True))
    assert "\nA session holds 3.00 MiB of activations in its arena at the peak\n" in page
    assert "\nIts process grows by about 8.00 MiB (7.00 MiB to 12.0 MiB)\n" in page


def test_why_it_is_not_known(executed, text):
    told = Footprint(reason="the size of 'x' is not known")
    page = text(cost_page(replace(executed, footprint=lambda: told), DEVICE, verbose=True))
    assert "\nMemory of a session not known: the size of 'x' is not known\n" in page


@pytest.mark.parametrize("top", [None, 3])
def test_other_pages_do_not_find_it_out(executed, text, top):
    page = text(cost_page(replace(executed, footprint=_never), DEVICE, top=top))
    assert "session" not in page


def test_a_graph_as_written_has_none(text):
    written = replace(cost("@odd_channels", DEVICE, level="written"), footprint=_never)
    assert "session" not in text(cost_page(written, DEVICE, verbose=True))
    assert "session_memory" not in cost_document(written, DEVICE)


def test_the_document_has_every_figure(executed):
    found = cost_document(executed, DEVICE)["session_memory"]
    low, high = found["process_growth_low_bytes"], found["process_growth_high_bytes"]
    assert 0 < found["arena_peak_bytes"] <= found["arena_held_bytes"]
    assert low < found["process_growth_bytes"] < high
    assert found["opening_bytes"] <= found["process_growth_bytes"]
    assert found["reason"] is None
