"""A calibrated device as JSON, and back."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocost.costmodel.calibration.calibration import Calibration
from ocost.costmodel.catalogue import find
from ocost.costmodel.device import Device
from ocost.costmodel.device_file import document, load
from ocost.graph import OcostError


def written(device: Device, path: Path) -> Path:
    path.write_text(json.dumps(document(device)))
    return path


def test_what_is_written_is_read(device: Device, tmp_path: Path) -> None:
    again = find(written(device, tmp_path / "mine.json"))
    assert (again.name, again.peaks, again.bandwidth) == ("mine", device.peaks, device.bandwidth)
    before, after = device.calibration, again.calibration
    assert isinstance(before, Calibration)
    assert isinstance(after, Calibration)
    assert (after.machine, after.provenance) == (before.machine, before.provenance)
    assert (after.measured, after.run_s) == (before.measured, before.run_s)
    assert (after.common, after.rough) == (before.common, before.rough)
    one, other = before.kernels["Relu"], after.kernels["Relu"]
    assert (other.coefficients, other.ranges) == (one.coefficients, one.ranges)
    assert (other.low, other.high, other.rough) == (one.low, one.high, one.rough)
    assert one.correction is not None
    assert other.correction is not None
    assert np.array_equal(one.correction.points, other.correction.points)
    where = {"size": 1.0}
    assert other.correction.at(where) == one.correction.at(where)


Harm = Callable[[dict[str, Any]], object]
HARMS: dict[str, Harm] = {
    "kernels is missing": lambda t: t["calibration"].pop("kernels"),
    "run_s is missing": lambda t: t["calibration"].pop("run_s"),
    "is not a number": lambda t: t["calibration"].update(run_s="fast"),
    "no finite number": lambda t: t["calibration"]["measured"].update(abc=float("nan")),
    "a coefficient is negative": lambda t: t["calibration"]["kernels"]["Relu"][
        "coefficients"
    ].update(node=-1.0),
    "don't fit each other": lambda t: t["calibration"]["kernels"]["Relu"]["correction"][
        "weights"
    ].append(1.0),
    "values to unpack": lambda t: t["calibration"]["machine"]["caches"].pop(),
    "threads is missing": lambda t: t["calibration"]["provenance"].pop("threads"),
}


@pytest.mark.parametrize("said", HARMS)
def test_a_damaged_one_is_a_clear_error(said: str, device: Device, tmp_path: Path) -> None:
    table = copy.deepcopy(document(device))
    HARMS[said](table)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(table))
    with pytest.raises(OcostError) as caught:
        load(path)
    message = str(caught.value)
    assert said in message
    assert message.startswith(str(path))
    assert "ocost calibrate" in message
    assert "\n" not in message


def test_one_that_is_cut_off(device: Device, tmp_path: Path) -> None:
    path = written(device, tmp_path / "mine.json")
    path.write_text(path.read_text()[:-100])
    with pytest.raises(OcostError, match="not a JSON file"):
        load(path)


@pytest.mark.parametrize("text", ["[]", "{}", '{"schema": "ocost.device/9"}'])
def test_json_of_something_else(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(OcostError, match="not a device that `ocost calibrate` wrote"):
        load(path)


def test_noise_that_is_not_known_is_not_none_at_all(device: Device, tmp_path: Path) -> None:
    found = device.calibration
    assert found is not None
    unknown = replace(found, provenance=replace(found.provenance, noise=None))
    again = load(written(replace(device, calibration=unknown), tmp_path / "mine.json"))
    assert again.calibration is not None
    assert again.calibration.provenance.noise is None
