"""Commits come out of the agent's git directory; nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ground import ORDINARY, Ground
from privilege import needs_root

from cash.hub.importer import (
    ImportReport,
    Refusal,
    Update,
    import_commits,
)
from cash.workspace.agent import Agent
from cash.workspace.roster import is_unimported, look_at
from cash.workspace.tree import add_tree

# Where the walls would be: the same program, started beside them.
PACK = ("git-upload-pack",)


@pytest.fixture
def agent(ground: Ground) -> Agent:
    return add_tree(ground.repository, ground.places, "alice")


def _import(ground: Ground, agent: Agent) -> ImportReport:
    report = import_commits(ground.repository, agent, PACK)
    assert report.seconds > 0
    return replace(report, seconds=0)


def test_a_round_trip(ground: Ground, agent: Agent) -> None:
    assert not is_unimported(agent)
    tip = ground.commit(agent, "new.txt", "new\n")
    (agent.tree / "README").write_text("not committed\n")
    assert is_unimported(agent)
    assert _import(ground, agent) == ImportReport(
        updated=(Update("refs/heads/agent/alice", agent.base, tip),),
        head="refs/heads/agent/alice",
    )
    assert not is_unimported(agent)
    assert (
        ground.git("log", "--format=%an %s", "agent/alice")
        == "Ada write new.txt\nAda second\nAda first"
    )
    # Outside, the user's own git sees the agent's tree: the commit is there, the rest is not.
    assert ground.git("status", "--porcelain=v1", "--branch", cwd=agent.tree) == (
        "## agent/alice\n M README"
    )
    assert ground.git("fsck", "--strict") == ""
    assert _import(ground, agent) == ImportReport(head="refs/heads/agent/alice")


def test_the_users_own_checkout_is_not_touched(ground: Ground, agent: Agent) -> None:
    (ground.root / "README").write_text("mine\n")
    ground.git("add", ".")
    before = ground.git("status", "--porcelain=v2", "--branch"), ground.git("reflog")
    ground.commit(agent, "README", "theirs\n")
    _import(ground, agent)
    assert (ground.git("status", "--porcelain=v2", "--branch"), ground.git("reflog")) == before


def test_changed_removed_and_renamed_files_arrive(ground: Ground, agent: Agent) -> None:
    """What was committed is clean outside, what came after it is not; no file is touched."""
    ground.inside(agent, "rm", "-q", "folder0/file0.txt")
    ground.inside(agent, "mv", "folder1/file1.txt", "moved.txt")
    ground.commit(agent, "README", "committed\n")
    (agent.tree / "README").write_text("and more\n")
    assert _import(ground, agent).refused == ()
    assert ground.git("status", "--porcelain", cwd=agent.tree) == " M README"
    assert (agent.tree / "README").read_text() == "and more\n"


def test_further_branches_go_below_the_agents_name(ground: Ground, agent: Agent) -> None:
    ground.inside(agent, "switch", "-q", "-c", "fix/one")
    tip = ground.commit(agent, "one", "1\n")
    ground.inside(agent, "branch", "nothing-new", agent.base)
    assert _import(ground, agent) == ImportReport(
        updated=(Update("refs/heads/polis/alice/fix/one", "", tip),),
        head="refs/heads/polis/alice/fix/one",
    )
    assert "[polis/alice/fix/one]" in ground.git("worktree", "list")
    assert ground.git("status", "--porcelain", cwd=agent.tree) == ""
    ground.inside(agent, "switch", "-q", "nothing-new")
    assert _import(ground, agent) == ImportReport(head=agent.base)
    ground.inside(agent, "checkout", "-q", "--detach", tip)
    detached = ground.commit(agent, "two", "2\n")
    assert _import(ground, agent) == ImportReport(head=detached)
    assert ground.git("status", "--porcelain", cwd=agent.tree) == ""


def test_a_branch_deleted_inside_stays_outside(ground: Ground, agent: Agent) -> None:
    ground.inside(agent, "switch", "-q", "-c", "side")
    tip = ground.commit(agent, "one", "1\n")
    _import(ground, agent)
    ground.inside(agent, "switch", "-q", "agent/alice")
    ground.inside(agent, "branch", "-q", "-D", "side")
    assert _import(ground, agent).refused == ()
    assert ground.git("rev-parse", "polis/alice/side") == tip


def test_rewritten_history_keeps_the_old_tip(ground: Ground, agent: Agent) -> None:
    old = ground.commit(agent, "one", "1\n")
    _import(ground, agent)
    ground.inside(agent, "commit", "-q", "--amend", "-m", "better")
    new = ground.inside(agent, "rev-parse", "HEAD")
    kept = f"refs/polis/keep/alice/old/{old}"
    assert _import(ground, agent).updated == (Update("refs/heads/agent/alice", old, new, kept),)
    assert ground.git("rev-parse", kept) == old
    assert ground.git("reflog", "--format=%gs", "agent/alice").splitlines()[0] == (
        "polis: import from alice"
    )


def test_a_branch_the_user_has_checked_out_stays(ground: Ground, agent: Agent) -> None:
    ground.inside(agent, "switch", "-q", "-c", "side")
    first = ground.commit(agent, "one", "1\n")
    _import(ground, agent)
    ground.inside(agent, "switch", "-q", "agent/alice")
    _import(ground, agent)
    ground.git("switch", "-q", "polis/alice/side")
    ground.inside(agent, "switch", "-q", "side")
    second = ground.commit(agent, "two", "2\n")
    assert _import(ground, agent) == ImportReport(
        refused=(Refusal("refs/heads/polis/alice/side", f"it is checked out in {ground.root}"),),
        head=second,
    )
    assert ground.git("rev-parse", "polis/alice/side") == first
    assert ground.git("status", "--porcelain") == ""
    assert is_unimported(agent)
    ground.git("switch", "-q", "main")
    assert _import(ground, agent).updated == (Update("refs/heads/polis/alice/side", first, second),)


def test_the_users_git_at_work_is_respected(ground: Ground, agent: Agent) -> None:
    tip = ground.commit(agent, "one", "1\n")
    lock = Path(ground.git("rev-parse", "--absolute-git-dir", cwd=agent.tree)) / "index.lock"
    lock.touch()
    report = _import(ground, agent)
    assert report.updated == (Update("refs/heads/agent/alice", agent.base, tip),)
    assert [refusal.ref for refusal in report.refused] == ["HEAD"]
    assert "index.lock" in report.refused[0].reason
    assert is_unimported(agent)
    lock.unlink()
    assert _import(ground, agent) == ImportReport(head="refs/heads/agent/alice")
    assert ground.git("status", "--porcelain", cwd=agent.tree) == ""


def test_two_descriptors_of_one_that_runs_already(ground: Ground, agent: Agent) -> None:
    tip = ground.commit(agent, "one", "1\n")
    from_hub, to_agent = os.pipe()
    from_agent, to_hub = os.pipe()
    serving = subprocess.Popen(
        [*PACK, agent.git_directory], stdin=from_hub, stdout=to_hub, env=ground.environment
    )
    os.close(from_hub)
    os.close(to_hub)
    report = import_commits(ground.repository, agent, (from_agent, to_agent))
    os.close(from_agent)
    os.close(to_agent)
    assert serving.wait(timeout=10) == 0
    assert report.updated == (Update("refs/heads/agent/alice", agent.base, tip),)


def test_many_commits_arrive_as_a_pack(ground: Ground, agent: Agent) -> None:
    for number in range(5):
        place = agent.tree / f"many{number}"
        place.mkdir()
        for file in range(60):
            (place / f"{file}").write_text(f"{number} {file}\n")
        ground.inside(agent, "add", ".")
        ground.inside(agent, "commit", "-q", "-m", f"{number}")
    assert _import(ground, agent).refused == ()
    assert ground.git("rev-list", "--count", "agent/alice") == "7"
    assert ground.git("fsck", "--strict") == ""


def test_sha256(ground: Ground) -> None:
    ground.git("init", "-q", "--object-format=sha256", ground.folder / "long")
    other = Ground(ground.folder / "long-ground")
    other.folder.mkdir()
    os.rename(ground.folder / "long", other.root)
    (other.root / "a").write_text("a\n")
    ground.git("add", ".", cwd=other.root)
    ground.git("commit", "-q", "-m", "x", cwd=other.root)
    agent = add_tree(other.repository, ground.places, "alice")
    tip = ground.commit(agent, "b", "b\n")
    assert len(tip) == 64
    report = import_commits(other.repository, agent, PACK)
    assert report.updated == (Update("refs/heads/agent/alice", agent.base, tip),)


def test_a_shallow_hub(ground: Ground) -> None:
    place = ground.folder / "shallow"
    ground.git("clone", "-q", "--depth=1", f"file://{ground.root}", place)
    os.rename(ground.root, ground.folder / "full")
    os.rename(place, ground.root)
    agent = add_tree(ground.repository, ground.places, "alice")
    assert ground.inside(agent, "log", "--format=%s") == "second"
    tip = ground.commit(agent, "new", "new\n")
    assert _import(ground, agent).updated == (Update("refs/heads/agent/alice", agent.base, tip),)
    assert ground.git("fsck") == ""


@needs_root
def test_root_imports_into_a_users_repository(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    agent = add_tree(ground.repository, ground.places, "alice")
    command = ("setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups")
    where = {"GIT_DIR": str(agent.git_directory), "GIT_WORK_TREE": str(agent.tree)}
    ground.run(
        *command, "git", "commit", "-q", "--allow-empty", "-m", "x", cwd=agent.tree, more=where
    )
    report = import_commits(ground.repository, agent, PACK)
    assert [update.ref for update in report.updated] == ["refs/heads/agent/alice"]
    owners = {path.lstat().st_uid for path in (ground.root / ".git").rglob("*")}
    owners |= {path.lstat().st_uid for path in agent.tree.rglob("*")}
    assert owners == {ORDINARY}


# What a hostile agent sends. The hub's refs must not move, and the report says why.

_HOSTILE_SERVER = """
import os, sys
tip, *names = sys.argv[1:-1]
def line(text):
    data = text if isinstance(text, bytes) else os.fsencode(text)
    sys.stdout.buffer.write(b"%04x" % (len(data) + 4) + data)
for number, name in enumerate(names):
    line(f"{tip} {name}" + ("\\0 agent=x ofs-delta" if not number else "") + "\\n")
sys.stdout.buffer.write(b"0000")
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
"""


def _refs(ground: Ground) -> str:
    return ground.git(
        "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"
    )


@pytest.mark.parametrize(
    "name",
    [
        *("refs/heads/../../config", "refs/heads/x.lock", "refs/heads/a..b", "refs/heads/.hid"),
        *("refs/heads/a b", "refs/heads/a\x1b[31mb", "refs/heads/@{u}", "refs/heads//x"),
        *("refs/tags/v1", "refs/remotes/origin/main", "refs/polis/keep/bob/base", "HEAD"),
        *("refs/heads", "../HEAD", "/etc/passwd", "--upload-pack=touch x"),
    ],
)
def test_a_ref_name_that_is_a_trap(ground: Ground, agent: Agent, name: str) -> None:
    before = _refs(ground)
    files = sorted(path for path in (ground.root / ".git").rglob("*"))
    tip = ground.git("rev-parse", "main~1")
    server = (sys.executable, "-c", _HOSTILE_SERVER, tip, name)
    started = time.monotonic()
    import_commits(ground.repository, agent, server, seconds=10)
    assert time.monotonic() - started < 9
    assert _refs(ground) == before
    new = {str(path) for path in (ground.root / ".git").rglob("*")} - {str(one) for one in files}
    assert {one for one in new if "/worktrees/" not in one} == set()


def test_a_branch_that_starts_with_a_dash_is_a_name(ground: Ground, agent: Agent) -> None:
    ground.commit(agent, "x", "x\n")
    other = ground.inside(agent, "commit-tree", "-p", agent.base, "-m", "else", "HEAD^{tree}")
    for name in ("-D", "--help", "-x/--upload-pack=true"):
        ground.inside(agent, "update-ref", f"refs/heads/{name}", other)
    report = _import(ground, agent)
    assert report.refused == ()
    assert [update.ref for update in report.updated] == [
        "refs/heads/agent/alice",
        "refs/heads/polis/alice/--help",
        "refs/heads/polis/alice/-D",
        "refs/heads/polis/alice/-x/--upload-pack=true",
    ]


def test_a_branch_that_its_own_one_contains_stays_inside(ground: Ground, agent: Agent) -> None:
    ground.commit(agent, "x", "x\n")
    ground.inside(agent, "branch", "before")
    ground.commit(agent, "y", "y\n")
    assert [update.ref for update in _import(ground, agent).updated] == ["refs/heads/agent/alice"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import sys; sys.stdout.write('hello agents\\n')", "protocol error: bad line length"),
        ("pass", "Could not read from remote repository."),
        ("import os; os.kill(os.getpid(), 9)", "Could not read from remote repository."),
        (
            "import sys\nwhile True: sys.stdout.write('0009hello')",
            "protocol error",
        ),
    ],
)
def test_a_server_that_speaks_nonsense(
    ground: Ground, agent: Agent, script: str, reason: str
) -> None:
    before = _refs(ground)
    report = import_commits(ground.repository, agent, (sys.executable, "-c", script), seconds=20)
    assert report.updated == ()
    assert [refusal.ref for refusal in report.refused][:1] == ["*"]
    assert any(reason in refusal.reason for refusal in report.refused), report
    assert _refs(ground) == before


def test_a_server_that_says_nothing_is_ended(ground: Ground, agent: Agent) -> None:
    silent = (sys.executable, "-c", "import time; time.sleep(600)")
    started = time.monotonic()
    report = import_commits(ground.repository, agent, silent, seconds=1)
    assert report.refused == (Refusal("*", "git fetch took longer than 1 s"),)
    assert time.monotonic() - started < 10


def test_objects_it_does_not_send_are_missed(ground: Ground, agent: Agent) -> None:
    before = _refs(ground)
    server = (sys.executable, "-c", _HOSTILE_SERVER, "1" * 40, "refs/heads/agent/alice")
    report = import_commits(ground.repository, agent, server, seconds=2)
    assert report.refused
    assert _refs(ground) == before


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("commit", "tree {tree}\nparent {base}\nauthor x\ncommitter x\n\nbad\n", "missingEmail"),
        ("tree", b"40000 .git\0{raw}", "hasDotgit"),
        ("tree", b"40000 ..\0{raw}", "hasDotdot"),
    ],
)
def test_malformed_objects_are_refused(
    ground: Ground, agent: Agent, kind: str, content: str | bytes, reason: str
) -> None:
    before = _refs(ground)
    tree = ground.inside(agent, "rev-parse", "HEAD^{tree}")
    place = ground.folder / "object"
    if isinstance(content, str):
        place.write_text(content.format(tree=tree, base=agent.base))
    else:
        place.write_bytes(content.replace(b"{raw}", bytes.fromhex(tree)))
    made = ground.inside(agent, "hash-object", "-t", kind, "-w", "--literally", place)
    if kind == "tree":
        made = ground.inside(agent, "commit-tree", "-p", agent.base, "-m", "x", made)
    ground.inside(agent, "update-ref", "refs/heads/agent/alice", made)
    report = _import(ground, agent)
    assert report.updated == ()
    assert any(reason in refusal.reason for refusal in report.refused), report
    assert _refs(ground) == before


def test_a_flood_of_branches_stops(ground: Ground, agent: Agent) -> None:
    ground.commit(agent, "x", "x\n")
    tree = ground.inside(agent, "rev-parse", "HEAD^{tree}")
    commits = [ground.inside(agent, "commit-tree", "-m", f"{number}", tree) for number in range(3)]
    lines = [f"{commits[number % 3]} refs/heads/b{number:04}\n" for number in range(700)]
    packed = agent.git_directory / "packed-refs"
    packed.write_text(packed.read_text().replace(" sorted ", " ") + "".join(lines))
    report = _import(ground, agent)
    assert report.updated[0].ref == "refs/heads/agent/alice"
    assert len(report.updated) == 201
    assert report.refused == (
        Refusal(
            "refs/heads/polis/alice/*",
            "500 branches: more than 200 beside its own stay inside",
        ),
    )


def test_the_look_outside_follows(ground: Ground, agent: Agent) -> None:
    look = look_at(ground.repository, agent)
    assert (look.dirty, look.ahead, look.behind, look.unimported) == (False, 0, 0, False)
    ground.commit(agent, "x", "x\n")
    _import(ground, agent)
    (agent.tree / "new").touch()
    look = look_at(ground.repository, agent)
    assert (look.dirty, look.ahead, look.behind, look.unimported) == (True, 1, 0, False)
