"""The tables of the page on counting, made from the registered formulas.

``python -m ocost.costmodel.tables docs/flops.md`` makes them anew.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from .exempt import EXEMPT
from .ops.elementwise import FLOPS, GELU_TANH_FLOPS
from .work import rules


def _name(key: tuple[str, str]) -> str:
    domain, op_type = key
    return f"`{domain}::{op_type}`" if domain else f"`{op_type}`"


def _first_line(documented: object) -> str:
    return (documented.__doc__ or "").split("\n")[0].replace("``", "`").replace("|", "\\|")


def constants() -> str:
    """FLOP an output element of each elementwise operator, operators of one constant together."""
    by_flops: defaultdict[int, list[str]] = defaultdict(list)
    for op_type, flops in sorted(FLOPS.items()):
        by_flops[flops].append(f"`{op_type}`")
    by_flops[GELU_TANH_FLOPS].append('`Gelu` with `approximate="tanh"`')
    rows = [f"| {flops} | {', '.join(by_flops[flops])} |" for flops in sorted(by_flops)]
    return "\n".join(["| flops | operators |", "|---|---|", *rows])


def operators() -> str:
    """A table a family: operators that share a formula, what it counts, its weight slots."""
    families: defaultdict[str, defaultdict[tuple[str, str], list[tuple[str, str]]]]
    families = defaultdict(lambda: defaultdict(list))
    for key, rule in rules().items():
        named = (f"`{name}`" for name in rule.attributes)
        slots = "any" if rule.weights is None else ", ".join([*map(str, rule.weights), *named])
        family = _first_line(sys.modules[rule.formula.__module__]).rstrip(".")
        families[family][_first_line(rule.formula), slots].append(key)
    parts = []
    for family in sorted(families):
        parts += [f"### {family}", ""]
        parts += ["| operators | flops, or what is special | weight slots |", "|---|---|---|"]
        for (counted, slots), keys in families[family].items():
            names = ", ".join(map(_name, sorted(keys)))
            parts.append(f"| {names} | {counted} | {slots} |")
        parts.append("")
    return "\n".join(parts).rstrip()


def exempt() -> str:
    """Operators without a formula, those of one reason together."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for key, reason in EXEMPT.items():
        by_reason[reason].append(_name(key))
    rows = [f"| {', '.join(names)} | {reason} |" for reason, names in by_reason.items()]
    return "\n".join(["| operators | why |", "|---|---|", *rows])


def update(page: str) -> str:
    """The page with its tables made anew, each between its two marks.

    Raises
    ------
    ValueError
        If a table's marks are missing or stand there twice.
    """
    for table in (constants, operators, exempt):
        begin, end = (f"<!-- {mark} {table.__name__} -->" for mark in ("begin", "end"))
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"no single place for the table '{table.__name__}'")
        head, _, rest = page.partition(begin)
        _, _, tail = rest.partition(end)
        page = f"{head}{begin}\n{table()}\n{end}{tail}"
    return page


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(update(document.read_text("utf-8")), "utf-8")
