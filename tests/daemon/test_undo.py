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


_LAY = """
mkdir -p src/deep/er && for n in 1 2 3 4; do
    echo $n >src/deep/er/$n; echo $n >src/$n; git add -A; git commit -qm "c$n"
done
echo '*.log' >.gitignore; git add .gitignore; git commit -qm ignore
echo kept >build.log; mkdir out; echo made >out/new; ln -s ../src/1 out/link; chmod 755 src/2
echo dirty >src/3; echo staged >src/4; git add src/4
git tag light; git branch side HEAD~1; git stash -q; git stash apply -q --index
echo again >>src/1; git stash -q; git stash apply -q --index; git pack-refs --all
"""
_WRECK = "rm -rf src && git clean -fdx && git reset --hard HEAD~3 && git stash clear"


def test_everything_wrecked_at_once(desk: Desk) -> None:
    ran = desk.line(
        _LAY.strip().replace("\n", "; ").replace("do;", "do").replace("; done", "; done")
    )
    assert ran.status == 0, ran.err
    before = _both(desk)
    stashes = desk.line("git stash list").out
    assert len(stashes.splitlines()) == 2
    assert desk.line(_WRECK).status == 124
    assert desk.polis("approvals", "allow", "q1").status == 0
    ran = desk.line(_WRECK)
    assert ran.status == 0, ran.err
    assert not (desk.tree / "src").exists() or not (desk.tree / "src/4").exists()
    assert not (desk.tree / "build.log").exists()
    assert desk.line("git stash list").out == ""
    done = _undo(desk)
    assert done["refused"] == []
    after = _both(desk)
    for mine, its in zip(after, before, strict=True):
        assert sorted(mine) == sorted(its)
        assert {name: one for name, one in mine.items() if one != its[name]} == {}
    assert desk.line("git stash list").out == stashes
    assert desk.line("git fsck --strict && git status --short").status == 0
