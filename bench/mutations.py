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
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from mutants import attributes, constants, numeric, wiring  # noqa: F401 - they add their kinds
from mutants.judge import Judge
from mutants.kinds import KINDS, mutants
from mutants.pairs import pairs
from mutants.rewrites import rewrites
from mutants.samples import Sample, every
from mutations_page import BEGUN, COUNTS, DIED, DISCARDED, Found, broken, page
from onnx import ModelProto
from tables import model_files
from watching import watch

from ocost.graph import Graph, OcostError, from_proto
from ocost.runtime.equality.equivalence import Checker, check
from ocost.runtime.equality.result import Equivalence

PAGE = Path(__file__).parents[1] / "docs" / "check.md"
INPUTS = 200
LARGE = 1 << 20  # elements of weights, from which on running a model takes most of the time
PAIRS = "pairs"
Compare = Callable[[Graph], Equivalence]
ALL, DONE = -1, "done"  # number and word of the line that ends a file


def verdict(compare: Compare, after: ModelProto) -> tuple[str, str]:
    """What the check says of another model, and why."""
    try:
        found = compare(from_proto(after))
    except OcostError as error:
        return "not compared", str(error)
    return {True: "equal", False: "different", None: "not compared"}[found.ok], found.reason


@contextmanager
def compared(before: ModelProto) -> Iterator[Compare]:
    """The check of a model. One of many weights is run once for all that it is compared with."""
    graph = from_proto(before)
    if sum(tensor.size for tensor in graph.initializers.values()) < LARGE:
        yield partial(check, graph)
    else:
        with Checker(graph) as checker:
            yield checker.check


def examine(
    sample: Sample, options: argparse.Namespace, done: Collection[int]
) -> Iterator[tuple[int, Found]]:
    """What becomes of the edits and rewrites of a model but for those that are done, by number.

    Each is told several times: as it begins, when it counts, and how it ends.
    """
    model = sample.make()
    with compared(model) as compare:
        yield from _examined(sample, model, compare, options, done)


def _examined(
    sample: Sample,
    model: ModelProto,
    compare: Compare,
    options: argparse.Namespace,
    done: Collection[int],
) -> Iterator[tuple[int, Found]]:
    judge = None
    number = -1
    for mutant in mutants(model, sample.name, options.each, options.seed, options.kinds):
        number += 1
        if number in done:
            continue
        one = Found(sample.name, mutant.kind.name, mutant.node)
        yield number, one
        if judge is None:
            draws = sample.draws(model, INPUTS, options.seed)
            judge = Judge(model, draws, options.inputs_seconds)
        one = one._replace(inputs=len(judge.answers))
        try:
            counts, why = judge.moved(mutant.model), "moves no output beyond rounding"
        except Exception as error:  # of whatever an evaluator raises on a broken model
            counts, why = False, f"does not run: {error}"
        if counts:
            yield number, one._replace(said=COUNTS)
            yield number, _checked(one, compare, mutant.model)
        else:
            yield number, one._replace(said=DISCARDED, why=why)
    for name, made in () if options.kinds else rewrites(model):
        number += 1
        if number not in done:
            one = Found(sample.name, f"={name}", said=COUNTS)
            yield number, one
            yield number, _checked(one, compare, made)


def _checked(one: Found, compare: Compare, after: ModelProto) -> Found:
    start = time.perf_counter()
    said, why = verdict(compare, after)
    return one._replace(said=said, why=why, seconds=time.perf_counter() - start)


def examine_pairs(done: Collection[int]) -> Iterator[tuple[int, Found]]:
    """What the check says of models that are the same, written in two ways."""
    both = [
        (f"={name}{back}", *(sides[::-1] if back else sides))
        for name, sides in pairs().items()
        for back in ("", ", back")
    ]
    for number, (kind, before, after) in enumerate(both):
        if number not in done:
            one = Found(PAIRS, kind, said=COUNTS)
            yield number, one
            yield number, _checked(one, partial(check, from_proto(before())), after())


def _work(name: str, files: Sequence[Path], path: Path, options: argparse.Namespace) -> None:
    """Append what is found to a file, and a last line when that is all."""
    done = results(path).keys()
    if name == PAIRS:
        found = examine_pairs(done)
    else:
        sample = next(one for one in every(files) if one.name == name)
        found = examine(sample, options, done)
    for number, one in found:
        _write(path, number, one)
    _write(path, ALL, Found(name, "", said=DONE))


def _write(path: Path, number: int, one: Found) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps([number, *one._replace(why=one.why[:300])]) + "\n")


def results(path: Path) -> dict[int, Found]:
    """The last that is told of each edit or rewrite, by its number."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    told = (json.loads(line) for line in lines)
    return {number: Found(*fields) for number, *fields in told}


def apart(name: str, files: Sequence[Path], path: Path, options: argparse.Namespace) -> list[Found]:
    """What is found on one model, by processes of their own that go on where one ends early."""
    while ALL not in (before := results(path)):
        process = get_context("spawn").Process(target=_work, args=(name, files, path, options))
        why = watch(process, path, options.limit)
        known = results(path)
        for number, one in known.items():
            if one.said in (BEGUN, COUNTS):  # what never ends in float64 moves no output
                said = DISCARDED if one.said == BEGUN else DIED
                _write(path, number, one._replace(said=said, why=why))
        if known == before:  # not even the next edit could be made
            _write(path, len(known), Found(name, "?", said=DIED, why=why))
            _write(path, ALL, Found(name, "", said=DONE))
    return [one for number, one in results(path).items() if number != ALL]


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
    parser.add_argument("--limit", type=float, default=180.0, help="seconds an edit")
    options = parser.parse_args(arguments)
    files = model_files(options.folder)
    names = [*(sample.name for sample in every(files)), PAIRS]
    unknown = [*({*options.models} - {*names}), *({*options.kinds} - {*KINDS})]
    if unknown:
        print(f"no model or kind is called {unknown[0]}", file=sys.stderr)
        return 2
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"  # more would wait for each other, on matrices as small as these
    found, left_out, start = [], [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ocost-") as temporary:
        kept: Path = options.keep or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        for name in names:
            if options.models and name not in options.models:
                left_out.append(name)
                continue
            path = kept / f"{name}.jsonl"
            if time.monotonic() - start > options.seconds and ALL not in results(path):
                left_out.append(name)
                continue
            found += apart(name, files, path, options)
    text = page(found, left_out, options.inputs_seconds)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    shortcomings = broken(found)
    for line in shortcomings:
        print(line, file=sys.stderr)
    return int(bool(shortcomings))


if __name__ == "__main__":
    sys.exit(main())
