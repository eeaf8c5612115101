"""An agent is made whole or not at all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ground import ORDINARY, Ground, run_as
from privilege import needs_root

from cash.faults import Fault
from cash.hub.adoption import adopt
from cash.hub.repository import find_repository
from cash.providers.manifest import ProviderFault
from cash.workspace.agent import Agent, AgentFault, read_record
from cash.workspace.roster import list_agents
from cash.workspace.tree import add_tree


def test_an_agent_made(ground: Ground) -> None:
    main = ground.git("rev-parse", "main")
    agent = add_tree(ground.repository, ground.places, "alice", provider="claude")
    assert agent == Agent(
        name="alice",
        incarnation=agent.incarnation,
        number=1,
        provider="claude",
        branch="agent/alice",
        base=main,
        start="HEAD",
        mode="auto",
        created=agent.created,
        folder=ground.hub / "agents/alice",
    )
    assert list_agents(ground.repository, ground.places) == (agent,)
    assert sorted(path.name for path in agent.folder.iterdir()) == [
        *("agent.json", "git", "gitfile", "home", "imported", "scratch", "volume"),
    ]
    assert ground.state() == [
        *("refs/heads/agent/alice", "refs/heads/main", "refs/polis/keep/alice/base"),
        *(str(ground.root), str(agent.tree)),
        str(agent.folder),
    ]
    # Both gits see the same clean tree.
    for git in (
        lambda *words: ground.git(*words, cwd=agent.tree),
        lambda *w: ground.inside(agent, *w),
    ):
        assert git("status", "--porcelain=v1", "--branch") == "## agent/alice"
        assert git("rev-parse", "HEAD") == main
    assert ground.git("status", "--porcelain") == ""
    assert ground.inside(agent, "fsck", "--strict") == ""


def test_what_git_is_told_inside(ground: Ground) -> None:
    ground.git("config", "core.autocrlf", "input")
    ground.git("config", "core.editor", "evil-editor")
    ground.git("config", "core.sshCommand", "ssh -i ~/.ssh/secret")
    ground.git("config", "credential.helper", "store")
    ground.git("config", "alias.x", "!touch y")
    ground.git("remote", "add", "origin", "https://ada:token@example.org/it.git")
    ground.git("remote", "add", "mine", "ssh://git@example.org/it.git")
    ground.git("config", "user.name", 'Ada "L" \\ Søren')
    agent = add_tree(ground.repository, ground.places, "alice")
    listed = ground.inside(agent, "config", "--local", "--list").splitlines()
    expected = {
        "core.repositoryformatversion=0",
        "core.bare=false",
        "core.logallrefupdates=true",
        'user.name=Ada "L" \\ Søren',
        "user.email=ada@example.org",
        "core.autocrlf=input",
        "core.filemode=true",
        "include.path=/run/polis/door/remotes",
        "remote.hub.url=polis::hub",
        "remote.hub.fetch=+refs/heads/*:refs/remotes/hub/*",
        "checkout.defaultremote=hub",
        "maintenance.auto=false",
        "init.defaultbranch=main",
    }
    if os.geteuid() == 0:
        expected.add("core.checkstat=minimal")
    assert set(listed) == expected
    secrets = b"".join(path.read_bytes() for path in agent.folder.rglob("*") if path.is_file())
    assert b"token" not in secrets
    assert (agent.home / ".gitconfig").read_text() == (
        '[user]\n\tname = "Ada \\"L\\" \\\\ Søren"\n\temail = "ada@example.org"\n'
        '[include]\n\tpath = "/run/polis/door/parts"\n'
    )
    assert sorted(path.name for path in agent.home.iterdir()) == [".config", ".gitconfig"]
    rc = agent.home / ".config/pnpm/rc"
    assert rc.read_text() == f"store-dir={agent.packages}/pnpm\n"


def test_without_a_name_the_agent_signs_for_itself(ground: Ground) -> None:
    (ground.home / ".gitconfig").write_text("")
    agent = add_tree(ground.repository, ground.places, "alice")
    ground.commit(agent, "x", "x\n")
    assert ground.inside(agent, "log", "-1", "--format=%an <%ae>") == "alice <alice@localhost>"


def test_the_refs_an_agent_is_given(ground: Ground) -> None:
    ground.git("tag", "-a", "-m", "one", "v1")
    ground.git("tag", "light")
    ground.git("branch", "feature/x", "main~1")
    ground.git("clone", "-q", "--bare", ground.root, ground.folder / "origin.git")
    ground.git("remote", "add", "origin", str(ground.folder / "origin.git"))
    ground.git("fetch", "-q", "origin")
    ground.git("remote", "set-head", "origin", "main")
    agent = add_tree(ground.repository, ground.places, "alice")
    assert ground.inside(agent, "for-each-ref", "--format=%(refname)").splitlines() == [
        "refs/heads/agent/alice",
        "refs/remotes/hub/feature/x",
        "refs/remotes/hub/main",
        "refs/remotes/origin/HEAD",
        "refs/remotes/origin/feature/x",
        "refs/remotes/origin/main",
        "refs/tags/light",
        "refs/tags/v1",
    ]
    assert ground.inside(agent, "describe", "--always") == "v1"
    ground.inside(agent, "switch", "-q", "feature/x")
    assert ground.inside(agent, "rev-parse", "HEAD") == ground.git("rev-parse", "feature/x")
    assert ground.inside(agent, "rev-parse", "--abbrev-ref", "@{u}") == "hub/feature/x"


def test_what_an_agent_borrows_outlives_a_gc(ground: Ground) -> None:
    """The user deletes a branch and a tag, and collects garbage at once."""
    ground.git("switch", "-q", "-c", "side")
    (ground.root / "side").write_text("side\n")
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "side")
    ground.git("tag", "-a", "-m", "one", "v1")
    ground.git("switch", "-q", "main")
    graph = ground.git("log", "--all", "--topo-order", "--format=%h %s")
    agent = add_tree(ground.repository, ground.places, "alice", start="main~1")
    assert ground.git("log", "--all", "--topo-order", "--format=%h %s") == graph
    ground.git("branch", "-q", "-D", "side")
    ground.git("tag", "-d", "v1")
    ground.git("reflog", "expire", "--expire=now", "HEAD")
    ground.git("reset", "-q", "--hard", "main~1")
    ground.git("reflog", "expire", "--expire=now", "refs/heads/main", "HEAD")
    ground.git("gc", "-q", "--prune=now")
    assert ground.inside(agent, "fsck", "--connectivity-only") == ""
    assert ground.inside(agent, "show", "-s", "--format=%s", "hub/side") == "side"
    assert ground.inside(agent, "cat-file", "-t", "v1") == "tag"


def test_from_and_branch(ground: Ground) -> None:
    ground.git("branch", "feature", "main~1")
    older = ground.git("rev-parse", "main~1")
    agent = add_tree(ground.repository, ground.places, "alice", start="main~1")
    assert (agent.branch, agent.base, agent.start) == ("agent/alice", older, "main~1")
    agent = add_tree(ground.repository, ground.places, "bob", branch="feature")
    assert (agent.branch, agent.base, agent.start) == ("feature", older, "feature")
    assert ground.inside(agent, "status", "--porcelain=v1", "--branch") == "## feature"
    assert ground.git("rev-parse", "feature") == older


def test_head_is_the_users_even_when_detached(ground: Ground) -> None:
    ground.git("switch", "-q", "--detach", "main~1")
    agent = add_tree(ground.repository, ground.places, "alice")
    assert agent.base == ground.git("rev-parse", "main~1")


def _fault(ground: Ground, name: str = "carol", **words: str) -> tuple[str, str, str | None]:
    before = ground.state()
    with pytest.raises((AgentFault, ProviderFault)) as caught:
        add_tree(ground.repository, ground.places, name, **words)  # type: ignore[arg-type]
    assert ground.state() == before
    return caught.value.code, caught.value.message, caught.value.hint


def test_words_that_cannot_be(ground: Ground) -> None:
    add_tree(ground.repository, ground.places, "alice")
    ground.git("branch", "feature")
    assert _fault(ground, "alice") == (
        "AGENT_EXISTS",
        "there is an agent alice already",
        "polis shell alice enters it; polis agents remove alice removes it",
    )
    assert _fault(ground, branch="agent/alice") == (
        "BRANCH_IN_USE",
        "branch agent/alice is in use by agent alice",
        "--from agent/alice starts a new branch there",
    )
    assert _fault(ground, branch="main") == (
        "BRANCH_IN_USE",
        f"branch main is checked out in {ground.root}",
        "--from main starts a new branch there",
    )
    assert _fault(ground, branch="featrue") == (
        "BRANCH_UNKNOWN",
        "there is no branch 'featrue'",
        "did you mean feature?",
    )
    assert _fault(ground, start="nowhere") == (
        "BRANCH_UNKNOWN",
        "'nowhere' names no commit",
        f"git -C {ground.root} log --oneline --all lists them",
    )
    assert _fault(ground, start="--help")[0] == "BRANCH_UNKNOWN"
    assert _fault(ground, start="main:README")[0] == "BRANCH_UNKNOWN"
    assert _fault(ground, branch="feature", start="main")[0] == "BRANCH_EXISTS"
    assert _fault(ground, "No/Name")[0] == "INVALID_NAME"
    assert _fault(ground, provider="nobody")[0] == "AGENT_TYPE_UNAVAILABLE"
    with pytest.raises(AgentFault, match="bob would be agent 2, and the setting max-agents is 1"):
        add_tree(ground.repository, ground.places, "bob", most=1)


def test_a_branch_left_by_an_earlier_agent(ground: Ground) -> None:
    """Without commits of its own it moves along; with them it is not thrown away."""
    ground.git("branch", "agent/alice", "main~1")
    agent = add_tree(ground.repository, ground.places, "alice")
    assert ground.git("rev-parse", "agent/alice") == agent.base == ground.git("rev-parse", "main")
    ground.git("switch", "-q", "-c", "agent/bob")
    ground.git("commit", "-q", "--allow-empty", "-m", "own")
    ground.git("switch", "-q", "main")
    assert _fault(ground, "bob") == (
        "BRANCH_EXISTS",
        "there is a branch agent/bob with commits of its own",
        "--branch agent/bob goes on with it, git branch -D agent/bob drops it",
    )
    assert (
        add_tree(ground.repository, ground.places, "bob", branch="agent/bob").branch == "agent/bob"
    )


def test_a_branch_named_agent_is_in_the_way(ground: Ground) -> None:
    ground.git("branch", "agent")
    assert _fault(ground) == (
        "BRANCH_EXISTS",
        "a branch named agent leaves no room for agent/carol",
        "git branch -m agent something-else, or use --branch",
    )


def test_numbers_are_unique_among_repositories(ground: Ground) -> None:
    ground.git("clone", "-q", ground.root, ground.folder / "second")
    second = find_repository(ground.folder / "second")
    repository, places = ground.repository, ground.places
    start = threading.Barrier(6)

    def add(number: int) -> Agent:
        start.wait()
        return add_tree([repository, second][number % 2], places, f"agent{number}")

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(add, range(6)))
    assert sorted(agent.number for agent in made) == [1, 2, 3, 4, 5, 6]


def test_eight_at_once_of_the_same_name(ground: Ground) -> None:
    repository, places = ground.repository, ground.places

    def add(_number: int) -> str:
        try:
            return add_tree(repository, places, "alice").incarnation
        except AgentFault as fault:
            return fault.code

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(add, range(8)))
    assert told.count("AGENT_EXISTS") == 7
    assert [agent.incarnation for agent in list_agents(repository, places)] == [
        one for one in told if one != "AGENT_EXISTS"
    ]


@needs_root
def test_a_full_disk_leaves_nothing(ground: Ground) -> None:
    adopt(ground.repository, ground.places)
    (ground.root / "big").write_bytes(os.urandom(2 << 20))
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "big")
    before = ground.state()
    agents = ground.hub / "agents"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", agents], check=True)
    try:
        with pytest.raises(Fault) as caught:
            add_tree(ground.repository, ground.places, "alice")
        assert (caught.value.message, caught.value.hint) == (
            "alice cannot be made: unable to write file 'big'",
            f"df -h {agents} shows the space that is left; nothing was changed",
        )
        assert list(agents.iterdir()) == []
        assert ground.state() == before
    finally:
        subprocess.run(["umount", agents], check=True)
    assert add_tree(ground.repository, ground.places, "alice").name == "alice"


_ADD = """
import os, pathlib, sys
from cash.hub.repository import find_repository
from cash.places import find_places
from cash.workspace.tree import add_tree
add_tree(find_repository(pathlib.Path(sys.argv[1])), find_places(os.environ), "alice")
"""


@pytest.mark.parametrize("git_too", [True, False])
@pytest.mark.parametrize("after", [0.0, 0.02, 0.04, 0.06, 0.1, 0.15])
def test_killed_half_way(ground: Ground, after: float, git_too: bool) -> None:
    """kill -9 of polis, with its git or without, at some moment: the next one takes back what
    there was, and not under a git that still writes."""
    for number in range(600):
        (ground.root / f"more{number}").write_text(f"{number}\n")
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "more")
    folder = adopt(ground.repository, ground.places).folder
    before = ground.state()
    process = subprocess.Popen(
        [sys.executable, "-c", _ADD, ground.root], env=ground.environment, process_group=0
    )
    while not any((folder / "agents").iterdir()) and process.poll() is None:
        time.sleep(0.001)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if git_too:
        _kill_git(ground)
    made = list_agents(ground.repository, ground.places)
    with pytest.raises(AgentFault, match="names no commit"):
        add_tree(ground.repository, ground.places, "bob", start="nowhere")
    if made:
        assert made[0].name == "alice"
        assert ground.inside(made[0], "status", "--porcelain") == ""
    else:
        assert ground.state() == before
        agent = add_tree(ground.repository, ground.places, "alice")
        assert ground.inside(agent, "status", "--porcelain") == ""


def _kill_git(ground: Ground) -> None:
    """Every git that polis had started, known by the folder in its command line."""
    needle = os.fsencode(ground.folder)
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if int(place.name) != os.getpid() and needle in (place / "cmdline").read_bytes():
                os.kill(int(place.name), signal.SIGKILL)


def test_a_folder_without_a_record_is_left_alone(ground: Ground) -> None:
    agent = add_tree(ground.repository, ground.places, "alice")
    (agent.tree / "work").write_text("work\n")
    (agent.folder / "agent.json").unlink()
    with pytest.raises(Fault, match=r"is there, but its agent\.json is not"):
        add_tree(ground.repository, ground.places, "alice")
    assert (agent.tree / "work").read_text() == "work\n"


def test_submodules_lfs_and_filters_of_the_user(ground: Ground) -> None:
    """The user's smudge filter makes the files, as in his own checkout."""
    ground.git("config", "filter.up.smudge", "tr a-z A-Z")
    ground.git("config", "filter.up.clean", "tr A-Z a-z")
    (ground.root / ".gitattributes").write_text("*.up filter=up\n")
    (ground.root / "a.up").write_text("LOUD\n")
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "loud")
    agent = add_tree(ground.repository, ground.places, "alice")
    assert (agent.tree / "a.up").read_text() == "LOUD\n"
    assert ground.git("status", "--porcelain", cwd=agent.tree) == ""


def test_hooks_of_the_user_do_not_run(ground: Ground) -> None:
    marker = ground.folder / "ran"
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook = ground.root / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> {marker}\n")
        hook.chmod(0o755)
    agent = add_tree(ground.repository, ground.places, "alice")
    assert not marker.exists()
    assert list((agent.git_directory / "hooks").iterdir()) == []


def test_a_sparse_checkout_is_kept(ground: Ground) -> None:
    ground.git("sparse-checkout", "set", "folder1")
    agent = add_tree(ground.repository, ground.places, "alice")
    there = sorted(path.name for path in agent.tree.iterdir())
    assert there == [".git", "README", "folder1"]
    assert ground.inside(agent, "status", "--porcelain") == ""
    assert ground.inside(agent, "sparse-checkout", "list") == "folder1"


def test_odd_paths_are_fine(ground: Ground, tmp_path: Path) -> None:
    place = tmp_path / 'a "b" #c\tü'
    place.mkdir(mode=0o711)
    other = Ground(place)
    other.home.mkdir()
    os.rename(ground.root, other.root)
    agent = add_tree(other.repository, other.places, "alice")
    assert other.inside(agent, "log", "--format=%s") == "second\nfirst"


@needs_root
def test_an_ordinary_user_makes_his_own(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.folder], check=True)
    agent = run_as(ORDINARY, lambda: add_tree(ground.repository, ground.places, "alice"))
    assert read_record(agent.folder) == agent
    owners = {path.lstat().st_uid for path in ground.folder.rglob("*")}
    assert owners == {ORDINARY}
    assert "checkstat" not in (agent.git_directory / "config").read_text().lower()


@needs_root
def test_root_makes_a_users(ground: Ground) -> None:
    """Everything the agent or the user's git may write belongs to the user."""
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    agent = add_tree(ground.repository, ground.places, "alice")
    mine = [agent.folder, agent.tree, agent.home, agent.scratch, agent.git_directory]
    mine.append(agent.git_file)
    places = [*mine, *(path for place in mine[1:-1] for path in place.rglob("*"))]
    assert {path.lstat().st_uid for path in places} == {ORDINARY}
    assert {path.lstat().st_uid for path in (ground.root / ".git").rglob("*")} == {ORDINARY}
    ground.run(
        *("setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"),
        *("git", "-C", str(agent.tree), "status", "--porcelain"),
        cwd=Path("/"),
    )
