"""What a shell offers to go on with: samples, devices, passes, what can be explained."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from click import Command

ASKED = "_OCOST_COMPLETE"  # set by the shell's script, to what it wants


def answer(command: Command, environ: MutableMapping[str, str]) -> int:
    """Print what a shell asks for, its script or completions, and give the exit code."""
    from click.shell_completion import shell_complete

    mend_words(environ)
    return shell_complete(command, {}, "ocost", ASKED, environ[ASKED])


def mend_words(environ: MutableMapping[str, str]) -> None:
    """Put ``@`` and the name behind it together again: bash splits words there.

    Parameters
    ----------
    environ
        The process's; nothing is done unless bash asks for completions.
    """
    if environ.get(ASKED) != "bash_complete":
        return
    words = environ.get("COMP_WORDS", "").split("\n")
    place = int(environ.get("COMP_CWORD") or 0)
    whole: list[str] = []
    for at, word in enumerate(words):
        if whole and whole[-1] == "@" and word:
            whole[-1] += word
            place -= at <= int(environ.get("COMP_CWORD") or 0)
        else:
            whole.append(word)
    environ["COMP_WORDS"], environ["COMP_CWORD"] = "\n".join(whole), str(place)


def models(incomplete: str) -> list[str]:
    """The bundled samples behind an ``@``; files are the shell's own business."""
    from .models import samples

    return _begin([f"@{s.name}" for s in samples()], incomplete) if incomplete[:1] == "@" else []


def devices(incomplete: str) -> list[str]:
    """Names of devices."""
    from .costmodel.catalogue import devices
    from .costmodel.device import HOST

    return _begin([*devices(), HOST], incomplete)


def passes(incomplete: str) -> list[str]:
    """Names of passes, in a list that is separated by commas."""
    from .passes import passes

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _begin(sorted(passes()), last)]


def names(incomplete: str) -> list[str]:
    """All that ``explain`` knows."""
    from .explanation import topics

    return _begin([name for topic in topics() for name in topic.names], incomplete)


def _begin(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
