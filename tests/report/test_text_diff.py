from dataclasses import replace

from ocost.compare.result import Diff, OpTypeChange
from ocost.costmodel.result import Port, Totals, UnknownNode
from ocost.report.text_diff import render_diff

from .conftest import sides

GOLDEN = """\
toy.onnx -> shrinker 1.0: 3 -> 3 nodes, traffic -66.7 % (585.9 -> 195.3 KiB), computation +2.4 %,
estimated latency -44.6 % (83.0 -> 46.0 µs) on toy.
These changes are as written: the runtime may make some of them by itself.
opset 17, my.domain 1; inputs: x float32 1x3x224x224; outputs: z float32 1x10; on toy (2 cores at
work)

                            unit  before  after  change   percent
───────────  ─────────────  ────  ──────  ─────  ──────  ────────
computation  MACs           M       1.00   1.00       0       0 %
             FLOPs          M       2.05   2.10   +0.05    +2.4 %
             parameters     k       2.50   2.50       0       0 %
bytes        constants      KiB     9.77   9.77       0       0 %
             file           KiB     11.0   11.0       0       0 %
             read           KiB    341.8  146.5  -195.3   -57.1 %
             written        KiB    244.1   48.8  -195.3   -80.0 %
             traffic        KiB    585.9  195.3  -390.6   -66.7 %
             compulsory     KiB    205.1  205.1       0       0 %
activations  at the peak    MiB     3.00   3.00       0       0 %
             all together              ?      ?       ?         ?
intensity    FLOP per byte          3.42  10.50   +7.08  +207.3 %
latency      estimate       µs      83.0   46.0   -37.0   -44.6 %
             low end        µs      60.0   21.0   -39.0   -65.0 %

By operator type  latency on toy; █ stays, ░ saved, ▓ added
operator                   nodes  before  after   percent
                                      µs     µs
────────────────────────  ──────  ──────  ─────  ────────  ──────────────────
com.microsoft::FusedConv  0 -> 1       0   43.0       new  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
Clip                      1 -> 0    41.0      0  -100.0 %  ░░░░░░░░░░░░░░░░░
Conv                      1 -> 0    41.0      0  -100.0 %  ░░░░░░░░░░░░░░░░░
Cast                      0 -> 1       0    2.0       new  ▓
Reshape                   1 -> 1     1.0    1.0       0 %

Nodes  by change of latency on toy
node                                    operator           before  after  change  traffic  match
                                                               µs     µs      µs      KiB
──────────────────────────────────────  ─────────────────  ──────  ─────  ──────  ───────  ───────
clip                                    Clip                 41.0      0   -41.0   -390.6  removed
/features/features.0/features.0.0/Conv  Conv -> FusedConv    41.0   43.0    +2.0        0  tensor
cast                                    Cast                    0    2.0    +2.0        0  new
──────────────────────────────────────  ─────────────────  ──────  ─────  ──────  ───────  ───────
1 unchanged                                                   1.0    1.0       0        0

before: 3/3 nodes costed, all shapes exact
after: 3/3 nodes costed, all shapes exact
Latency is an estimate (roofline): its low end is the ideal roofline, its high end is not known.
  toy (Toy board): peaks and bandwidth measured; 49.4 % of the time before and 93.5 % of the time
  after is in kernels measured there.

estimated latency -44.6 %, traffic -66.7 %, 3 -> 3 nodes; outputs not compared
"""


def swapped(diff: Diff) -> Diff:
    """After to before: what was a saving is a loss."""
    pairs = tuple(replace(p, before=p.after, after=p.before) for p in diff.pairs)
    return replace(sides(diff, before=diff.after, after=diff.before), pairs=pairs, op_types=())


def test_a_whole_report(diff, text):
    assert text(render_diff(diff)) == GOLDEN


def test_a_loss_is_no_saving(diff, text):
    page = text(render_diff(swapped(diff)))
    assert "estimated latency +80.4 % (46.0 -> 83.0 µs)" in page  # 83 / 46 = 1.804
    assert "saving" not in page


def test_the_rest_is_summed(diff, text):
    rows = [line.split() for line in text(render_diff(diff, top=1)).splitlines()]
    # Conv, Clip, Cast, Reshape: 41 + 41 + 0 + 1 us before, 0 + 0 + 2 + 1 after.
    assert any(row[:6] == ["4", "more", "3", "->", "2", "83.0"] for row in rows)
    # Conv and Cast: 41 + 0 us before, 43 + 2 after.
    assert ["2", "more", "changed", "41.0", "45.0", "+4.0", "0"] in rows


def test_no_change(diff, text):
    same = diff.before
    pairs = tuple(replace(p, after=p.before) for p in diff.pairs if p.before)
    page = text(render_diff(replace(sides(diff, after=same), pairs=pairs, op_types=(), made_by="")))
    assert page.startswith("models/toy.onnx -> models/toy.onnx: 3 -> 3 nodes, at the same cost.\n")
    assert "operator" not in page


def test_two_files_of_one_name_show_their_folders(diff, text):
    page = text(render_diff(replace(diff, made_by="")))
    assert page.startswith("models/toy.onnx -> out/toy.onnx: ")
    moved = replace(diff.after, model=replace(diff.after.model, path="out/small.onnx"))
    page = text(render_diff(replace(sides(diff, after=moved), made_by="")))
    assert page.startswith("toy.onnx -> small.onnx: ")


def test_what_is_not_known_is_not_0(diff, text):
    unknown = (UnknownNode("odd", "Odd", "no cost formula for Odd"),)
    coverage = diff.after.coverage._replace(costed=2, exact=2, unknown=unknown)
    totals = diff.after.totals._replace(latency_s=None, flops=None)
    blank = diff.pairs[0].after._replace(
        flops=None, read_bytes=None, write_bytes=None, latency_s=None, bound=None
    )
    pairs = (replace(diff.pairs[0], after=blank), *diff.pairs[1:])
    after = replace(diff.after, totals=totals, coverage=coverage)
    page = text(render_diff(replace(sides(diff, after=after), pairs=pairs)))
    assert "computation ?,\nestimated latency ? (83.0 -> ?) on toy.\n" in page
    assert "after: only 2 of 3 nodes are costed: every sum below is a lower bound\n" in page
    assert "saving" not in page
    rows = [" ".join(line.split()) for line in page.splitlines()]
    assert "latency estimate µs 83.0 ? ? ?" in rows
    assert f"{blank.name} Conv -> FusedConv 41.0 ? ? ? tensor" in rows
    assert "  1 Odd: no cost formula for Odd (odd)\n" in page


def test_no_known_cost_is_not_the_same_cost(diff, text):
    nothing = Totals(**dict.fromkeys(Totals.names()))
    unknown = replace(diff.before, totals=nothing)
    both = sides(diff, before=unknown, after=unknown)
    page = text(render_diff(replace(both, pairs=(), op_types=())))
    assert page.startswith("toy.onnx -> shrinker 1.0: 3 -> 3 nodes, cost not known.\n")


def test_equal_sums_over_some_nodes_are_not_the_same_cost(diff, text):
    partial = replace(diff.before, coverage=diff.before.coverage._replace(costed=2, exact=2))
    both = sides(diff, before=partial, after=partial)
    page = text(render_diff(replace(both, pairs=(), op_types=())))
    assert "traffic 0 % (≥585.9 -> ≥585.9 KiB)" in page
    assert "only 2 of 3 nodes are costed" in page


def test_a_change_between_partial_sums_has_no_colour(diff, text):
    blank = diff.pairs[2].before._replace(flops=None, read_bytes=None, latency_s=None)
    coverage = diff.before.coverage._replace(costed=2, exact=2)
    before = replace(diff.before, nodes=(*diff.before.nodes[:2], blank), coverage=coverage)
    partial = replace(sides(diff, before=before), pairs=diff.pairs[:2], op_types=diff.op_types[1:2])
    for page, coloured in ((render_diff(partial), False), (render_diff(diff), True)):
        lines = text(page, color="always").splitlines()
        (estimate,) = [line for line in lines if "estimate  " in line]
        assert "-44.6 %" in estimate
        assert ("\x1b[32m" in estimate) is coloured


def test_what_a_slower_graph_shows_is_as_written_too(diff, text):
    assert "These changes are as written" in text(render_diff(swapped(diff)))


def test_notes_say_which_side_they_are_about(diff, text):
    before = replace(diff.before, notes=("both", "gone"))
    after = replace(diff.after, notes=("both",))
    page = text(render_diff(sides(diff, before=before, after=after)))
    assert "\nnote: both\nnote: before: gone\nThese changes" in page


def test_other_inputs_are_another_graph(diff, text):
    ports = {"x": Port("float32", (1, 3, 64, 64))}, diff.after.model.ports[1]
    model = replace(diff.after.model, inputs={"x": (1, 3, 64, 64)}, ports=ports)
    page = text(render_diff(sides(diff, after=replace(diff.after, model=model))))
    assert "the graphs have different inputs\n" in page
    assert "before: opset 17, my.domain 1; inputs: x float32 1x3x224x224; outputs: z " in page
    assert "after: opset 17, my.domain 1; inputs: x float32 1x3x64x64; outputs: z " in page
    assert "different" not in text(render_diff(diff))


def test_open_dims_say_how_to_give_them(diff, text):
    model = replace(diff.before.model, assumed_dims={"H": 1, "W": 1})
    page = text(render_diff(sides(diff, before=replace(diff.before, model=model))))
    assert "open dims taken as 1: H, W; give --dim H=... --dim W=...\n" in page


def test_a_type_without_latency_is_among_the_rest(diff, text):
    idle = OpTypeChange("Constant", (7, 7), (0, 0), (0, 0), (0.0, 0.0))
    small = OpTypeChange("Abs", (1, 1), (0, 0), (0, 0), (0.5e-6, 0.5e-6))
    page = text(render_diff(replace(diff, op_types=(idle, small, *diff.op_types))))
    operators = [line.split()[0] for line in page.splitlines() if "->" in line.split()[1:4]]
    assert "Constant" not in operators
    # What didn't change comes last, the slowest first: Reshape takes 1 us, Abs 0.5.
    assert operators.index("Reshape") < operators.index("Abs")
    assert any(line.startswith("1 more") and "7 -> 7" in line for line in page.splitlines())


def test_groups_stay_where_room_is_short(diff, text):
    page = text(render_diff(diff), width=60)
    rows = [" ".join(line.split()) for line in page.splitlines()]
    assert "bytes constants KiB 9.77 9.77 0 %" in rows
    assert "read KiB 341.8 146.5 -57.1 %" in rows


def test_no_line_ends_before_a_percent_sign(diff, text):
    for width in range(40, 100):
        lines = text(render_diff(diff), width).splitlines()
        assert not any(line.lstrip().startswith(("%", "KiB", "µs)")) for line in lines)
