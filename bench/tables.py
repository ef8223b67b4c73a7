"""What both benchmarks write: Markdown tables, and where the figures were taken."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ocost.costmodel.catalogue import find


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> str:
    """A Markdown table, its first columns aligned left, the others right."""
    cells = [list(headers), *([str(cell) for cell in row] for row in rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    rule = [
        "-" * width if at < left else "-" * (width - 1) + ":" for at, width in enumerate(widths)
    ]
    cells.insert(1, rule)
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in cells
    )


def environment(*packages: str) -> str:
    """The machine and the versions of those packages that are installed, in a line."""
    found = [f"Python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    machine = find("host").title.partition(": ")[2]
    return f"{machine}; {', '.join(found)}"


def grouped(number: int | None) -> str:
    """An exact integer, its digits in threes."""
    return "?" if number is None else f"{number:,}".replace(",", " ")


def model_files(arguments: Sequence[Path]) -> list[Path]:
    """The models that the arguments name: files, and folders' ``packed/*.onnx`` or ``*.onnx``."""
    found: list[Path] = []
    for argument in arguments:
        if argument.is_dir():
            packed = argument / "packed"
            found += sorted((packed if packed.is_dir() else argument).glob("*.onnx"))
        else:
            found.append(argument)
    return found
