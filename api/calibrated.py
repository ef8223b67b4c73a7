"""This machine calibrated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .asked import require_time

if TYPE_CHECKING:
    from ..costmodel import Device


def calibrate(
    out: str | Path,
    *,
    budget_s: float = 120.0,
    threads: int = 1,
    force: bool = False,
    tell: Callable[[str], object] = lambda _: None,
) -> Device:
    """Measure what this machine's runtime takes, kernel by kernel, and write a device file.

    What is measured is kept in a file beside ``out`` (its name and ``.part``) until all is done:
    the same call goes on from there when it was interrupted.

    Parameters
    ----------
    out
        The device file, FILE.json; what is named by it where a device is asked for.
    budget_s
        Seconds to measure; waiting for a quiet machine is not counted, and fitting comes on top.
    threads
        Of an operator. A calibration holds for that number.
    force
        Overwrite ``out``.
    tell
        Is told how far it is.

    Raises
    ------
    OcostError
        If the file can't be written, the machine stays too busy, or the runtime refuses
        everything.
    """
    import json

    from ..costmodel.device_file import document
    from ..graph import OcostError
    from ..graph.save import replacing
    from ..runtime.calibration.calibrate import calibrate

    require_time(budget_s)
    path = Path(out)
    if path.suffix != ".json":
        raise OcostError(f"{path}: a calibrated device is a .json file: choose such a name")
    if not path.resolve().parent.is_dir():
        raise OcostError(f"{path}: there is no folder {path.parent}")
    if path.exists() and not force:
        raise OcostError(f"{path} is there already: overwrite it with --force")
    device = calibrate(
        budget_s,
        threads,
        name=path.stem,
        journal=path.with_name(path.name + ".part"),
        tell=tell,
    )
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document(device)) + "\n", encoding="utf-8")
    return device
