"""Optimise models, and then what was made of them: the second run has nothing left to rewrite.

Metadata and doc strings are taken out between the two runs, so that nothing tells the second one
what the first did. What the first declined or left out has to be declined or left out again, for
the same reason. Without a folder: ocost's samples, onnx's light models, the small models of the
mutation test, and random ones. The exit code is 1 if a second run rewrites anything.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from mutants.samples import every
from onnx import ModelProto
from tables import model_files, table

from ocost import optimize_model
from ocost.graph import Graph, OcostError, from_proto, load, to_proto
from ocost.models.inputs import KEY
from ocost.optimize.optimized import Optimized

RANDOM_MODELS = Path(__file__).parents[1] / "tests" / "optimize"


class Twice(NamedTuple):
    """A model optimised twice: nodes before, after each run, and what the second did."""

    name: str
    nodes: tuple[int, int, int]
    first: int
    second: dict[str, int]
    changed: list[str]
    failure: str = ""


def twice(name: str, model: ModelProto) -> Twice:
    """Optimise a model, then the product, without what tells that it is one."""
    try:
        one = optimize_model(from_proto(model))
        again = from_proto(bare(to_proto(one.graph, "filled")))
        other = optimize_model(again)
    except OcostError as error:
        return Twice(name, (len(model.graph.node), 0, 0), 0, {}, [], str(error))
    return Twice(
        name,
        (_nodes(from_proto(model)), _nodes(one.graph), _nodes(other.graph)),
        len(one.made.entries),
        Counter(entry.by for entry in other.made.entries),
        [f"only the {which} run: {text}" for which, text in _changes(one, other)],
    )


def bare(model: ModelProto) -> ModelProto:
    """The model without metadata, but for the inputs that it suggests, and doc strings."""
    kept = [entry for entry in model.metadata_props if entry.key == KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    model.doc_string = model.producer_name = model.producer_version = ""
    model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    return model


def _nodes(graph: Graph) -> int:
    return sum(1 for _ in graph.walk())


def _changes(one: Optimized, other: Optimized) -> Iterator[tuple[str, str]]:
    """Reasons that one run gives and the other does not; names of tensors may change."""
    first, second = ({_reason(d.by, d.reason) for d in o.made.declined} for o in (one, other))
    yield from (("first", text) for text in sorted(first - second))
    yield from (("second", text) for text in sorted(second - first))


def _reason(by: str, reason: str) -> str:
    return re.sub(r"\d+", "#", re.sub(r"'[^']*'", "'...'", f"{by}: {reason}"))


def sources(files: Sequence[Path], random: int) -> Iterator[tuple[str, Callable[[], ModelProto]]]:
    """Names and makers of the models."""
    if files:
        yield from ((file.stem, lambda f=file: to_proto(load(f), "filled")) for file in files)
        return
    yield from ((sample.name, sample.make) for sample in every())
    if random:
        drawn = random_models(random)
        yield from ((f"random_{at}", lambda m=model: m) for at, model in enumerate(drawn))


def random_models(count: int) -> list[ModelProto]:
    """As many random models as the tests draw, the same each time."""
    from hypothesis import HealthCheck, given, settings

    sys.path.append(str(RANDOM_MODELS))
    from random_models import models

    found: list[ModelProto] = []

    @settings(
        max_examples=count, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(models())
    def collect(model: ModelProto) -> None:
        found.append(model)

    collect()
    return found


def _work(name: str, model: ModelProto, path: Path) -> None:
    path.write_text(json.dumps(twice(name, model)), encoding="utf-8")


def apart(name: str, make: Callable[[], ModelProto], path: Path, limit_s: float) -> Twice:
    """In a process of its own; kept in a file."""
    if not path.exists():
        process = get_context("fork").Process(target=_work, args=(name, make(), path))
        process.start()
        process.join(limit_s)
        if process.is_alive():
            process.kill()
            process.join()
            return Twice(name, (0, 0, 0), 0, {}, [], f"takes more than {limit_s:g} s")
        if process.exitcode:
            why = f"the process ended with code {process.exitcode}"
            return Twice(name, (0, 0, 0), 0, {}, [], why)
    return Twice(*json.loads(path.read_text(encoding="utf-8")))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="*", help="or a model")
    parser.add_argument("--random", type=int, default=200, help="how many random models")
    parser.add_argument("--keep", type=Path, help="a folder of results, new and earlier ones")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds a model")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no model later")
    options = parser.parse_args(arguments)
    end, late = time.monotonic() + options.seconds, 0
    found = []
    with tempfile.TemporaryDirectory(prefix="ocost-") as temporary:
        kept: Path = options.keep or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        for name, make in sources(model_files(options.folder), options.random):
            if time.monotonic() > end:
                late += 1
                continue
            found.append(apart(name, make, kept / f"{name}.twice.json", options.limit))
    print(report(found))
    if late:
        print(f"\n{late} left out for lack of time")
    return int(any(one.second or one.failure for one in found))


def report(found: Sequence[Twice]) -> str:
    """In numbers, and each model whose second run is not idle."""
    rows = [[one.name, *one.nodes, one.first, _counted(one.second)] for one in found if one.second]
    headers = ["model", "nodes", "first run", "second run", "rewrites", "rewrites, second run"]
    changed = [f"* {one.name}: {text}" for one in found for text in one.changed]
    failures = [f"* {one.name}: {one.failure}" for one in found if one.failure]
    return "\n\n".join(
        [
            f"{len(found)} models, {sum(one.first for one in found)} rewrites; "
            f"{len(rows)} models of which a second run rewrites more",
            *([table(headers, rows)] if rows else []),
            f"Reasons that only one run gives: {len(changed)}",
            *(["\n".join(changed)] if changed else []),
            f"Failures: {len(failures)}",
            *(["\n".join(failures)] if failures else []),
        ]
    )


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {by}" for by, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
