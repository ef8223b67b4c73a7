"""setuptools as the build backend, but what it makes on the way lies outside the source tree.

By itself setuptools leaves ``build/`` and ``*.egg-info`` beside the sources. Here every step gets
a temporary folder for them, by the configuration file that ``DIST_EXTRA_CONFIG`` names.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar
from unittest import mock

from setuptools import build_meta

Given = ParamSpec("Given")
Made = TypeVar("Made")


def _outside(step: Callable[Given, Made]) -> Callable[Given, Made]:
    """The step of a build, with such a folder around it."""

    @functools.wraps(step)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        with tempfile.TemporaryDirectory(prefix="ocost-build-") as folder:
            config = Path(folder) / "setup.cfg"
            config.write_text(
                f"[egg_info]\negg_base = {folder}\n[build]\nbuild_base = {folder}/build\n",
                encoding="utf-8",
            )
            with mock.patch.dict(os.environ, DIST_EXTRA_CONFIG=str(config)):
                return step(*args, **kwargs)

    return run


get_requires_for_build_wheel = _outside(build_meta.get_requires_for_build_wheel)
get_requires_for_build_sdist = _outside(build_meta.get_requires_for_build_sdist)
get_requires_for_build_editable = _outside(build_meta.get_requires_for_build_editable)
prepare_metadata_for_build_wheel = _outside(build_meta.prepare_metadata_for_build_wheel)
prepare_metadata_for_build_editable = _outside(build_meta.prepare_metadata_for_build_editable)
build_wheel = _outside(build_meta.build_wheel)
build_sdist = _outside(build_meta.build_sdist)
build_editable = _outside(build_meta.build_editable)
