"""Ten gits at once, each in a worktree of its own: what fails by plain git does not under the
mutex. Both are run here, one after the other."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import racing_git
from installation import Installation

from cash.hub.adoption import adopt
from cash.hub.orphans import _SECONDS
from cash.hub.repository import find_repository
from cash.places import find_places

_MANY = 10
_SECONDS_EACH = 2.0
# Until all of them are there.
_START = 2.0
_OPERATIONS = (
    *("branch -m", "branch -u", "branch --track", "branch -D", "remote add", "remote remove"),
    *("fetch", "stash", "worktree"),
)
# Plain git adds and removes worktrees at once without failing on most machines.
_FAILING = {*_OPERATIONS} - {"worktree"}


@dataclass(frozen=True)
class Yard:
    """A hub with ten worktrees, and a remote that moves."""

    installation: Installation
    hub: Path
    remote: Path

    def tree(self, number: int) -> Path:
        return self.hub.parent / f"w{number}"

    def race(self, kind: str, operation: str) -> tuple[int, int, str]:
        """How often it went well, how often not, and what was said, of all together. kind: plain
        or mutex."""
        for number in range(_MANY):
            self._ready(number)
        until = time.time() + _START + _SECONDS_EACH
        started = [
            subprocess.Popen(
                [sys.executable, racing_git.__file__, kind, str(number), str(until), operation],
                cwd=self.tree(number),
                env=self.installation.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(_MANY)
        ]
        with self._moving("fetch" in operation, until):
            told = [process.communicate(timeout=100) for process in started]
        counts = [tuple(map(int, out.split())) for out, _ in told]
        said = "".join(err for _, err in told)
        return sum(good for good, _ in counts), sum(bad for _, bad in counts), said

    def _ready(self, number: int) -> None:
        """What earlier races have made is gone."""
        shutil.rmtree(self.hub.parent / f"x{number}", ignore_errors=True)
        self.installation.git(self.hub, "worktree", "prune")
        names = self.installation.git(self.hub, "branch", "--format=%(refname:short)").split()
        made = [name for name in names if name.startswith((f"b{number}.", f"c{number}.", "t"))]
        if made:
            self.installation.git(self.hub, "branch", "-q", "-D", *made)
        for name in self.installation.git(self.hub, "remote").split():
            if name != "origin":
                self.installation.git(self.hub, "remote", "remove", name)
        self.installation.git(self.tree(number), "reset", "-q", "--hard")

    def _moving(self, moves: bool, until: float) -> subprocess.Popen[bytes]:
        """The remote, which others push to all the time."""
        line = 'while [ "$(date +%s)" -lt "$until" ]; do git commit -q --allow-empty -m x; done'
        return subprocess.Popen(
            ["sh", "-c", line if moves else ":"],
            cwd=self.remote,
            env=self.installation.environment | {"until": str(int(until))},
        )


@pytest.fixture
def yard(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, installation.environment[name])
    remote = installation.make_repository("remote", {"f": "f\n"})
    hub = installation.folder / "hub"
    installation.git(installation.folder, "clone", "-q", str(remote), str(hub))
    made = Yard(installation, hub, remote)
    for number in range(_MANY):
        words = ("worktree", "add", "-q", "--no-track", "-b", f"w{number}")
        installation.git(hub, *words, str(made.tree(number)))
    adopt(find_repository(hub), find_places(os.environ))
    yield made
    # A branch of which only the refs were moved has no config; nothing else is out of order.
    installation.git(hub, "fsck", "--connectivity-only")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_what_fails_plainly_does_not_under_the_mutex(yard: Yard, operation: str) -> None:
    plain_good, plain_bad, _ = yard.race("plain", operation)
    for stale in (yard.hub / ".git").rglob("*.lock"):
        stale.unlink()
    good, bad, said = yard.race("mutex", operation)
    print(f"{operation}: plain {plain_bad}/{plain_good + plain_bad}, polis {bad}/{good + bad}")
    assert bad == 0, said[-2000:]
    assert "Update of config-file failed" not in said
    assert good >= _MANY
    if operation in _FAILING:
        assert plain_bad > 0
    assert not list((yard.hub / ".git").rglob("*.lock"))


_TOGETHER = (
    *("commit", "branch -D", "branch -m", "remote remove", "fetch", "worktree", "stash", "gc"),
    *("branch -u", "commit"),
)


@pytest.mark.timeout(240)
def test_different_things_at_once_do_not_fail_either(yard: Yard) -> None:
    """Everybody something else, and one collects garbage."""
    good, bad, said = yard.race("mutex", ",".join(_TOGETHER))
    print(f"all together: {bad}/{good + bad}")
    assert bad == 0, said[-2000:]


_KILLED = {
    "commit": ["commit", "-q", "--allow-empty", "-m", "x"],
    "config": ["config", "a.b", "c"],
    "branch": ["branch", "-q", "-f", "--track", "k", "origin/main"],
    "worktree": ["worktree", "add", "-q", "--detach", "-f", "../killed"],
    "gc": ["gc", "-q"],
    "pack-refs": ["pack-refs", "--all"],
    "stash": ["stash", "-q"],
}


@pytest.mark.timeout(280)
def test_killed_gits_leave_no_lock_that_stays(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """git, or polis git and all below it, killed at random moments; then each works again."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    left = 0
    tree = yard.tree(0)
    for turn in range(84):
        name = [*_KILLED][turn % len(_KILLED)]
        (tree / "f").write_text(f"{turn}\n")
        argv = ["polis", "git", *_KILLED[name]] if turn % 2 else ["git", *_KILLED[name]]
        process = subprocess.Popen(
            argv,
            cwd=tree,
            env=yard.installation.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(random.uniform(0.0, 0.16 if turn % 2 else 0.02))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        subprocess.run(["rm", "-rf", yard.hub.parent / "killed"], check=True)
        left += bool(list((yard.hub / ".git").rglob("*.lock")))
    time.sleep(_SECONDS + 0.5)
    said = yard.installation.polis("git", "gc", "-q", cwd=tree)
    assert said.status == 0, said.err
    assert not list((yard.hub / ".git").rglob("*.lock"))
    for name, words in _KILLED.items():
        (tree / "f").write_text(f"{name}\n")
        ran = yard.installation.polis("git", *words, cwd=tree)
        assert ran.status == 0, f"{name}: {ran.err}"
    print(f"{left} of 84 turns found a lock that a killed git had left")
    assert not list((yard.hub / ".git").rglob("*.lock"))
    listed = yard.installation.git(yard.hub, "worktree", "list", "--porcelain")
    assert "initializing" not in listed
