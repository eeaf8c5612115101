"""The hub's objects: put together, never thrown away; and what agents borrow outlives a gc."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from ground import Ground

from cash.hub.importer import fetch_commit, import_commits
from cash.hub.levels import EXCLUSIVE
from cash.hub.maintenance import is_due, look_at_store, maintain
from cash.hub.mutex import hold_hub
from cash.workspace.agent import Agent
from cash.workspace.tree import add_tree

_PACK = ("git-upload-pack",)


@pytest.fixture
def agent(ground: Ground) -> Agent:
    return add_tree(ground.repository, ground.places, "alice")


def _loose(ground: Ground, count: int) -> None:
    """Objects that no ref holds, all in the folder that is counted."""
    folder = ground.root / ".git/objects/17"
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number:038x}").touch()


def test_it_is_due_when_git_would_begin(ground: Ground) -> None:
    common = ground.root / ".git"
    assert not is_due(ground.repository)
    _loose(ground, 30)
    found = look_at_store(common)
    assert found.packs == 0
    assert 30 * 256 <= found.loose <= 32 * 256
    assert is_due(ground.repository)
    ground.git("config", "gc.auto", "10000")
    assert not is_due(ground.repository)
    ground.git("config", "gc.auto", "0")
    assert not is_due(ground.repository)
    ground.git("config", "--unset", "gc.auto")
    ground.git("config", "maintenance.auto", "false")
    assert not is_due(ground.repository)
    ground.git("config", "--unset", "maintenance.auto")
    ground.git("config", "remote.origin.promisor", "true")
    assert not is_due(ground.repository)


def test_many_packs_are_due(ground: Ground) -> None:
    folder = ground.root / ".git/objects/pack"
    for number in range(51):
        (folder / f"pack-{number:040x}.pack").touch()
    assert is_due(ground.repository)


def test_it_puts_together_and_throws_nothing_away(ground: Ground) -> None:
    lost = ground.git("hash-object", "-w", "README")
    (ground.root / "lost").write_text("nobody has this\n")
    unreachable = ground.git("hash-object", "-w", "lost")
    before = ground.git("cat-file", "--batch-all-objects", "--batch-check")
    maintain(ground.repository)
    maintain(ground.repository)
    assert ground.git("cat-file", "--batch-all-objects", "--batch-check") == before
    assert unreachable in before
    assert lost in before
    assert "count: 0" in ground.git("count-objects", "-v").splitlines()
    assert (ground.root / ".git/packed-refs").exists()
    assert ground.git("fsck") == f"dangling blob {unreachable}"


def test_it_waits_until_the_hub_is_free(ground: Ground) -> None:
    done = threading.Event()

    def work() -> None:
        maintain(ground.repository)
        done.set()

    with hold_hub(ground.repository, EXCLUSIVE, "test"):
        worker = threading.Thread(target=work)
        worker.start()
        assert not done.wait(0.5)
    worker.join(30)
    assert done.is_set()


def _collect_inside_and_outside(ground: Ground, agent: Agent) -> None:
    """The agent's git drops what it can borrow, the user's (months later) what nothing holds."""
    ground.inside(agent, "gc", "-q", "--prune=now")
    time.sleep(2.1)
    for key in ("gc.reflogExpire", "gc.reflogExpireUnreachable"):
        ground.git("config", key, "1.second.ago")
    ground.git("gc", "-q", "--prune=now")


def test_what_an_agent_has_let_go_of_is_still_there_for_it(ground: Ground, agent: Agent) -> None:
    """Its reflog leads to it, its own objects went when the hub had them."""
    lost = ground.commit(agent, "a", "one\n")
    import_commits(ground.repository, agent, _PACK)
    ground.inside(agent, "reset", "-q", "--hard", "HEAD~1")
    ground.inside(agent, "switch", "-q", "-c", "side")
    side = ground.commit(agent, "b", "two\n")
    import_commits(ground.repository, agent, _PACK)
    ground.inside(agent, "switch", "-q", "--detach", "agent/alice")
    ground.inside(agent, "branch", "-q", "-D", "side")
    detached = ground.commit(agent, "c", "three\n")
    import_commits(ground.repository, agent, _PACK)
    ground.inside(agent, "switch", "-q", "agent/alice")
    ground.git("branch", "-D", "polis/alice/side")
    import_commits(ground.repository, agent, _PACK)
    _collect_inside_and_outside(ground, agent)
    for commit in (lost, side, detached):
        assert ground.inside(agent, "cat-file", "-t", commit) == "commit"
    assert ground.inside(agent, "fsck", "--no-dangling") == ""
    assert ground.git("fsck", "--no-dangling") == ""


def test_what_an_agent_has_staged_is_still_there_for_it(ground: Ground, agent: Agent) -> None:
    (agent.tree / "new").write_text("staged\n")
    ground.inside(agent, "add", "new")
    tree = ground.inside(agent, "write-tree")
    seen = ground.inside(agent, "commit-tree", "-p", "HEAD", "-m", "Not committed yet", tree)
    wanted = ("git", "-c", "uploadpack.allowAnySHA1InWant=true", "upload-pack")
    fetch_commit(ground.repository, agent, seen, wanted)
    _collect_inside_and_outside(ground, agent)
    assert ground.inside(agent, "show", ":new") == "staged"


def test_a_users_log_shows_nothing_of_what_is_kept(ground: Ground, agent: Agent) -> None:
    ground.commit(agent, "a", "one\n")
    import_commits(ground.repository, agent, _PACK)
    ground.inside(agent, "commit", "-q", "--amend", "-m", "better")
    import_commits(ground.repository, agent, _PACK)
    shown = ground.git("log", "--branches", "--format=%s").splitlines()
    assert shown.count("write a") == 0


def test_locks_are_not_in_the_way_of_a_gc(ground: Ground, tmp_path: Path) -> None:
    with hold_hub(ground.repository, EXCLUSIVE, "test"):
        ground.git("gc", "-q")
