"""Gates read as the user means them, and trip when they should."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ocost.compare import diff_graphs
from ocost.compare.gates import Sides, check, levels, outputs_pass, parse, require, verdicts
from ocost.compare.result import Diff, Measured, Pair
from ocost.compare.verdict import Conclusion
from ocost.costmodel.catalogue import find
from ocost.costmodel.result import Totals
from ocost.graph import OcostError, load
from ocost.runtime.equality.closeness import OutputCheck
from ocost.runtime.equality.result import Equivalence, nothing
from ocost.runtime.equality.similarity import Similarity
from ocost.runtime.timing.comparison import Comparison
from ocost.runtime.timing.stopwatch import Timing

NOTHING = dict.fromkeys(Totals.names())


def totals(**figures: float) -> Totals:
    return Totals(**{**NOTHING, **figures})


@pytest.mark.parametrize(
    ("spec", "before", "after", "actual", "ok"),
    [
        ("written.flops:0%", 100, 100, 0.0, True),
        ("written.flops:0%", 100, 101, 1.0, False),
        ("written.latency:5%", 2.0, 2.08, 4.0, True),
        ("written.latency:-5%", 2.0, 1.96, -2.0, False),  # demands a saving of 5 %
        ("written.latency:-5%", 2.0, 1.8, -10.0, True),
        ("written.flops:5", 0, 6, 6.0, False),
        ("written.peak_bytes:8MiB", 0, 8 * 2**20, 8.0 * 2**20, True),
        ("written.peak:8MiB", 0, 8 * 2**20 + 1, 8.0 * 2**20 + 1, False),
        ("written.latency:1.5ms", 0.010, 0.011, 0.001, True),
        ("written.macs:5%", 0, 3, float("inf"), False),
        ("written.macs:5%", 0, 0, 0.0, True),
    ],
)
def test_limits(spec: str, before: float, after: float, actual: float, ok: bool) -> None:
    gate = parse(spec)
    level = Sides(totals(**{gate.metric: before}), totals(**{gate.metric: after}))
    verdict = check(gate, {"written": level})
    assert verdict.actual == pytest.approx(actual)
    assert verdict.ok is ok


@pytest.mark.parametrize(
    ("spec", "change", "text"),
    [
        ("written.latency:1.5ms", 0.002, "limit 1.5ms, actual +2 ms"),
        ("written.peak:8MiB", 9 * 2**20, "limit 8MiB, actual +9 MiB"),
        ("written.flops:2k", -3000, "limit 2k, actual -3 k"),
        ("written.flops:5", 6, "limit 5, actual +6"),
        ("measured.latency:5us", 7e-6, "limit 5us, up to +7 us"),  # the interval's upper end
    ],
)
def test_the_actual_is_in_the_unit_of_the_limit(spec: str, change: float, text: str) -> None:
    gate = parse(spec)
    level = Sides(totals(**{gate.metric: 1}), totals(**{gate.metric: 1 + change}))
    assert str(check(gate, {gate.level: level})) == f"{gate.level}.{gate.metric}: {text}"


@pytest.mark.parametrize(
    ("spec", "units"),
    [
        ("written.latency:1MiB", "'MiB' is no unit of latency_s: %, s, ms, us"),
        ("written.peak:1ms", "'ms' is no unit of peak_bytes: %, B, KiB, MiB, GiB"),
        ("written.flops:1KiB", "'KiB' is no unit of flops: %, k, M, G, T"),
        ("written.traffic:8", "give the limit a unit: %, B, KiB, MiB, GiB"),
    ],
)
def test_a_limit_is_in_units_of_its_figure(spec: str, units: str) -> None:
    with pytest.raises(OcostError, match=f"{units}$"):
        parse(spec)


def test_an_unknown_figure_fails_the_gate() -> None:
    level = Sides(totals(), totals())
    verdict = check(parse("written.peak_bytes:10%"), {"written": level})
    assert (verdict.actual, verdict.ok) == (None, False)
    assert not check(parse("executed.flops:10%"), {"written": level}).ok


def test_the_default_level_is_executed() -> None:
    gate = parse("latency:5%")
    assert gate.level == "executed"
    require([gate, parse("written.latency:5%")])


def test_a_runtime_without_rules_passes_by_those_of_an_ideal_one() -> None:
    graph = load("@odd_channels")
    found = levels(diff_graphs(graph, graph, find("nvidia-t4")))
    verdict = check(parse("latency:5%"), found)
    assert (verdict.actual, verdict.ok) == (0, True)


def test_what_is_not_known_at_a_level_fails_the_gate() -> None:
    graph = load("@odd_channels")
    found = levels(diff_graphs(graph, graph, find("nvidia-t4")))
    verdict = check(parse("latency:5%"), {"written": found["written"]})
    assert (verdict.actual, verdict.ok) == (None, False)


def test_what_is_measured_is_the_default_of_latency_where_it_is() -> None:
    assert parse("latency:5%", measured=True).level == "measured"
    assert parse("peak_bytes:5%", measured=True).level == "executed"
    assert parse("written.latency:5%", measured=True).level == "written"
    gates = [parse(f"{level}latency:5%", measured=True) for level in ("", "executed.", "written.")]
    require(gates, measured=True)
    with pytest.raises(OcostError, match=r"only latency is measured; write executed.flops:5%$"):
        parse("measured.flops:5%", measured=True)
    with pytest.raises(OcostError, match="no level 'measured'"):
        require([parse("measured.latency:5%")])


@pytest.mark.parametrize(
    ("spec", "actual", "ok"),
    [
        # Of 10 ms the interval's upper end is 2 % above 1: 10.2 ms.
        ("latency:5%", 2.0, True),
        ("latency:1%", 2.0, False),
        ("measured.latency:-1%", 2.0, False),
        ("latency:1ms", 0.2e-3, True),
        ("latency:100us", 0.2e-3, False),
        ("executed.flops:0%", 0.0, True),
        ("written.latency:0%", 0.0, True),
    ],
)
def test_a_measured_gate_is_about_the_upper_bound(spec: str, actual: float, ok: bool) -> None:
    graph = load("@odd_channels")
    diff = diff_graphs(graph, graph, find("x86-server-core"))
    before, after = (Timing(s, s, s, 100, noisy=False) for s in (10e-3, 9.9e-3))
    comparison = Comparison(
        *(0.99, 0.96, 1.02, 0.01, 0.03),
        "no measurable difference",
        *(before, after, None, False, 8, 8, 8),
    )
    executed = replace(diff.before, level="executed")
    conclusion = Conclusion("none", "")
    measured = Measured(comparison, None, 1.0, conclusion)
    both = {**diff.levels, "executed": Pair(executed, executed)}
    found = levels(replace(diff, levels=both, measured=measured))
    assert list(found) == ["written", "executed", "measured"]
    verdict = check(parse(spec, measured=True), found)
    assert verdict.actual == pytest.approx(actual)
    assert verdict.ok is ok


@pytest.mark.parametrize(
    "spec",
    ["latency", "speed:5%", "flops:5furlongs", "flops:", "flops:five", "latency:5", "peak:5"],
)
def test_what_cannot_be_read(spec: str) -> None:
    with pytest.raises(OcostError, match=f"^--fail-on {spec}: "):
        parse(spec)


def test_a_sum_over_part_of_the_nodes_is_not_known() -> None:
    before, after = totals(flops=100, file_bytes=9), totals(flops=1, file_bytes=9)
    part = {"written": Sides(before, after, whole=False)}
    assert not check(parse("written.flops:0%"), part).ok
    assert check(parse("written.file_bytes:0%"), part).ok


def outputs(**figures: float | None) -> Equivalence:
    alike = Similarity(*(figures.get(name) for name in ("cosine", "snr_db", "top1")))
    one = OutputCheck("y", "values", 0.5, 0.1, None, 0.0, False, "differs", alike)
    other = replace(one, name="z", similarity=Similarity(1.0, 90.0, None), max_rel=0.01)
    return Equivalence(1, "float32", 0.5, 0.1, 0.0, False, "differs", "y", (one, other))


@pytest.mark.parametrize(
    ("spec", "actual", "ok"),
    [
        ("outputs.cosine:0.99", 0.995, True),
        ("outputs.cosine:0.999", 0.995, False),
        ("outputs.snr_db:20", 25.0, True),
        ("outputs.top1:0.9", 0.8, False),  # of the outputs that have one
        ("outputs.max_rel:1e-1", 0.1, True),
        ("outputs.max_rel:5e-2", 0.1, False),
    ],
)
def test_outputs_that_are_meant_to_differ(spec: str, actual: float, ok: bool) -> None:
    diff = replace(resnet(), equivalence=outputs(cosine=0.995, snr_db=25.0, top1=0.8))
    gates = [parse(spec)]
    require(gates)
    (verdict,) = verdicts(gates, diff, allow_uncompared=False)
    assert (verdict.actual, verdict.ok) == (actual, ok)
    assert outputs_pass(gates, diff, allow_uncompared=False)  # the gate decides
    assert not outputs_pass([], diff, allow_uncompared=False)


def test_likeness_that_is_not_known_fails() -> None:
    diff = replace(resnet(), equivalence=outputs(cosine=None))
    assert not verdicts([parse("outputs.cosine:0.5")], diff, allow_uncompared=True)[0].ok
    assert not verdicts([parse("outputs.cosine:0.5")], resnet(), allow_uncompared=True)[0].ok


@pytest.mark.parametrize("spec", ["outputs.flops:1", "outputs.cosine", "outputs.cosine:5%"])
def test_what_is_no_likeness(spec: str) -> None:
    with pytest.raises(OcostError, match="of outputs there are cosine, snr_db, top1"):
        parse(spec)


def test_nothing_passes_on_outputs_that_could_not_be_compared() -> None:
    diff = replace(resnet(), equivalence=nothing(None, "it can't be run"))
    gates = [parse("written.flops:0%")]
    (verdict,) = verdicts(gates, diff, allow_uncompared=False)
    assert not verdict.ok
    assert str(verdict).endswith("the outputs could not be compared")
    assert not outputs_pass(gates, diff, allow_uncompared=False)
    assert verdicts(gates, diff, allow_uncompared=True)[0].ok
    assert outputs_pass(gates, diff, allow_uncompared=True)
    assert verdicts(gates, resnet(), allow_uncompared=False)[0].ok  # not asked for


def resnet() -> Diff:
    graph = load("@resnet18")
    return diff_graphs(graph, graph, find("x86-server-core"))
