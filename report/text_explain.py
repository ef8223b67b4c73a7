"""``ocost explain`` as text: what a name means, with its source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from .text import Page, heading

_NAMES = 40  # of a topic that are listed
_ITEM = re.compile(r"\s*([-*] )?")


def render_topics(topics: Sequence[tuple[str, str, Sequence[str]]]) -> Page:
    """What can be explained.

    Parameters
    ----------
    topics
        A title, what is told of such names, and the names; of many the first few.
    """
    parts: list[RenderableType] = [Text("ocost explain NAME tells what a name means.", "bold")]
    for title, about, names in topics:
        left = len(names) - len(names[:_NAMES])
        more = f", ... and {left} more" if left else ""
        parts += [Text(), heading(title, about), Text(f"  {', '.join(names[:_NAMES])}{more}")]
    return Page(*parts)


def render_explain(title: str, kind: str, docstring: str, source: str = "") -> Page:
    """A docstring as a page.

    Parameters
    ----------
    title, kind
        What is explained, and what sort of thing that is: ``Conv``, ``operator formula``.
    docstring
        In numpydoc: a heading is underlined.
    source
        Where the code is, ``costmodel/ops/conv.py:31``; "" where that says nothing.
    """
    parts: list[RenderableType] = [Text.assemble((title, "bold"), f"  {kind}"), Text()]
    paragraphs = _paragraphs(docstring)
    for paragraph, below in zip(paragraphs, [*paragraphs[1:], ""], strict=True):
        if not _is_underline(paragraph):
            parts.append(Text(paragraph, "bold") if _is_underline(below) else _inline(paragraph))
    if source:
        parts += [Text(), Text(f"source: {source}", "dim")]
    return Page(*parts)


def _paragraphs(docstring: str) -> list[str]:
    """The lines, those joined that one paragraph or one list item was broken into."""
    paragraphs: list[str] = []
    for line in inspect.cleandoc(docstring).splitlines():
        above = paragraphs[-1] if paragraphs else ""
        item = _ITEM.match(line)
        goes_on = above and line and item and not item[1] and item.end() == _indent(above)
        if goes_on and not _is_underline(line) and not _is_underline(above):
            paragraphs[-1] = f"{above} {line.lstrip()}"
        else:
            paragraphs.append(line)
    return paragraphs


def _indent(paragraph: str) -> int:
    item = _ITEM.match(paragraph)
    return item.end() if item else 0


def _is_underline(line: str) -> bool:
    return re.fullmatch(r"\s*-{3,}", line) is not None


def _inline(paragraph: str) -> Text:
    """A paragraph with its ``code`` set apart."""
    text = Text()
    for place, piece in enumerate(re.split(r"``(.+?)``", paragraph)):
        text.append(piece, "cyan" if place % 2 else "")
    return text
