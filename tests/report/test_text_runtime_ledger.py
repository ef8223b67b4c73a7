"""The table of what a runtime does by itself."""

from __future__ import annotations

from dataclasses import replace

import jsonschema

from ocost.report import schema
from ocost.report.profile_document import profile_document
from ocost.report.short_profile import profile_page
from ocost.report.text import Page
from ocost.report.text_runtime_ledger import runtime_ledger_parts
from ocost.runtime.optimisations.ledger import SAME, Gain, RuntimeLedger
from ocost.runtime.timing.intervals import Estimate

FOUND = RuntimeLedger(
    (
        Gain("ConvBNFusion", Estimate(0.97, 0.98, 0.99), Estimate(0.8, 0.9, 0.95), 0.92, 0.91),
        Gain("First + Second", SAME, SAME, None, None),
        Gain("NchwcTransformer", Estimate(0.7, 0.75, 0.81), Estimate(0.7, 0.75, 0.81), 0.8, 0.8),
    ),
    Estimate(0.69, 0.74, 0.79),
    0.735,
    None,
)
GOLDEN = """\
What the runtime does by itself  change of the latency, step by step from none to all
optimisation         step            interval  predicted      alone
────────────────  ───────  ──────────────────  ─────────  ─────────
ConvBNFusion       -2.0 %    -3.0 % to -1.0 %     -8.0 %    -10.0 %
First + Second        0 %          same graph          ?  no change
NchwcTransformer  -25.0 %  -30.0 % to -19.0 %    -20.0 %    -25.0 %
────────────────  ───────  ──────────────────  ─────────  ─────────
none to all       -26.0 %  -31.0 % to -21.0 %          ?
The steps multiply to -26.5 %; none to all was measured apart. Intervals: 99 %. alone: all against
all but this one; these overlap, so they don't add up.
"""


def test_the_table(text):
    assert text(Page(*runtime_ledger_parts(FOUND))) == GOLDEN


def test_nothing(text):
    page = text(Page(*runtime_ledger_parts(RuntimeLedger((), SAME, 1.0, 1.0))))
    assert page.endswith("none of what it can leave out changes this model\n")


def test_every_page_of_a_profile_has_it(profiled, text):
    found = replace(profiled, runtime_ledger=FOUND)
    for options in ({}, {"top": 1}, {"verbose": True}):
        assert "First + Second" in text(profile_page(found, **options))
        assert "First + Second" not in text(profile_page(profiled, **options))
    narrow = text(profile_page(found), width=60)
    assert max(map(len, narrow.splitlines())) <= 60


def test_the_document(profiled):
    assert "runtime_ledger" not in profile_document(profiled)
    document = profile_document(replace(profiled, runtime_ledger=FOUND))
    jsonschema.validate(document, schema.load("ocost.profile/1"))
    assert document["runtime_ledger"][0] == {
        "name": "ConvBNFusion",
        "step_ratio": 0.98,
        "low": 0.97,
        "high": 0.99,
        "alone_ratio": 0.9,
        "alone_low": 0.8,
        "alone_high": 0.95,
        "predicted_ratio": 0.92,
        "predicted_alone_ratio": 0.91,
    }
    assert document["runtime_ledger_total"] == {
        "ratio": 0.74,
        "low": 0.69,
        "high": 0.79,
        "product": 0.735,
        "predicted_ratio": None,
        "interval_level": 0.99,
    }
