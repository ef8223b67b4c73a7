"""The page on a corpus: what every model costs, and how far the figures agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agreement import VARIANTS, against, split, variants
from tables import environment, grouped, table

from ocost.costmodel.result import Coverage, Totals

INTRODUCTION = """\
# Costs of a corpus

{count} graphs exported from torchvision, timm, transformers and shipped packages, costed as
written on the device `{device}`, each with the input shapes that it suggests itself.
`make corpus CORPUS=...` made this page.

{coverage}

* **nodes**: in the file, those of subgraphs included; **run**: those that are to be costed. Of an
  If only one branch is: the one that is taken.
* **shapes**: how many nodes rest on exact shapes, on assumed ones, and on upper bounds of shapes
  that depend on data.
* **params**: constants in weight slots. Exports that fold BatchNormalization have fewer; a tied
  weight that was written twice counts twice.
* **peak**: most activation bytes alive at once; weights, and what is computed from constants
  alone, are apart.
* **ms**: to open the file and cost it, best of {runs}, on
  {environment}."""
OTHERS = """\
torchvision publishes GMACs with three decimals for some of its models. torch's flop counter gives
FLOPs, two for a MAC, with six decimals of a GFLOP, here for the same inputs. `the same` means equal
to the last decimal; `but for` means equal but for what stands below the table."""


@dataclass(frozen=True)
class Entry:
    """A costed model of the corpus and the seconds that it took; not its graph, which is large."""

    name: str
    nodes: int
    totals: Totals
    coverage: Coverage
    seconds: float


def page(
    entries: Sequence[Entry], reference: Sequence[Mapping[str, str]], device: str, runs: int
) -> str:
    """The whole page."""
    macs = {entry.name: entry.totals.macs for entry in entries}
    used = {part for name in macs for part in split(name)[1].split(".")}
    introduction = INTRODUCTION.format(
        count=len(entries),
        device=device,
        environment=environment("ocost", "onnx", "numpy", "protobuf"),
        coverage=coverage(entries),
        runs=runs,
    )
    names = ["`c_...`: a pattern by itself, out of a small module"]
    names += [f"`{name}`: {text}" for name, text in VARIANTS.items() if name in used]
    parts = [
        introduction,
        "## Costs",
        costs(entries),
        "The parts of a model's name:",
        "\n".join(f"* {text}" for text in names),
        "## The same architecture, exported in several ways",
        variants(macs),
    ]
    if reference:
        parts += ["## Against what others count", OTHERS, against(macs, reference)]
    return "\n\n".join(parts) + "\n"


def coverage(entries: Sequence[Entry]) -> str:
    """A sentence on what is costed, and a line for each node that is not."""
    found = [entry.coverage for entry in entries]
    nodes, costed, exact = (
        sum(getattr(c, name) for c in found) for name in ("nodes", "costed", "exact")
    )
    sentence = (
        f"Of {grouped(nodes)} nodes that run, {grouped(costed)} are costed "
        f"({100 * costed / nodes:.2f} %), {grouped(exact)} of them with exact shapes."
    )
    unknown = [
        f"* {entry.name}: {node.op_type}, {node.reason}"
        for entry in entries
        for node in entry.coverage.unknown
    ]
    return "\n\n".join([sentence, *(["\n".join(unknown)] if unknown else [])])


def costs(entries: Sequence[Entry]) -> str:
    """A row a model."""
    rows = []
    for entry in entries:
        totals, found = entry.totals, entry.coverage
        rows.append(
            [
                entry.name,
                entry.nodes,
                found.nodes,
                f"{100 * found.costed / max(found.nodes, 1):.1f}",
                f"{found.exact} / {found.assumed} / {found.bound}",
                grouped(totals.macs),
                grouped(totals.params),
                mebibytes(totals.traffic_bytes),
                mebibytes(totals.peak_bytes),
                f"{entry.seconds * 1e3:.1f}",
            ]
        )
    headers = ["model", "nodes", "run", "costed %", "exact / assumed / bound", "MACs", "params"]
    return table([*headers, "traffic MiB", "peak MiB", "ms"], rows)


def mebibytes(number: int | None) -> str:
    return "?" if number is None else f"{number / 2**20:.2f}"
