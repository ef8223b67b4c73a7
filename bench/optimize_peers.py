"""Optimise every graph of a corpus with ocost and its peers and write a Markdown page on it.

Each optimiser gets a process of its own for each model. What is found is kept in a folder, if one
is given, and taken from there the next time.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from optimize_page import Entry, page
from optimizers import MEASURED, OURS, TOOLS, examine, measure
from tables import model_files

from ocost.graph import OcostError

PAGE = Path(__file__).parents[1] / "docs" / "optimize.md"
PARALLEL = 2
Job = Callable[[Path, str], Any]


def apart(job: Job, file: Path, argument: str, kept: Path, limit_s: float) -> Any:  # noqa: ANN401 - what the job answers
    """What a job answers, or a sentence on why it does not; kept in a file."""
    path = kept / f"{file.stem}@{argument}.pickle"
    if not path.exists():
        process = get_context("spawn").Process(target=_work, args=(job, file, argument, path))
        process.start()
        process.join(limit_s)
        if process.is_alive():
            process.kill()
            process.join()
            path.write_bytes(pickle.dumps(f"takes more than {limit_s:g} s"))
        elif process.exitcode:
            path.write_bytes(pickle.dumps(f"the process crashed with code {process.exitcode}"))
    return pickle.loads(path.read_bytes())


def _work(job: Job, file: Path, argument: str, path: Path) -> None:
    try:
        answer = job(file, argument)
    except OcostError as error:
        answer = str(error)
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps(answer))
    part.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+", help="or a model")
    parser.add_argument("-o", "--output", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--keep", type=Path, help="a folder of results, new and earlier ones")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds a process")
    parser.add_argument("--measure", type=int, default=0, help="how many models to time")
    options = parser.parse_args(arguments)
    files = model_files(options.folder)
    if not files:
        print(f"{options.folder[0]}: no model to optimise", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="ocost-") as temporary:
        kept: Path = options.keep or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(PARALLEL) as pool:
            jobs = list(product(files, (*TOOLS, OURS)))
            made = [pool.submit(apart, examine, *job, kept, options.limit) for job in jobs]
            results = {job: one.result() for job, one in zip(jobs, made, strict=True)}
        entries = [Entry(f.stem, {t: results[f, t] for t in (*TOOLS, OURS)}) for f in files]
        measured = {
            file.stem: apart(measure, file, "measured", kept, options.limit)
            for file in files
            if file.stem in MEASURED[: options.measure]
        }
    options.output.write_text(page(entries, measured), encoding="utf-8")
    shortcomings = [f"{entry.name}: {line}" for entry in entries for line in entry.broken()]
    for line in shortcomings:
        print(line, file=sys.stderr)
    return int(bool(shortcomings))


if __name__ == "__main__":
    sys.exit(main())
