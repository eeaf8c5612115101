"""The user moves a repository: its agents follow, with all they have."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from desk import Desk
from running import finish, kill, start, until


@pytest.fixture
def pair(desk: Desk) -> Desk:
    """Two agents; bob has a file that no commit holds."""
    assert desk.polis("agents", "add", "bob").status == 0
    assert desk.polis("exec", "bob", "--", "sh", "-c", "echo draft > draft").status == 0
    return desk


def move(desk: Desk, name: str = "moved") -> Desk:
    """The same desk in the repository's new place."""
    target = desk.repository.with_name(name)
    desk.repository.rename(target)
    return Desk(desk.installation, target)


def told(before: Desk, after: Desk, agents: str = "2 agents follow") -> str:
    return f"polis: repository moved from {before.repository} to {after.repository}: {agents}\n"


def commit_inside(desk: Desk, name: str) -> None:
    """bob commits, whether or not the hub is there to take it."""
    line = f"git add . && git commit -qm {name} && git rev-parse HEAD"
    ran = desk.installation.polis("shell", "bob", "-c", line, cwd=bob(desk))
    assert ran.status == 0, ran.err


def bob(desk: Desk) -> Path:
    return desk.folder_of("bob") / "volume/tree"


def subjects(desk: Desk, branch: str) -> list[str]:
    """The commits of a branch in the hub."""
    return desk.installation.git(desk.repository, "log", "--format=%s", branch).splitlines()


def check(desk: Desk, commits: list[str]) -> None:
    """All is as before: commits come out, the user's git sees both trees, agents work on."""
    until(lambda: subjects(desk, "agent/bob") == commits)
    listed = desk.installation.git(desk.repository, "worktree", "list")
    assert listed.count("/tree ") == 2
    (bob(desk) / "loose").write_text("loose\n")
    until(lambda: desk.installation.git(bob(desk), "status", "--porcelain") == "?? loose\n")
    ran = desk.line("git log -1 --format=%s && echo x > x && git add x && git commit -qm more")
    assert (ran.status, ran.out, ran.err) == (0, "Begin\n", "")
    until(lambda: subjects(desk, "agent/alice") == ["more", "Begin"])
    assert desk.polis("log", "verify").status == 0
    (event,) = desk.log("moved")
    assert event["body"]["to"] == str(desk.repository)


def test_with_polisd_running(pair: Desk) -> None:
    assert pair.line("true").status == 0
    moved = move(pair)
    commit_inside(moved, "away")  # from bob's tree: nobody knows yet where the hub went
    ran = moved.polis("agents", "list")
    assert (ran.status, ran.err) == (0, told(pair, moved))
    assert moved.polis("agents", "list").err == ""
    check(moved, ["away", "Begin"])


def test_with_polisd_down(pair: Desk) -> None:
    moved = move(pair)
    commit_inside(moved, "away")
    assert moved.installation.polis("down").status == 0
    ran = moved.polis("exec", "bob", "--", "git", "log", "-1", "--format=%s")
    assert (ran.status, ran.out, ran.err) == (0, "away\n", told(pair, moved))
    check(moved, ["away", "Begin"])


def test_with_polisd_killed(pair: Desk) -> None:
    assert pair.line("true").status == 0
    moved = move(pair)
    commit_inside(moved, "away")
    kill(moved, "-m cash.daemon")
    ran = moved.polis("init")
    assert (ran.status, ran.err) == (0, told(pair, moved))
    check(moved, ["away", "Begin"])


def test_while_a_command_runs(pair: Desk) -> None:
    running = start(
        pair, "echo > began; while [ ! -e go ]; do sleep 0.05; done; git add go; git commit -qm go"
    )
    until((pair.tree / "began").exists)
    moved = move(pair)
    assert moved.polis("agents", "list").err == told(pair, moved)
    (moved.tree / "go").touch()
    assert finish(running) == 0
    until(lambda: subjects(moved, "agent/alice") == ["go", "Begin"])


def test_twice_and_back(pair: Desk) -> None:
    for name in ("second", "third", pair.repository.name):
        moved = move(pair, name)
        assert moved.polis("init").err == told(pair, moved)
        assert moved.polis("agents", "stop", "bob").status == 0
        pair = moved
    commit_inside(pair, "late")
    until(lambda: subjects(pair, "agent/bob") == ["late", "Begin"])


def test_a_copy_takes_nothing(pair: Desk) -> None:
    target = pair.repository.with_name("copy")
    shutil.copytree(pair.repository, target, symlinks=True)
    copy = Desk(pair.installation, target)
    assert copy.polis("agents", "list").status == 64
    ran = copy.polis("init")
    assert (ran.status, ran.err, "is adopted" in ran.out) == (0, "", True)
    assert copy.polis("agents", "list", "--json").out == "[]\n"
    assert copy.installation.git(target, "worktree", "list").count("\n") == 1
    names = pair.polis("agents", "list").out
    assert "alice" in names
    assert "bob" in names
    seen = pair.polis("exec", "bob", "--", "git", "status", "--porcelain")
    assert seen.out == "?? draft\n"


def test_on_another_disk_only_init_takes_them_along(pair: Desk) -> None:
    assert pair.line("true").status == 0
    target = pair.repository.with_name("far")
    shutil.copytree(pair.repository, target, symlinks=True)
    shutil.rmtree(pair.repository)
    far = Desk(pair.installation, target)
    ran = far.polis("agents", "list")
    assert (ran.status, "polis init" in ran.err) == (64, True)
    assert far.polis("init").err == told(pair, far)
    commit_inside(far, "away")
    check(far, ["away", "Begin"])


def test_a_repository_that_is_gone_is_told(pair: Desk) -> None:
    assert pair.polis("agents", "stop", "bob").status == 0
    moved = move(pair)
    ran = pair.installation.polis("exec", "bob", "--", "true", cwd=bob(moved))
    assert (ran.status, ran.err) == (
        125,
        (
            f"polis: the repository {pair.repository} is gone\n"
            "hint: if you moved it: cd to where it is now, and polis init\n"
        ),
    )
