"""What stands in the way of the runtime's rewrites, on the pages and in the documents."""

from __future__ import annotations

from dataclasses import replace

import jsonschema
import pytest

import ocost
from ocost import cli
from ocost.compare.diff import diff_graphs
from ocost.costmodel.blocker import Blocker, Saving
from ocost.costmodel.catalogue import find
from ocost.costmodel.result import GraphCost
from ocost.report.cost_document import cost_document
from ocost.report.diff_document import diff_document
from ocost.report.schema import load
from ocost.report.text_blockers import blocker_cautions, blocker_lines

DEVICE = find("x86-server-core")
ODD = Blocker("Blocks", ("a",), "odd channels", "'a' has 3", "give 'a' 4", 1, None)


def blocked(cost: GraphCost, *latencies: float | None) -> GraphCost:
    """A cost with blockers of these savings, of kinds of their own."""
    found = tuple(
        ODD._replace(
            kind=f"kind {index}",
            saving=None if latency is None else Saving(1, 0, 0, 1024, latency),
        )
        for index, latency in enumerate(latencies)
    )
    return replace(cost, blockers=lambda: found)


def test_the_documents_have_them() -> None:
    cost = ocost.cost("@odd_channels", level="executed")
    document = cost_document(cost, DEVICE)
    jsonschema.Draft202012Validator(load(document["schema"])).validate(document)
    (blocker,) = document["blockers"]
    assert blocker["saving"]["latency_s"] > 0
    graph = ocost.load("@odd_channels")
    document = diff_document(diff_graphs(graph, graph, DEVICE))
    jsonschema.Draft202012Validator(load(document["schema"])).validate(document)
    assert document["blockers"] == [blocker]


def test_as_written_there_are_none() -> None:
    written = ocost.cost("@odd_channels", level="written")
    assert "blockers" not in cost_document(written, DEVICE)
    assert written.blockers() == ()


def test_the_short_page_names_what_saves_most(known_cost: GraphCost) -> None:
    total = known_cost.totals.latency_s
    assert total is not None
    found = blocker_cautions(blocked(known_cost, None, 0.2 * total, -total, 0.5 * total))
    (caution,) = found
    lines = [caution.line.plain, *(text.plain for text in caution.more)]
    assert lines == [
        "50.0 % to save at 1 place: kind 3 (Blocks)",
        "20.0 % to save at 1 place: kind 1 (Blocks)",
    ]
    assert blocker_cautions(blocked(known_cost, None, -1.0)) == []


def test_the_long_page_tells_all(known_cost: GraphCost) -> None:
    cost = blocked(known_cost, -2e-3, None)
    lines = [text.plain for text in blocker_lines(cost.blockers(), cost, most=None)]
    assert lines[1:] == [
        "Blocks: kind 1, 1 place",
        "  what the fix saves is not known",
        "  why: 'a' has 3",
        "  fix: give 'a' 4",
        "Blocks: kind 0, 1 place",
        "  the fix costs 2.00 ms, but saves 1.00 KiB of traffic",
        "  why: 'a' has 3",
        "  fix: give 'a' 4",
    ]
    assert blocker_lines(cost.blockers(), cost, most=1)[-1].plain == "and 1 more kind"


def test_the_page_keeps_its_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["cost", "@odd_channels", "--level", "executed"]) == 0
    page = capsys.readouterr().out
    assert len(page.splitlines()) <= 24
    assert "46.6 % to save at 5 places: the input channels are no multiple of 4" in page
