"""Put small wrong edits into models and count those that the check of outputs calls equal.

An edit counts if it moves an output in float64 by more than ten times what rounding does, on inputs
that are not the check's. Beside them go rewrites that leave what a model computes: none of these
may be "different". Each model has a process of its own; what is found is kept in a folder if one
is given, and taken from there the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

from mutants import attributes, constants, numeric, wiring  # noqa: F401 - they add their kinds
from mutants.judge import Judge
from mutants.kinds import KINDS, mutants
from mutants.pairs import pairs
from mutants.rewrites import rewrites
from mutants.samples import Sample, every
from mutations_page import Found, broken, page
from onnx import ModelProto
from tables import model_files

from ocost.graph import OcostError, from_proto
from ocost.runtime.equality.equivalence import check

PAGE = Path(__file__).parents[1] / "docs" / "check.md"
INPUTS = 200
PAIRS = "pairs"
_TRIES = 5  # processes for one model, as far as they die


def verdict(before: ModelProto, after: ModelProto) -> tuple[str, str]:
    """What the check says of two models, and why."""
    try:
        found = check(from_proto(before), from_proto(after))
    except OcostError as error:
        return "not compared", str(error)
    return {True: "equal", False: "different", None: "not compared"}[found.ok], found.reason


def examine(
    sample: Sample, each: int, seed: int, kinds: Sequence[str], seconds: float, done: int
) -> Iterator[Found]:
    """What becomes of the edits and rewrites of a model, the first of which are done already."""
    model = sample.make()
    judge = None
    number = 0
    for mutant in mutants(model, sample.name, each, seed, kinds):
        number += 1
        if number <= done:
            continue
        judge = judge or Judge(model, sample.draws(model, INPUTS, seed), seconds)
        start = time.perf_counter()
        try:
            counts, why = judge.moved(mutant.model), "moves no output beyond rounding"
        except Exception as error:  # of whatever an evaluator raises on a broken model
            counts, why = False, f"does not run: {error}"
        said = "discarded"
        if counts:
            said, why = verdict(model, mutant.model)
        taken = time.perf_counter() - start
        inputs = len(judge.answers)
        yield Found(sample.name, mutant.kind.name, mutant.node, said, why[:300], taken, inputs)
    for name, made in () if kinds else rewrites(model):
        number += 1
        if number > done:
            start = time.perf_counter()
            said, why = verdict(model, made)
            taken = time.perf_counter() - start
            yield Found(sample.name, f"={name}", "", said, why[:300], taken, 0)


def examine_pairs() -> Iterator[Found]:
    """What the check says of models that are the same, written in two ways."""
    for name, (one, other) in pairs().items():
        for kind, before, after in (("", one, other), (", back", other, one)):
            start = time.perf_counter()
            said, why = verdict(before(), after())
            taken = time.perf_counter() - start
            yield Found(PAIRS, f"={name}{kind}", "", said, why, taken, 0)


def _work(name: str, files: Sequence[Path], path: Path, options: argparse.Namespace) -> None:
    """Append a line for each edit to a file, and a last one for the end."""
    done = len(_lines(path))
    with path.open("a", encoding="utf-8") as file:
        if name == PAIRS:
            found = examine_pairs()
        else:
            sample = next(one for one in every(files) if one.name == name)
            found = examine(
                sample, options.each, options.seed, options.kinds, options.inputs_seconds, done
            )
        for one in found:
            file.write(json.dumps(one._asdict()) + "\n")
            file.flush()
        file.write("{}\n")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def apart(name: str, files: Sequence[Path], path: Path, options: argparse.Namespace) -> list[Found]:
    """What is found on one model, by a process of its own; one that dies is started again."""
    for _ in range(_TRIES):
        if "{}" in _lines(path):
            break
        process = get_context("spawn").Process(target=_work, args=(name, files, path, options))
        process.start()
        process.join(options.limit)
        late = process.is_alive()
        if late:
            process.kill()
            process.join()
        if late or process.exitcode:
            why = f"takes more than {options.limit:g} s" if late else "the process died"
            lost = Found(name, "?", "", "died", f"{why} ({process.exitcode})", 0.0, 0)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(lost._asdict()) + "\n")
            if late:
                break
    return [Found(**json.loads(line)) for line in _lines(path) if line != "{}"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="*", help="more models, or folders of them")
    parser.add_argument("-o", "--output", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--keep", type=Path, help="a folder of results, new and earlier ones")
    parser.add_argument("--models", nargs="*", default=(), help="these alone")
    parser.add_argument("--kinds", nargs="*", default=(), help="these kinds of edits alone")
    parser.add_argument("--each", type=int, default=1, help="edits of a kind in a model, at most")
    parser.add_argument("--seed", type=int, default=0, help="of places and inputs")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no model later")
    parser.add_argument("--inputs-seconds", type=float, default=4.0, help="of float64 runs")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds a process")
    options = parser.parse_args(arguments)
    files = model_files(options.folder)
    names = [*(sample.name for sample in every(files)), PAIRS]
    unknown = [*({*options.models} - {*names}), *({*options.kinds} - {*KINDS})]
    if unknown:
        print(f"no model or kind is called {unknown[0]}", file=sys.stderr)
        return 2
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"  # more would wait for each other, on matrices as small as these
    found, late, start = [], [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ocost-") as temporary:
        kept: Path = options.keep or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        for name in names:
            if options.models and name not in options.models:
                continue
            if time.monotonic() - start > options.seconds:
                late.append(name)
                continue
            found += apart(name, files, kept / f"{name}.jsonl", options)
    text = page(found, late, time.monotonic() - start)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    shortcomings = broken(found)
    for line in shortcomings:
        print(line, file=sys.stderr)
    return int(bool(shortcomings))


if __name__ == "__main__":
    sys.exit(main())
