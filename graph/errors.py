"""The error that is the user's to mend, apart from bugs."""

from __future__ import annotations

from collections.abc import Iterable


class OcostError(Exception):
    """Bad input: one line that says what is wrong, where, and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class DataError(OcostError):
    """A tensor's data are missing, cut off, or don't fit: whatever needs them ends here."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` (did you mean x?)`` for a misspelt name, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - for an error alone

    close = get_close_matches(name, sorted(known))
    return f" (did you mean {' or '.join(close)}?)" if close else ""
