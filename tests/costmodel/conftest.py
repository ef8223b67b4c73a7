"""A small calibration."""

from dataclasses import replace

import numpy as np
import pytest

from ocost.costmodel.calibration.calibration import Calibration, Provenance
from ocost.costmodel.calibration.kernel import Correction, KernelModel
from ocost.costmodel.calibration.machine import Machine
from ocost.costmodel.catalogue import find
from ocost.costmodel.device import Device


@pytest.fixture
def calibration() -> Calibration:
    correction = Correction(
        *(("size",), np.array([0.5]), np.array([1.5])),
        points=np.array([[0.0], [2.0]]),
        weights=np.array([0.25, -0.5]),
    )
    relu = KernelModel(
        *({"node": 1e-5}, -0.1, 0.2, {"elements": (0.0, 9.0)}, 40, (0.01, 1e4)), correction
    )
    return Calibration(
        Machine(16, (32e3, 1e6, 1e7), ((1024, 1e11), (2048, 5e10))),
        Provenance(
            *("a CPU", ("avx512",), "onnxruntime-cpu", "1.32.0", 1, "flushed", "2026-01-02"),
            *(120.0, 0.03),
        ),
        {"Relu": relu, "any elementwise": replace(relu, correction=None)},
        {"abc": 1.5e-6},
        run_s=5e-6,
        common=0.04,
        rough=4.0,
    )


@pytest.fixture
def device(calibration: Calibration) -> Device:
    return replace(
        find("x86-server-core"), name="mine", source="calibrated", calibration=calibration
    )
