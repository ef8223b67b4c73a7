import io
import sys

import pytest

from ocost.report.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch, file, **options):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stderr", file)
    with progress("opening", **options) as tell:
        tell("timing")
    return file.getvalue()


def test_the_stage_is_shown_and_goes(monkeypatch):
    text = shown(monkeypatch, Terminal())
    assert text.index("ocost: opening ...") < text.index("ocost: timing ...")
    assert text.endswith("\x1b[2K")  # the line is erased


def test_nothing_where_nobody_looks(monkeypatch):
    assert shown(monkeypatch, io.StringIO()) == ""
    assert shown(monkeypatch, Terminal(), quiet=True) == ""


def test_the_line_goes_when_it_is_interrupted(monkeypatch):
    file = Terminal()
    monkeypatch.setattr(sys, "stderr", file)
    monkeypatch.setenv("TERM", "xterm-256color")
    with pytest.raises(KeyboardInterrupt), progress("opening"):
        raise KeyboardInterrupt
    assert file.getvalue().endswith("\x1b[2K")
