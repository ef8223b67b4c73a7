from dataclasses import replace

from ocost.compare.result import Diff
from ocost.costmodel.result import UnknownNode
from ocost.report.text_diff import render_diff

GOLDEN = """\
toy.onnx -> shrinker 1.0: 3 -> 3 nodes, traffic -66.7 % (585.9 -> 195.3 KiB), computation +2.4 %,
estimated latency -44.6 % (83.0 -> 46.0 µs) on toy.
These savings are as written: the runtime may make some of them by itself.

                                 before  after  change
───────────  ──────────────────  ──────  ─────  ──────  ───  ────────
computation  MACs                  1.00   1.00       0  M         0 %
             FLOPs                 2.05   2.10   +0.05  M      +2.4 %
             parameters            2.50   2.50       0  k         0 %
bytes        constants             9.77   9.77       0  KiB       0 %
             file                  11.0   11.0       0  KiB       0 %
             read                 341.8  146.5  -195.3  KiB   -57.1 %
             written              244.1   48.8  -195.3  KiB   -80.0 %
             traffic              585.9  195.3  -390.6  KiB   -66.7 %
             compulsory traffic   205.1  205.1       0  KiB       0 %
activations  alive at the peak     3.00   3.00       0  MiB       0 %
             alive on average      1.50   1.50       0  MiB       0 %
             all together             ?      ?       ?              ?
intensity    FLOP per byte         3.42  10.50   +7.08       +207.3 %
latency      estimate              83.0   46.0   -37.0  µs    -44.6 %
             low end               60.0   21.0   -39.0  µs    -65.0 %

By operator type  latency on toy; █ stays, ░ saved, ▓ added
operator                   nodes  before  after
                                      µs     µs
────────────────────────  ──────  ──────  ─────  ────────  ──────────────────
com.microsoft::FusedConv  0 -> 1       0   43.0       new  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
Conv                      1 -> 0    41.0      0  -100.0 %  ░░░░░░░░░░░░░░░░░
Clip                      1 -> 0    41.0      0  -100.0 %  ░░░░░░░░░░░░░░░░░
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
  toy (Toy board): peaks and bandwidth measured; 93.5 % of the time is in kernels measured there.
"""


def swapped(diff: Diff) -> Diff:
    """After to before: what was a saving is a loss."""
    pairs = tuple(replace(p, before=p.after, after=p.before) for p in diff.pairs)
    return replace(diff, before=diff.after, after=diff.before, pairs=pairs, op_types=())


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
    page = text(render_diff(replace(diff, after=same, pairs=pairs, op_types=(), made_by="")))
    assert page.startswith("models/toy.onnx -> models/toy.onnx: 3 -> 3 nodes, at the same cost.\n")
    assert "operator" not in page


def test_two_files_of_one_name_show_their_folders(diff, text):
    page = text(render_diff(replace(diff, made_by="")))
    assert page.startswith("models/toy.onnx -> out/toy.onnx: ")
    moved = replace(diff.after, model=replace(diff.after.model, path="out/small.onnx"))
    page = text(render_diff(replace(diff, after=moved, made_by="")))
    assert page.startswith("toy.onnx -> small.onnx: ")


def test_what_is_not_known_is_not_0(diff, text):
    unknown = (UnknownNode("odd", "Odd", "no cost formula for Odd"),)
    coverage = replace(diff.after.coverage, costed=2, exact=2, unknown=unknown)
    totals = replace(diff.after.totals, latency_s=None, flops=None)
    blank = diff.pairs[0].after._replace(
        flops=None, read_bytes=None, write_bytes=None, latency_s=None, bound=None
    )
    pairs = (replace(diff.pairs[0], after=blank), *diff.pairs[1:])
    after = replace(diff.after, totals=totals, coverage=coverage)
    page = text(render_diff(replace(diff, after=after, pairs=pairs)))
    assert "computation ?,\nestimated latency ? (83.0 -> ?) on toy.\n" in page
    assert "Not every node is costed: this compares the others." in page
    assert "saving" not in page
    rows = [" ".join(line.split()) for line in page.splitlines()]
    assert "latency estimate 83.0 ? ? µs ?" in rows
    assert f"{blank.name} Conv -> FusedConv 41.0 ? ? ? tensor" in rows
    assert "  1 Odd: no cost formula for Odd (odd)\n" in page
