"""What a user writes on the command line, as the library takes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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

    for text in filter(_is_list, dim):
        raise click.BadParameter(f"--dim {text}: several sizes are a sweep, which `cost` makes")
    return api.given(
        dict(_pair("--shape", s, _parse_shape) for s in shape),
        dict(_pair("--dim", d, int) for d in dim),
        dict(_pair("--value", v, _parse_value) for v in value),
        strict=strict,
        trips=dict(_pair("--trips", t, int) for t in trips),
    )


def swept(dim: Sequence[str]) -> tuple[Sequence[str], Mapping[str, Sequence[int]]]:
    """What ``--dim`` says: single sizes as they were given, and lists, which sweep, by dim.

    Raises
    ------
    click.BadParameter
        If a list can't be read, or a dim has two.
    """
    lists: dict[str, Sequence[int]] = {}
    for text in filter(_is_list, dim):
        name, sizes = _pair("--dim", text, _parse_sizes, "--dim list")
        if name in lists:
            raise click.BadParameter(f"--dim {text}: {name} is swept already")
        lists[name] = sizes
    return [text for text in dim if not _is_list(text)], lists


def _is_list(text: str) -> bool:
    return "," in text.rpartition("=")[2]


def seconds(option: str, text: str | None) -> float | None:
    """A time with its unit, ``20ms``, in seconds; None where none was given.

    Raises
    ------
    click.BadParameter
        If it can't be read, or is no time to stay under.
    """
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    if found is None or not float(found[1]):
        raise click.BadParameter(f"{option} {text}: write it as {option} 20ms, in m, s, ms or us")
    return float(found[1]) * _SECONDS[found[2]]


_TIME = re.compile(r"(\d+(?:\.\d+)?) ?(min|m|s|ms|us|µs)")
_SECONDS = {"min": 60.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}


def _pair(option: str, text: str, parse: Callable[[str], Any], form: str = "") -> tuple[str, Any]:
    name, equals, rest = text.rpartition("=")
    try:
        if not equals or not name:
            raise ValueError
        return name, parse(rest)
    except ValueError:
        how = _AS[form or option]
        raise click.BadParameter(f"{option} {text}: write it as {option} {how}") from None


_AS = {
    "--shape": "x=1x3x224x224",
    "--dim": "batch=1",
    "--dim list": "batch=1,2,4,8",
    "--value": "sr=16000",
    "--trips": "/decoder/Loop=80",
}


def _parse_sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(map(int, text.split(",")))
    if min(sizes) < 0:
        raise ValueError
    return sizes


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
