"""What a shell offers, and what bash makes of an ``@``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ocost import completion


def test_what_begins_like_it() -> None:
    assert completion.models("@mob") == ["@mobilenet_v2"]
    assert completion.models("mob") == []  # files are the shell's own business
    assert "nvidia-t4" in completion.devices("nv")
    assert completion.devices("ho") == ["host"]
    assert completion.passes("fold-c,merge-bra") == ["fold-c,merge-branches"]
    assert completion.names("BatchNorm") == ["BatchNormalization"]


@pytest.mark.parametrize(
    ("words", "place", "mended", "then"),
    [
        (["ocost", "cost", "@", "mob"], 3, ["ocost", "cost", "@mob"], 2),
        (["ocost", "cost", "@"], 2, ["ocost", "cost", "@"], 2),
        (["ocost", "diff", "@", "a", "@", "b"], 5, ["ocost", "diff", "@a", "@b"], 3),
        (["ocost", "diff", "@", "a", ""], 4, ["ocost", "diff", "@a", ""], 3),
        (["ocost", "cost", "x.onnx"], 2, ["ocost", "cost", "x.onnx"], 2),
    ],
)
def test_words_that_bash_splits(words: list[str], place: int, mended: list[str], then: int) -> None:
    asked = {"_OCOST_COMPLETE": "bash_complete", "COMP_WORDS": "\n".join(words)}
    environ = {**asked, "COMP_CWORD": str(place)}
    completion.mend_words(environ)
    assert environ["COMP_WORDS"].split("\n") == mended
    assert environ["COMP_CWORD"] == str(then)


def test_other_shells_words_stay() -> None:
    environ = {"_OCOST_COMPLETE": "zsh_complete", "COMP_WORDS": "a\n@\nb", "COMP_CWORD": "2"}
    completion.mend_words(copy := dict(environ))
    assert copy == environ


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_in_bash(tmp_path: Path) -> None:
    """The script as bash runs it, with the words as bash splits them."""
    command = tmp_path / "ocost"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ocost "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    script = """
    eval "$(_OCOST_COMPLETE=bash_source ocost)"
    for words in "c" "cost @ mob" "cost --dev" "optimize x --skip fold-batch"; do
        COMP_WORDS=(ocost $words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
        _ocost_completion ocost; echo "${COMPREPLY[*]}"
    done
    """
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines() == [
        "cost calibrate",
        "@mobilenet_v2",
        "--device",
        "fold-batchnorm",
    ]
