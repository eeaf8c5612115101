"""Standing walls around a small repository, and commands run in them as polisd runs them."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cash
from cash import wire
from cash.content import content_folder
from cash.keeper.forking import Zygote
from cash.keeper.link import (
    Asked,
    Ended,
    Estate,
    ExecVerdict,
    Failed,
    Gone,
    KeeperLink,
    Kept,
    LetGo,
    Message,
    Ready,
    Seen,
    Snapshot,
    Wrote,
)
from cash.policy.context import Context
from cash.policy.policy import Policy
from cash.policy.verdict import Level
from cash.walls.view import FIRST_DEDICATED_ID, View

ORDINARY = 54321  # a uid nobody has: an ordinary user without a passwd entry
PATIENCE = 90.0
# What each kind of walls needs: dedicated = root's repository, owner = an ordinary user's
# repository under a root polisd, rootless = everything as that user.
KINDS = ("dedicated", "owner", "rootless") if os.geteuid() == 0 else ("rootless",)


@dataclass(frozen=True)
class Result:
    """What a client of `polis exec` would have seen."""

    status: int
    out: str
    err: str
    frames: tuple[bytes, ...]
    ended: Ended


def let_pass(_question: dict[str, Any]) -> ExecVerdict:
    """A polisd that allows whatever it is asked."""
    return ExecVerdict("allow")


@dataclass
class Walled:
    """A view with its zygote and its keeper's link. folder holds all of it on disk."""

    kind: str
    folder: Path
    view: View
    zygote: Zygote
    address: Path
    link: KeeperLink
    ready: Ready
    others: list[Message] = field(default_factory=list)
    count: int = 0
    judge: Callable[[dict[str, Any]], ExecVerdict | None] = field(default=let_pass)
    may_write: bool = False
    judge_writes: bool = True
    asked: list[dict[str, Any]] = field(default_factory=list)
    news: list[Asked | Seen | Wrote] = field(default_factory=list)
    estate: Estate = field(default_factory=Estate)
    over: bool = False
    player: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.player = threading.Thread(target=self.play, daemon=True)
        self.player.start()

    def run(
        self,
        *argv: str | bytes,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        cwd: str | bytes = b"",
    ) -> Result:
        """Runs a command to its end."""
        out, err = os.memfd_create("out"), os.memfd_create("err")
        into = os.memfd_create("in")
        os.write(into, stdin)
        os.lseek(into, 0, os.SEEK_SET)
        try:
            client = self.start(
                *argv, descriptors={0: into, 1: out, 2: err}, environment=environment, cwd=cwd
            )
            frames = self.finish(client)
            status = int(frames[-1][1])
            texts = [_content(descriptor) for descriptor in (out, err)]
            notes = b"".join(payload for kind, payload in frames if kind == wire.TEXT)
        finally:
            for descriptor in (into, out, err):
                os.close(descriptor)
        ended = self.ended(f"run-{self.count}")
        kinds = tuple(kind for kind, _ in frames)
        return Result(status, texts[0], texts[1] + notes.decode(), kinds, ended)

    def sh(self, line: str, **more: bytes) -> Result:
        """Runs a line of bash."""
        return self.run("bash", "-c", line, **more)  # type: ignore[arg-type]

    def python(self, text: str) -> Result:
        """Runs a Python program with ctypes at hand."""
        return self.run("/usr/bin/python3", "-I", "-S", "-c", text)

    def start(
        self,
        *argv: str | bytes,
        descriptors: Mapping[int, int],
        environment: Mapping[str, str] | None = None,
        cwd: str | bytes = b"",
        terminals: str = "000",
        rows: int = 24,
        columns: int = 80,
    ) -> socket.socket:
        """Starts a command; the client's end of its connection."""
        self.count += 1
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        with theirs:
            self.link.run(
                f"run-{self.count}",
                [os.fsencode(word) for word in argv],
                [os.fsencode(f"{k}={v}") for k, v in (environment or {}).items()],
                os.fsencode(cwd),
                theirs.fileno(),
                descriptors,
                terminals=terminals,
                rows=rows,
                columns=columns,
                report=b"report \xff of %d" % self.count,
            )
        return ours

    def finish(self, client: socket.socket) -> list[tuple[bytes, bytes]]:
        """Every frame up to EXIT; closes the connection."""
        frames: list[tuple[bytes, bytes]] = []
        with client:
            while not frames or frames[-1][0] != wire.EXIT:
                kind, payload, descriptors = wire.receive_frame(client, 1)
                frames.append((kind, payload))
                for descriptor in descriptors:
                    os.close(descriptor)
        return frames

    def play(self) -> None:
        """Plays polisd, in a thread of its own, so that a test may wait for anything: takes what
        the keeper says; what it asks is answered by `judge`, or not yet."""
        while not self.over:
            link = self.link
            with contextlib.suppress(OSError, ValueError):  # closed, or another one by now
                if link.fileno() < 0:
                    time.sleep(0.005)
                elif select.select([link], [], [], 0.05)[0] and link is self.link:
                    self._take(link)
                self._bury()

    def _bury(self) -> None:
        """What a keeper that was killed had started, has ended."""
        for pid, end in self.zygote.orphans():
            id = self.estate.note_end(pid, end)
            if id is not None:
                with contextlib.suppress(OSError):  # the next keeper hears it from the estate
                    self.link.tell_end(id, end)

    def succeed(self, snapshot: Snapshot | None = None) -> Ready:
        """Another keeper, once this one is heard to be gone."""
        self.hear(lambda found: isinstance(found, Gone))
        policy = snapshot or anything_goes(self.view)
        self.link = self.zygote.succeed(self.view, self.address, self.estate, policy)
        ready = self.hear(lambda found: isinstance(found, Ready))
        assert isinstance(ready, Ready)
        self.ready = ready
        return ready

    def _take(self, link: KeeperLink) -> None:
        for message in link.receive():
            if isinstance(message, Asked) and "faces" in message.question:
                self.asked.append(message.question)
                verdict = self.judge(message.question)
                if verdict is not None:
                    with contextlib.suppress(OSError):  # its keeper may have been killed
                        link.settle(message.question["number"], verdict)
            elif isinstance(message, Asked) and "write" in message.question:
                self.asked.append(message.question)
                if self.judge_writes:
                    with contextlib.suppress(OSError):
                        link.settle_write(message.question["number"], allowed=self.may_write)
            elif isinstance(message, Asked | Seen | Wrote):
                self.news.append(message)
            elif isinstance(message, Kept):
                self.estate.keep(message)
            elif isinstance(message, LetGo):
                self.estate.let_go(message.what, message.id)
            else:
                if isinstance(message, Ended):
                    self.estate.forget(message.id)
                self.others.append(message)

    def ended(self, number: str) -> Ended:
        """Waits for the end of a command and acknowledges it."""
        message = self.hear(lambda found: isinstance(found, Ended) and found.id == number)
        assert isinstance(message, Ended)
        self.link.acknowledge(number)
        return message

    def hear(self, wanted: object) -> Message:
        """Waits for a message for which `wanted` holds; others are kept in `others`."""
        assert callable(wanted)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for message in list(self.others):
                if wanted(message):
                    self.others.remove(message)
                    return message
            if self.over and self.link.fileno() >= 0:
                self._take(self.link)
            time.sleep(0.002)
        raise AssertionError(f"not heard; others: {self.others}")

    def stop(self) -> None:
        """Ends the walls and waits until their keeper has gone."""
        with contextlib.suppress(OSError):  # it may have gone already
            self.link.stop()
        deadline = time.monotonic() + PATIENCE
        while self.link.fileno() >= 0 and time.monotonic() < deadline:
            if self.over:
                self._take(self.link)
            for message in list(self.others):
                if isinstance(message, Ended):
                    with contextlib.suppress(OSError):
                        self.link.acknowledge(message.id)
            time.sleep(0.002)
        self.over = True
        self.player.join()
        self.link.close()
        self.estate.close()
        wait_gone(self.ready.keeper)


def is_alive(pid: int) -> bool:
    """Whether a process exists that is not just waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def count_open(pid: int) -> int:
    """How many descriptors a process has: those too of one that hides from its own user (on
    kernels before 6.2, none of anybody's)."""
    return os.stat(f"/proc/{pid}/fd").st_size


def wait_gone(pid: int) -> None:
    """Waits until a process has ended."""
    deadline = time.monotonic() + PATIENCE
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.005)


def lay_ground(kind: str, folder: Path) -> View:
    """A hub with a commit, an agent's tree and git directory over it, and the rest of a view."""
    uid = 0 if kind == "dedicated" else ORDINARY if os.geteuid() == 0 else os.getuid()
    gid = 0 if kind == "dedicated" else ORDINARY if os.geteuid() == 0 else os.getgid()
    shown = ("volume/tree", "volume/packages", "home", "scratch", "user", "user/.ssh")
    for name in ("hub", *shown, "saved"):
        (folder / name).mkdir(parents=True)
    (folder / "user/.ssh/id_ed25519").write_text("a private key\n")
    (folder / "volume/packages/kept").write_text("")
    (folder / "user/notes.txt").write_text("private notes\n")
    hub, tree, git = folder / "hub", folder / "volume/tree", folder / "git"
    (hub / "README").write_text("read me\n")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    _git(hub, "init", "-q", "-b", "main")
    _git(hub, "add", ".")
    _git(hub, *identity, "commit", "-q", "-m", "first")
    _git(folder, "clone", "-q", "--shared", "--no-checkout", str(hub), str(folder / "clone"))
    (folder / "clone/.git").rename(git)
    (folder / "clone").rmdir()
    (folder / "git-file").write_text(f"gitdir: {git}\n")
    (tree / ".git").write_text("gitdir: /nowhere\n")
    _git(tree, f"--git-dir={git}", f"--work-tree={tree}", "checkout", "-q", "-b", "agent/alice")
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, gid, follow_symlinks=False)
    return View(
        agent="alice",
        tree=tree,
        packages=folder / "volume/packages",
        git_directory=git,
        git_file=folder / "git-file",
        hub_objects=hub / ".git/objects",
        home=folder / "home",
        home_inside=folder / "user",
        scratch=folder / "scratch",
        path="/usr/local/bin:/usr/bin:/bin",
        owner=(uid, gid),
        ids=(uid or FIRST_DEDICATED_ID + 7, gid or FIRST_DEDICATED_ID + 7),
        mode="rootless" if kind == "rootless" else "full",
        environment=(("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")),
        saved=folder / "saved",
        saved_each=64 << 20,
        saved_total=256 << 20,
    )


def make_zygote(kind: str, folder: Path) -> Zygote:
    """A zygote as the user that polisd would be."""
    if kind != "rootless" or os.geteuid() != 0:
        return Zygote()
    # The checkout and the venv may lie where an ordinary user cannot go: take a copy along.
    package = folder / "package"
    source = Path(cash.__file__).parent
    shutil.copytree(source, package / "cash", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(content_folder("hooks"), package / "hooks")
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    become = f"setpriv --reuid={ORDINARY} --regid={ORDINARY} --clear-groups"
    wrapper = folder / "python"
    wrapper.write_text(f'#!/bin/sh\nexec {become} {python} "$@"\n')
    wrapper.chmod(0o755)
    return Zygote(python=str(wrapper), package=package)


def stand_up(kind: str, *, debug: bool = False) -> Walled:
    """Walls of this kind in a folder of their own; stop() them, then tear_down()."""
    folder = Path(tempfile.mkdtemp(prefix=f"{kind[0]}"))
    folder.chmod(0o755)
    view = replace(lay_ground(kind, folder), debug=debug)
    runtime = folder / "run"
    (runtime / "keepers").mkdir(parents=True)
    os.chown(runtime / "keepers", *view.owner)
    zygote = make_zygote(kind, folder)
    zygote.start()
    return spawn(kind, folder, view, zygote)


def anything_goes(view: View) -> Snapshot:
    """No rule at all: what is tried are the walls."""
    context = Context(
        agent=view.agent,
        level=Level.RELAXED,
        tree=str(view.tree),
        home=str(view.home_inside),
        enforced=True,
    )
    return Snapshot(Policy(()), context)


def spawn(
    kind: str, folder: Path, view: View, zygote: Zygote, snapshot: Snapshot | None = None
) -> Walled:
    """Walls for a view; AssertionError with the keeper's words when they cannot be."""
    address = folder / "run/keepers/a.sock"
    link = zygote.spawn(view, address)
    link.enforce(snapshot or anything_goes(view))
    walled = Walled(kind, folder, view, zygote, address, link, Ready())
    first = walled.hear(lambda found: isinstance(found, Ready | Failed))
    assert isinstance(first, Ready), first
    walled.ready = first
    return walled


def tear_down(walled: Walled) -> None:
    """Stops everything and removes the folder."""
    walled.stop()
    walled.zygote.stop()
    shutil.rmtree(walled.folder)


def _content(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode(errors="replace")


def _git(cwd: Path, *words: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *words], cwd=cwd, env=environment, check=True, capture_output=True)
