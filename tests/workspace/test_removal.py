"""Removing loses no work; uninstalling leaves only the user's branches."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from ground import ORDINARY, Ground, run_as
from privilege import needs_root

from cash.faults import Fault
from cash.hub.importer import import_commits
from cash.hub.worktree import find_entry
from cash.workspace.agent import Agent, AgentFault
from cash.workspace.removal import Removal, check_removal, empty_trash, remove_agent
from cash.workspace.roster import Look, list_agents, look_at
from cash.workspace.tree import add_tree
from cash.workspace.uninstall import Uninstalled, uninstall

PACK = ("git-upload-pack",)


@pytest.fixture
def agent(ground: Ground) -> Agent:
    return add_tree(ground.repository, ground.places, "alice")


def _remove(ground: Ground, agent: Agent, *, delete_branch: bool = False) -> Removal:
    removal = remove_agent(ground.repository, ground.places, agent, delete_branch=delete_branch)
    deadline = time.monotonic() + 20
    while removal.rest.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list((ground.hub / "trash").iterdir()) == []
    return removal


def test_a_clean_one_leaves_its_branch(ground: Ground, agent: Agent) -> None:
    tip = ground.commit(agent, "x", "x\n")
    import_commits(ground.repository, agent, PACK)
    check_removal(ground.repository, agent, running=False)
    assert _remove(ground, agent) == Removal(
        name="alice",
        branch="agent/alice",
        saved=(),
        ignored=None,
        parts=None,
        left_out=(),
        rest=ground.hub / f"trash/alice-{agent.incarnation}",
    )
    assert ground.state() == [
        *("refs/heads/agent/alice", "refs/heads/main", str(ground.root)),
    ]
    assert ground.git("rev-parse", "agent/alice") == tip
    assert list_agents(ground.repository, ground.places) == ()
    ground.git("branch", "-q", "-D", "agent/alice")
    again = add_tree(ground.repository, ground.places, "alice")
    assert again.incarnation != agent.incarnation


def test_a_running_dirty_or_unimported_one_asks(ground: Ground, agent: Agent) -> None:
    def ask(*, running: bool = False) -> tuple[str, str]:
        with pytest.raises(AgentFault) as caught:
            check_removal(ground.repository, agent, running=running)
        return caught.value.code, caught.value.message

    assert ask(running=True) == ("AGENT_BUSY", "alice is running")
    ground.commit(agent, "x", "x\n")
    # Committed inside, unknown outside: both looks would do, the tree is told first.
    assert ask() == ("AGENT_DIRTY", "alice has uncommitted changes")
    ground.inside(agent, "reset", "-q", "--hard", agent.base)
    ground.inside(agent, "commit", "-q", "--allow-empty", "-m", "x")
    assert ask() == ("AGENT_DIRTY", "alice has commits that were not carried over yet")


def test_everything_uncommitted_is_in_the_snapshot(ground: Ground, agent: Agent) -> None:
    tree = agent.tree
    (tree / ".gitignore").write_text("ignored\n")
    (tree / "README").write_text("changed\n")
    (tree / "folder1/file1.txt").unlink()
    (tree / "new folder").mkdir()
    (tree / 'new folder/ü\n"x"').write_text("odd\n")
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "run").write_text("#!/bin/sh\n")
    (tree / "run").chmod(0o755)
    (tree / "ignored").write_text("ignored\n")
    (tree / "staged").write_text("staged\n")
    ground.inside(agent, "add", "staged")
    removal = _remove(ground, agent)
    ref = f"refs/polis/trash/alice-{agent.incarnation}/tree"
    assert removal.saved == (ref,)
    assert removal.left_out == ()
    assert ground.git("log", "-1", "--format=%an%n%s%n%b%P", ref) == (
        f"polis\nWhat alice had not committed\nIncarnation {agent.incarnation}.\n{agent.base}"
    )
    assert ground.git("diff", "--raw", "--abbrev=1", "--no-renames", "-z", agent.base, ref).split(
        "\0"
    )[1::2] == [
        *(".gitignore", "README", "folder1/file1.txt", "link", 'new folder/ü\n"x"'),
        *("run", "staged"),
    ]
    assert ground.git("show", f"{ref}:README") == "changed"
    assert ground.git("show", f"{ref}:link") == "/etc/passwd"
    assert ground.git("ls-tree", ref, "run").startswith("100755 ")
    assert removal.ignored is not None
    with tarfile.open(removal.ignored) as packed:
        assert packed.getnames() == ["ignored"]


def test_what_git_ignores_is_kept_apart_for_a_while(ground: Ground, agent: Agent) -> None:
    """In no ref: `git push --mirror` would carry it away."""
    tree = agent.tree
    (tree / ".gitignore").write_text(".env\ndata/\nnode_modules/\nlarge\n*.sock\nlink\n")
    (tree / ".env").write_text("PASSWORD=x\n")
    (tree / ".env").chmod(0o600)
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "data/deep").mkdir(parents=True)
    (tree / "data/deep/local.db").write_text("rows\n")
    os.mkfifo(tree / "data/pipe")
    (tree / "node_modules").mkdir()
    for number in range(2001):
        (tree / f"node_modules/{number}").touch()
    with open(tree / "large", "wb") as file:
        file.truncate((64 << 20) + 1)
    removal = _remove(ground, agent)
    assert removal.left_out == ("large", "node_modules/")
    kept = removal.ignored
    assert kept == ground.hub / f"ignored/alice-{agent.incarnation}.tar"
    with tarfile.open(kept) as packed:
        found = {one.name: one for one in packed.getmembers()}
        env = packed.extractfile(".env")
        assert env is not None
        assert env.read() == b"PASSWORD=x\n"
    assert sorted(found) == [".env", "data/deep/local.db", "link"]
    assert found[".env"].mode == 0o600
    assert (found["link"].issym(), found["link"].linkname) == (True, "/etc/passwd")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    for ref in ground.git("for-each-ref", "--format=%(refname)").splitlines():
        assert ".env" not in ground.git("ls-tree", "-r", "--name-only", ref).splitlines()
    # It stays for its time, whatever goes meanwhile, and no longer.
    empty_trash(ground.hub)
    assert kept.exists()
    month = time.time() - 31 * 86400
    os.utime(kept, (month, month))
    empty_trash(ground.hub)
    assert not kept.exists()


def test_a_file_changed_in_the_same_second_as_the_index_is_in_the_snapshot(
    ground: Ground, agent: Agent
) -> None:
    file = agent.tree / "README"
    file.write_text("changed\n")  # as long as it was
    some_time_ago = file.stat().st_mtime_ns - 5 * 10**9
    os.utime(file, ns=(some_time_ago, some_time_ago))
    found = file.stat()
    # What the index knows of the file is what it is now, but for its content: both were written
    # within one second, which is all that git looks at.
    entry = find_entry(ground.repository, agent.tree)
    assert entry is not None
    index = entry / "index"
    content = bytearray(index.read_bytes())
    start = content.index(b"README\0") - 62
    seconds, nanoseconds = divmod(found.st_mtime_ns, 10**9)
    changed, fraction = divmod(found.st_ctime_ns, 10**9)
    struct.pack_into(">4I", content, start, changed, fraction, seconds, nanoseconds)
    struct.pack_into(">I", content, start + 36, found.st_size)
    content[-20:] = hashlib.sha1(content[:-20]).digest()
    index.write_bytes(content)
    os.utime(index, ns=(found.st_mtime_ns, found.st_mtime_ns))
    removal = _remove(ground, agent)
    assert ground.git("show", f"{removal.saved[0]}:README") == "changed"


def test_a_pipe_for_a_rules_file_is_told_not_waited_on(ground: Ground, agent: Agent) -> None:
    os.mkfifo(agent.tree / ".gitattributes")
    look = look_at(ground.repository, agent)
    assert look.dirty is None
    assert look.trouble == f"{agent.tree}/.gitattributes is a pipe, which git would wait on"


def test_strange_things_do_not_stop_a_removal(ground: Ground, agent: Agent) -> None:
    tree = agent.tree
    os.mkfifo(tree / "fifo")
    (tree / "README").unlink()
    os.mkfifo(tree / "README")
    ground.git("init", "-q", tree / "nested")
    (tree / "nested/file").write_text("x\n")
    (tree / "folder1/file1.txt").unlink()
    (tree / "folder1/file1.txt").mkdir()
    (tree / "folder1/file1.txt/deeper").write_text("deeper\n")
    for path in (tree / "folder2").iterdir():
        path.unlink()
    (tree / "folder2").rmdir()
    elsewhere = ground.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file2.txt").write_text("not of this tree\n")
    (tree / "folder2").symlink_to(elsewhere)
    (tree / "kept").write_text("kept\n")
    removal = _remove(ground, agent)
    assert removal.left_out == ("README", "nested/")
    listed = ground.git("ls-tree", "-r", "--name-only", removal.saved[0]).splitlines()
    assert listed == [
        *("README", "folder0/file0.txt", "folder1/file1.txt/deeper", "folder2", "kept"),
    ]
    assert ground.git("show", f"{removal.saved[0]}:folder2") == str(elsewhere)


@pytest.mark.timeout(20)
def test_rules_that_are_pipes_do_not_hold_up_a_removal(ground: Ground, agent: Agent) -> None:
    (agent.tree / "new").mkdir()
    (agent.tree / "new/file").write_text("kept\n")
    for name in (".gitattributes", "new/.gitignore", ".gitmodules"):
        os.mkfifo(agent.tree / name)
    removal = _remove(ground, agent)
    assert removal.left_out == ()
    assert ground.git("show", f"{removal.saved[0]}:new/file") == "kept"


def test_terabytes_of_holes_are_refused_at_once(ground: Ground, agent: Agent) -> None:
    os.truncate(agent.tree / "README", (1 << 40) + (agent.tree / "README").stat().st_size)
    with pytest.raises(Fault) as caught:
        remove_agent(ground.repository, ground.places, agent)
    assert "4 GiB" in caught.value.message
    assert str(agent.tree / "README") in str(caught.value.hint)
    (agent.tree / "README").write_text("read me\n")
    for number in range(3):
        (agent.tree / f"new{number}").touch()
        os.truncate(agent.tree / f"new{number}", 3 << 30)
    with pytest.raises(Fault):
        remove_agent(ground.repository, ground.places, agent)
    assert agent.tree.is_dir()
    assert find_entry(ground.repository, agent.tree) is not None
    (agent.tree / ".gitignore").write_text("new*\n")
    assert _remove(ground, agent).saved


def test_rewritten_and_deleted_work_is_kept(ground: Ground, agent: Agent) -> None:
    old = ground.commit(agent, "x", "x\n")
    import_commits(ground.repository, agent, PACK)
    ground.inside(agent, "commit", "-q", "--amend", "-m", "y")
    new = ground.inside(agent, "rev-parse", "HEAD")
    import_commits(ground.repository, agent, PACK)
    removal = _remove(ground, agent, delete_branch=True)
    place = f"refs/polis/trash/alice-{agent.incarnation}"
    assert removal.branch == ""
    assert {ground.git("rev-parse", ref) for ref in removal.saved} == {old, new}
    assert all(ref.startswith(f"{place}/") for ref in removal.saved)
    refs = ground.git("for-each-ref", "--format=%(refname)").splitlines()
    assert refs == sorted(["refs/heads/main", *removal.saved])


def test_a_tree_that_is_gone_can_be_removed(ground: Ground, agent: Agent) -> None:
    """The user has used git's own removal, or rm."""
    ground.git("worktree", "remove", "-f", "-f", agent.tree)
    look = look_at(ground.repository, agent)
    assert look == Look(
        None, 0, 0, unimported=False, trouble=f"{agent.tree} is no worktree any more"
    )
    assert _remove(ground, agent).branch == "agent/alice"
    assert list_agents(ground.repository, ground.places) == ()


def test_a_lost_registration_loses_no_files(ground: Ground, agent: Agent) -> None:
    (agent.tree / "work").write_text("work\n")
    ground.git("worktree", "unlock", agent.tree)
    (agent.tree / ".git").unlink()
    ground.git("worktree", "prune", "--expire=now")
    removal = _remove(ground, agent)
    assert ground.git("show", f"{removal.saved[0]}:work") == "work"


def test_a_removal_cut_short_is_finished_by_the_next(ground: Ground, agent: Agent) -> None:
    """Killed right after the folder was moved: entry and refs are still there."""
    os.rename(agent.folder, ground.hub / "trash/alice-x")
    other = add_tree(ground.repository, ground.places, "bob")
    assert ground.state() == [
        *("refs/heads/agent/alice", "refs/heads/agent/bob", "refs/heads/main"),
        *("refs/polis/keep/bob/base", str(ground.root), str(other.tree), str(other.folder)),
    ]


@needs_root
def test_what_an_agent_closed_is_deleted(ground: Ground) -> None:
    """As an ordinary user, whom permissions bind."""
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.folder], check=True)

    def work() -> tuple[list[Path], tuple[str, ...]]:
        agent = add_tree(ground.repository, ground.places, "alice")
        closed = agent.tree / "closed"
        (closed / "deep").mkdir(parents=True)
        (closed / "deep/file").write_text("x\n")
        (agent.tree / "secret").write_text("x\n")
        (agent.tree / "secret").chmod(0)
        (agent.home / "shut/in").mkdir(parents=True)
        (agent.home / "shut").chmod(0)
        (closed / "deep").chmod(0o500)
        removal = remove_agent(ground.repository, ground.places, agent)
        deadline = time.monotonic() + 20
        while removal.rest.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return list((ground.hub / "trash").iterdir()), removal.left_out

    assert run_as(ORDINARY, work) == ([], ("secret",))


@pytest.mark.parametrize("ignored", ["", "d/\n"])
def test_a_tree_thousands_of_folders_deep_goes(ground: Ground, agent: Agent, ignored: str) -> None:
    (agent.tree / ".gitignore").write_text(ignored)
    here = os.getcwd()
    os.chdir(agent.tree)
    try:
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
        Path("file").write_text("x\n")
    finally:
        os.chdir(here)
    removal = _remove(ground, agent)
    assert not agent.folder.exists()
    assert (removal.ignored is not None) is bool(ignored)


def test_trash_of_an_earlier_run_goes(ground: Ground, agent: Agent) -> None:
    (ground.hub / "trash/old/deep").mkdir(parents=True)
    empty_trash(ground.hub)
    assert list((ground.hub / "trash").iterdir()) == []


def test_uninstalling_leaves_the_users_repository(ground: Ground, agent: Agent) -> None:
    before = sorted(str(path) for path in ground.root.rglob("*") if ".git" not in path.parts)
    tip = ground.commit(agent, "x", "x\n")
    import_commits(ground.repository, agent, PACK)
    bob = add_tree(ground.repository, ground.places, "bob")
    (bob.tree / "draft").write_text("draft\n")
    carol = add_tree(ground.repository, ground.places, "carol")
    (carol.tree / "thrown").write_text("away\n")
    _remove(ground, carol)
    (ground.hub / "store.db").write_text("the journal")
    done = uninstall(ground.repository, ground.places)
    saved = (
        f"polis-saved/bob-{bob.incarnation}/tree",
        f"polis-saved/carol-{carol.incarnation}/tree",
    )
    assert done == Uninstalled(
        agents=("alice", "bob"),
        branches=("agent/alice", "agent/bob", *saved),
        purged=False,
        journal=ground.hub,
    )
    assert done.describe()["archives"] == 0
    assert ground.git("rev-parse", "agent/alice") == tip
    assert ground.git("show", f"{saved[0]}:draft") == "draft"
    assert ground.git("show", f"{saved[1]}:thrown") == "away"
    assert not (ground.root / ".git/worktrees").exists()
    refs = ground.git("for-each-ref", "--format=%(refname)").splitlines()
    assert all(ref.startswith("refs/heads/") for ref in refs)
    after = sorted(str(path) for path in ground.root.rglob("*") if ".git" not in path.parts)
    assert after == before
    assert sorted(path.name for path in ground.hub.iterdir()) == ["store.db"]
    assert not (ground.root / ".git/polis").exists()
    assert uninstall(ground.repository, ground.places, purge=True).purged
    assert not ground.hub.exists()
    assert uninstall(ground.repository, ground.places) == Uninstalled((), (), False, ground.hub)
    add_tree(ground.repository, ground.places, "dave")


def test_uninstalling_finishes_what_was_half_made(ground: Ground, agent: Agent) -> None:
    half = ground.hub / "agents/half"
    half.mkdir()
    (half / "making.json").write_text('{"name": "agent/half", "fresh": true, "base": "x"')
    assert uninstall(ground.repository, ground.places, purge=True).agents == ("alice",)
    assert not ground.hub.exists()
