"""Put onnx's backend suite through ``optimize`` and compare with the suite's own answers.

All cases of ``load_model_tests`` that need no download are optimised as they are, and with their
inputs frozen to constants. Cases run one after another in a process that is started again when it
dies or stands still. The exit code is 1 if one is wrong or crashes, or is refused though onnx
loads it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import onnx
from backend_answers import CRASH, REFUSED, WRONG, answer
from backend_cases import KINDS, VARIANTS, Case, cases, variant
from tables import environment, table
from watching import watch

STARTED = "started"


class Job(NamedTuple):
    """A case, by its number, in one of its variants."""

    number: int
    variant: str


def _work(every: Sequence[Case], jobs: Sequence[Job], path: Path) -> None:
    """Append a line when a job starts, and one when it is done."""
    with path.open("a", encoding="utf-8") as file:
        for job in jobs:
            _write(file, job, STARTED, "")
            case = variant(every[job.number], job.variant)
            if case is None:
                _write(file, job, "skipped", "it has no input that can be a constant")
                continue
            found = answer(case)
            why = found.why
            if found.said == REFUSED and (broken := _broken(case)):
                _write(file, job, "skipped", f"onnx can't load it either: {broken}")
                continue
            _write(file, job, found.said, why)


def _write(file, job: Job, said: str, why: str) -> None:  # noqa: ANN001 - a text file
    line = " ".join(why.split())[:300]
    file.write(json.dumps([*job, said, line]) + "\n")
    file.flush()


def _broken(case: Case) -> str:
    """Why onnx's own checker refuses a model; "" if it does not."""
    try:
        onnx.checker.check_model(case.model, full_check=True)
    except Exception as error:  # of any kind
        return str(error) or type(error).__name__
    return ""


def results(path: Path) -> dict[Job, tuple[str, str]]:
    """What is known of each job; of those that began and did not end, that they did not."""
    found = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            number, which, said, why = json.loads(line)
            found[Job(number, which)] = (said, why)
    return found


def run(every: Sequence[Case], jobs: Sequence[Job], path: Path, limit_s: float, end: float) -> None:
    """All jobs, in as many processes one after another as it takes."""
    while True:
        done = results(path)
        left = [job for job in jobs if job not in done]
        if not left or time.monotonic() > end:
            return
        process = get_context("fork").Process(target=_work, args=(every, left, path))
        why = watch(process, path, limit_s, end)
        if why and time.monotonic() < end:
            _lost(path, why)


def _lost(path: Path, why: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        for job, (said, _) in results(path).items():
            if said == STARTED:
                _write(file, job, CRASH, why)


def page(every: Sequence[Case], found: dict[Job, tuple[str, str]]) -> str:
    """Counts by kind and variant, and each case that is not right."""
    said = sorted({one for one, _ in found.values()})
    rows = []
    for which in VARIANTS:
        for kind in KINDS:
            counts = Counter(
                one
                for job, (one, _) in found.items()
                if job.variant == which and every[job.number].kind == kind
            )
            if counts:
                rows.append([which, kind, counts.total(), *(counts[one] for one in said)])
    totals = Counter(one for one, _ in found.values())
    rows.append(["all", "", totals.total(), *(totals[one] for one in said)])
    parts = [
        environment("ocost", "onnx", "onnxruntime", "numpy"),
        table(["inputs", "kind", "cases", *said], rows, 2),
    ]
    for one in (WRONG, CRASH, REFUSED):
        lines = [
            f"* {every[job.number].kind} {every[job.number].name}, {job.variant}: {why}"
            for job, (what, why) in found.items()
            if what == one
        ]
        parts += [f"{one}: {len(lines)}", *(["\n".join(lines)] if lines else [])]
    for one in ("skipped", "not compared"):
        reasons = Counter(why for what, why in found.values() if what == one)
        lines = [f"* {count}: {why}" for why, count in reasons.most_common()]
        parts += [f"{one}: {reasons.total()}", *(["\n".join(lines)] if lines else [])]
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", help="parts of names; all cases if there are none")
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS)
    parser.add_argument("--variants", nargs="*", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--every", type=int, default=1, help="each so manieth case alone")
    parser.add_argument("--keep", type=Path, help="a file of results, new and earlier ones")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds a case")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="in all")
    options = parser.parse_args(arguments)
    end = time.monotonic() + options.seconds
    every = list(cases())
    chosen = [
        number
        for number, case in enumerate(every)
        if case.kind in options.kinds
        and (not options.cases or any(part in case.name for part in options.cases))
    ][:: options.every]
    jobs = [Job(number, which) for which in options.variants for number in chosen]
    with tempfile.TemporaryDirectory(prefix="ocost-") as temporary:
        path = options.keep or Path(temporary) / "results.jsonl"
        run(every, jobs, path, options.limit, end)
        found = {job: one for job, one in results(path).items() if job in set(jobs)}
    print(page(every, found))
    bad = sum(said in (WRONG, CRASH, REFUSED) for said, _ in found.values())
    if len(found) < len(jobs):
        print(f"{len(jobs) - len(found)} of {len(jobs)} left out for lack of time")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
