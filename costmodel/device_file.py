"""Reads a device's file, strictly: a misspelt key must not silently mean the default.

What is written by hand is TOML, what a calibration writes is JSON: the same keys, and
``schema`` and ``calibration`` besides.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

from onnx import TensorProto

from ..graph import dtypes
from ..graph.errors import OcostError, did_you_mean
from .device import Device, Efficiency, RuntimeLevel, Source
from .kinds import KernelKind

SCHEMA = "ocost.device/1"
_CALIBRATED = frozenset(("schema", "calibration"))
_KEYS = frozenset(f.name for f in fields(Device)) - _CALIBRATED
_OPTIONAL = frozenset(("bandwidth_per_core", "efficiency", "runtime_version", "runtime_level"))
_DTYPES = frozenset(dtypes.name(n) for n in TensorProto.DataType.values() if dtypes.bits(n))
_FRACTIONS = frozenset(("compute", "memory"))


def load(path: Path) -> Device:
    """A device from its file: TOML, or JSON where its name ends so.

    Raises
    ------
    OcostError
        If the file can't be read, or a key is missing, unknown or out of range.
    """
    json_ = path.name.endswith(".json")
    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text) if json_ else tomllib.loads(text)
    except OSError as error:
        raise OcostError(f"{path}: can't read the device file: {error.strerror}") from error
    except ValueError as error:
        kind = "JSON" if json_ else "TOML"
        raise OcostError(f"{path}: not a {kind} file: {error}") from error
    reader = _Reader(str(path))
    if not json_:
        return reader.device(table)
    return _calibrated(reader, table)


def _calibrated(reader: _Reader, table: object) -> Device:
    from .calibration.document import calibration  # noqa: PLC0415 - most devices have none

    if not isinstance(table, dict) or table.get("schema") != SCHEMA:
        raise OcostError(
            f"{reader.file}: not a device that `ocost calibrate` wrote (its schema is not {SCHEMA})"
        )
    device = reader.device({k: v for k, v in table.items() if k not in _CALIBRATED})
    return replace(device, calibration=calibration(table.get("calibration"), reader.file))


def document(device: Device) -> dict[str, Any]:
    """A calibrated device as what its JSON file holds."""
    from .calibration.document import document  # noqa: PLC0415 - as above

    assert device.calibration is not None
    found: dict[str, Any] = {"schema": SCHEMA}
    for key in sorted(_KEYS):
        value = getattr(device, key)
        if value is None:
            continue
        if key == "efficiency":
            value = {
                str(kind): {"compute": row.compute, "memory": row.memory}
                for kind, row in device.efficiency.items()
            }
        found[key] = list(value) if isinstance(value, tuple) else value
    return {**found, "calibration": document(device.calibration)}


class _Reader(NamedTuple):
    """Checks a parsed device file, value by value; ``file`` is for the messages."""

    file: str

    def device(self, table: Mapping[str, Any]) -> Device:
        self.known(table, _KEYS)
        if missing := sorted(_KEYS - _OPTIONAL - table.keys()):
            raise self.wrong(missing[0], "is missing")
        if table["source"] not in get_args(Source):
            raise self.wrong("source", f"must be one of {', '.join(get_args(Source))}")
        per_core = "bandwidth_per_core"
        return Device(
            name=self.text("name", table["name"]),
            title=self.text("title", table["title"]),
            source=table["source"],
            runtime=self.text("runtime", table["runtime"]),
            isa=self.text("isa", table["isa"]),
            channel_block=self.whole("channel_block", table["channel_block"]),
            cores=self.whole("cores", table["cores"]),
            peaks=self.peaks(table["peaks"]),
            bandwidth=self.positive("bandwidth", table["bandwidth"]),
            overhead_s=self.positive("overhead_s", table["overhead_s"]),
            sources=self.sources(table["sources"]),
            bandwidth_per_core=self.positive(per_core, table[per_core])
            if per_core in table
            else None,
            efficiency=self.efficiency(table.get("efficiency", {})),
            runtime_version=self.version(table.get("runtime_version", "")),
            runtime_level=self.level(table.get("runtime_level", "all")),
        )

    def version(self, value: object) -> str:
        if value == "" or (isinstance(value, str) and re.fullmatch(r"\d+\.\d+(\.\d+)?", value)):
            return str(value)
        raise self.wrong("runtime_version", f'must be a text like "1.32", not {value!r}')

    def level(self, value: object) -> RuntimeLevel:
        for level in get_args(RuntimeLevel):
            if value == level:
                return cast("RuntimeLevel", level)
        levels = ", ".join(get_args(RuntimeLevel))
        raise self.wrong("runtime_level", f"must be one of {levels}, not {value!r}")

    def peaks(self, table: object) -> dict[str, float]:
        rows = self.table("peaks", table)
        self.known(rows, _DTYPES, "peaks.")
        if "float32" not in rows:
            raise self.wrong("peaks.float32", "is missing")
        return {name: self.positive(f"peaks.{name}", value) for name, value in rows.items()}

    def efficiency(self, table: object) -> dict[KernelKind, Efficiency]:
        rows = self.table("efficiency", table)
        self.known(rows, frozenset(KernelKind), "efficiency.")
        return {KernelKind(kind): self.row(f"efficiency.{kind}", row) for kind, row in rows.items()}

    def row(self, key: str, value: object) -> Efficiency:
        row = self.table(key, value)
        self.known(row, _FRACTIONS, f"{key}.")
        if not row:
            raise self.wrong(
                key, "must give compute, memory or both; leave out what isn't measured"
            )
        return Efficiency(
            **{name: self.fraction(f"{key}.{name}", value) for name, value in row.items()},
            measured=True,
        )

    def sources(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise self.wrong("sources", "must list where the figures come from")
        return tuple(self.text("sources", line) for line in value)

    def table(self, key: str, value: object) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a table")
        return value

    def text(self, key: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "must be a text that isn't empty")
        return value

    def whole(self, key: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(key, f"must be a whole number from 1 up, not {value!r}")
        return value

    def positive(self, key: str, value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
            return float(value)
        raise self.wrong(key, f"must be a number above 0, not {value!r}")

    def fraction(self, key: str, value: object) -> float:
        share = self.positive(key, value)
        if share > 1:
            raise self.wrong(key, f"is a share and can't exceed 1, but is {value!r}")
        return share

    def known(self, table: Mapping[str, Any], allowed: frozenset[str], place: str = "") -> None:
        for key in sorted(table.keys() - allowed):
            raise self.wrong(place + key, f"is not known{did_you_mean(key, allowed)}")

    def wrong(self, key: str, problem: str) -> OcostError:
        return OcostError(f"{self.file}: {key} {problem}")
