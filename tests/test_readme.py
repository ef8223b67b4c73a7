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


PAGES = ["README.md", "CHANGELOG.md", "bench/README.md", "models/README.md"]
PAGES += [f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in t]
    assert [t for t in targets if not ((ROOT / page).parent / t).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+/[\w./-]*)`", text))
    assert [n for n in named if not any((at / n).exists() for at in (ROOT, ROOT / "bench"))] == []


def test_the_tree_has_every_folder() -> None:
    (tree,) = re.findall(r"## How it is built\n\n```\n(.*?)```", README, flags=re.S)
    told = set(re.findall(r"^(\w+)/", tree, flags=re.M))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert told == packages
    inner = re.findall(r"^(\w+)/((?:.*\n(?: .*\n)*))", tree, flags=re.M)
    names = [(folder, name) for folder, text in inner for name in re.findall(r"\b(\w+)/", text)]
    assert [pair for pair in names if not ROOT.joinpath(*pair).is_dir()] == []


def test_the_example_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = re.findall(r"\$ ocost diff @mobilenet_v2\n(.*?)\.\.\.\n", README, flags=re.S)
    cli.run(["diff", "@mobilenet_v2"])
    printed = capsys.readouterr().out
    # Versions, roundings of a CPU, and how many inputs there was time for.
    version = re.compile(r"onnxsim [\d.]+|\d[\d.]*e-\d+|\d+ inputs")
    assert version.sub("", printed).startswith(version.sub("", shown))
