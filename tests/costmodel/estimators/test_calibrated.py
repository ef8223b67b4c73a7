"""Times of nodes and of a run on a calibrated device."""

import math
from dataclasses import replace

import pytest
from onnx import parser

from ocost.costmodel.calibration.calibration import Calibration
from ocost.costmodel.calibration.signature import signature
from ocost.costmodel.cost import Costed, cost_nodes
from ocost.costmodel.device import Device
from ocost.costmodel.estimators import estimator_for
from ocost.costmodel.estimators.roofline import estimate
from ocost.costmodel.result import NodeCost
from ocost.graph import from_proto
from ocost.graph.shapes import infer

TEXT = '<ir_version: 8, opset_import: ["" : 17]> g (float[8, 64] x) => (float[8, 64] z) {BODY}'


def costed(body: str, *, executed: bool = True) -> list[Costed]:
    graph = from_proto(parser.parse_model(TEXT.replace("BODY", body)))
    return [c._replace(executed=executed) for c in cost_nodes(infer(graph))]


@pytest.fixture
def relu() -> Costed:
    return costed("z = Relu (x)")[0]


def test_by_the_kernels_model(device: Device, relu: Costed) -> None:
    found = estimator_for(device)(relu)
    assert found.estimator == "calibrated"
    # The node lies below all that was measured: as the first point, two widths from the other.
    shift = math.exp(0.25 - 0.5 * math.exp(-2.0))
    assert found.latency_s == pytest.approx(1e-5 * shift)
    assert found.latency_low_s is not None
    assert found.latency_high_s is not None
    assert found.latency_low_s < found.latency_s < found.latency_high_s


def test_a_node_that_was_measured_itself(
    device: Device, calibration: Calibration, relu: Costed
) -> None:
    known = replace(calibration, measured={signature(relu): 3e-6})
    found = estimator_for(replace(device, calibration=known))(relu)
    assert (found.estimator, found.latency_s) == ("measured", 3e-6)


def test_a_kernel_that_was_not_measured_is_as_its_kind(device: Device) -> None:
    (neg,) = costed("z = Neg (x)")
    found = estimator_for(device)(neg)
    assert (found.estimator, found.latency_s) == ("calibrated", pytest.approx(1e-5))


def test_a_kind_that_was_not_measured_is_the_rooflines(device: Device) -> None:
    (softmax,) = costed("z = Softmax (x)")
    found, rough = estimator_for(device)(softmax), estimate(softmax.cost, device)
    assert (found.estimator, found.latency_s) == ("roofline", rough.latency_s)
    assert found.latency_high_s == pytest.approx(4.0 * (rough.latency_s or 0))


def test_as_written_no_kernel_is_chosen_yet(device: Device) -> None:
    (relu,) = costed("z = Relu (x)", executed=False)
    assert estimator_for(device)(relu).estimator == "roofline"


def node(op: str, seconds: float, half: float, by: str = "calibrated") -> NodeCost:
    (one,) = costed("z = Relu (x)")
    return one.cost._replace(
        op_type=op,
        latency_s=seconds,
        latency_low_s=seconds - half,
        latency_high_s=seconds + half,
        estimator=by,
    )


def test_a_run_takes_more_than_its_nodes(device: Device) -> None:
    found = estimator_for(device).whole([node("Relu", 1e-3, 1e-4), node("Conv", 2e-3, 1e-4)])
    assert found.seconds == pytest.approx(3e-3 + 5e-6)


def test_errors_of_other_kernels_are_independent(device: Device) -> None:
    found = estimator_for(device).whole([node("Relu", 1e-3, 3e-4), node("Conv", 1e-3, 4e-4)])
    assert found.seconds is not None
    common = 0.04 * found.seconds
    half = math.hypot(common, math.hypot(3e-4, 4e-4))
    assert found.low == pytest.approx(found.seconds - half)
    assert found.high == pytest.approx(found.seconds + half)


def test_errors_of_one_kernel_are_equal_in_part(device: Device) -> None:
    found = estimator_for(device).whole([node("Relu", 1e-3, 1e-4)] * 9)
    assert found.seconds is not None
    assert found.high is not None
    half = math.sqrt(0.3 * (9e-4) ** 2 + 0.7 * 9 * 1e-4**2)
    assert found.high - found.seconds == pytest.approx(math.hypot(0.04 * found.seconds, half))


def test_without_a_calibrated_node_it_is_the_sum(device: Device) -> None:
    found = estimator_for(device).whole([node("Relu", 1e-3, 1e-4, "roofline")] * 2)
    assert found == (pytest.approx(2e-3), pytest.approx(1.8e-3), pytest.approx(2.2e-3))


def test_nothing_known_is_not_nothing(device: Device) -> None:
    unknown = node("Relu", 0.0, 0.0)._replace(
        latency_s=None, latency_low_s=None, latency_high_s=None, estimator=None
    )
    assert estimator_for(device).whole([unknown]) == (None, None, None)
