"""What a user may have meant by a word that names nothing."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from .models import like_sample

_MODELS = (".onnx", ".ort")


def no_command(word: str, commands: Sequence[str]) -> str:
    """What to say of a first argument that is no command.

    Parameters
    ----------
    word
        The argument.
    commands
        What there is.
    """
    said = f"there is no command '{word}'"
    if word.startswith("@") or word.endswith(_MODELS) or Path(word).exists():
        return f"{said}; to cost a model: ocost cost {word}"
    near = get_close_matches(word.lower(), commands, 1)
    if near:
        return f"{said}; did you mean {near[0]}?"
    if sample := like_sample(word):
        return f"{said}; did you mean the sample @{sample}? ocost cost @{sample}"
    return f"{said}; there are {', '.join(commands)}"
