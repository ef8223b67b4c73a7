"""Which models are kin: what is fitted to one is never judged by another."""

from __future__ import annotations

import re

from agreement import split

_SIZE = re.compile(r"^(made_\w+)_\d+$")


def architecture_of(name: str) -> str:
    """What all variants of a model have in common."""
    return split(name)[0]


def family_of(name: str) -> str:
    """The architecture, which is the same for all sizes of one that ``accuracy_models.py`` makes.

    What is fitted to models is never judged by one of their family.
    """
    architecture = architecture_of(name)
    made = _SIZE.match(architecture)
    return made[1] if made else architecture
