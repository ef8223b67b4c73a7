"""How well a calibrated device predicts what models and their nodes take on this machine.

    chrt -f 50 taskset -c 1 python bench/accuracy.py FOLDER --keep times
    python bench/accuracy.py FOLDER --keep times --device host.json -o docs/accuracy.md

Calibrates, or reads device files; predicts every model by rules; measures each in two processes
minutes apart; and writes a page that compares both, beside what simpler methods say and what one
process says of the other. A calibration measures nodes that are made up, none of a model, so all
models are left out of it; what is fitted to models here is judged on other families alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import accuracy_taking as taking
from accuracy_page import Result, Where, page
from accuracy_predicted import Model, Predictors
from accuracy_truth import Kept, Truth, bias, note_machine
from tables import environment, model_files

from ocost import find_device
from ocost.costmodel import Device
from ocost.graph import OcostError
from ocost.runtime.calibration.calibrate import calibrate

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
TOGETHER = 8  # models that are measured by turns: their weights are in memory at once


def measure(kept: Kept, files: Sequence[Path], threads: int, slice_s: float) -> int:
    """Measure what is not yet known, for so many seconds; how much is left."""
    end = time.monotonic() + slice_s
    while (left := kept.missing(files)) and time.monotonic() < end:
        group = left[:TOGETHER]
        taking.measure({file: kept.path((file, number)) for file, number in group}, threads)
        for file, number in group:
            found = kept.read((file, number))
            said = found if isinstance(found, str) else "measured"
            print(f"{file.stem}, process {number}: {said}", file=sys.stderr)
    return len(left)


def models(device: Device, kept: Kept, files: Sequence[Path]) -> tuple[list[Model], list[str]]:
    """What is predicted for those that could be measured, and why others could not."""
    known: list[tuple[Path, Truth, Truth]] = []
    failed = []
    for file in files:
        both = kept.pair(file)
        if isinstance(both, str):
            failed.append(f"{file.stem}: {both}")
        else:
            known.append((file, *both))
    added = bias([one for _, one, _ in known]), bias([other for *_, other in known])
    predictors = Predictors(device)
    found = []
    for file, one, other in known:
        try:
            found.append(predictors.model(file, (one, other), added))
        except OcostError as error:
            failed.append(f"{file.stem}: {error}")
    return found, failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, predict, and write the page; 3 if the slice ended before all was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", type=Path, nargs="+", help="files, or folders of them")
    parser.add_argument("--keep", type=Path, required=True, help="folder for what is measured")
    parser.add_argument("--device", type=Path, action="append", help="instead of calibrating")
    parser.add_argument("--budget", type=float, default=120.0, help="seconds of the calibration")
    parser.add_argument("--threads", type=int, default=1, help="of an operator")
    parser.add_argument("--slice", type=float, default=float("inf"), help="stop measuring then")
    parser.add_argument("-o", "--output", type=Path, default=PAGE, help="where the page goes")
    options = parser.parse_args(arguments)
    files = model_files(options.models)
    kept = Kept(options.keep)
    today = datetime.now(UTC).date().isoformat()
    where = note_machine(kept, f"{environment('onnxruntime', 'numpy')}; {today}")
    if left := measure(kept, files, options.threads, options.slice):
        print(f"{left} runs are left: the same command goes on from here", file=sys.stderr)
        return 3
    devices = (
        [find_device(path) for path in options.device]
        if options.device
        else [calibrate(options.budget, options.threads, journal=options.keep / "calibration")]
    )
    results = [Result(device, *models(device, kept, files)) for device in devices]
    text = page(Where(where, options.threads), results)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
