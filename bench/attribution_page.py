"""The page on attribution: how much of what a runtime executes is traced back to the original."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from anchor_values import Values
from tables import environment, grouped, table

from ocost.runtime.protocol import SessionLevel

ENOUGH = 0.995  # of the time
UNATTRIBUTED = {
    "unmapped": "what the node makes could not be found in the original",
    "empty": "the node does what no original does",
}
INTRODUCTION = """\
# Attribution over a corpus

{count} graphs exported from torchvision, timm, transformers and shipped packages, each with random
weights and the inputs that it suggests itself: opened in onnxruntime at every level, profiled at
the highest one with one thread, and its executed nodes traced back to the nodes of the file.
`python bench/attribution.py --values ...` made this page on
{environment}.

{verdict}

* **nodes**: in the file, those of subgraphs included; **executed**: those of the graph that
  onnxruntime saves; **mapped**: those whose originals are known.
* **time**: the share of a run that mapped nodes take; **sum**: the attributed times of all nodes
  over the latency without the profiler.
* **missing**: nodes of the file of which it is not known what became of them. All others are
  executed, by one node or by several, or folded, or done by an equal one, or needed by nothing.
* **us a node**: CPU time of attribution, best of 3, by the nodes of both graphs."""
VALUES = """\
Every tensor that attribution links to one of the original is compared with it, in whatever layout
it has: both graphs are run as they stand, without further optimisation. How far apart they may be
follows from what a few units in the last place of all weights and inputs change. A tensor that is
farther off than a tenth of itself is wrong, or too sensitive to tell where such a change does as
much. Hidden ones are in bodies and inlined functions: no run hands them out."""


@dataclass(frozen=True)
class Mapped:
    """An attribution in numbers: seconds it took, nodes by status, originals by fate."""

    seconds: float
    status: Counter[str]
    fates: Counter[str]
    missing: tuple[str, ...]
    unmapped_types: Counter[str]

    @property
    def executed(self) -> int:
        return self.status.total()

    @property
    def mapped(self) -> int:
        return self.executed - sum(self.status[name] for name in UNATTRIBUTED)


@dataclass(frozen=True)
class Times:
    """A run: seconds without the profiler, and those of the nodes by status."""

    latency_s: float
    spent: Counter[str]

    @property
    def share(self) -> float:
        """Of the latency that is attributed."""
        return self.sum - sum(self.spent[name] for name in UNATTRIBUTED) / self.latency_s

    @property
    def sum(self) -> float:
        """Of the nodes' times over the latency."""
        return self.spent.total() / self.latency_s


@dataclass(frozen=True)
class Entry:
    """A model of the corpus.

    ``reason`` says why there is nothing to say of it; ``failed`` that it should not be so.
    """

    name: str
    nodes: int
    levels: Mapping[SessionLevel, Mapped] = field(default_factory=dict)
    times: Times | None = None
    values: Mapping[SessionLevel, Values | str] = field(default_factory=dict)
    reason: str = ""
    failed: bool = False

    def shortcomings(self) -> list[str]:
        """What is not as it should be; that onnxruntime refuses a model is not among it."""
        found = [self.reason] if self.failed else []
        for level, mapped in self.levels.items():
            if mapped.mapped < mapped.executed:
                types = ", ".join(mapped.unmapped_types)
                found.append(f"{level}: {mapped.executed - mapped.mapped} not mapped: {types}")
            found += [f"{level}: missing {name}" for name in mapped.missing]
        for level, values in self.values.items():
            found += [f"{level}: {w}" for w in values.wrong] if isinstance(values, Values) else []
        if self.times and self.times.share < ENOUGH:
            found.append(f"{self.times.share:.2%} of the time attributed")
        return found


def page(entries: Sequence[Entry]) -> str:
    """The whole page."""
    done = [entry for entry in entries if not entry.reason]
    introduction = INTRODUCTION.format(
        count=len(entries),
        environment=environment("ocost", "onnx", "onnxruntime", "numpy"),
        verdict=verdict(done),
    )
    parts = [introduction, "## At the highest level", highest(done), "## At every level"]
    parts += [every_level(done)]
    if any(entry.values for entry in done):
        parts += ["## Values", VALUES, values(done)]
    parts += section("Not as it should be", shortcomings(entries))
    parts += section(
        "Left out", [f"{e.name}: {e.reason}" for e in entries if e.reason and not e.failed]
    )
    return "\n\n".join(parts) + "\n"


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A list under a heading; nothing where the list is empty."""
    return [f"## {title}", "\n".join(f"* {line}" for line in lines)] if lines else []


def shortcomings(entries: Sequence[Entry]) -> list[str]:
    return [f"{entry.name}: {line}" for entry in entries for line in entry.shortcomings()]


def verdict(entries: Sequence[Entry]) -> str:
    """Sentences with the numbers that count."""
    mapped = [one for entry in entries for one in entry.levels.values()]
    times = [entry.times for entry in entries if entry.times is not None]
    if not times:
        return "None could be opened."
    lost: Counter[str] = Counter()
    for one in times:
        for name in UNATTRIBUTED:
            lost[name] += one.spent[name] / one.latency_s / len(times)
    reasons = [
        f"{share:.2%} {name} ({UNATTRIBUTED[name]})" for name, share in lost.items() if share
    ]
    executed, known = sum(m.executed for m in mapped), sum(m.mapped for m in mapped)
    slowest = max(per_node(entry) for entry in entries)
    text = (
        f"Of {grouped(executed)} executed nodes of all levels {grouped(known)} are mapped, and of "
        f"{grouped(sum(m.fates.total() for m in mapped))} originals "
        f"{grouped(sum(len(m.missing) for m in mapped))} are missing. "
        f"The least share of a model's time that is attributed is {min(t.share for t in times):.2%}"
        f"; what is not: {', '.join(reasons) or 'none'}. "
        f"Attribution takes {slowest:.0f} us a node at most, in graphs of up to "
        f"{grouped(max(entry.nodes for entry in entries))} nodes."
    )
    return textwrap.fill(text, 100)


def per_node(entry: Entry) -> float:
    """Microseconds of attribution by the nodes of both graphs, at the slowest level."""
    return max(m.seconds / (entry.nodes + m.executed) * 1e6 for m in entry.levels.values())


def highest(entries: Sequence[Entry]) -> str:
    """A row a model."""
    rows = [row(entry) for entry in entries]
    mapped = [entry.levels[SessionLevel.ALL] for entry in entries]
    total: list[object] = [
        "**all**",
        grouped(sum(entry.nodes for entry in entries)),
        grouped(sum(m.executed for m in mapped)),
        grouped(sum(m.mapped for m in mapped)),
        "",
        sum(len(m.missing) for m in mapped),
        ", ".join(sum((m.unmapped_types for m in mapped), Counter())),
        "",
        f"{sum(m.seconds for m in mapped) * 1e3:.0f}",
        "",
    ]
    headers = ["model", "nodes", "executed", "mapped", "time %", "missing", "unmapped operators"]
    return table([*headers, "sum", "ms", "us a node"], [*rows, total])


def row(entry: Entry) -> list[object]:
    mapped, times = entry.levels[SessionLevel.ALL], entry.times
    return [
        entry.name,
        entry.nodes,
        mapped.executed,
        mapped.mapped,
        f"{100 * times.share:.2f}" if times else "?",
        len(mapped.missing),
        ", ".join(f"{n} {op}" for op, n in mapped.unmapped_types.items()),
        f"{times.sum:.3f}" if times else "?",
        f"{mapped.seconds * 1e3:.1f}",
        f"{mapped.seconds / (entry.nodes + mapped.executed) * 1e6:.0f}",
    ]


def every_level(entries: Sequence[Entry]) -> str:
    """What became of the originals, and what the executed nodes are, a row a level."""
    status = ["exact", "group", "layout", "const", *UNATTRIBUTED]
    fates = ["once", "multi", "folded", "cse", "dead", "missing"]

    def rows() -> Iterator[list[object]]:
        for level in SessionLevel:
            mapped = [entry.levels[level] for entry in entries]
            executed = sum((m.status for m in mapped), Counter())
            originals = sum((m.fates for m in mapped), Counter())
            yield [
                level,
                *(grouped(executed[name]) for name in status),
                *(grouped(originals[name]) for name in fates),
            ]

    return table(["level", *status, *fates], rows())


def values(entries: Sequence[Entry]) -> str:
    """What the comparisons found, a row a level, and those that could not be made."""
    rows = []
    refused = []
    for level in SessionLevel:
        of_level = [(e.name, v) for e in entries if (v := e.values.get(level)) is not None]
        found = [v for _, v in of_level if isinstance(v, Values)]
        refused += [f"* {name}, {level}: {v}" for name, v in of_level if isinstance(v, str)]
        if not of_level:
            continue
        rows.append(
            [
                level,
                len(found),
                grouped(sum(v.compared for v in found)),
                sum(len(v.wrong) for v in found),
                grouped(sum(v.sensitive for v in found)),
                grouped(sum(v.hidden for v in found)),
                f"{max((v.farthest for v in found), default=0.0):.1g}",
            ]
        )
    headers = ["level", "models", "compared", "wrong", "too sensitive", "hidden", "farthest"]
    return "\n\n".join([table(headers, rows), *(["\n".join(refused)] if refused else [])])
