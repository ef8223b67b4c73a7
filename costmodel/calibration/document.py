"""A calibration as JSON, and back: plain numbers, read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

from ...graph.errors import OcostError
from .calibration import Calibration, Provenance
from .kernel import Correction, KernelModel
from .machine import Machine

_DIGITS = 6
_Table = Mapping[str, Any]


def document(calibration: Calibration) -> dict[str, Any]:
    """The calibration's part of a device file."""
    return {
        "machine": {
            "block": calibration.machine.block,
            "caches": [_short(size) for size in calibration.machine.caches],
            "curve": [[size, _short(speed)] for size, speed in calibration.machine.curve],
        },
        "provenance": {
            f.name: _plain(getattr(calibration.provenance, f.name)) for f in fields(Provenance)
        },
        "run_s": _short(calibration.run_s),
        "common": _short(calibration.common),
        "rough": _short(calibration.rough),
        "kernels": {name: _kernel(model) for name, model in sorted(calibration.kernels.items())},
        "measured": {k: _short(v) for k, v in sorted(calibration.measured.items())},
    }


def _kernel(model: KernelModel) -> dict[str, Any]:
    found: dict[str, Any] = {
        "measured": model.measured,
        "coefficients": {name: _short(v) for name, v in model.coefficients.items()},
        "rough": [_short(value) for value in model.rough],
        "residuals": [_short(model.low), _short(model.high)],
        "ranges": {name: [_short(low), _short(high)] for name, (low, high) in model.ranges.items()},
    }
    correction = model.correction
    if correction is not None:
        found["correction"] = {
            "names": list(correction.names),
            "centre": [_short(v) for v in correction.centre],
            "width": [_short(v) for v in correction.width],
            "points": [[round(float(v), 4) for v in row] for row in correction.points],
            "weights": [_short(v) for v in correction.weights],
        }
    return found


def _short(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def calibration(table: object, file: str) -> Calibration:
    """The calibration in a device file.

    Raises
    ------
    OcostError
        If a part is missing or is not what it should be: the file was damaged or edited.
    """
    try:
        return _calibration(cast("_Table", table))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise OcostError(
            f"{file}: its calibration can't be read ({what}); run `ocost calibrate` again"
        ) from error


def _calibration(table: _Table) -> Calibration:
    machine, origin = table["machine"], table["provenance"]
    first, second, third = (_number(size) for size in machine["caches"])
    curve = tuple((int(size), _number(speed)) for size, speed in machine["curve"])
    names = {f.name for f in fields(Provenance)}
    values = {name: origin[name] for name in names}
    values["flags"] = tuple(values["flags"])
    values["seconds"] = _number(values["seconds"])
    values["noise"] = None if values["noise"] is None else _number(values["noise"])
    return Calibration(
        Machine(int(machine["block"]), (first, second, third), curve),
        Provenance(**values),
        {str(name): _model(entry) for name, entry in table["kernels"].items()},
        {str(name): _number(value) for name, value in table["measured"].items()},
        _number(table["run_s"]),
        _number(table["common"]),
        _number(table["rough"]),
    )


def _model(table: _Table) -> KernelModel:
    low, high = (_number(value) for value in table["residuals"])
    least, most = (_number(value) for value in table["rough"])
    coefficients = {str(k): _number(v) for k, v in table["coefficients"].items()}
    if any(value < 0 for value in coefficients.values()):
        raise ValueError("a coefficient is negative")
    ranges = {str(k): (_number(a), _number(b)) for k, (a, b) in table["ranges"].items()}
    found = table.get("correction")
    return KernelModel(
        *(coefficients, low, high, ranges, int(table["measured"]), (least, most)),
        correction=None if found is None else _correction(found),
    )


def _correction(table: Mapping[str, Any]) -> Correction:
    import numpy as np  # noqa: PLC0415 - a device without calibration does without

    names = tuple(map(str, table["names"]))
    centre, width = _vector(table["centre"]), _vector(table["width"])
    points = np.array([_vector(row) for row in table["points"]], dtype=float)
    weights = np.array(_vector(table["weights"]))
    if points.shape != (len(weights), len(names)) or len(centre) != len(width) != len(names):
        raise ValueError("the sizes of a correction don't fit each other")
    return Correction(names, np.array(centre), np.array(width), points, weights)


def _vector(values: Sequence[object]) -> list[float]:
    return [_number(value) for value in values]


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - not a number
        raise ValueError(f"{value!r} is no finite number")
    return float(value)
