"""How well the ledger of a runtime's own optimisations is measured, and predicted by rules.

    python bench/runtime_ledger.py FOLDER                    # of models, or files, or @samples
    chrt -f 50 taskset -c 1 python bench/runtime_ledger.py --budget 60 FOLDER

Of each model every step that onnxruntime makes by itself is measured against the one before, and
none against all apart from that. What is asked: whether the product of the steps lies in the
interval of none against all; whether a step whose interval excludes no change goes the way that is
predicted; and whether the step that changes the latency most is predicted to.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from tables import environment, model_files, table

import ocost
from ocost.graph import OcostError
from ocost.runtime.optimisations.ledger import Gain, RuntimeLedger


def sure(gain: Gain) -> bool:
    """Whether the interval of a step excludes that nothing changes."""
    return not gain.step.low <= 1 <= gain.step.high


def right(gain: Gain) -> bool:
    """Whether a step goes the way that is predicted."""
    predicted = gain.predicted_ratio
    return predicted is not None and (gain.step.middle - 1) * (predicted - 1) > 0


def largest_right(found: RuntimeLedger) -> bool:
    """Whether the step that changes most is predicted to change most."""
    measured = max(found.gains, key=lambda gain: abs(math.log(gain.step.middle)))
    predicted = max(found.gains, key=lambda gain: abs(math.log(gain.predicted_ratio or 1)))
    return measured is predicted


def main(arguments: Sequence[str]) -> int:
    """Measure, and print a table of all steps and the three shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path, help="folders, files or @samples")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for each model")
    parser.add_argument("--device", default="x86-server-core", help="whose roofline predicts")
    options = parser.parse_args(arguments)
    rows, ledgers = [], []
    for path in model_files(options.models):
        try:
            found = ocost.profile(
                str(path), options.device, ledger=True, budget_s=options.budget
            ).runtime_ledger
        except OcostError as error:
            print(f"{path}: {error}", file=sys.stderr)
            continue
        if found is None or not found.gains:
            print(f"{path}: nothing that can be switched off changes it", file=sys.stderr)
            continue
        ledgers.append(found)
        rows += _rows(path.stem, found)
        print(f"{path.stem}: measured", file=sys.stderr, flush=True)
    print(environment("onnxruntime"), f"{options.budget:g} s a model", sep="; ")
    print()
    heads = ["model", "step", "measured", "interval", "predicted", "alone", "agrees"]
    print(table(heads, rows, left=2))
    print()
    tested = [gain for found in ledgers for gain in found.gains if sure(gain)]
    agree = sum(map(right, tested))
    inside = sum(f.whole.low <= f.product <= f.whole.high for f in ledgers)
    print(f"* product of the steps in the interval of none against all: {inside} of {len(ledgers)}")
    print(f"* steps that change the latency for certain, as predicted: {agree} of {len(tested)}")
    largest = sum(map(largest_right, ledgers))
    print(f"* largest step predicted to be the largest: {largest} of {len(ledgers)}")
    return 0


def _rows(name: str, found: RuntimeLedger) -> list[list[str]]:
    rows = [
        [
            name,
            gain.name,
            _percent(gain.step.middle),
            f"{_percent(gain.step.low)} to {_percent(gain.step.high)}",
            _percent(gain.predicted_ratio),
            _percent(gain.alone.middle),
            ("yes" if right(gain) else "no") if sure(gain) else "",
        ]
        for gain in found.gains
    ]
    whole = found.whole
    interval = f"{_percent(whole.low)} to {_percent(whole.high)}"
    inside = "yes" if whole.low <= found.product <= whole.high else "no"
    total = [_percent(whole.middle), interval, _percent(found.predicted_ratio)]
    return [*rows, [name, f"none to all; steps: {_percent(found.product)}", *total, "", inside]]


def _percent(ratio: float | None) -> str:
    return "?" if ratio is None else f"{100 * (ratio - 1):+.1f} %"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
