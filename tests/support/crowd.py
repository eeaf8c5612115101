"""Several workers (operations.py) on one repository at once: agents inside their walls, or plain
git in worktrees that share it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import operations
from desk import Desk
from installation import Installation

_PROGRAM = Path(operations.__file__)
# What the operations are that a user is asked about, a person allows here once and for all.
_POLICY = """\
version: 1
rules:
  - {override: change-remotes, off: true, reason: They try it.}
  - {override: drop-stash-or-branch, off: true, reason: They try it.}
"""


@dataclass
class Worker:
    """One of them, and what it has told last. wrong: of all it has done."""

    name: str
    branch: str
    process: subprocess.Popen[str]
    head: str = ""
    made: Mapping[str, str] = field(default_factory=dict)
    pushed: Sequence[str] = ()
    done: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def begin(self, names: Sequence[str]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(names) + "\n")
        self.process.stdin.flush()
        self.done += len(names)

    def finish(self) -> None:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"{self.name} is gone: {self.process.wait(10)}"
        told = json.loads(line)
        self.wrong += [(name, why) for name, why in told["wrong"]]
        self.head, self.made, self.pushed = told["head"], told["made"], told["pushed"]


@dataclass(frozen=True)
class Crowd:
    """hub: the repository they share. far: its remote, which somebody else pushes to as well."""

    installation: Installation
    hub: Path
    far: Path
    workers: tuple[Worker, ...]

    def at_once(self, orders: Mapping[int, Sequence[str]]) -> None:
        """Each of these workers does what it is told; all begin together."""
        for number, names in orders.items():
            self.workers[number].begin(names)
        for number in orders:
            self.workers[number].finish()

    def end(self) -> None:
        """There is no more to do."""
        for one in self.workers:
            assert one.process.stdin
            one.process.stdin.close()
        for one in self.workers:
            assert one.process.wait(60) == 0, one.name

    @property
    def wrong(self) -> list[tuple[str, str, str]]:
        return [(one.name, *pair) for one in self.workers for pair in one.wrong]

    @property
    def done(self) -> int:
        return sum(one.done for one in self.workers)

    def locks(self) -> list[Path]:
        return [*self.hub.joinpath(".git").rglob("*.lock"), *self.far.rglob("*.lock")]


def make_far(installation: Installation, name: str) -> tuple[Path, Path]:
    """A repository with a remote `origin`, which has main and shared: hub, far."""
    far = installation.folder / f"{name}.git"
    hub = installation.make_repository(name, {"f": "f\n"})
    installation.git(hub, "init", "-q", "--bare", str(far))
    installation.git(hub, "remote", "add", "origin", str(far))
    installation.git(hub, "push", "-q", "origin", "main", "main:shared")
    return hub, far


@contextmanager
def plainly(installation: Installation, count: int) -> Iterator[Crowd]:
    """So many, by plain git, each in a worktree of one repository."""
    hub, far = make_far(installation, "plain")
    installation.git(hub, "fetch", "-q", "origin")
    places = {}
    for number in range(count):
        name = f"w{number}"
        places[name] = installation.folder / name
        words = ("worktree", "add", "-q", "--no-track", "-b", f"own/{name}", str(places[name]))
        installation.git(hub, *words)
    argvs = {
        name: ["python3", str(_PROGRAM), name, f"own/{name}", str(installation.folder)]
        for name in places
    }
    with _started(installation, argvs, places, "own") as workers:
        yield Crowd(installation, hub, far, workers)


@contextmanager
def inside(installation: Installation, count: int) -> Iterator[Crowd]:
    """So many agents of one repository, each in its own walls."""
    folder = installation.home / ".config/polis/policies"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(_POLICY)
    hub, far = make_far(installation, "shop")
    desk = Desk(installation, hub)
    names = [f"a{number}" for number in range(count)]
    for words in (("init",), *(("agents", "add", name) for name in names)):
        ran = desk.polis(*words)
        assert ran.status == 0, ran.err
    program = _PROGRAM.read_text()
    argvs = {}
    for name in names:
        argv = ("python3", "-c", program, name, f"agent/{name}", "/tmp")
        argvs[name] = ["polis", "exec", name, "--", *argv]
    with _started(installation, argvs, dict.fromkeys(names, hub), "agent") as workers:
        crowd = Crowd(installation, hub, far, workers)
        crowd.at_once(dict.fromkeys(range(count), ("fetch",)))
        yield crowd


@contextmanager
def _started(
    installation: Installation,
    argvs: Mapping[str, Sequence[str]],
    places: Mapping[str, Path],
    space: str,
) -> Iterator[tuple[Worker, ...]]:
    workers: list[Worker] = []
    try:
        for name, argv in argvs.items():
            process = subprocess.Popen(
                argv,
                cwd=places[name],
                env=installation.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            workers.append(Worker(name, f"{space}/{name}", process))
        yield tuple(workers)
    finally:
        for one in workers:
            one.process.kill()
            with one.process:  # its pipes
                pass
