"""How far the lowering rules agree with what onnxruntime makes of real graphs.

Each model is opened in the installed onnxruntime at the levels basic, extended and all, and what it
saves is traced back to the original by ``lineage.attribution``. An executed node agrees where
domain, operator, the originals that it stands for, a fused activation, the number of its inputs and
the (padded) shape of its weights are equal; nodes that are put in between count, too.

    python bench/lowering.py folder            # a table into docs/lowering.md
    python bench/lowering.py -v model.onnx     # what differs
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

from tables import table

from ocost.graph import Graph, OcostError, load
from ocost.lineage.attribution import attribute
from ocost.lineage.lineage import Lineage
from ocost.passes.lowering import OptimizationLevel, Target, lower
from ocost.runtime import protocol
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime import session

LEVELS = {
    OptimizationLevel.BASIC: protocol.SessionLevel.BASIC,
    OptimizationLevel.EXTENDED: protocol.SessionLevel.EXTENDED,
    OptimizationLevel.ALL: protocol.SessionLevel.ALL,
}
_BETWEEN = ("layout", "const", "empty", "unmapped")
PAGE = Path(__file__).parent.parent / "docs" / "lowering.md"


def entries(graph: Graph, lineage: Lineage) -> Counter[Hashable]:
    """What is compared of every executed node."""
    nodes = {scope.path(node): (scope, node) for scope, node in graph.walk()}
    found: Counter[Hashable] = Counter()
    for executed in lineage.executed:
        scope, node = nodes[executed.name]
        covers = () if executed.status in _BETWEEN else tuple(sorted(executed.originals))
        shape: tuple[int, ...] = ()
        if node.domain.endswith("nchwc") and node.op_type == "Conv":
            weights = scope.constant(node.inputs[1])
            shape = () if weights is None else weights.shape
        activation = node.string("activation", "")
        inputs = sum(map(bool, node.inputs))
        found[node.domain, node.op_type, covers, activation, inputs, shape] += 1
    return found


def saved(graph: Graph, level: OptimizationLevel, folder: Path) -> Counter[Hashable]:
    """What onnxruntime executes of a graph, by attribution."""
    path = folder / "saved.onnx"
    options = protocol.Options(level=LEVELS[level])
    session.open_session(named(graph), options, optimized=path)
    optimized = load(path)
    return entries(optimized, attribute(graph, optimized))


def by_rules(graph: Graph, level: OptimizationLevel, target: Target) -> Counter[Hashable]:
    """What the rules say that it executes."""
    lowered = lower(graph, Target(target.runtime, target.version, target.block, level))
    return entries(lowered.graph, lowered.lineage)


def agreement(ran: Counter[Hashable], said: Counter[Hashable]) -> float:
    """The share of nodes that agree, of the longer list."""
    return (ran & said).total() / max(ran.total(), said.total(), 1)


def _models(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        yield from sorted(place.rglob("*.onnx")) if place.is_dir() else [place]


def main(arguments: Sequence[str]) -> int:
    """Compare, and write the page."""
    import onnxruntime as ort
    from lowering_saved import read, summary  # it stands on this module

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path, help="files, or folders of them")
    parser.add_argument("-o", "--output", type=Path, default=PAGE, help="where the page goes")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what differs")
    options = parser.parse_args(arguments)
    major, minor = ort.__version__.split(".")[:2]
    target = Target(version=(int(major), int(minor)))
    shares: dict[OptimizationLevel, list[float]] = {level: [] for level in LEVELS}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in _models(options.models):
            cells = []
            try:
                graph = load(path)
                for level in LEVELS:
                    said = by_rules(graph, level, target)
                    ran = saved(graph, level, Path(folder))
                    shares[level].append(agreement(ran, said))
                    cells.append(f"{100 * shares[level][-1]:.1f}")
                    if options.verbose:
                        _tell(level, ran, said)
            except OcostError as error:
                print(f"{path}: {error}", file=sys.stderr)
                continue
            rows.append([path.stem, str(len(graph)), *cells])
            print(*rows[-1], flush=True)
    started = time.process_time()
    for path in _models(options.models):
        lower(load(path), target)
    taken = time.process_time() - started
    nodes = sum(int(row[1]) for row in rows)
    heads = ["model", "nodes", *(level.name.lower() for level in LEVELS)]
    lines = [
        f"onnxruntime {ort.__version__}, channel block {target.block}, {len(rows)} graphs.",
        "",
        *(
            f"* {level.name.lower()}: {100 * statistics.median(found):.1f} % of the nodes agree on "
            f"the median graph, {100 * min(found):.1f} % on the worst"
            for level, found in shares.items()
            if found
        ),
        f"* {1e6 * taken / max(nodes, 1):.0f} us of CPU time a node, with loading",
        "",
        table(heads, rows),
    ]
    lines += ["", _BUILDS, "", summary(read())]
    text = "\n".join(lines)
    print(text)
    if not options.verbose:
        options.output.write_text(f"{_HEAD}\n{text}\n", encoding="utf-8")
    return 0


_BUILDS = """## Other builds

Graphs that other builds of onnxruntime saved, kept without weights, by `bench/lowering_saved.py`.
Those of 1.24 and 1.32 are 20 in which the two releases differ; blocks of 8 are what 1.32 made where
it was told that the processor has no AVX-512 (under `valgrind --tool=none`), and differ from blocks
of 16. Agreement is by node, at the level all; traffic is that of the graph by rules over that of
the saved one."""

_HEAD = """# What a runtime makes of a graph, by rules

`ocost.passes.lowering.lower(graph, Target(...))` answers the graph that a runtime executes, without
it. Its nodes are under the runtime's own operators, each with the originals that it stands for or
the boundary at which it was put in; constants may be a type and a shape; what nearly matched is
listed with what stood in its way ([blockers.md](blockers.md)).

## Targets

A device file names its runtime, maybe with version and level, and its channel block
([devices.md](devices.md)).

* `onnxruntime-cpu`: onnxruntime's CPU provider, versions 1.20 to 1.32, channels in blocks of 16
  (AVX-512), 8 (other x86) or not at all, at the levels disable, basic, extended, layout and all. A
  version in between, or beyond, is taken for the nearest one, with a note.
* `mobile`: a generic runtime for phones. Convolutions and Gemm take BatchNormalization, constant
  additions and factors, and an activation; the sum of a residual branch runs apart. Channels are in
  packs of four, padded, with a Pack or an Unpack at the border.
* `ideal`: fuses all that may be fused. Any other runtime is taken for it, with a note, so that on a
  GPU launches are counted by kernels and not by nodes.

`mobile` and `ideal` compile a graph for the sizes that its inputs have; onnxruntime keeps open dims
open. What `ideal` runs as one kernel:

* a product, convolution or pool with all that follows element by element up to one tensor: bias,
  BatchNormalization, activation, a residual sum; views, and Transposes that keep the last dim
* an attention: product, what works on scores, Softmax, product. The scores move nothing
* chains of elementwise nodes; sums, Softmax and normalisations of the same rows of the last dims,
  of up to 16,384 elements, with what is elementwise around them, be they one operator or written
  out
* views and DequantizeLinear with what reads them; a product of two dequantised tensors of 8 bits
  runs on integers. A DequantizeLinear that several kernels read is computed in each

A fused node is a call of a function in the domain `ocost.fused` whose nodes are those that it
fuses: arithmetic is that of the body, traffic that of the boundary. Fusing never changes FLOPs.

## A target of one's own

1. A folder in `passes/lowering/` with a `pipeline.py`: a function that rewrites the working graph,
   and a `Runtime` with its name. `work.fuse` makes a fused node; `fusable.py` and `growth.py` say
   what one kernel may run.
2. A line in `passes/lowering/targets.py`, and the folder in `pyproject.toml`.
3. A test: a tiny graph in `tests/passes/lowering/`.

## A rule of one's own

1. A file in `passes/lowering/onnxruntime_cpu/`: a docstring with the runtime's condition, before
   and after, and the versions; a function of the working graph and a node that rewrites or answers
   False; a `LoweringRule` with its name, the operators at which it starts, and since or until which
   version it holds. `work.replace`, `absorb`, `bypass`, `glue` and `drop` keep the lineage.
2. A line in the list of its level in `pipeline.py`, at its place in the runtime's order.
3. Where all but one condition hold and a user could mend the last one, `work.decline` with the
   reason, the fix, and a function that makes the fix in the working graph; it answers True if that
   was done, and the rule goes on.
4. A test: a tiny graph in `tests/passes/lowering/`. `bench/lowering_cases.py` says what the
   installed onnxruntime makes of the 662 that are there, and what differs from the table and from
   the rules. `bench/lowering_saved.py` keeps whole graphs that other releases saved.

## What is known to differ

* Attention of GPT-2 and DistilBERT below opset 13, and the embeddings in front of an attention,
  become nodes of the runtime's own; there is no rule for them yet.
* Quantised activations of int8 that several nodes read: the runtime puts further pairs of
  QuantizeLinear and DequantizeLinear around what it moves Transposes past.
* Of a Transpose that is moved past several nodes and then cancelled, the attribution names another
  node than the rules here and there.
* Of what changes nothing in the arithmetic of shapes (a product by 1), likewise.

## How far it agrees

An executed node agrees where domain, operator, the originals that it stands for, a fused
activation, the number of its inputs and the padded shape of its weights are equal to what
`lineage.attribution` says of the graph that onnxruntime saved. Nodes that are put in between count.
Written by `bench/lowering.py`.
"""


def _tell(level: OptimizationLevel, ran: Counter[Hashable], said: Counter[Hashable]) -> None:
    for title, only in (("saved alone", ran - said), ("rules alone", said - ran)):
        for entry, count in sorted(only.items(), key=str):
            print(f"  {level.name.lower()} {title} {count}x {entry}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
