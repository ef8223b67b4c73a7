"""Imports go one way: a lower layer never imports a higher one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ocost

ROOT = Path(ocost.__file__).parent
# Packages on one line may import each other.
LAYERS = [
    {"collection"},
    {"graph", "models"},
    {"lineage", "rewrite"},
    {"costmodel"},
    {"passes"},
    {"runtime"},
    {"ledger"},
    {"optimize", "compare", "audit"},
    {"report"},
    {
        "",
        "api",
        "explanation",
        "arguments",
        "completion",
        "hints",
        "options",
        "output",
    },  # the package itself
    {"commands"},
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def modules() -> Iterator[Path]:
    for name in RANK:
        folder = ROOT / name
        yield from folder.rglob("*.py") if name and folder.is_dir() else ()
    yield from ROOT.glob("*.py")


def layer(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imported(path: Path) -> Iterator[str]:
    """Layers that a module imports from, wherever in it the import stands."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [a.name.split(".") for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [(node.module or "").split(".")]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - (node.level - 1)]
            names = [["ocost", *base, *filter(None, (node.module or "").split("."))]]
            if names == [["ocost"]]:
                names = [["ocost", alias.name] for alias in node.names]
        else:
            continue
        for parts in names:
            if parts[0] == "ocost":
                yield parts[1] if len(parts) > 1 and parts[1] in RANK else ""


def test_no_module_imports_a_higher_layer() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name or 'the package root'}"
        for path in modules()
        for name in imported(path)
        if RANK[name] > RANK[layer(path)]
    ]
    assert wrong == []


def test_every_package_has_a_layer() -> None:
    here = {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"tests"}
    assert here <= RANK.keys()
