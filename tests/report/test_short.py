import io
from dataclasses import replace

import onnx
import pytest
from rich.cells import cell_len
from rich.text import Text

from ocost.costmodel.result import Port, UnknownNode
from ocost.graph import from_proto
from ocost.ledger.entries import LedgerEntry
from ocost.ledger.executed import Ledger
from ocost.ledger.standing import Fault, Standing
from ocost.optimize import Optimized
from ocost.optimize.bisect import Proven
from ocost.optimize.pipeline import Made
from ocost.report.diff_document import diff_document
from ocost.report.optimize_document import optimize_document
from ocost.report.pieces import Grid, Headline, Listing, OneLine
from ocost.report.short import LINES, Caution, Short
from ocost.report.short_cost import cost_page
from ocost.report.short_diff import diff_page
from ocost.report.short_optimize import optimize_page
from ocost.report.short_profile import profile_page
from ocost.report.table import Column, Table
from ocost.report.text import Page, console
from ocost.rewrite.rewriting import Declined
from ocost.runtime.equality.result import Equivalence

from .conftest import sides

EMPTY = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]> g () => () {}')
EQUAL = Equivalence(3, "float64", 1e-6, 1e-6, 1e-5, True)

COST = """\
toy.onnx: at least 83.0 µs as written on toy; 1 of 4 nodes not costed
4 nodes; opset 17, my.domain 1; 2 cores at work
inputs     x float32 1x3x?x224, y ?
outputs    z float32 1x10, boxes float32 up to 200x4

MACs   ≥1.00 M    parameters     ≥2.50 k    peak memory   3.00 MiB
FLOPs  ≥2.05 M    traffic     ≥585.9 KiB    est. latency  ≥83.0 µs

operator        nodes  FLOPs M  traffic KiB  latency µs  share
Clip                1     0.05        390.6        41.0      ?
Conv                1     2.00        195.3        41.0      ?
Reshape             1        0            0         1.0      ?
my.domain::Odd      1        ?            ?           ?      ?

only 3 of 4 nodes are costed: every sum below is a lower bound
  1 Odd: no cost formula for my.domain::Odd (odd[0])
open dims taken as 1: batch; give --dim batch=...
note: loop 'l' is taken to run once
toy: only 49.4 % of the time is in kernels measured there, so expect more
-v for more: every node, all totals. --level executed: as the runtime has it.
toy.onnx: at least 83.0 µs as written on toy; 1 of 4 nodes not costed
"""
DIFF = """\
The saving is real: latency -20.0 % measured, 3 -> 3 nodes; outputs equal
Outputs are equal on 3 inputs: within 1e-06, rounding explains 1e-05.
toy.onnx -> shrinker 1.0; on toy, 2 cores
inputs     x float32 1x3x224x224
outputs    z float32 1x10
                  before      after   change
MACs              1.00 M     1.00 M      0 %
FLOPs             2.05 M     2.10 M   +2.4 %
parameters        2.50 k     2.50 k      0 %
traffic        585.9 KiB  195.3 KiB  -66.7 %
peak memory     3.00 MiB   3.00 MiB      0 %
est. latency     83.0 µs    46.0 µs  -44.6 %
  as executed    83.0 µs    46.0 µs  -44.6 %
  measured      100.0 µs    80.0 µs  -20.0 %  -22.0 to -18.0 %, 99 % certain
operator                nodes  before µs  after µs   percent
com.micros…:FusedConv  0 -> 1          0      43.0       new  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
Clip                   1 -> 0       41.0         0  -100.0 %  ░░░░░░░░░░░░░░░░░
Conv                   1 -> 0       41.0         0  -100.0 %  ░░░░░░░░░░░░░░░░░
2 more                 1 -> 2        1.0       3.0  +200.0 %  ▓
the machine was busy: measure again when it is idle
note: something is left out
toy: only 49.4 % of the time is in kernels measured there, so expect more
-v for more: every node, and where the executed graphs differ.
The saving is real: latency -20.0 % measured, 3 -> 3 nodes; outputs equal
"""
OPTIMIZE = """\
estimated latency -44.6 %, traffic -66.7 %, 3 -> 3 nodes; outputs equal
Outputs are equal on 3 inputs: within 1e-06, rounding explains 1e-05.
toy.onnx -> shrinker 1.0; on toy, 2 cores
inputs     x float32 1x3x224x224
outputs    z float32 1x10
operators  com.microsoft::FusedConv 0 -> 1, Conv 1 -> 0, Clip 1 -> 0,
           Cast 0 -> 1

                 before      after   change
MACs             1.00 M     1.00 M      0 %
FLOPs            2.05 M     2.10 M   +2.4 %
parameters       2.50 k     2.50 k      0 %
traffic       585.9 KiB  195.3 KiB  -66.7 %
peak memory    3.00 MiB   3.00 MiB      0 %
est. latency    83.0 µs    46.0 µs  -44.6 %

pass            times  nodes  computation  traffic KiB  constants B  latency µs
fold-clip           1     -1            0       -390.6            0       -39.0
fold-constants      2     -2            0            0            0           0

toy: only 49.4 % of the time is in kernels measured there, so expect more
--measure tells more, --explain what was declined; -v for more.
estimated latency -44.6 %, traffic -66.7 %, 3 -> 3 nodes; outputs equal
"""
PROFILE = """\
toy.onnx: 80.0 µs measured, 83.0 µs predicted without 1 node of unknown cost
3/4 executed nodes mapped (92.5 % of the time); 4/5 original nodes found
onnxruntime 1.32.0, level all, 1 thread, Toy CPU
inputs     x float32 1x3x?x224, y ?
outputs    z float32 1x10, boxes float32 up to 200x4
79.0 to 82.0 µs in 4000 runs; per node: error 44.6 %, rank correlation 0.87

MACs   ≥1.00 M    parameters     ≥2.50 k    peak memory  3.00 MiB
FLOPs  ≥2.05 M    traffic     ≥585.9 KiB    latency       80.0 µs

operator              nodes  measured µs   share  predicted µs  ratio
nchwc::Conv               1         50.0  62.5 %          41.0   0.82
Clip                      1         20.0  25.0 %          41.0   2.05
my.domain::Odd            1          6.0   7.5 %             ?      ?
nchwc::ReorderOutput      1          4.0   5.0 %           1.0   0.25

largest miss: clip (Clip), 20.0 µs, predicted 41.0 µs
open dims taken as 1: batch; give --dim batch=...
note: the file has no weights
1 node of unknown cost took 6.00 µs (7.5 %):
  odd[0] (Odd): no cost formula for my.domain::Odd
toy: only 49.4 % of the time is in kernels measured there, so expect more
-v for more: every node with its originals, intervals, start-up.
toy.onnx: 80.0 µs measured, 83.0 µs predicted without 1 node of unknown cost
"""


@pytest.fixture
def optimized(diff):
    """The Clip's folding and a constant's, and one refusal."""
    figures = ("macs", "flops", "params", "param_bytes", "read_bytes", "write_bytes")
    delta = dict.fromkeys((*figures, "traffic_bytes", "latency_s"), 0)
    fold = LedgerEntry(
        "pre",
        "fold-clip",
        ("clip",),
        (),
        (),
        (),
        "it is 1",
        {"written": {**delta, "latency_s": -39e-6, "traffic_bytes": -400_000}},
    )
    other = replace(fold, by="fold-constants", deltas={"written": delta})
    declined = [Declined("fold-clip", ("x",), "it is read twice")]
    made = Made(from_proto(EMPTY), declined=declined)
    proven = Proven(made, EQUAL, ())
    ledger = Ledger((fold, other, other))
    return Optimized(made, replace(diff, equivalence=EQUAL, ledger=ledger), proven, ())


def everything(cost, diff, measured_diff, optimized, profiled, device):
    yield cost_page(cost, device)
    yield cost_page(cost, device, [(replace(device, name=f"d{i}"), cost) for i in range(9)])
    yield diff_page(diff)
    yield diff_page(replace(measured_diff, equivalence=EQUAL))
    yield optimize_page(optimized)
    yield profile_page(profiled)


def test_cost(cost, device, text):
    assert text(cost_page(cost, device), 80) == COST


def test_diff(measured_diff, text):
    assert text(diff_page(replace(measured_diff, equivalence=EQUAL)), 80) == DIFF


def test_optimize(optimized, text):
    assert text(optimize_page(optimized), 80) == OPTIMIZE


def test_profile(profiled, text):
    assert text(profile_page(profiled), 80) == PROFILE


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_page_fits(
    cost, diff, measured_diff, optimized, profiled, device, text, width, encoding
):
    for page in everything(cost, diff, measured_diff, optimized, profiled, device):
        shown = text(page, width, encoding)
        assert len(shown.splitlines()) * min(width, 80) <= LINES * 80
        assert width < 80 or shown.splitlines()[0] == shown.splitlines()[-1]
        assert max(map(cell_len, shown.splitlines())) <= width
        assert "-v for more" in " ".join(shown.split())


@pytest.mark.parametrize("width", [1, 20, 40])
def test_a_narrow_page_is_longer_and_loses_nothing(
    cost, diff, measured_diff, optimized, profiled, device, text, width
):
    for page in everything(cost, diff, measured_diff, optimized, profiled, device):
        shown = "".join(text(page, width).split())
        assert "-vformore" in shown


def ports(count):
    return {
        f"a_folder_of_inputs/past_{i}.key": Port("float32", (1, 8, i, 64)) for i in range(count)
    }


def test_more_than_four_inputs_or_outputs_fold(known_cost, device, text):
    def page(count, **room):
        model = replace(known_cost.model, ports=(ports(count), ports(count)))
        return text(cost_page(replace(known_cost, model=model, **room), device), 80)

    assert page(50).count("... and 46 more") == 2
    assert "past_3.key float32 1x8x3x64" in page(50)
    assert "past_4" not in page(50)
    assert "past_3.key" in page(4)
    assert "... and" not in page(4)
    # Where room is short the names are shorter, and still there are four.
    notes = tuple(f"{letter * 12} is assumed" for letter in "abcdefg")
    tight = page(50, notes=notes)
    assert len(tight.splitlines()) <= LINES
    assert tight.count("... and 46 more") == 2
    assert tight.count("float32 1x8x3x64") == 2


def test_a_model_may_have_no_inputs(known_cost, device, text):
    model = replace(known_cost.model, ports=({}, ports(1)))
    assert "inputs     none\n" in text(cost_page(replace(known_cost, model=model), device), 80)


def test_a_warning_keeps_its_line(known_cost, device, text):
    kinds = [f"{letter * 9} is assumed, and that is {'very ' * 20}important" for letter in "abcdef"]
    many = [f"'{place}' is assumed to run {place} times" for place in range(50)]
    page = text(cost_page(replace(known_cost, notes=(*kinds, *many)), device), 80)
    assert len(page.splitlines()) <= LINES
    assert all(f"note: {kind[:9]}" in page for kind in kinds)
    assert "note: '0' is assumed to run 0 times (and 49 more like it)" in page
    assert len([line for line in page.splitlines() if line.startswith("note: ")]) == 7


def test_warnings_go_over_24_lines_rather_than_away(known_cost, device, text):
    kinds = tuple(f"{chr(97 + place) * 9} is assumed" for place in range(26))
    page = text(cost_page(replace(known_cost, notes=kinds), device), 80)
    assert all(f"note: {kind}" in page for kind in kinds)


def test_one_reason_is_told_once(cost, device, text):
    unknown = tuple(
        UnknownNode(f"n{i}", "Odd", f"the shape of 't{i}' is not known") for i in range(40)
    )
    coverage = cost.coverage._replace(nodes=43, unknown=unknown)
    page = text(cost_page(replace(cost, coverage=coverage), device), 80)
    assert "  40 Odd: the shape of 't0' is not known (first: n0)\n" in page
    assert page.count("is not known") == 1


def test_rows_or_all_are_the_long_page(cost, diff, optimized, profiled, device, text):
    pages = [
        lambda **how: cost_page(cost, device, **how),
        lambda **how: diff_page(diff, **how),
        lambda **how: optimize_page(optimized, **how),
        lambda **how: profile_page(profiled, **how),
    ]
    for page in pages:
        short, long, every = (text(page(**how), 80) for how in ({}, {"top": 3}, {"verbose": True}))
        assert len(short.splitlines()) <= LINES < len(long.splitlines())
        assert "───" in long
        assert short.splitlines()[-1] == long.splitlines()[-1] == every.splitlines()[-1]
    assert "it is read twice" in text(optimize_page(optimized, explain=True))


def test_nothing_to_rewrite(optimized, diff, text):
    same = replace(sides(diff, after=diff.before), op_types=(), equivalence=EQUAL)
    page = text(optimize_page(replace(optimized, diff=same, made=Made(from_proto(EMPTY)))), 80)
    assert page.startswith("nothing to rewrite: 3 nodes; outputs equal\n")


def test_what_was_left_out_is_said(optimized, text):
    diff = replace(optimized.diff, standing=Standing({}, 2, 1, ()))
    for page in (diff_page(diff), optimize_page(replace(optimized, diff=diff))):
        assert "2 rewrites left out, since outputs differed" in text(page, 80)
        assert "1 rewrite left out, not being provable" in text(page, 80)


@pytest.mark.parametrize("how", [{}, {"verbose": True}])
def test_a_pass_that_failed_is_said_by_both_commands(optimized, text, how):
    faults = (Fault("fold-x", "KeyError: 'y'"), Fault("onnxsim:fuse_y", "it crashed"))
    diff = replace(optimized.diff, standing=Standing({}, 0, 0, faults))
    found = replace(optimized, diff=diff)
    for page in (diff_page(diff, **how), optimize_page(found, **how)):
        lines = " ".join(text(page, 80).split())
        assert "fold-x failed and was undone: KeyError: 'y'. This is a bug of ocost:" in lines
        assert "onnxsim:fuse_y failed and was undone: it crashed. This is a bug of onnx" in lines
    for document in (diff_document(diff), optimize_document(found)):
        assert document["faults"] == [
            {"pass": "fold-x", "reason": "KeyError: 'y'"},
            {"pass": "onnxsim:fuse_y", "reason": "it crashed"},
        ]


@pytest.mark.parametrize(
    ("proofs", "said"),
    [
        ({"region": 3}, "each rewrite proven on its own region"),
        ({"construction": 1}, "each rewrite proven by its construction"),
        ({"region": 3, "construction": 1}, "each rewrite proven by itself"),
        ({"region": 3, "none": 1}, "outputs not compared"),
        ({}, "outputs not compared"),
    ],
)
def test_the_verdict_names_the_proof_where_the_whole_model_is_none(optimized, text, proofs, said):
    unknown = replace(EQUAL, ok=None, reason="there is a random node")
    diff = replace(optimized.diff, equivalence=unknown, standing=Standing(proofs, 0, 0, ()))
    for page in (diff_page(diff), optimize_page(replace(optimized, diff=diff))):
        first, *_, last = text(page, 80).splitlines()
        assert first == last
        assert first.endswith(f"; {said}")


def test_an_opset_that_could_not_be_had_comes_first(optimized, text):
    standing = Standing({}, 0, 0, (), "outputs differed with it")
    diff = replace(optimized.diff, standing=standing)
    first, *_, last = text(optimize_page(replace(optimized, diff=diff)), 80).splitlines()
    assert first == last
    assert first.startswith("still the old opset; ")


def test_outputs_that_differ_or_are_not_compared(diff, text):
    differ = replace(EQUAL, ok=False, reason="'y' is 3 off")
    page = text(diff_page(replace(diff, equivalence=differ)), 80)
    assert page.splitlines()[0].endswith("outputs differ")
    assert "\nOutputs differ: 'y' is 3 off\n" in page
    unknown = replace(EQUAL, ok=None, reason="there is a random node")
    page = text(diff_page(replace(diff, equivalence=unknown)), 80)
    assert page.splitlines()[0].endswith("outputs not compared")
    assert "\nOutputs not compared: there is a random node\n" in page
    assert "Outputs" not in text(diff_page(diff), 80)


def test_the_first_verdict_that_fits(text):
    said = ["a rather long sentence with all figures", "a short one"]
    assert text(Page(Headline(said)), 60) == f"{said[0]}\n"
    assert text(Page(Headline(said)), 20) == f"{said[1]}\n"
    name = "resnet18_by_somebody_who_likes_long_names.onnx"
    assert text(Page(Headline(said, about=name)), 90) == f"{name}: {said[0]}\n"
    short = "resnet18_by_somebod…kes_long_names.onnx"
    assert text(Page(Headline(said, about=name)), 80) == f"{short}: {said[0]}\n"
    assert text(Page(Headline(said, about=name)), 30) == "resnet18…mes.onnx: a short one\n"


def test_no_entry_is_broken(text):
    page = text(Page(Listing("in  ", [("a", "float32 1x2"), ("b", "int64 3")], 2)), 22)
    assert page.splitlines() == ["in  a float32 1x2,", "    b int64 3,", "    ... and 2 more"]


def test_a_grid_is_as_wide_as_fits(text):
    cells = [("one", "1"), ("two", "22"), ("three", "333")]
    assert text(Page(Grid(cells)), 80).splitlines() == ["one  1    two  22    three  333"]
    assert text(Page(Grid(cells)), 25).splitlines() == ["one   1    three  333", "two  22"]
    assert text(Page(Grid(cells)), 12).splitlines() == ["one      1", "two     22", "three  333"]


def test_one_line_ends_where_the_line_does(text):
    assert text(Page(OneLine(Text("≥1 and more"))), 8, "ascii") == ">=1 and~\n"


def test_rows_go_first_then_blank_lines_then_words(text):
    def page(facts, notes=1):
        return text(
            Page(
                Short(
                    Headline(["so it is"]),
                    [Text(f"fact {n}") for n in range(facts)],
                    [Text("totals")],
                    lambda rows: Table([Column("rows", [str(n) for n in range(rows)])]),
                    9,
                    [Caution(Text(f"warning {n}"), [Text("more")]) for n in range(notes)],
                    Text("hint"),
                )
            ),
            80,
        ).splitlines()

    # Verdict, facts, totals, head and 5 rows, warning and more, hint, verdict: 13 and the facts;
    # 3 blank lines.
    assert [len(page(facts)) for facts in (1, 8, 9, 10, 11)] == [16, 23, 24, 24, 24]
    assert [f"   {row}" in page(9) for row in "234"] == [True, True, True]
    assert [f"   {row}" in page(11) for row in "234"] == [True, False, False]
    assert [page(facts).count("") for facts in (9, 11, 12)] == [3, 3, 0]
    assert len(page(12)) == len(page(14)) == len(page(15)) == 24
    assert "more" in page(14)
    assert "more" not in page(15)
    assert [line for line in page(30, notes=9) if "warning" in line] == [
        f"warning {n}" for n in range(9)
    ]


def test_the_pages_without_colour_are_the_same(cost, device):
    for color in ("never", "auto"):
        file = io.StringIO()
        console(file, color).print(cost_page(cost, device))
        assert file.getvalue() == COST
