"""What is killed, at random moments, while agents and a person work on one repository."""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from desk import Desk
from far import Far
from running import kill_pids

# Each says what it has done once that is done: a commit, a pushed ref.
_COMMITS = 'for i in 1 2 3 4 5; do git commit -q --allow-empty -m "$i" && git rev-parse HEAD; done'
_FILES = (
    "echo {n} > f{n}; git add f{n} && git commit -q -m f{n} && git rev-parse HEAD; "
    "echo {n} >> README.md; git stash -q && git stash pop -q; git commit -q -a -m {n} && "
    "git rev-parse HEAD"
)
_INSIDE = (
    _COMMITS,
    _FILES,
    "git push -q origin HEAD:refs/heads/p{n} && echo pushed p{n}; git fetch -q origin",
    "git branch -q b{n}; git branch -q -u origin/main b{n}; git branch -m b{n} c{n}; git tag t{n}",
    "git pack-refs --all; git gc -q; " + _COMMITS,
    "git worktree add -q --detach /tmp/w{n}; git worktree remove /tmp/w{n}; " + _COMMITS,
)
OUTSIDE = (
    ("commit", "-q", "--allow-empty", "-m", "x"),
    ("branch", "-q", "-f", "--track", "k", "origin/main"),
    ("fetch", "-q", "origin"),
    ("stash", "-q"),
    ("gc", "-q"),
)
VICTIMS = ("git", "client", "keeper", "polisd", "keeper and polisd")


@dataclass
class Turns:
    """acknowledged: commits of alice's that somebody was told of. pushed: refs likewise. killed:
    how often what."""

    desk: Desk
    far: Far
    chance: random.Random
    acknowledged: list[str] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)

    def take(self, number: int) -> None:
        """Something is done, something is killed meanwhile; then the next commands work."""
        victim = VICTIMS[number % len(VICTIMS)]
        outside = self.chance.random() < 0.25
        words = self._outside() if outside else self._inside(number)
        process = subprocess.Popen(
            words,
            cwd=self.desk.repository,
            env=self.desk.installation.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(self.chance.uniform(0.0, 0.7))
        done = process.poll() is not None
        self._kill(victim, process)
        out, err = process.communicate(timeout=60)
        self._note(out)
        how = f"{number}: {victim} of {words[-1]!r}, {'after' if done else 'in'} it ({err[-300:]})"
        self._next(how)

    def _inside(self, number: int) -> Sequence[str]:
        line = self.chance.choice(_INSIDE).replace("{n}", str(number))
        return ("polis", "shell", "alice", "-c", line)

    def _outside(self) -> Sequence[str]:
        (self.desk.repository / "README.md").write_text(f"{self.chance.random()}\n")
        return ("polis", "git", *self.chance.choice(OUTSIDE))

    def _note(self, out: str) -> None:
        for line in out.splitlines():
            if line.startswith("pushed "):
                self.pushed.append(line.split()[1])
            elif len(line) == 40:
                self.acknowledged.append(line)

    def _kill(self, victim: str, client: subprocess.Popen[str]) -> None:
        pids: list[int] = []
        with contextlib.suppress(OSError, ValueError):
            match victim:
                case "git":
                    until = time.monotonic() + 0.5
                    while not pids and time.monotonic() < until:
                        pids = self._gits()[:1]
                case "client":
                    pids = [client.pid] if client.poll() is None else []
                case "keeper":
                    pids = self._keepers()
                case "polisd":
                    pids = self.desk.pids("-m cash.daemon")
                case _:
                    pids = [*self.desk.pids("-m cash.daemon"), *self._keepers()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                kill_pids([pid])
        self.killed[victim] += bool(pids)

    def _keepers(self) -> list[int]:
        """Whose walls stand; it may be an earlier polisd's child. Inside, alice's tree is seen."""
        tree = f"{self.desk.folder_of('alice')}/volume "
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with contextlib.suppress(OSError):
                    if b"cash.keeper.zygote" in (process / "cmdline").read_bytes():
                        inner = self.desk.children(int(process.name))
                        mounts = [Path(f"/proc/{pid}/mountinfo").read_text() for pid in inner]
                        found += [int(process.name)] if any(tree in one for one in mounts) else []
        return found

    def _gits(self) -> list[int]:
        """This desk's, in random order."""
        found = [
            pid for pid in self.desk.pids("git") if Path(f"/proc/{pid}/comm").read_text() == "git\n"
        ]
        self.chance.shuffle(found)
        return found

    def _next(self, how: str) -> None:
        """No lock stays, and the next command works: the agent's, and the person's."""
        ran = self.desk.line("git commit -q --allow-empty -m next && git rev-parse HEAD")
        self._note(ran.out)
        if ran.status:
            self._complain(f"{how}: then {ran.status}: {ran.err[-500:]}")
            return
        left = [*self.desk.folder_of("alice").joinpath("git").rglob("*.lock")]
        if left:
            self._complain(f"{how}: left {left}")

    def _complain(self, what: str) -> None:
        print(what, flush=True)
        self.troubles.append(what)
