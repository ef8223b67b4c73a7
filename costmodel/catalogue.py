"""The devices that there are: bundled files, files of the user's, and this machine."""

from __future__ import annotations

import os
from pathlib import Path

from ..graph.errors import OcostError, did_you_mean
from .device import HOST, Device
from .device_file import load


def devices() -> tuple[str, ...]:
    """Names of the bundled devices."""
    return tuple(sorted(_bundled()))


def find(name_or_path: str | Path) -> Device:
    """A bundled device by its name, one from a TOML or JSON file, or ``host``.

    Raises
    ------
    OcostError
        If there is no such device, or its file is wrong.
    """
    name = str(name_or_path)
    if name == HOST:
        from .host import host  # noqa: PLC0415 - most devices are files

        return host()
    bundled = _bundled()
    if name in bundled:
        return load(bundled[name])
    if name.endswith((".toml", ".json")):
        return load(Path(name))
    raise OcostError(
        f"no device {name!r}{did_you_mean(name, [*bundled, HOST])}; "
        "give a name that `ocost devices` lists, or a .toml or .json file"
    )


def _bundled() -> dict[str, Path]:
    folder = Path(__file__).parent / "devices"
    files = (name for name in os.listdir(folder) if name.endswith(".toml"))
    return {name.removesuffix(".toml"): folder / name for name in files}
