"""Each linter that `make lint` runs is seen to fail on what it is there for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_BIN = Path(sys.executable).parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's settings over a package with nothing in it but its layers."""
    shutil.copy(_CHECKOUT / "pyproject.toml", tmp_path)
    layers = [
        "cli",
        "shell",
        "daemon",
        "workspace",
        "conformance",
        "sessions",
        "providers",
        "hub",
        "keeper",
        "guard",
        "undo",
        "walls",
        "policy",
        "store",
        "syntax",
    ]
    for name in ("", *layers):
        (tmp_path / "cash" / name).mkdir()
        (tmp_path / "cash" / name / "__init__.py").touch()
    for name in [
        "pipeline",
        "calling",
        "settings",
        "places",
        "content",
        "faults",
        "silence",
        "wire",
    ]:
        (tmp_path / "cash" / f"{name}.py").touch()
    return tmp_path


def _run(project: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_BIN / argv[0], *argv[1:]],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "HOME": str(project), "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("gate", "file", "bad", "says"),
    [
        (("ruff", "check"), "cash/places.py", "import os\n", "F401"),
        (("ruff", "format", "--check"), "cash/places.py", "x = ( 1 )\n", "would be reformatted"),
        (("mypy",), "cash/places.py", "def f(x):\n    return x\n", "no-untyped-def"),
        (("lint-imports",), "cash/policy/__init__.py", "import cash.daemon\n", "BROKEN"),
    ],
)
def test_a_linter_fails_on_what_it_is_there_for(
    project: Path, gate: tuple[str, ...], file: str, bad: str, says: str
) -> None:
    clean = _run(project, *gate)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    (project / file).write_text(bad)
    found = _run(project, *gate)
    assert found.returncode != 0
    assert says in found.stdout + found.stderr
