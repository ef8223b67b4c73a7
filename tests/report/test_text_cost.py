from dataclasses import replace
from types import SimpleNamespace

from ocost.costmodel.result import Totals, UnknownNode
from ocost.report.text_cost import render_cost

GOLDEN = """\
toy.onnx as written: 4 nodes
only 3 of 4 nodes are costed: every sum below is a lower bound
open dims taken as 1: batch; give --dim batch=...
note: loop 'l' is taken to run once
opset 17, my.domain 1; inputs: x float32 1x3x?x224, y ?; outputs: z float32 1x10, boxes float32 up
to 200x4; on toy (2 cores at work)

computation  MACs            ≥1.00  M
             FLOPs           ≥2.05  M
             parameters      ≥2.50  k
bytes        constants        9.77  KiB
             file             11.0  KiB
             read           ≥341.8  KiB
             written        ≥244.1  KiB
             traffic        ≥585.9  KiB
             compulsory     ≥205.1  KiB
activations  at the peak      3.00  MiB
             on average       1.50  MiB
             all together        ?       if nothing is reused
intensity    FLOP per byte   ~3.42

Latency  share of it by what bounds the nodes
device  estimate  low end   ridge  compute  memory  overhead
              µs       µs  FLOP/B
──────  ────────  ───────  ──────  ───────  ──────  ────────
toy        ≥83.0    ≥60.0   10.00        ?       ?         ?

By operator type  latency on toy
operator        nodes  FLOPs  traffic  latency  share
                           M      KiB       µs
──────────────  ─────  ─────  ───────  ───────  ─────  ──────────────────
Clip                1   0.05    390.6     41.0      ?  ██████████████████
Conv                1   2.00    195.3     41.0      ?  ██████████████████
Reshape             1      0        0      1.0      ?  ▌
my.domain::Odd      1      ?        ?        ?      ?

Slowest nodes
node                            operator       FLOPs  traffic  intensity  bound     of peak  latency
                                                   M      KiB     FLOP/B                          µs
──────────────────────────────  ─────────────  ─────  ───────  ─────────  ────────  ───────  ───────
/…/features.0.0/Conv            Conv            2.00    195.3      10.00  compute    48.8 %     41.0
clip                            Clip            0.05    390.6       0.12  memory     ~1.2 %     41.0
view                            Reshape            0        0          -  overhead        -      1.0
odd[0]                          my.dom…n::Odd      ?        ?          ?  ?               ?        ?
of peak: FLOPs over the estimated latency, as a share of the device's peak; ~ where no kernel of
that kind was measured on the device

3/4 nodes costed, all shapes exact; not costed, and in no figure above:
  1 Odd: no cost formula for my.domain::Odd (odd[0])
Latency is an estimate (roofline): its low end is the ideal roofline, its high end is not known.
  toy (Toy board): peaks and bandwidth measured; 49.4 % of the time is in kernels measured there.

toy.onnx: at least 83.0 µs as written on toy; 1 of 4 nodes not costed
"""


def test_a_whole_report(cost, device, text):
    assert text(render_cost(cost, device)) == GOLDEN


def test_the_rest_is_summed(known_cost, device, text):
    page = text(render_cost(known_cost, device, top=1))
    rows = [line.split() for line in page.splitlines()]
    # Operators: Clip first. Nodes: the Conv first; 1 us of 83 and 41 us stay.
    operators, nodes = [row for row in rows if row[1:2] == ["more"]]
    assert operators[:8] == ["2", "more", "2", "2.00", "195.3", "42.0", "50.6", "%"]
    assert nodes == ["2", "more", "0.05", "390.6", "42.0"]


def test_verbose_lists_all(known_cost, device, text):
    page = text(render_cost(known_cost, device, top=1, verbose=True))
    assert "more" not in page
    assert "Reshape" in page


def test_top_0_leaves_the_tables_out(known_cost, device, text):
    page = text(render_cost(known_cost, device, top=0))
    assert "operator" not in page
    assert "3/3 nodes costed" in page


def test_devices_stand_side_by_side(known_cost, device, slow_device, text):
    # At a tenth of the bandwidth the Conv takes 0.2e6 B / 1e9 = 200 us: bound by memory.
    conv, view, clip = known_cost.nodes
    slow = (
        conv._replace(latency_s=201e-6, bound="memory"),
        view,
        clip._replace(latency_s=401e-6),
    )
    totals = known_cost.totals._replace(latency_s=603e-6)
    others = [(slow_device, replace(known_cost, nodes=slow, totals=totals))]
    page = text(render_cost(known_cost, device, others, top=2))
    rows = [" ".join(line.split()) for line in page.splitlines()]
    assert "node operator FLOPs traffic toy slow" in rows
    assert "clip Clip 0.05 390.6 41.0 memory 401.0 memory" in rows
    assert f"{conv.name} Conv 2.00 195.3 41.0 compute 201.0 memory" in rows
    assert "1 more 0 0 1.0 1.0" in rows
    source = "on paper (datasheets and derived figures); no kernel was"
    assert f"slow (Slow board): peaks and bandwidth {source}" in page


def test_a_device_without_room_is_named(known_cost, device, text):
    others = [(replace(device, name=f"board-number-{i}"), known_cost) for i in range(4)]
    page = text(render_cost(known_cost, device, others), width=80)
    assert "no room for board-number-2, board-number-3 in 80 columns" in page


def test_nothing_known(cost, device, text):
    odd = cost.nodes[2]
    unknown = tuple(
        UnknownNode(f"odd{i}", "Odd", f"why {letter}") for i, letter in enumerate("abcdefg")
    )
    coverage = cost.coverage._replace(nodes=7, costed=0, exact=0, unknown=unknown)
    nothing = Totals(**dict.fromkeys(Totals.names()))
    empty = replace(cost, nodes=(odd,), totals=nothing, coverage=coverage)
    page = text(render_cost(empty, device))
    assert "0/7 nodes costed, shapes: none known" in page
    assert "and 2 nodes for other reasons (-v lists all)" in page
    assert "no node is costed: no sum over them is known" in page
    labels = ("MACs", "at the peak", "on average", "compulsory")
    figures = [line for line in page.splitlines() if any(label in line for label in labels)]
    assert len(figures) == 4
    assert all(line.endswith("?") for line in figures)
    assert "why g (1 node):\n    odd6 (Odd)" in text(render_cost(empty, device, verbose=True))


def test_reasons_are_grouped_over_names(cost, device, text):
    unknown = tuple(
        UnknownNode(f"n{i}", op_type, f"the shape of 't{i}' is not known")
        for i, op_type in enumerate(["Conv", "Relu", "Conv"])
    )
    page = text(
        render_cost(replace(cost, coverage=cost.coverage._replace(unknown=unknown)), device)
    )
    assert "  2 Conv, 1 Relu: the shape of 't0' is not known (first: n0)\n" in page


def test_branches_that_do_not_run_are_counted(known_cost, device, text):
    more = replace(known_cost, model=replace(known_cost.model, nodes=10))
    assert "7 more are in branches that don't run" in text(render_cost(more, device))


def test_a_figure_that_padding_adds_has_a_row(known_cost, device, text):
    assert "padding" not in text(render_cost(known_cost, device))
    padded = replace(known_cost, totals=known_cost.totals._replace(padded_flops=5_000))
    assert "on padding" in text(render_cost(padded, device))


def test_a_figure_that_rests_on_bounds_is_at_most_that(known_cost, device, text):
    conv, view, clip = known_cost.nodes
    coverage = known_cost.coverage._replace(exact=2, bound=1)
    nodes = (conv, view, clip._replace(shape="bound"))
    page = text(render_cost(replace(known_cost, nodes=nodes, coverage=coverage), device))
    rows = [" ".join(line.split()) for line in page.splitlines()]
    assert "traffic ≤585.9 KiB" in rows
    assert "bytes constants 9.77 KiB" in rows  # what is stored is known whatever the shapes are
    assert "parameters 2.50 k" in rows
    assert "toy ≤83.0 ≤60.0 10.00 ~49.4 % ~49.4 % ~1.2 %" in rows
    assert any(row.startswith("Clip 1 ≤0.05 ≤390.6 ≤41.0 ~49.4 %") for row in rows)
    assert any(row.startswith("clip Clip ≤0.05 ≤390.6") for row in rows)
    assert any(row.startswith("Conv 1 2.00 195.3 41.0") for row in rows)
    assert "shapes: 2 exact, 1 upper bounds (≤)" in page


def test_at_least_and_at_most_is_neither(cost, device, text):
    coverage = cost.coverage._replace(exact=2, bound=1)
    page = text(render_cost(replace(cost, coverage=coverage), device))
    assert "only 3 of 4 nodes are costed, 1 of them at most: sums marked ~ may be" in page
    assert "~585.9  KiB" in page


def test_of_peak_is_what_the_estimate_comes_to(known_cost, device, slow_device, text):
    # 2e6 FLOP in 41 us on a peak of 100e9: 48.8 %; 50e3 in 41 us: 1.2 %.
    page = text(render_cost(known_cost, device), width=120)
    assert "48.8 %" in page
    assert "~1.2 %" in page
    assert "of peak: FLOPs over the estimated latency" in page
    assert "no kernel of that kind was measured" in page
    assert "~48.8 %" in text(render_cost(known_cost, replace(device, efficiency={})), width=120)
    assert "of peak" not in text(render_cost(known_cost, device), width=60)


def test_notes_say_which_device_they_are_about(known_cost, device, slow_device, text):
    first = replace(known_cost, notes=("one", "both"))
    others = [(slow_device, replace(known_cost, notes=("both", "other")))]
    lines = text(render_cost(first, device, others)).splitlines()
    assert lines[1:4] == ["note: toy: one", "note: both", "note: slow: other"]


def test_warnings_are_yellow(cost, device, text):
    page = text(render_cost(cost, device), color="always")
    lines = page.splitlines()[1:4]
    assert [line.startswith("\x1b[33m") for line in lines] == [True, True, True]
    # Less than half of the time is in measured kernels: 41 of 83 us.
    assert any("49.4 % of the time" in line and "\x1b[33m" in line for line in page.splitlines())


def test_a_file_without_its_weights_is_said_to_be(known_cost, device, text):
    source = SimpleNamespace(fillers={0: None})
    graph = SimpleNamespace(header=SimpleNamespace(source=source))
    model = replace(known_cost.model, graph=graph)
    assert "KiB  with its weights" in text(render_cost(replace(known_cost, model=model), device))
    assert "with its weights" not in text(render_cost(known_cost, device))


def test_verbose_shows_whole_names(known_cost, device, text):
    name = "/".join(["a_folder_of_a_long_name"] * 8)
    conv = known_cost.nodes[0]._replace(name=name)
    page = text(render_cost(replace(known_cost, nodes=(conv,)), device, verbose=True), width=60)
    assert any(line.endswith(f"  {name}") for line in page.splitlines())


def test_an_accelerator_has_no_cores(known_cost, device, text):
    assert "; on toy (2 cores at" in text(render_cost(known_cost, device))
    page = text(render_cost(known_cost, replace(device, runtime="onnxruntime-cuda")))
    assert "; on toy\n" in page
