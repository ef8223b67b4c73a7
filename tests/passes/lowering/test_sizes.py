"""What the user says of sizes holds for what is executed too, whatever became of symbols."""

import pytest
from onnx import parser

import ocost
from ocost.graph import OcostError, from_proto

HEAD = '<ir_version: 8, opset_import: ["" : 17]> g '
TEXT = "(float[2, d] x, float[n, 5] u, float[30, 5] w) => (y, v) { y = MatMul (x, w) v = Relu (u) }"
DEVICES = ["x86-server-core", "nvidia-h100", "cortex-a78"]
GIVEN = {
    "nothing": {},
    "a dim that is open": {"dims": {"n": 7}},
    "a dim that the file fixes": {"dims": {"x[0]": 8, "n": 3}},
    "a shape": {"shapes": {"x": (8, 30), "u": (6, 5)}},
}


def _graph():
    return from_proto(parser.parse_model(HEAD + TEXT))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("said", GIVEN.values(), ids=GIVEN)
def test_figures_and_header_are_those_as_written(device, said):
    given = ocost.given(**said)
    written = ocost.cost(_graph(), device, given=given, level="written")
    executed = ocost.cost(_graph(), device, given=given)
    assert executed.model == written.model
    for figure in ("macs", "flops", "params", "traffic_bytes"):
        assert getattr(executed.totals, figure) == getattr(written.totals, figure)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("said", [{"dims": {"d": 20}}, {"shapes": {"x": (2, 20)}}])
def test_sizes_that_contradict_the_model_are_refused(device, said):
    with pytest.raises(OcostError, match="the shapes given contradict node 'y'"):
        ocost.cost(_graph(), device, given=ocost.given(**said))


@pytest.mark.parametrize("device", DEVICES)
def test_open_dims_are_refused_if_told_so(device):
    with pytest.raises(OcostError, match="open dims: n"):
        ocost.cost(_graph(), device, given=ocost.given(strict=True))
