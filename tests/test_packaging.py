"""What is packaged is what is there."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import ocost

ROOT = Path(ocost.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_PACKAGED = {"tests", "bench", "docs", "build", ".venv"}


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
        "api.py",
        "arguments.py",
        "cli.py",
        "explanation.py",
        "output.py",
    }


def test_version_is_stated_once() -> None:
    assert PROJECT["project"]["version"] == ocost.__version__


def test_wheel_holds_data_files(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
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
