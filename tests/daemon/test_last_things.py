"""An agent that is removed leaves what only its own git knew."""

from __future__ import annotations

import subprocess
import time

import pytest
from desk import Desk

pytestmark = pytest.mark.kernel

_WORK = (
    "echo 1 >one; git add one; git stash -q; echo 2 >two; git stash -qu; "
    "echo 3 >three; git add three; git commit -qm three"
)


def _refs(desk: Desk, place: str) -> list[str]:
    listed = desk.installation.git(desk.repository, "for-each-ref", "--format=%(refname)", place)
    return listed.splitlines()


def _shown(desk: Desk, revision: str) -> str:
    return desk.installation.git(desk.repository, "show", revision)


def test_its_stash_and_commits(desk: Desk) -> None:
    assert desk.line(_WORK).status == 0
    ran = desk.polis("agents", "remove", "alice")
    assert ran.status == 0, ran.err
    stash = [ref for ref in _refs(desk, "refs/polis/trash/") if "/stash/" in ref]
    assert len(stash) == 2
    assert _shown(desk, f"{stash[0]}^3:two") == "2\n"
    assert _shown(desk, f"{stash[1]}:one") == "1\n"
    assert _shown(desk, "agent/alice:three") == "3\n"


def test_what_was_committed_by_a_command_that_still_runs(desk: Desk) -> None:
    line = "echo 4 >four; git add four; git commit -qm four; touch done; sleep 60"
    installation = desk.installation
    with subprocess.Popen(
        ["polis", "shell", "alice", "-c", line],
        cwd=desk.repository,
        env=installation.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        deadline = time.monotonic() + 30
        while not (desk.tree / "done").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert desk.polis("agents", "remove", "alice", "--force").status == 0
        assert running.wait() != 0
    assert _shown(desk, "agent/alice:four") == "4\n"


def test_where_walls_are_down(desk: Desk) -> None:
    assert desk.line(_WORK).status == 0
    assert desk.polis("agents", "stop", "alice").status == 0
    assert desk.polis("agents", "remove", "alice").status == 0
    assert len(_refs(desk, "refs/polis/trash/")) == 2


def test_one_whose_stash_cannot_be_read_stays_unless_forced(desk: Desk) -> None:
    assert desk.line(_WORK).status == 0
    (desk.folder_of("alice") / "git/refs/stash").write_text("no object\n")
    ran = desk.polis("agents", "remove", "alice")
    assert (ran.status, desk.tree.is_dir()) == (64, True), ran.err
    assert "not all of alice can be kept: its own git: " in ran.err
    assert "--force" in ran.err
    assert desk.polis("agents", "remove", "alice", "--force").status == 0
    assert not desk.tree.exists()


def test_where_polis_is_removed(desk: Desk) -> None:
    assert desk.line(_WORK).status == 0
    ran = desk.polis("uninstall", "--yes")
    assert ran.status == 0, ran.err
    saved = _refs(desk, "refs/heads/polis-saved/")
    assert [name.rpartition("/")[2] for name in saved] == ["0", "1"]
    assert _shown(desk, f"{saved[0]}^3:two") == "2\n"
