"""The whole way with real walls: git inside, commits outside, nothing else between."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ground import ORDINARY, Ground, run_as
from privilege import needs_root

from cash.hub.importer import ImportReport, import_commits
from cash.keeper.forking import Zygote
from cash.keeper.link import Ended, Failed, KeeperLink, Kept, LetGo, Message, Ready
from cash.workspace.agent import Agent
from cash.workspace.roster import look_at
from cash.workspace.sight import view_of
from cash.workspace.tree import add_tree

pytestmark = pytest.mark.kernel


# The venv's may lie below a home that an ordinary user cannot enter.
_PYTHON = "/usr/bin/python3"


class Walls:
    """One agent's standing walls."""

    def __init__(self, ground: Ground, agent: Agent, link: KeeperLink) -> None:
        self.ground, self.agent, self._link = ground, agent, link
        self._count = 0

    def run(self, line: str, fine: int = 0) -> str:
        """A line of sh inside; what it wrote."""
        reader, writer = os.pipe()
        self.start([b"/bin/sh", b"-c", os.fsencode(line)], {1: writer, 2: writer})
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            out = pipe.read().decode(errors="replace")
        ended = self.wait()
        assert ended.status == fine, (line, ended, out)
        return out.rstrip("\n")

    def start(self, argv: list[bytes], descriptors: dict[int, int]) -> None:
        self._count += 1
        ours, theirs = socket.socketpair()
        self._client = ours
        with theirs:
            self._link.run(
                f"run-{self._count}",
                argv,
                [b"LC_ALL=C"],
                b"",
                theirs.fileno(),
                descriptors,
                judged="errand",  # nobody judges here
            )

    def wait(self) -> Ended:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            select.select([self._link], [], [], 0.1)
            for message in _heard(self._link):
                match message:
                    case Ended():
                        self._link.acknowledge(message.id)
                        self._client.close()
                        return message
                    case Failed():
                        raise AssertionError(message)
        raise AssertionError("no end came")

    def bring(self) -> ImportReport:
        """An import whose upload-pack runs inside."""
        from_hub, to_agent = os.pipe()
        from_agent, to_hub = os.pipe()
        words = [b"git-upload-pack", os.fsencode(self.agent.git_directory)]
        self.start(words, {0: from_hub, 1: to_hub})
        os.close(from_hub)
        os.close(to_hub)
        report = import_commits(
            self.ground.repository, self.agent, (from_agent, to_agent), seconds=20
        )
        os.close(from_agent)
        os.close(to_agent)
        self.wait()
        return report


@contextlib.contextmanager
def _standing(ground: Ground, agent: Agent) -> Iterator[Walls]:
    view = view_of(agent, ground.repository, os.environ["PATH"])
    zygote = Zygote(python=_PYTHON)
    zygote.start()
    try:
        link = zygote.spawn(view, ground.folder / f"k{agent.number}")
        try:
            _await_ready(link)
            yield Walls(ground, agent, link)
        finally:
            with contextlib.suppress(OSError):
                link.stop()
            _await_close(link)
            link.close()
    finally:
        zygote.stop()


def _heard(link: KeeperLink) -> list[Message]:
    """What a keeper says; what it leaves to the next one is let go of."""
    found: list[Message] = []
    for message in link.receive():
        if isinstance(message, Kept):
            for descriptor in message.descriptors:
                os.close(descriptor)
        elif not isinstance(message, LetGo):
            found.append(message)
    return found


def _await_ready(link: KeeperLink) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        select.select([link], [], [], 0.1)
        for message in _heard(link):
            assert isinstance(message, Ready), message
            return
    raise AssertionError("the walls do not stand")


def _await_close(link: KeeperLink) -> None:
    deadline = time.monotonic() + 30
    while link.fileno() >= 0 and time.monotonic() < deadline:
        select.select([link], [], [], 0.1)
        for message in _heard(link):
            if isinstance(message, Ended):
                link.acknowledge(message.id)


def _owners_git(ground: Ground, place: Path, *words: str) -> str:
    """git as the repository's owner: anybody else's calls the ownership dubious."""
    owner = ground.repository.owner
    become = ("setpriv", f"--reuid={owner.uid}", f"--regid={owner.gid}", "--clear-groups")
    return ground.run(*(become if owner.foreign else ()), "git", *words, cwd=place)


def _work(ground: Ground) -> tuple[str, ...]:
    """An agent's day; what came of it."""
    agent = add_tree(ground.repository, ground.places, "alice")
    with _standing(ground, agent) as walls:
        first = walls.run("git status --porcelain --branch")
        walls.run("echo hi > hi.txt && git add . && git commit -q -m hi")
        walls.run("git stash list; git branch side; echo more >> hi.txt")
        refused = walls.run("rm -rf .git; mv .git x; ls -d .git", fine=0)
        report = walls.bring()
        status = _owners_git(ground, agent.tree, "status", "--porcelain", "--branch")
        look = look_at(ground.repository, agent)
    return (
        first,
        "busy" if "busy" in refused else refused,
        ",".join(update.ref for update in report.updated),
        ",".join(refusal.reason for refusal in report.refused),
        _owners_git(ground, ground.root, "log", "-1", "--format=%an %s", "agent/alice"),
        status,
        f"{look.dirty} {look.ahead}",
    )


_DONE = (
    "## agent/alice",
    "busy",
    "refs/heads/agent/alice",
    "",
    "Ada hi",
    "## agent/alice\n M hi.txt",
    "True 1",
)


@needs_root
def test_as_root_commits_come_out(ground: Ground) -> None:
    assert _work(ground) == _DONE
    owners = {path.lstat().st_uid for path in ground.folder.rglob("*")}
    assert owners == {0}


@needs_root
def test_as_an_ordinary_user_commits_come_out(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.folder], check=True)
    assert run_as(ORDINARY, lambda: _work(ground)) == _DONE


@needs_root
def test_root_for_a_users_repository(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    assert _work(ground) == tuple(word.replace("Ada", "alice") for word in _DONE)
    assert {path.lstat().st_uid for path in (ground.root / ".git").rglob("*")} == {ORDINARY}


def _other_repository(ground: Ground, agent: Agent) -> Path:
    """Another repository of the user's, with a secret."""
    place = ground.folder / "private"
    ground.git("init", "-q", place)
    (place / "secret").write_text("secret\n")
    ground.git("add", ".", cwd=place)
    ground.git("commit", "-q", "-m", "secret", cwd=place)
    return place


def test_alternates_that_point_elsewhere_bring_nothing(ground: Ground) -> None:
    """The agent knows the id of a commit of another repository, and claims to have it."""
    agent = add_tree(ground.repository, ground.places, "alice")
    place = _other_repository(ground, agent)
    secret = ground.git("rev-parse", "HEAD", cwd=place)
    with _standing(ground, agent) as walls:
        walls.run("echo hi > hi && git add . && git commit -q -m hi")
        walls.run(f"echo {place}/.git/objects >> {agent.git_directory}/objects/info/alternates")
        walls.run(f"echo {secret} > {agent.git_directory}/refs/heads/agent/alice")
        report = walls.bring()
    assert report.updated == ()
    assert ground.repository.git.try_run("cat-file", "-e", secret)[0] != 0
    # Without walls the same upload-pack would have brought it: the walls are what holds.
    report = import_commits(ground.repository, agent, ("git-upload-pack",))
    assert [update.new for update in report.updated] == [secret]


def _plant_packing(agent: Agent) -> str:
    """Settings that make git-upload-pack itself run programs of the agent's."""
    return (
        f"git config --global uploadpack.packObjectsHook {agent.tree}/evil;"
        f"git config core.alternateRefsCommand {agent.tree}/evil;"
        f"git config core.fsmonitor {agent.tree}/evil"
    )


def _plant_program(agent: Agent) -> str:
    """A git-upload-pack of the agent's own, first in its PATH where that can be had."""
    return f"mkdir -p ~/.local/bin; cp {agent.tree}/evil ~/.local/bin/git-upload-pack"


@pytest.mark.parametrize("plant", [_plant_packing, _plant_program])
def test_what_it_plants_runs_inside_only(ground: Ground, plant: Callable[[Agent], str]) -> None:
    """The program tells where it is by what it can touch."""
    agent = add_tree(ground.repository, ground.places, "alice")
    outside = ground.folder / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    with _standing(ground, agent) as walls:
        (agent.tree / "evil").write_text(f'#!/bin/sh\ntouch {outside}/ran\nexec "$@"\n')
        (agent.tree / "evil").chmod(0o755)
        walls.run("git add . && git commit -q -m evil")
        walls.run(plant(agent))
        walls.bring()
        look_at(ground.repository, agent)
    assert list(outside.iterdir()) == []
    subprocess.run([agent.tree / "evil"], check=True)
    assert [path.name for path in outside.iterdir()] == ["ran"]


def test_another_agents_tree_is_not_there(ground: Ground) -> None:
    alice = add_tree(ground.repository, ground.places, "alice")
    bob = add_tree(ground.repository, ground.places, "bob")
    with _standing(ground, alice) as walls:
        told = walls.run(f"ls {bob.folder} {bob.git_directory} {ground.root}/README", fine=2)
        assert told.count("No such file or directory") == 3
        assert walls.run("git log --oneline hub/main | wc -l") == "2"
        told = walls.run(f"touch {ground.root}/.git/objects/x", fine=1)
        assert "Read-only file system" in told or "Permission denied" in told
