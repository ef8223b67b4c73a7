"""What a user writes on the command line, as the library takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .graph.shapes import Given


def given(
    shape: Sequence[str],
    dim: Sequence[str],
    value: Sequence[str],
    strict: bool,
    trips: Sequence[str] = (),
) -> Given:
    """What ``--shape``, ``--dim``, ``--value`` and ``--trips`` say of a model.

    Raises
    ------
    click.BadParameter
        If one of them can't be read.
    """
    from . import api

    return api.given(
        dict(_pair("--shape", s, _parse_shape) for s in shape),
        dict(_pair("--dim", d, int) for d in dim),
        dict(_pair("--value", v, _parse_value) for v in value),
        strict=strict,
        trips=dict(_pair("--trips", t, int) for t in trips),
    )


def _pair(option: str, text: str, parse: Callable[[str], Any]) -> tuple[str, Any]:
    name, equals, rest = text.rpartition("=")
    try:
        if not equals or not name:
            raise ValueError
        return name, parse(rest)
    except ValueError:
        raise click.BadParameter(f"{option} {text}: write it as {option} {_AS[option]}") from None


_AS = {
    "--shape": "x=1x3x224x224",
    "--dim": "batch=1",
    "--value": "sr=16000",
    "--trips": "/decoder/Loop=80",
}


def _parse_shape(text: str) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in text.split("x")) if text else ()
    if any(size < 0 for size in sizes):
        raise ValueError
    return sizes


def _parse_value(text: str) -> object:
    numbers = [float(v) if any(c in v for c in ".en") else int(v) for v in text.split(",")]
    return numbers if len(numbers) > 1 else numbers[0]


def names(text: str | None) -> list[str]:
    """A list that is separated by commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]
