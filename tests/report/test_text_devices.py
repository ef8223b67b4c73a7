from dataclasses import replace

from ocost.costmodel.catalogue import devices, find
from ocost.report.text_devices import render_device, render_devices

GOLDEN = """\
toy  Toy board

figures          calibrated
runtime          onnxruntime-cpu
instructions     avx2
channel block    8
cores            2
bandwidth        10.0 GB/s
overhead a node  1.00 µs

Peaks
element type           peak   ridge
                             FLOP/B
────────────  ─────────────  ──────
float32       100.0 GFLOP/s   10.00
int8          400.0 GFLOP/s   40.00

Kernels  the share of peak and bandwidth that they reach
kind  compute  memory
────  ───────  ──────
conv     50 %   100 %
What is not measured is taken to reach 100 %, as are 33 other kinds.

Sources
- peaks: made up
"""


def test_a_device(device, text):
    assert text(render_device(device)) == GOLDEN


def test_what_a_file_leaves_out(device, slow_device, text):
    assert "of one core" not in text(render_device(device))
    assert "of one core      4.00 GB/s" in text(
        render_device(replace(device, bandwidth_per_core=4e9))
    )
    assert "None is measured: every kind is taken to reach 100 %." in text(
        render_device(slow_device)
    )


def test_the_list(device, slow_device, text):
    page = text(render_devices([device, slow_device]))
    rows = [" ".join(line.split()) for line in page.splitlines()]
    assert "toy 100.0 GFLOP/s 10.0 GB/s 10.00 calibrated 1 kind Toy board" in rows
    assert "slow 10.0 GFLOP/s 1.00 GB/s 10.00 datasheet - Slow board" in rows


def test_every_bundled_device(text):
    found = [find(name) for name in devices()]
    for width in (60, 80, 100):
        page = text(render_devices(found), width)
        assert all(device.name in page for device in found)
        assert max(map(len, page.splitlines())) <= width
    for device in found:
        page = "".join(text(render_device(device)).split())
        assert all("".join(source.split()) in page for source in device.sources)


def test_the_default_is_marked(device, slow_device, text):
    page = text(render_devices([device, slow_device], "slow"))
    assert "\nslow * " in page
    assert "* is the default." in page
    assert "*" not in text(render_devices([device, slow_device]))
