"""polis conflicts: seen before anything is merged; and all merged in the best order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from homecoming import work

pytestmark = pytest.mark.kernel


@pytest.fixture
def team(desk: Desk) -> Desk:
    """Alice and bob change the same line, carol a file of her own; dave has nothing."""
    for name in ("bob", "carol", "dave"):
        assert desk.polis("agents", "add", name).status == 0
    work(desk, "echo alice > README.md && git commit -qam alice")
    # Neither committed nor known to git.
    work(desk, "echo bob > README.md; echo new > notes.txt", agent="bob")
    work(desk, "echo carol > carol.txt; git add . && git commit -qm carol", agent="carol")
    return desk


def _look(desk: Desk, *words: str) -> dict[str, Any]:
    ran = desk.polis("conflicts", "--json", *words)
    assert ran.status == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def _until(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + 40
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_what_is_not_committed_is_looked_at_too(team: Desk) -> None:
    found = _look(team)
    readme = [{"path": "README.md", "kind": "contents"}]
    assert found["conflicts"] == [{"agents": ["alice", "bob"], "files": readme}]
    assert (found["into"], found["troubles"]) == ("main", [])
    assert found["order"] == ["carol", "alice", "bob"]
    assert found["conflicting"] == ["bob"]
    shown = team.polis("conflicts").out
    assert shown == (
        "alice and bob: 1 file\n"
        "  README.md: both changed the same lines\n"
        "merge carol, alice first; then bob will conflict  (polis agents merge --all)\n"
    )
    (told, _) = team.log("conflict-foreseen")
    assert (told["agent"], told["body"]["agents"]) == ("alice", ["alice", "bob"])
    # Looking has changed nothing.
    status = ("exec", "bob", "--", "git", "status", "--porcelain")
    assert team.polis(*status).out == " M README.md\n?? notes.txt\n"


def test_all_are_merged_in_that_order_until_one_conflicts(team: Desk) -> None:
    _look(team)
    work(team, "git add -A && git commit -qm bob", agent="bob")
    ran = team.polis("agents", "merge", "--all", "--yes")
    assert ran.status == 125
    assert "polis: merged: carol, alice; left: bob" in ran.err
    assert "bob and main conflict in 1 file; nothing was changed" in ran.err
    assert (team.repository / "README.md").read_text() == "alice\n"
    assert (team.repository / "carol.txt").exists()
    found = _look(team)
    assert [one["agents"] for one in found["conflicts"]] == [["bob"]]
    assert found["order"] == found["conflicting"] == ["bob"]
    assert "bob and your main: 1 file\n" in team.polis("conflicts").out
    assert team.polis("conflicts", "--into", "agent/alice").status == 64


def test_nothing_to_merge_is_said(desk: Desk) -> None:
    assert desk.polis("conflicts").out == "no agent has anything that is not in main\n"
    ran = desk.polis("agents", "merge", "--all")
    assert (ran.status, ran.out) == (0, "no agent has anything that is not in main\n")
    for words in ((), ("alice", "--all")):
        ran = desk.polis("agents", "merge", *words)
        assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: an agent's name, or --all")


def test_who_is_on_no_commit_is_left_out(team: Desk) -> None:
    work(team, "git checkout -q --orphan alone", agent="bob")
    found = _look(team)
    assert [trouble["agent"] for trouble in found["troubles"]] == ["bob"]
    assert found["order"] == ["alice", "carol"]
    assert "polis: bob is left out: " in team.polis("conflicts").err
    ran = team.polis("agents", "merge", "--all", "--yes")
    assert (ran.status, team.polis("agents", "diff", "alice").status) == (125, 0)
    assert "hint: merge the others by their names" in ran.err


def test_who_watches_sees_a_conflict_come_and_go(team: Desk) -> None:
    watching = subprocess.Popen(
        ["polis", "conflicts", "--watch", "--json"],
        cwd=team.repository,
        env=team.installation.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    try:
        assert len(json.loads(watching.stdout.readline())["conflicts"]) == 1
        work(team, "git stash -q", agent="bob")
        assert json.loads(watching.stdout.readline())["conflicts"] == []
    finally:
        os.kill(watching.pid, signal.SIGINT)
        assert watching.wait(10) == 130
        watching.stdout.close()


def test_a_rule_speaks_of_what_was_foreseen(team: Desk) -> None:
    folder = team.repository / ".polis"
    folder.mkdir(exist_ok=True)
    (folder / "policy.yaml").write_text(
        """\
version: 1
rules:
  - id: not-into-a-conflict
    on: write
    while: {conflicts_with_other: true}
    decide: deny
    reason: Another agent has changed that too.
    hint: polis conflicts
    examples: {pass: [echo x > docs/a]}
  - id: no-release-in-conflict
    program: release
    while: {conflicts_with_other: true}
    decide: deny
    reason: Somebody else's work conflicts.
    examples: {pass: [release]}
"""
    )
    explain = ("policy", "explain", "--agent", "alice", "release")
    _look(team)
    _until(lambda: team.polis(*explain).out.startswith("deny"))
    ran = team.polis("shell", "alice", "-c", "echo again > README.md")
    assert ran.status == 126
    assert "not-into-a-conflict" in ran.err
    # A program whose words say nothing of it, judged by its write.
    ran = team.polis("shell", "alice", "-c", 'python3 -c \'open("README.md", "w")\'')
    assert "Permission denied" in ran.err
    work(team, "echo fine > other.txt")
    assert not team.polis("policy", "explain", "--agent", "carol", "release").out.startswith("deny")
    # Seen without anybody looking, as soon as it is committed.
    work(team, "git stash -q", agent="bob")
    _look(team)
    _until(lambda: not team.polis(*explain).out.startswith("deny"))
    work(team, "echo again > README.md && git commit -qam bob", agent="bob")
    _until(lambda: team.polis(*explain).out.startswith("deny"))


def _standing(desk: Desk, agent: str) -> bool:
    listed = json.loads(desk.polis("agents", "list", "--json").out)
    (found,) = (one for one in listed if one["name"] == agent)
    return bool(found["status"] != "stopped")


def test_a_tree_that_nobody_has_touched_is_not_read_again(team: Desk) -> None:
    time.sleep(0.2)
    first = _look(team)
    for name in ("alice", "bob", "carol", "dave"):
        assert team.polis("agents", "stop", name).status == 0
    assert _look(team) == first
    # Its walls would have to stand.
    assert not _standing(team, "bob")
    # A person writes there, past all walls.
    tree = Path(team.polis("agents", "path", "bob").out.strip())
    (tree / "carol.txt").write_text("bob\n")
    found = _look(team)
    assert [one["agents"] for one in found["conflicts"]] == [["alice", "bob"], ["bob", "carol"]]
    assert _standing(team, "bob")
    assert not _standing(team, "alice")
