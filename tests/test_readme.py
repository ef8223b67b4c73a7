"""The README is true."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

import ocost
from ocost import cli
from ocost.models import samples

ROOT = Path(ocost.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_snippet_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue().startswith("300774272 ")
    assert len(printed.getvalue().splitlines()) == 6


def test_every_option_exists(capsys: pytest.CaptureFixture[str]) -> None:
    options = set(re.findall(r"`(--[a-z-]+)", README))
    for command in ("cost", "diff", "optimize", "profile"):
        cli.run([command, "--help"])
    known = capsys.readouterr().out
    assert {o for o in options if o not in known} == set()


def test_every_sample_is_named() -> None:
    named = set(re.findall(r"`@(\w+)`", README))
    assert named - {"name"} == {s.name for s in samples()}


def test_links_lead_somewhere() -> None:
    targets = [t for t in re.findall(r"\]\(([^)#]+)", README) if "://" not in t]
    assert [t for t in targets if not (ROOT / t).exists()] == []


def test_the_example_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = re.findall(r"\$ ocost diff @mobilenet_v2\n(.*?)\.\.\.\n", README, flags=re.S)
    cli.run(["diff", "@mobilenet_v2"])
    printed = capsys.readouterr().out
    # Versions, roundings of a CPU, and how many inputs there was time for.
    version = re.compile(r"onnxsim [\d.]+|\d[\d.]*e-\d+|\d+ inputs")
    assert version.sub("", printed).startswith(version.sub("", shown))
