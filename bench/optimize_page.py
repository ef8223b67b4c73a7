"""The page on optimisers: what ocost makes of every graph, and what its peers do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from optimizers import DEVICE, ORIGINAL, OURS, Result
from tables import environment, table

from ocost.runtime.timing.comparison import Comparison

# What a file may grow by, as of its own size and in bytes.
GROWTH, GROWTH_BYTES = 0.01, 64 * 1024
A_NODE_BYTES = 16 * 1024  # what ocost allows itself for each node that is saved
NEGLIGIBLE = 1e-4  # of traffic and time
PEERS = ("onnxsim", "onnxslim")
SHOWN = (ORIGINAL, "onnxsim", "onnxslim", OURS)
# What peers are compared in, with the format of a difference.
FIGURES = {"nodes": "nodes", "executed_traffic": "executed traffic", "executed_s": "predicted time"}
INTRODUCTION = """\
# Optimisers over a corpus

{count} graphs exported from torchvision, timm, transformers and shipped packages, with random
weights, optimised by ocost's whole pipeline for the device `{device}`, by onnxsim and by onnxslim.
`python bench/optimize_peers.py ...` made this page on
{environment}.

onnxsim and onnxslim run with their defaults. Of onnxsim's optimisers some are also a stage of
ocost's pipeline.

* **nodes**: in the file, Constants and those of subgraphs included.
* **executed MiB**: bytes that the nodes of the graph read and write which onnxruntime makes of the
  file before it runs it, with all of its own optimisations; **predicted us**: their latency by the
  device's roofline. What onnxruntime does by itself is thus no merit of any optimiser.
* A peer counts where its outputs are the original's and its file grew by no more than
  {percent:g} %, {room} KiB, or {node} KiB for each node that it saves, as ocost's may. `*` marks
  outputs that differ, `+` a file that grew more, `-` that it failed.
* Outputs are compared on planned inputs and sizes, with training-mode Dropout switched off."""

REWRITES = """\
Of the graphs in which a pass of ocost found something: how many are better / equal / worse than
those of the best peer."""
MEASURED = """\
The latency of ocost's file over that of another, in onnxruntime with one thread, both run in turns
(`ocost.runtime.timing.comparison`), with the interval that holds it in 99 % of all cases; bold
where it is faster or slower beyond doubt. Beside it what is predicted from the graphs as
executed."""


@dataclass(frozen=True)
class Entry:
    """A model, and what each optimiser made of it; a sentence where that failed."""

    name: str
    results: Mapping[str, Result | str]

    def of(self, tool: str) -> Result | None:
        """A tool's result, None if it has none."""
        found = self.results.get(tool)
        return found if isinstance(found, Result) else None

    @property
    def ours(self) -> Result | None:
        """What ocost made of it."""
        return self.of(OURS)

    def grown(self, tool: str) -> bool:
        """Whether the file grew by more than it may."""
        made, original = self.of(tool), self.of(ORIGINAL)
        assert made is not None
        assert original is not None
        saved = max(original.nodes - made.nodes, 0)
        room = max(GROWTH * original.file, GROWTH_BYTES, A_NODE_BYTES * saved)
        return made.file - original.file > room

    def fair(self) -> dict[str, Result]:
        """The peers that count."""
        made = {tool: found for tool in PEERS if (found := self.of(tool)) is not None}
        return {t: found for t, found in made.items() if found.equal and not self.grown(t)}

    def best(self, figure: str) -> tuple[str, float] | None:
        """The peer with the least of a figure; None if none has it."""
        values = {t: getattr(found, figure) for t, found in self.fair().items()}
        known = {t: value for t, value in values.items() if value is not None}
        tool = min(known, key=known.__getitem__, default=None)
        return None if tool is None else (tool, known[tool])

    def standing(self, figure: str) -> str:
        """Whether ocost has less of a figure than the best peer: better, equal, worse; or ""."""
        best, ours = self.best(figure), self.ours
        mine = None if ours is None else getattr(ours, figure)
        if best is None or mine is None:
            return ""
        if abs(mine - best[1]) <= (0 if figure == "nodes" else NEGLIGIBLE * best[1]):
            return "equal"
        return "better" if mine < best[1] else "worse"

    def broken(self) -> Iterator[str]:
        """What ocost promises and does not hold."""
        ours, original = self.ours, self.of(ORIGINAL)
        if ours is None or ours.ours is None or original is None:
            yield f"not optimised: {self.results.get(OURS)}; {self.results.get(ORIGINAL)}"
            return
        if ours.equal is False:
            yield f"outputs differ: {ours.why}"
        if self.grown(OURS):
            yield f"the file grew by {ours.file - original.file} bytes"
        for figure in ("nodes", "flops", "traffic"):
            before, after = getattr(original, figure), getattr(ours, figure)
            if before is not None and (after is None or after > before):
                trading = sorted(ours.ours.trading)
                if figure == "nodes" or not trading:
                    yield f"more {figure} than the original: {before} to {after}"
        if ours.ours.residual:
            yield f"the ledger leaves {dict(ours.ours.residual)}"
        if ours.ours.again:
            yield f"a second run finds more: {_counted(ours.ours.again)}"
        if self.standing("nodes") == "worse" and not self._reasons():
            yield f"nodes: {self._distance('nodes')}, and no pass says why"

    def behind(self) -> Iterator[str]:
        """How far the best peer is ahead, and in what."""
        for figure, title in FIGURES.items():
            if self.standing(figure) == "worse":
                yield f"{title}: {self._distance(figure)}"

    def _distance(self, figure: str) -> str:
        best, ours = self.best(figure), self.ours
        assert best is not None
        assert ours is not None
        tool, least = best
        peer = self.fair()[tool]
        mine = getattr(ours, figure)
        more = f"{mine - least:.0f}" if figure == "nodes" else f"{mine / least - 1:.2%}"
        text = f"{more} more than {tool}"
        if figure == "nodes":
            less, more = ours.operators - peer.operators, peer.operators - ours.operators
            kinds = f"{_counted(less)} against {_counted(more) or 'none'}"
            return "; declined, ".join([f"{text} ({kinds})", *self._reasons()])
        return f"{text}, which has {peer.nodes} nodes, ocost {ours.nodes}"

    def _reasons(self) -> list[str]:
        """Why passes left nodes of the types that the peer with the fewest has less of."""
        best, ours = self.best("nodes"), self.ours
        if best is None or ours is None or ours.ours is None:
            return []
        less = ours.operators - self.fair()[best[0]].operators
        told = ours.ours.declined
        return sorted({f"{by}: {why}" for by, why in told if less.keys() & _words(why)})


def page(entries: Sequence[Entry], measured: Mapping[str, Mapping[str, Comparison] | str]) -> str:
    """The whole page."""
    introduction = INTRODUCTION.format(
        count=len(entries),
        device=DEVICE,
        environment=environment("ocost", "onnx", "onnxruntime", "onnxsim", "onnxslim", "numpy"),
        percent=100 * GROWTH,
        room=GROWTH_BYTES // 1024,
        node=A_NODE_BYTES // 1024,
    )
    parts = [introduction, "## Summary", promises(entries), standings(entries)]
    for title, lines in (
        ("Promises broken", Entry.broken),
        ("Where a peer is ahead", Entry.behind),
    ):
        parts += section(title, [f"{e.name}: {line}" for e in entries for line in lines(e)])
    parts += section("Outputs that can't be compared", unknown(entries))
    parts += ["## By rewrite", REWRITES, by_pass(entries)]
    if measured:
        parts += ["## Measured", MEASURED, timings(entries, measured)]
    parts += ["## Graphs", graphs(entries), "## As executed", executed(entries)]
    parts += section("Failures", failures(entries))
    return "\n\n".join(parts) + "\n"


def promises(entries: Sequence[Entry]) -> str:
    """What holds of ocost against the original, in numbers."""
    done = [(e, ours, ours.ours) for e in entries if (ours := e.ours) and ours.ours]
    equal = Counter(ours.equal for _, ours, _ in done)
    broken = {e.name: " ".join(e.broken()) for e, _, _ in done}
    original = {e.name: e.of(ORIGINAL) for e, _, _ in done}
    grown = max(
        (o.file / before.file - 1, e.name) for e, o, _ in done if (before := original[e.name])
    )
    seconds = sorted(ours.seconds for _, ours, _ in done)
    shares = sorted(
        1000 * o.seconds / before.nodes for e, o, _ in done if (before := original[e.name])
    )
    traded = sorted({name for _, _, how in done for name in how.trading})
    lines = [
        f"Of {len(entries)} graphs {len(done)} were optimised. Outputs are equal in {equal[True]}, "
        f"differ in {equal[False]} and can't be compared in {equal[None]}.",
        *(
            f"More {figure} than the original: in "
            f"{sum(f'more {figure}' in text for text in broken.values())}."
            for figure in ("nodes", "flops", "traffic")
        ),
        f"Passes that may add FLOP or traffic for a faster kernel took part in "
        f"{sum(bool(how.trading) for *_, how in done)}: {', '.join(traded) or 'none'}.",
        f"The file that grew most is {grown[1]}'s, by {grown[0]:.2%}.",
        f"A second run finds more in {sum(bool(how.again) for *_, how in done)}, the ledger leaves "
        f"a residual in {sum(bool(how.residual) for *_, how in done)}.",
        f"It took {seconds[len(seconds) // 2]:.1f} s on the median, at most {seconds[-1]:.1f} s, "
        f"onnxsim's stage included: {shares[len(shares) // 2]:.1f} s for 1000 nodes on the median.",
    ]
    return "\n".join(f"* {line}" for line in lines)


def standings(entries: Sequence[Entry]) -> str:
    """How often ocost is better than the better of its peers, equal, or worse."""
    rows = []
    for figure, title in FIGURES.items():
        found = Counter(entry.standing(figure) for entry in entries)
        rows.append([title, *(found[name] for name in ("better", "equal", "worse", ""))])
    return table(["against the best peer", "better", "equal", "worse", "no peer"], rows)


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A list under a heading; nothing where the list is empty."""
    return [f"## {title}", "\n".join(f"* {line}" for line in lines)] if lines else []


def unknown(entries: Sequence[Entry]) -> list[str]:
    return [f"{e.name}: {e.ours.why}" for e in entries if e.ours and e.ours.equal is None]


def by_pass(entries: Sequence[Entry]) -> str:
    """Where a pass took part: how ocost stands there against the best peer."""
    where: dict[str, list[Entry]] = {}
    for entry in entries:
        for name in entry.ours.ours.passes if entry.ours and entry.ours.ours else ():
            where.setdefault(name, []).append(entry)
    rows = []
    for name, those in sorted(where.items(), key=lambda item: -len(item[1])):
        cells: list[object] = [name, len(those)]
        for figure in FIGURES:
            found = Counter(entry.standing(figure) for entry in those)
            cells.append(f"{found['better']} / {found['equal']} / {found['worse']}")
        rows.append(cells)
    return table(["pass", "graphs", *FIGURES.values()], rows)


def timings(
    entries: Sequence[Entry], measured: Mapping[str, Mapping[str, Comparison] | str]
) -> str:
    """A row a model: the ratio of ocost's to each, measured and predicted."""
    named = {entry.name: entry for entry in entries}
    rows: list[list[object]] = []
    for name, found in measured.items():
        if isinstance(found, str):
            rows.append([name, found])
            continue
        first = found.get(ORIGINAL)
        cells: list[object] = [name, f"{1e3 * first.a.latency_s:.2f}" if first else "?"]
        for tool in (ORIGINAL, "onnxsim", "onnxslim"):
            cells += [_measured(found.get(tool)), _predicted(named[name], tool)]
        rows.append(cells)
    against = [
        f"{what} {tool}"
        for tool in (ORIGINAL, "onnxsim", "onnxslim")
        for what in ("/", "predicted /")
    ]
    return table(["model", "original ms", *against], rows)


def _measured(found: Comparison | None) -> str:
    if found is None:
        return "-"
    text = f"{found.ratio:.3f} ({found.low:.3f} to {found.high:.3f})"
    return f"**{text}**" if found.verdict in ("faster", "slower") else text


def _predicted(entry: Entry, tool: str) -> str:
    ours, other = entry.ours, entry.of(tool)
    if ours is None or other is None or not ours.executed_s or not other.executed_s:
        return "?"
    return f"{ours.executed_s / other.executed_s:.3f}"


def graphs(entries: Sequence[Entry]) -> str:
    """A row a model: nodes, growth, seconds."""
    rows = []
    for entry in entries:
        ours, before = entry.ours, entry.of(ORIGINAL)
        growth = f"{100 * (ours.file / before.file - 1):+.2f}" if ours and before else "?"
        equal = {True: "yes", False: "**no**", None: "?"}[ours.equal] if ours else "?"
        nodes = [_cell(entry, tool, "nodes", 1) for tool in SHOWN]
        seconds = [f"{r.seconds:.1f}" if (r := entry.of(t)) else "-" for t in SHOWN[1:]]
        rows.append([entry.name, *nodes, growth, equal, *seconds])
    tools = [f"{tool} s" for tool in SHOWN[1:]]
    headers = ["nodes of", *SHOWN, "file %", "equal", *tools]
    return table(headers, rows)


def executed(entries: Sequence[Entry]) -> str:
    """A row a model: what onnxruntime makes of each tool's file."""
    rows = []
    for entry in entries:
        traffic = [_cell(entry, tool, "executed_traffic", 2**20) for tool in SHOWN]
        latency = [_cell(entry, tool, "executed_s", 1e-6) for tool in SHOWN]
        rows.append([entry.name, *traffic, *latency])
    units = [f"{tool} {unit}" for unit in ("MiB", "us") for tool in SHOWN]
    return table(["model", *units], rows)


def _cell(entry: Entry, tool: str, figure: str, unit: float) -> str:
    found = entry.of(tool)
    value = None if found is None else getattr(found, figure)
    if found is None or value is None:
        return "-" if found is None else "?"
    marks = "*" * (found.equal is False) + "+" * entry.grown(tool)
    number = f"{value}" if unit == 1 else f"{value / unit:.{2 if unit > 1 else 1}f}"
    return number + marks.replace("*", r"\*")


def failures(entries: Sequence[Entry]) -> list[str]:
    return [
        f"{entry.name}, {tool}: {found}"
        for entry in entries
        for tool, found in entry.results.items()
        if isinstance(found, str)
    ]


def _words(reason: str) -> set[str]:
    """The words of a sentence but for the names that it quotes."""
    return set(re.findall(r"\w+", re.sub(r"'[^']*'", "", reason)))


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{n} {name}" for name, n in found.most_common())
