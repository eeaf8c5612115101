"""What a killed git left in an agent's own git directory goes before the agent's next command, and
nothing that may still be somebody's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from desk import Desk
from running import start, until

pytestmark = pytest.mark.kernel

_DIRECTORY = 'd=$(git rev-parse --git-dir); cd "$d"; '

_WAIT = "until [ -e ~/end ]; do sleep 0.1; done"


def _end(desk: Desk, running: subprocess.Popen[bytes]) -> None:
    (desk.folder_of("alice") / "home/end").touch()
    running.communicate(timeout=20)


def _git_directory(desk: Desk) -> Path:
    return desk.folder_of("alice") / "git"


def test_a_dead_lock_goes_and_is_told_of(desk: Desk) -> None:
    names = "index.lock refs/heads/x.lock objects/maintenance.lock"
    assert desk.line(f"{_DIRECTORY} touch {names}").status == 0
    ran = desk.line("git commit -q --allow-empty -m next")
    assert ran.status == 0, ran.err
    (swept,) = desk.log("swept")
    assert swept["body"]["locks"] == sorted(names.split())
    assert desk.line("git status").status == 0
    assert len(desk.log("swept")) == 1


def test_a_git_that_lives_keeps_its_lock(desk: Desk) -> None:
    """One that was there before the lock may have closed it, and be about to rename it."""
    running = start(desk, f"(sleep 1; touch ~/began; {_WAIT}) | git hash-object --stdin")
    until((desk.folder_of("alice") / "home/began").exists)
    lock = _git_directory(desk) / "index.lock"
    lock.touch()
    assert desk.line("true").status == 0
    assert lock.exists()
    _end(desk, running)
    assert desk.line("git commit -q --allow-empty -m next").status == 0


def test_an_open_lock_is_somebodys(desk: Desk) -> None:
    running = start(desk, f"{_DIRECTORY} exec 3>index.lock; touch ~/open; {_WAIT}")
    until((desk.folder_of("alice") / "home/open").exists)
    assert desk.line("true").status == 0
    assert (_git_directory(desk) / "index.lock").exists()
    _end(desk, running)
    assert desk.line("true").status == 0
    assert not (_git_directory(desk) / "index.lock").exists()


def test_no_link_leads_out(desk: Desk) -> None:
    outside = desk.installation.folder / "outside"
    outside.mkdir()
    (outside / "Cargo.lock").touch()
    assert (
        desk.line(
            f"{_DIRECTORY} ln -s {outside} worktrees; ln -s {outside}/Cargo.lock x.lock"
        ).status
        == 0
    )
    assert desk.line("true").status == 0
    assert (outside / "Cargo.lock").exists()
    assert desk.log("swept") == []
