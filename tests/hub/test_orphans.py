"""What killed gits leave: gone with the next holder, and only when it is surely nobody's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ground import Ground

from cash.hub.account import own_account
from cash.hub.levels import EXCLUSIVE, Need, reading, remote, writing
from cash.hub.mutex import hold

_LOCKS = {
    "config.lock": writing("config"),
    "packed-refs.lock": writing("packed"),
    "packed-refs.new": writing("packed"),
    "refs/heads/main.lock": writing("refs/heads/main"),
    "refs/remotes/origin/a/b.lock": writing(remote("origin")),
    "logs/refs/heads/main.lock": writing("refs/heads/main"),
    "logs/refs/tags/v1.lock": EXCLUSIVE,
    "shallow.lock": EXCLUSIVE,
    "gc.pid.lock": EXCLUSIVE,
    "objects/maintenance.lock": EXCLUSIVE,
    "refs/stash.lock": writing("refs/stash"),
}


def _clean(ground: Ground, need: Need, git_directory: Path | None = None) -> tuple[str, ...]:
    with hold(ground.root / ".git", own_account(), need, git_directory=git_directory) as held:
        return held.cleaned


def _leave(ground: Ground, name: str) -> Path:
    path = ground.root / ".git" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute has passed: the change time of a file cannot be set."""
    now = time.time
    monkeypatch.setattr("cash.hub.orphans.time.time", lambda: now() + 60)


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(("name", "need"), _LOCKS.items(), ids=_LOCKS)
def test_who_holds_a_resource_alone_cleans_it(ground: Ground, name: str, need: Need) -> None:
    path = _leave(ground, name)
    assert _clean(ground, reading()) == ()
    assert _clean(ground, writing("refs/heads/quite-another")) == ()
    assert path.exists()
    assert _clean(ground, need) == (name,)
    assert not path.exists()
    assert ground.git("fsck") == ""


@pytest.mark.usefixtures("later")
def test_the_whole_is_cleaned_by_who_holds_the_whole(ground: Ground) -> None:
    names = [*_LOCKS, "index.lock", "HEAD.lock", "logs/HEAD.lock", "info/sparse-checkout.lock"]
    for name in names:
        _leave(ground, name)
    assert sorted(_clean(ground, EXCLUSIVE)) == sorted(names)


@pytest.mark.usefixtures("later")
def test_a_worktrees_own_locks_go_with_who_works_there(ground: Ground) -> None:
    ground.git("worktree", "add", "-q", "--detach", ground.folder / "other")
    private = ground.root / ".git/worktrees/other"
    mine = [_leave(ground, f"worktrees/other/{name}") for name in ("index.lock", "HEAD.lock")]
    theirs = _leave(ground, "index.lock")
    need = writing("refs/heads/main")
    assert len(_clean(ground, need, private)) == 2
    assert not any(path.exists() for path in mine)
    assert theirs.exists()


def test_a_young_one_stays(ground: Ground) -> None:
    path = _leave(ground, "config.lock")
    assert _clean(ground, writing("config")) == ()
    assert path.exists()


@pytest.mark.usefixtures("later")
def test_one_that_somebody_has_open_stays(ground: Ground) -> None:
    path = _leave(ground, "config.lock")
    script = f"exec 5<{path}; echo; read x"
    with _running(["sh", "-c", script]):
        assert _clean(ground, writing("config")) == ()
        assert path.exists()
    assert _clean(ground, writing("config")) == ("config.lock",)


@pytest.mark.usefixtures("later")
def test_one_that_a_living_git_has_closed_stays(ground: Ground) -> None:
    """Between `prepare` and `commit`, git's lock is closed, and all the same its own."""
    head = ground.git("rev-parse", "HEAD")
    words = ["git", "update-ref", "--stdin"]
    with subprocess.Popen(
        words, cwd=ground.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as git:
        assert git.stdin is not None
        assert git.stdout is not None
        git.stdin.write(f"start\nupdate refs/heads/new {head}\nprepare\n")
        git.stdin.flush()
        assert git.stdout.readline() == "start: ok\n"
        assert git.stdout.readline() == "prepare: ok\n"
        path = ground.root / ".git/refs/heads/new.lock"
        assert path.exists()
        assert _clean(ground, writing("refs/heads/new")) == ()
        git.stdin.write("commit\n")
        git.stdin.close()
    assert ground.git("rev-parse", "new") == head
    _leave(ground, "refs/heads/new.lock")
    assert _clean(ground, writing("refs/heads/new")) == ("refs/heads/new.lock",)


@pytest.mark.usefixtures("later")
def test_gits_elsewhere_and_daemons_do_not_keep_it(ground: Ground, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    ground.git("init", "-q", str(elsewhere))
    words = ["git", "cat-file", "--batch"]
    with subprocess.Popen(words, cwd=elsewhere, stdin=subprocess.PIPE) as git:
        path = _leave(ground, "config.lock")
        assert _clean(ground, writing("config")) == ("config.lock",)
        assert not path.exists()
        git.communicate()


@pytest.mark.usefixtures("later")
def test_worktrees_registered_by_half_go(ground: Ground) -> None:
    ground.git("worktree", "add", "-q", "--detach", ground.folder / "whole")
    ground.git("worktree", "add", "-q", "--detach", ground.folder / "half")
    ground.git("worktree", "lock", ground.folder / "whole", "--reason", "mine")
    entries = ground.root / ".git/worktrees"
    (entries / "half/locked").write_text("initializing")
    (entries / "quarter").mkdir()
    (entries / "quarter/HEAD").write_text("0" * 40)
    assert _clean(ground, reading("worktrees")) == ()
    assert set(_clean(ground, writing("worktrees"))) == {"worktrees/half", "worktrees/quarter"}
    assert [entry.name for entry in entries.iterdir()] == ["whole"]
    assert (ground.folder / "half").is_dir()


def test_a_worktree_in_the_making_stays(ground: Ground) -> None:
    entry = ground.root / ".git/worktrees/new"
    entry.mkdir(parents=True)
    assert _clean(ground, writing("worktrees")) == ()
    assert entry.is_dir()


@contextmanager
def _running(argv: list[str]) -> Iterator[None]:
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate()


@pytest.mark.usefixtures("later")
def test_sweeping_at_once_takes_nothing_that_is_new(ground: Ground) -> None:
    """Many sweep, and one makes its lock anew the moment it is gone: that one stays."""
    script = (
        "import sys, time; from pathlib import Path; from cash.hub import orphans;"
        "from cash.hub.levels import *; now = time.time;"
        "orphans.time = type('Later', (), {'time': staticmethod(lambda: now() + 60)});"
        "print(orphans.clean_up(Path(sys.argv[1]), writing('config')))"
    )
    (ground.root / ".git/polis/locks").mkdir(parents=True)
    _leave(ground, "config.lock")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(ground.root / ".git")],
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )
        for _ in range(4)
    ]
    told = sorted(process.communicate(timeout=60)[0].strip() for process in started)
    assert told == ["('config.lock',)", "()", "()", "()"]
