"""What is packaged is what is there."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tarfile
import tomllib
import warnings
import zipfile
from pathlib import Path

import pytest
from build import ProjectBuilder
from build.env import DefaultIsolatedEnv
from pyproject_hooks import quiet_subprocess_runner

import ocost

ROOT = Path(ocost.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_PACKAGED = {"tests", "bench", "docs", "build_backend", ".venv"}


def test_packages_are_those_on_disk() -> None:
    found = {
        ".".join(["ocost", *path.parent.relative_to(ROOT).parts])
        for path in ROOT.rglob("__init__.py")
        if not NOT_PACKAGED & set(path.relative_to(ROOT).parts)
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_root_modules() -> None:
    assert {p.name for p in ROOT.glob("*.py")} == {
        "__init__.py",
        "__main__.py",
        "arguments.py",
        "cli.py",
        "collection.py",
        "completion.py",
        "explanation.py",
        "hints.py",
        "options.py",
        "output.py",
    }


def test_version_is_stated_once() -> None:
    assert PROJECT["project"]["version"] == ocost.__version__


def test_an_older_python_is_told() -> None:
    """As a checkout on the path, which no installer looks at."""
    code = "import sys; sys.version_info = (3, 10, 4, 'final', 0); import ocost"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.stderr.endswith(
        "ImportError: ocost needs Python 3.11 or newer, and this is 3.10\n"
    )
    ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[Path]]:
    """A wheel and a source archive, and what building them and an editable one left behind."""
    out, tree = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("source") / "tree"
    ignore = shutil.ignore_patterns(".*", "__pycache__", "bench", "docs")
    shutil.copytree(ROOT, tree, ignore=ignore)
    before = set(tree.rglob("*"))
    with DefaultIsolatedEnv() as environment, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # setuptools warns of every editable install
        builder = ProjectBuilder.from_isolated_env(
            environment, tree, runner=quiet_subprocess_runner
        )
        environment.install(builder.build_system_requires)
        for kind in ("editable", "wheel", "sdist"):
            environment.install(builder.get_requires_for_build(kind))
            builder.build(kind, out / kind)
    made = {path for path in tree.rglob("*") if "__pycache__" not in path.parts}
    return out, made - before


def test_nothing_is_built_inside_the_source_tree(built: tuple[Path, set[Path]]) -> None:
    out, left = built
    assert left == set()
    (source,) = (out / "sdist").glob("*.tar.gz")
    with tarfile.open(source) as archive:
        assert any(name.endswith("/build_backend/outside.py") for name in archive.getnames())


def test_wheel_holds_data_files(built: tuple[Path, set[Path]]) -> None:
    (wheel,) = (built[0] / "wheel").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    data = [
        *ROOT.glob("models/*.onnx"),
        *ROOT.glob("costmodel/devices/*.toml"),
        *ROOT.glob("report/schemas/*.json"),
        ROOT / "py.typed",
    ]
    missing = [p for p in data if f"ocost/{p.relative_to(ROOT).as_posix()}" not in names]
    assert missing == []
    assert not any(n.startswith(("ocost/tests/", "ocost/bench/")) for n in names)


def test_help_is_light() -> None:
    """What is heavy is imported when a command needs it, not before."""
    code = "import sys, ocost.cli; print([m for m in sys.modules if m.split('.')[0] in "
    code += "('onnx', 'numpy', 'networkx', 'onnxruntime', 'onnxsim')])"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]"
