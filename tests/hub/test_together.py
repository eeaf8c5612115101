"""Agents' commits arrive, agents come and go, and the user works: all at once in one hub."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import racing_git
from ground import Ground

from cash.hub.importer import ImportReport, import_commits
from cash.hub.maintenance import maintain
from cash.workspace.removal import remove_agent
from cash.workspace.tree import add_tree

_AGENTS = 5
_COMMITS = 8


@pytest.mark.timeout(240)
def test_nothing_fails_and_every_commit_arrives(ground: Ground) -> None:
    repository, places = ground.repository, ground.places
    agents = [add_tree(repository, places, f"a{number}") for number in range(_AGENTS)]
    stop = threading.Event()

    def work(number: int) -> list[str]:
        agent, commits = agents[number], []
        for turn in range(_COMMITS):
            commits.append(ground.commit(agent, f"f{turn}", f"{number}.{turn}\n"))
            if turn % 3 == 2:  # another branch, and history rewritten
                ground.inside(agent, "branch", f"side{turn}")
                ground.inside(agent, "commit", "-q", "--amend", "-m", "better")
                commits[-1] = ground.inside(agent, "rev-parse", "HEAD")
            _import(repository, agent)
        return commits

    def come_and_go(name: str) -> int:
        turns = 0
        while not stop.is_set():
            made = add_tree(repository, places, f"{name}{turns}")
            remove_agent(repository, places, made, delete_branch=True)
            turns += 1
        return turns

    def collect() -> int:
        turns = 0
        while not stop.is_set():
            maintain(repository)
            turns += 1
            time.sleep(0.3)
        return turns

    with ThreadPoolExecutor(_AGENTS + 4) as pool:
        users = pool.submit(_user, ground, stop)
        guests = [pool.submit(come_and_go, name) for name in ("guest", "visitor")]
        others = [*guests, pool.submit(collect)]
        try:
            commits = [*pool.map(work, range(_AGENTS))]
        finally:
            stop.set()
        assert all(other.result() > 0 for other in others)
        assert users.result() > 0
    for agent, made in zip(agents, commits, strict=True):
        assert ground.git("rev-parse", agent.branch) == made[-1]
        for commit in made:
            assert ground.git("cat-file", "-t", commit) == "commit"
    assert ground.git("fsck", "--strict", "--no-dangling") == ""
    assert not list((ground.root / ".git").rglob("*.lock"))
    assert ground.git("worktree", "list").count("\n") == _AGENTS


def _import(repository: object, agent: object) -> ImportReport:
    """As polisd does: once more where another worktree was just being made."""
    for _ in range(3):
        report = import_commits(repository, agent, ("git-upload-pack",))  # type: ignore[arg-type]
        if not any("worktrees/" in one.reason for one in report.refused):
            break
    assert report.refused == ()
    return report


def _user(ground: Ground, stop: threading.Event) -> int:
    """A person's gits under the mutex, in a process of their own."""
    done = 0
    while not stop.is_set():
        argv = [
            sys.executable,
            racing_git.__file__,
            "mutex",
            "1",
            str(time.time() + 2),
            "branch -m",
        ]
        ran = subprocess.run(
            argv,
            cwd=ground.root,
            env=ground.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        good, bad = map(int, ran.stdout.split())
        assert bad == 0, ran.stderr
        done += good
        for name in ground.git("branch", "--list", "[bc]1.*", "--format=%(refname)").split():
            ground.git("update-ref", "-d", name)
    return done
