"""Why a model is slower than the first, as text: a reason with the nodes that it is about."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from ..compare.result import Diff
from ..compare.slower import Cause, Slow, Slower, slower
from .names import clean, elide_all, executed_operator
from .numbers import share, show
from .text_common import plural

_NODES = 2  # that are named, unless all are asked for
_OPERATORS = 4
_NAME = 34  # columns
_SAYS = 0.01  # of what is added: a smaller share is none to speak of


def slower_parts(
    name: str, first: str, diff: Diff, *, most: int | None, verbose: bool = False
) -> list[RenderableType]:
    """Why it is slower, with shares of what is added; nothing where it is not.

    Parameters
    ----------
    name, first
        The model and the one that it is slower than.
    diff
        Of both.
    most
        How many reasons to list; all if None.
    verbose
        Name every node.
    """
    found = slower(diff)
    if not found or most == 0:
        return []
    one = found[0]
    listed = [c for c in one.causes if c.share >= _SAYS][:most] if most is not None else one.causes
    parts: list[RenderableType] = [Text(), _heading(name, first, one)]
    for cause in listed:
        parts.append(_sentence(cause, verbose=verbose))
        parts += _nodes(cause) if verbose else []
    left = one.causes[len(listed) :]
    if left:
        rest = share(sum(cause.added_s for cause in left), one.added_s)
        parts.append(Text(f"- {rest}: {plural(len(left), 'more reason')}", "dim"))
    return parts


def _heading(name: str, first: str, found: Slower) -> Text:
    before, after = found.seconds
    said = f"{show(after - before, 'seconds')} slower than {first} ({found.by})"
    note = f": nodes add {show(found.added_s, 'seconds')}"
    if found.saved_s > _SAYS * found.added_s:
        note += f", others save {show(found.saved_s, 'seconds')}"
    return Text.assemble((f"{name} is {said}", "bold"), f"{note}")


def _sentence(cause: Cause, *, verbose: bool) -> Text:
    """``- 51.7 % (10.8 ms) 17 ConvInteger: why; what to do``."""
    operators = [
        f"{count} {executed_operator(*_apart(qualified))}" for qualified, count in cause.operators
    ]
    more = len(operators) - _OPERATORS
    if more > 0 and not verbose:
        operators[_OPERATORS:] = [f"{more} more kinds"]
    time = f"{share(cause.share, 1)} ({show(cause.added_s, 'seconds')})"
    text = Text.assemble(
        "- ", (time, "bold"), f" {', '.join(operators)}: {clean(cause.reason.why)}"
    )
    if cause.reason.fix:
        text.append(f"; fix: {clean(cause.reason.fix)}")
    if not verbose:
        text.append(f". Largest: {_named(cause)}", "dim")
    return text


def _apart(qualified: str) -> tuple[str, str]:
    domain, _, op_type = qualified.rpartition("::")
    return domain, op_type


def _named(cause: Cause) -> str:
    listed = cause.nodes[:_NODES]
    names = elide_all([_name(node) for node in listed], _NAME)
    return ", ".join(
        f"{name} {show(node.added_s, 'seconds')}" for name, node in zip(names, listed, strict=True)
    )


def _name(node: Slow) -> str:
    """As the user knows it: one that was put in by the written node that it stands at."""
    return node.originals[0] if node.inserted and node.originals else node.path


def _nodes(cause: Cause) -> list[RenderableType]:
    return [
        Text(f"    {show(node.added_s, 'seconds'):>9}  {clean(_whole(node))}", "dim")
        for node in cause.nodes
    ]


def _whole(node: Slow) -> str:
    at = f" at {' -> '.join(node.originals)}" if node.inserted and node.originals else ""
    return f"{node.path}{at}"
