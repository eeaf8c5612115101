"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_LONGEST_FILE = 400
_LONGEST_FUNCTION = 60
_VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "service", "common", "misc"}


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", *patterns],
        cwd=_CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if (path := _CHECKOUT / name).is_file()]


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def too_long(path: Path) -> list[str]:
    """What is longer than one can read in one look."""
    lines = path.read_text().count("\n")
    found = [f"{path.name}: {lines} lines"] if lines > _LONGEST_FILE else []
    for function in _functions(path):
        size = (function.end_lineno or function.lineno) - function.lineno + 1
        if size > _LONGEST_FUNCTION:
            found.append(f"{path.name}:{function.lineno} {function.name}: {size} lines")
    return found


def unfinished(path: Path) -> list[str]:
    """Marks of work left undone."""
    words = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b")
    return [
        f"{path.name}:{number}"
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if words.search(line)
    ]


def test_files_and_functions_can_be_read_in_one_look() -> None:
    assert [found for path in _tracked("cash/*.py") for found in too_long(path)] == []


def test_every_name_says_what_is_in_the_file() -> None:
    assert [path for path in _tracked("*.py") if path.stem in _VAGUE_NAMES] == []


def test_nothing_is_left_undone() -> None:
    tracked = _tracked("cash", "bench", ".ci", "Makefile")
    assert tracked
    assert [found for path in tracked for found in unfinished(path)] == []


def test_every_module_says_what_it_is() -> None:
    tracked = _tracked("cash/*.py")
    assert tracked
    mute = [path for path in tracked if not ast.get_docstring(ast.parse(path.read_text()))]
    assert [path for path in mute if path.read_text().strip()] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n" * 401, ["it.py: 401 lines"]),
        ("def f():\n" + "    x = 1\n" * 60, ["it.py:1 f: 61 lines"]),
        ("def f():\n    return 1\n", []),
    ],
)
def test_long_code_is_found(tmp_path: Path, text: str, found: list[str]) -> None:
    path = tmp_path / "it.py"
    path.write_text(text)
    assert too_long(path) == found


def test_unfinished_code_is_found(tmp_path: Path) -> None:
    path = tmp_path / "it.py"
    path.write_text("x = 1\n# TO" + "DO: the rest\n")
    assert unfinished(path) == ["it.py:2"]
