from dataclasses import replace

from ocost.costmodel.result import Totals, UnknownNode
from ocost.report.text_cost import render_cost

GOLDEN = """\
toy.onnx as written: 4 nodes
opset 17, my.domain 1; inputs: x 1x3x?x224, y ?
Assumed: batch=1 (--dim NAME=SIZE or --shape decides otherwise).

computation  MACs                 1.00  M
             FLOPs                2.05  M
             parameters           2.50  k
bytes        constants            9.77  KiB
             file                 11.0  KiB
             read                341.8  KiB
             written             244.1  KiB
             traffic             585.9  KiB
             compulsory traffic  205.1  KiB  35.0 % of the traffic; no fusion goes below
activations  alive at the peak    3.00  MiB
             alive on average     1.50  MiB
             all together            ?       if nothing is reused
intensity    FLOP per byte        3.42

Latency  share of it by what bounds the nodes
device  estimate  low end   ridge  compute  memory  overhead
              µs       µs  FLOP/B
──────  ────────  ───────  ──────  ───────  ──────  ────────
toy         83.0     60.0   10.00   49.4 %  49.4 %     1.2 %

By operator type  latency on toy
operator        nodes  FLOPs  traffic  latency   share
                           M      KiB       µs
──────────────  ─────  ─────  ───────  ───────  ──────  ──────────────────
Clip                1   0.05    390.6     41.0  49.4 %  ██████████████████
Conv                1   2.00    195.3     41.0  49.4 %  ██████████████████
Reshape             1      0        0      1.0   1.2 %  ▌
my.domain::Odd      1      ?        ?        ?       ?

Slowest nodes
node                            operator       FLOPs  traffic  intensity  bound     of peak  latency
                                                   M      KiB     FLOP/B                          µs
──────────────────────────────  ─────────────  ─────  ───────  ─────────  ────────  ───────  ───────
/…/features.0.0/Conv            Conv            2.00    195.3      10.00  compute    50.0 %     41.0
clip                            Clip            0.05    390.6       0.12  memory      1.2 %     41.0
view                            Reshape            0        0          -  overhead        -      1.0
odd[0]                          my.dom…n::Odd      ?        ?          ?  ?               ?        ?

3/4 nodes costed, all shapes exact; not costed, and in no figure above:
  1 Odd: no cost formula for my.domain::Odd (odd[0])
Note: loop 'l' is taken to run once
Latency is an estimate (roofline): its low end is the ideal roofline, its high end is not known.
  toy (Toy board): peaks and bandwidth measured; 49.4 % of the time is in kernels measured there.
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
    totals = replace(known_cost.totals, latency_s=603e-6)
    others = [(slow_device, replace(known_cost, nodes=slow, totals=totals))]
    page = text(render_cost(known_cost, device, others, top=2))
    rows = [" ".join(line.split()) for line in page.splitlines()]
    assert "node operator FLOPs traffic toy slow" in rows
    assert "clip Clip 0.05 390.6 41.0 memory 401.0 memory" in rows
    assert f"{conv.name} Conv 2.00 195.3 41.0 compute 201.0 memory" in rows
    assert "1 more 0 0 1.0 1.0" in rows
    assert "slow (Slow board): peaks and bandwidth from datasheets; no kernel was measured" in page


def test_a_device_without_room_is_named(known_cost, device, text):
    others = [(replace(device, name=f"board-number-{i}"), known_cost) for i in range(4)]
    page = text(render_cost(known_cost, device, others), width=80)
    assert "no room for board-number-2, board-number-3 in 80 columns" in page


def test_nothing_known(cost, device, text):
    odd = cost.nodes[2]
    unknown = tuple(UnknownNode(f"odd{i}", "Odd", f"why {i}") for i in range(7))
    coverage = replace(cost.coverage, nodes=7, costed=0, exact=0, unknown=unknown)
    nothing = Totals(**dict.fromkeys(Totals.names()))
    empty = replace(cost, nodes=(odd,), totals=nothing, coverage=coverage)
    page = text(render_cost(empty, device))
    assert "0/7 nodes costed, shapes: none known" in page
    assert "and 2 nodes for other reasons (-v lists all)" in page
    figures = [line for line in page.splitlines() if "MACs" in line or "alive" in line]
    assert len(figures) == 3
    assert all(line.endswith("?") for line in figures)
    assert "odd6 (Odd): why 6" in text(render_cost(empty, device, verbose=True))


def test_reasons_are_grouped_over_names(cost, device, text):
    unknown = tuple(
        UnknownNode(f"n{i}", op_type, f"the shape of 't{i}' is not known")
        for i, op_type in enumerate(["Conv", "Relu", "Conv"])
    )
    page = text(
        render_cost(replace(cost, coverage=replace(cost.coverage, unknown=unknown)), device)
    )
    assert "  2 Conv, 1 Relu: the shape of 't0' is not known (first: n0)\n" in page


def test_branches_that_do_not_run_are_counted(known_cost, device, text):
    more = replace(known_cost, model=replace(known_cost.model, nodes=10))
    assert "7 more are in branches that don't run" in text(render_cost(more, device))


def test_a_figure_that_padding_adds_has_a_row(known_cost, device, text):
    assert "padding" not in text(render_cost(known_cost, device))
    padded = replace(known_cost, totals=replace(known_cost.totals, padded_flops=5_000))
    assert "FLOPs on padding" in text(render_cost(padded, device))
