from dataclasses import replace
from pathlib import Path

from ocost.costmodel.session_memory import Footprint
from ocost.report.text_profile import render_profile
from ocost.runtime.profiles import Growth, MemoryPeak, Startup
from ocost.runtime.validation.accuracy import accuracy
from ocost.runtime.validation.profiled import Environment

GOLDEN = """\
toy.onnx as measured: 4 executed nodes, 4 as written
open dims taken as 1: batch; give --dim batch=...
note: the file has no weights
measured with onnxruntime 1.32.0, level all, 1 thread pinned to a core, on Toy CPU (avx2); predicted
for toy (2 cores at work)
opset 17, my.domain 1; inputs: x float32 1x3x?x224, y ?; outputs: z float32 1x10, boxes float32 up
to 200x4; made up

latency           low end  high end
              µs       µs        µs
─────────  ─────  ───────  ────────  ──────────────────────────────
measured    80.0     79.0      82.0  4000 runs, 50 more profiled
predicted  ≥83.0    ≥60.0         ?  without 1 node of unknown cost

Per node: weighted error 44.6 %, rank correlation 0.87 (Spearman), over 3 nodes
predicted within             10 %    25 %    50 %
───────────────────────────  ────  ──────  ──────
of 2 nodes of 10 µs or more   0 %  50.0 %  50.0 %
of their time                 0 %  71.4 %  71.4 %

Largest misses  predicted - measured
node                      operator           made of     measured  predicted   miss  ratio  bound
                                                               µs         µs     µs
────────────────────────  ─────────────────  ──────────  ────────  ─────────  ─────  ─────  ────────
clip                      Clip               Clip            20.0       41.0  +21.0   2.05  memory
/…/features.0.0/Conv      nchwc::Conv        Conv, ?         50.0       41.0   -9.0   0.82  compute
order                     nchwc::R…erOutput  Conv, Clip       4.0        1.0   -3.0   0.25  overhead
odd[0]                    my.domain::Odd                      6.0          ?      ?      ?  ?

By operator type
operator              nodes  measured   share  predicted  ratio
                                   µs                 µs
────────────────────  ─────  ────────  ──────  ─────────  ─────  ──────────────────
nchwc::Conv               1      50.0  62.5 %       41.0   0.82  ██████████████████
Clip                      1      20.0  25.0 %       41.0   2.05  ███████▎
my.domain::Odd            1       6.0   7.5 %          ?      ?  ██▏
nchwc::ReorderOutput      1       4.0   5.0 %        1.0   0.25  █▌

3/4 executed nodes mapped (92.5 % of the time); 4/5 original nodes found
Changes of layout, shape or type: 4.00 µs (5.0 %) in 1 node
  4.00 µs between /…/features.0.0/Conv and clip
Not mapped: 6.00 µs (7.5 %) in 1 node
1 node of unknown cost took 6.00 µs (7.5 %):
  odd[0] (Odd): no cost formula for my.domain::Odd
Latency is an estimate (roofline): its low end is the ideal roofline, its high end is not known.
  toy (Toy board): peaks and bandwidth measured; 49.4 % of the time is in kernels measured there.

toy.onnx: 80.0 µs measured, 83.0 µs predicted for toy without 1 node of unknown cost
"""


def test_the_whole_page(profiled, text):
    assert text(render_profile(profiled)) == GOLDEN


def test_it_fits(profiled, text):
    for width in (80, 100, 120):
        page = text(render_profile(profiled), width=width)
        assert max(map(len, page.splitlines())) <= width
    narrow = text(render_profile(profiled), width=80)
    assert "bound" in narrow
    assert "originals" not in narrow


def test_ascii(profiled, text):
    page = text(render_profile(profiled), encoding="ascii")
    assert ">=83.0" in page
    assert "us" in page


def test_what_is_not_listed_is_summed_up(profiled, text):
    page = text(render_profile(profiled, top=2))
    rest = [line.split() for line in page.splitlines() if line.startswith("2 more")]
    # order's 4 us as 1, and odd's 6, whose cost is not known: no ratio of the two.
    assert rest == [
        ["2", "more", "10.0", "≥1.0", "?", "?"],
        ["2", "more", "2", "10.0", "12.5", "%", "≥1.0", "?", "███▋"],
    ]


def test_no_tables(profiled, text):
    page = text(render_profile(profiled, top=0))
    assert "Largest misses" not in page
    assert "3/4 executed nodes mapped" in page


def test_verbose_names_every_original(profiled, text):
    page = text(render_profile(profiled, top=1, verbose=True))
    conv, norm = (
        "/features/features.0/features.0.0/Conv",
        "/features/features.0/features.0.1/BatchNormalization",
    )
    assert f"{conv}  <- {conv}, {norm}" in page
    assert "  clip\n" in page  # its only original is itself
    assert "more" not in page.replace("more profiled", "").replace("or more", "").replace(
        "expect more", ""
    )


def test_originals_are_told_by_their_operators(profiled, text):
    nodes = profiled.validation.nodes
    many = replace(nodes[0], originals=("clip", "clip", "view", "nowhere"))
    found = replace(profiled.validation, nodes=(many, *nodes[1:]))
    page = text(render_profile(replace(profiled, validation=found)), width=140)
    assert "2 Clip, Reshape, ?" in page


def test_places_of_different_nodes_read_differently(profiled, text):
    (place,) = profiled.validation.boundaries
    ends = [f"/a_long_folder/{letter}/of_many_names/Conv" for letter in "abc"]
    places = tuple(replace(place, originals=(end, "clip")) for end in ends)
    found = replace(profiled.validation, boundaries=places)
    page = text(render_profile(replace(profiled, validation=found)))
    lines = [line.strip() for line in page.splitlines() if "between" in line]
    assert len(lines) == len(set(lines)) == 3


def test_one_reason_for_many_nodes_is_told_once(profiled, text):
    nodes = profiled.validation.nodes
    odd = [replace(nodes[-1], executed=f"odd{i}") for i in range(5)]
    found = replace(profiled.validation, nodes=(*nodes, *odd))
    for verbose in (False, True):
        page = text(render_profile(replace(profiled, validation=found), verbose=verbose))
        assert page.count("no cost formula for my.domain::Odd") == 1
        assert "6 nodes of unknown cost" in page


def test_places_are_cut_short(profiled, text):
    (place,) = profiled.validation.boundaries
    places = tuple(replace(place, originals=("a", f"b{i}", "c", "d")) for i in range(5))
    found = replace(profiled, validation=replace(profiled.validation, boundaries=places))
    page = text(render_profile(found))
    assert page.count("between a, b") == page.count(" and 2 more\n") == 3
    assert "8.00 µs at 2 more places" in page
    assert text(render_profile(found, verbose=True)).count(", c and d\n") == 5


def test_no_statistics_of_nothing(profiled, text):
    found = replace(profiled.validation, accuracy=accuracy([]))
    page = text(render_profile(replace(profiled, validation=found)))
    assert "weighted error ?, rank correlation ?" in page
    assert "predicted within" not in page


def test_a_bound_of_an_upper_bound_is_marked(profiled, text):
    nodes = profiled.validation.nodes
    most = tuple(replace(n, shape="bound") for n in nodes if n.executed == "clip")
    page = text(
        render_profile(replace(profiled, validation=replace(profiled.validation, nodes=most)))
    )
    assert "≤41.0" in page


def test_all_known(profiled, text):
    known = tuple(n for n in profiled.validation.nodes if n.predicted_s is not None)
    found = replace(profiled.validation, nodes=known)
    page = text(render_profile(replace(profiled, validation=found, inputs=Path("a/in.npz"))))
    assert "predicted  83.0" in page
    assert "+3.7 %" in page  # 83 / 80 = 1.0375, in floats just below
    assert "unknown cost" not in page
    assert "; from in.npz" in page


def test_memory_and_startup(profiled, text):
    told = Footprint(3072, 3 << 20, 1 << 20, 5 << 20)
    here = replace(
        profiled,
        executed=replace(profiled.executed, footprint=lambda: told),
        growth=Growth(1 << 20, 2 << 20),
        memory=MemoryPeak(2048, "clip", 0, None, 4096),
        startup=Startup(3e-3, 2e-3, 4e-3, None, 5, 1 << 20),
    )
    page = text(render_profile(here))
    # 3072 / 2048 is half more.
    peak = (
        "Peak activations: 2.00 KiB in the runtime's arena, 3.00 KiB estimated (+50.0 %), at clip"
    )
    assert f"\n{peak}\n" in page
    assert "\nIts process grows by 2.00 MiB, 3.00 MiB (1.00 MiB to 5.00 MiB) estimated\n" in page
    opening = "Opening it takes 3.00 ms (2.00 ms to 4.00 ms), and keeps 1.00 MiB resident"
    assert f"\n{opening}\n" in page
    nothing = replace(here, memory=MemoryPeak(0, "clip", 0, None, 0))
    page = text(render_profile(nothing))
    assert "0 B in the runtime's arena, 3.00 KiB estimated, at clip" in page


def test_elsewhere(profiled, text):
    nowhere = Environment(None, None, None, None, None, None, None, None)
    page = text(render_profile(replace(profiled, environment=nowhere, origin=Path("a/tr.json"))))
    assert "\nmeasured elsewhere: tr.json; predicted for toy (2 cores at work)\n" in page
    assert "unknown contents" in page
    assert "more profiled" not in page
