"""What agents' commands have changed is taken back: files, and what git knows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from desk import Desk

pytestmark = pytest.mark.kernel


def _picture(folder: Path, *, skip: str = "") -> dict[str, tuple[str, int, bytes]]:
    """Every file and folder below: its kind, mode and content."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            relative = str(path.relative_to(folder))
            if skip and f"{relative}/".startswith(f"{skip}/"):
                continue
            mode = path.lstat().st_mode
            if path.is_symlink():
                found[relative] = ("link", mode, os.readlink(path).encode())
            elif path.is_dir():
                found[relative] = ("folder", mode, b"")
            else:
                found[relative] = ("file", mode, path.read_bytes())
    return found


def _both(desk: Desk) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tree and git's own state but for its objects, byte for byte."""
    git = desk.folder_of("alice") / "git"
    return _picture(desk.tree), _picture(git, skip="objects")


def _undo(desk: Desk, *words: str, status: int = 0) -> dict[str, Any]:
    ran = desk.polis("undo", "--agent", "alice", "--json", *words)
    assert ran.status == status, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_a_file_that_was_changed(desk: Desk) -> None:
    before = _both(desk)
    assert desk.line("echo more >>README.md").status == 0
    done = _undo(desk)
    assert [(one["path"], one["what"]) for one in done["files"]] == [("README.md", "reset")]
    assert done["refused"] == []
    assert _both(desk) == before
