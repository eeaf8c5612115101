"""polis git: git as typed, one at a time with those that would collide."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from installation import Installation

from cash.hub.adoption import adopt
from cash.hub.repository import find_repository
from cash.places import find_places


@pytest.fixture
def shop(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository that polis has adopted, without a daemon."""
    folder = installation.make_repository()
    for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, installation.environment[name])
    adopt(find_repository(folder), find_places(os.environ))
    yield folder
    assert not list((folder / ".git").rglob("*.lock"))
    assert not (installation.folder / "run/polis/polisd.sock").exists()


def test_it_is_git_as_typed(installation: Installation, shop: Path) -> None:
    for words in (
        ["status", "--porcelain"],
        ["log", "--format=%s"],
        ["branch", "x"],
        ["branch", "-m", "x", "y"],
        ["branch", "x", "nowhere"],
        ["frobnicate"],
        ["checkout", "nowhere"],
        ["--version"],
        ["-C", "..", "status"],
        [],
    ):
        plain = installation.run("git", *words, cwd=shop)
        if words[:1] == ["branch"] and plain.status == 0:
            back = ["branch", "-m", "y", "x"] if "-m" in words else ["branch", "-D", "x"]
            installation.git(shop, *back)
        assert installation.polis("git", *words, cwd=shop) == plain, words
    assert installation.git(shop, "branch").split() == ["*", "main", "y"]


def test_what_git_reads_and_prints_is_bytes(installation: Installation, shop: Path) -> None:
    words = ("git", "hash-object", "--stdin")
    ran = installation.polis(*words, cwd=shop, input=b"\xff\x00")
    assert ran == installation.run(*words, cwd=shop, input=b"\xff\x00")
    ran = installation.polis("git", "tag", b"b\xc3\xa4", cwd=shop)
    assert ran.status == 0
    assert installation.git(shop, "tag", "-l") == "bä\n"


def test_descriptors_of_the_caller_reach_git(installation: Installation, shop: Path) -> None:
    line = "polis git diff --no-index <(echo a) <(echo b); polis git update-ref --stdin 3<&0 <&3"
    ran = installation.run("bash", "-c", line, cwd=shop, input=b"create refs/tags/t HEAD\n")
    assert "-a\n+b\n" in ran.out or "pipe:" in ran.out
    assert installation.git(shop, "tag") == "t\n"


def test_elsewhere_git_is_just_git(installation: Installation) -> None:
    folder = installation.make_repository("plain")
    assert installation.polis("git", "branch", "x", cwd=folder).status == 0
    assert not (folder / ".git/polis").exists()
    assert installation.polis("git", "clone", "-q", folder.as_posix(), "copy").status == 0
    assert installation.polis("git", "status", cwd=Path("/")).status == 128


def test_its_help_is_ours_and_an_operations_is_gits(installation: Installation) -> None:
    assert "one at a time with all others" in installation.polis("git", "--help").out
    assert installation.polis("git", "branch", "-h").err.startswith("usage: git branch")


_HOLDING = """
import sys, time
from pathlib import Path
from cash.hub.account import own_account
from cash.hub.holders import this_process
from cash.hub.levels import *
from cash.hub.mutex import hold
who = this_process("bob", "git gc")
with hold(Path(sys.argv[1]), own_account(), EXCLUSIVE, who):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def bob(shop: Path) -> Iterator[subprocess.Popen[str]]:
    """Somebody who holds the whole."""
    argv = [sys.executable, "-c", _HOLDING, str(shop / ".git")]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_what_takes_too_long_says_who_is_in_the_way(
    installation: Installation, shop: Path, bob: subprocess.Popen[str]
) -> None:
    assert installation.polis("git", "status", "-s", cwd=shop).status == 0
    began = time.monotonic()
    ran = installation.polis("git", "branch", "x", cwd=shop)
    assert (ran.status, ran.out) == (125, "")
    assert re.fullmatch(
        rf"polis: repo is held by bob \(git gc, process {bob.pid}\) since [\d:]+, for \d+ s;"
        r" waited 5 s\nhint: wait until that has ended, and do it again\n",
        ran.err,
    ), ran.err
    assert 4.9 < time.monotonic() - began < 20
    assert installation.git(shop, "branch").split() == ["*", "main"]


@pytest.mark.alone
def test_a_hooks_own_git_works_under_the_same(installation: Installation, shop: Path) -> None:
    hook = shop / ".git/hooks/post-commit"
    hook.write_text("#!/bin/sh\npolis git branch -q --track from-hook main && polis git gc -q\n")
    hook.chmod(0o755)
    began = time.monotonic()
    ran = installation.polis("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=shop)
    assert (ran.status, ran.err) == (0, "")
    assert time.monotonic() - began < 4.9
    assert "from-hook" in installation.git(shop, "branch")


def test_nothing_is_collected_in_the_background(installation: Installation, shop: Path) -> None:
    asked = "!git config gc.auto; git config core.packedRefsTimeout; env | grep -c ^POLIS_GIT_MUTEX"
    installation.git(shop, "config", "alias.asked", asked)
    assert installation.polis("git", "asked", cwd=shop).out.split() == ["0", "5000", "1"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_git(installation: Installation, shop: Path, number: int) -> None:
    pid_file = shop / "pid"
    installation.git(shop, "config", "alias.wait", f"!echo $PPID >{pid_file}; exec sleep 60")
    process = subprocess.Popen(
        ["polis", "git", "wait"], cwd=shop, env=installation.environment, start_new_session=True
    )
    try:
        _wait_for(pid_file)
        process.send_signal(number)
        assert process.wait(10) == -number
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert installation.polis("git", "branch", "x", cwd=shop).status == 0


def test_a_killed_git_is_told_apart(installation: Installation, shop: Path) -> None:
    editor = {"GIT_EDITOR": "kill -KILL $PPID; sleep 1; true"}
    line = 'polis git commit --allow-empty -q; echo "ended $?"'
    ran = installation.run("bash", "-c", line, cwd=shop, environment=editor)
    assert "ended 137" in ran.out
    for lock in (shop / ".git").rglob("*.lock"):
        lock.unlink()


def test_ctrl_c_and_ctrl_z_are_gits(installation: Installation, shop: Path) -> None:
    """At a terminal, in a shell with job control."""
    installation.git(shop, "config", "core.editor", "sh -c 'echo EDITING; sleep 60'")
    shell = pexpect.spawn(
        "bash",
        ["--norc", "-i"],
        cwd=str(shop),
        env={**installation.environment, "PS1": "READY\\$ ", "TERM": "dumb"},  # type: ignore[arg-type]
        encoding="utf-8",
        timeout=20,
    )
    shell.expect("READY. ")
    shell.sendline("polis git commit --allow-empty")
    shell.expect("EDITING\r")
    shell.sendcontrol("z")
    shell.expect("Stopped")
    shell.expect("READY. ")
    shell.sendline("fg")
    time.sleep(0.5)
    shell.sendcontrol("c")
    shell.expect("READY. ")
    shell.sendline("echo status $?; [ -t 0 ] && polis git branch x && echo made")
    shell.expect(r"status (\d+)\r")
    assert shell.match is not None
    assert shell.match[1] in ("130", "1", "128")
    shell.expect("made")
    shell.close(force=True)


def test_what_a_killed_git_left_goes_with_a_word(installation: Installation, shop: Path) -> None:
    for name in ("config.lock", "index.lock"):
        lock = shop / ".git" / name
        lock.touch()
    old = time.time() - 60
    os.utime(shop / ".git/config.lock", (old, old))
    ran = installation.polis("git", "config", "a.b", "c", cwd=shop)
    assert ran.status != 0
    time.sleep(10.5)  # the change time cannot be set
    ran = installation.polis("git", "config", "a.b", "c", cwd=shop)
    gone = "was left by a git that was killed: it is gone"
    assert (ran.status, ran.err) == (0, f"polis: config.lock {gone}\npolis: index.lock {gone}\n")
    (shop / ".git/index.lock").touch()
    assert installation.polis("git", "add", ".", cwd=shop).status == 128
    time.sleep(10.5)
    ran = installation.polis("git", "add", ".", cwd=shop)
    assert (ran.status, ran.err) == (0, f"polis: index.lock {gone}\n")


def test_each_worktree_takes_its_own_stash(installation: Installation, shop: Path) -> None:
    other = shop.parent / "other"
    installation.git(shop, "worktree", "add", "-q", "-b", "other", str(other))
    for tree in (shop, other):
        (tree / "README.md").write_text(f"of {tree.name}\n")
        assert installation.polis("git", "stash", "-q", cwd=tree).status == 0
    assert installation.polis("git", "stash", "pop", "-q", cwd=shop).status == 0
    assert (shop / "README.md").read_text() == "of shop\n"
    assert installation.polis("git", "stash", "pop", "-q", cwd=other).status == 0
    assert (other / "README.md").read_text() == "of other\n"
    assert installation.polis("git", "stash", "pop", cwd=other).status == 1
    # What was not made through polis is git's own business.
    installation.git(shop, "stash", "-q")
    assert installation.polis("git", "stash", "pop", "-q", cwd=other).status == 1
    installation.git(other, "checkout", "-q", "README.md")
    assert installation.polis("git", "stash", "pop", "-q", cwd=other).status == 0
    assert (other / "README.md").read_text() == "of shop\n"


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 20
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)


_SHELLS = {
    "bash": ["bash", "--norc", "-c"],
    "zsh": ["zsh", "-f", "-c"],
    "fish": ["fish", "--no-config", "-c"],
}


@pytest.mark.parametrize("shell", _SHELLS)
def test_a_shell_runs_git_under_the_mutex(
    installation: Installation, shop: Path, shell: str
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    source = (
        "polis hook shell fish | source"
        if shell == "fish"
        else f'eval "$(polis hook shell {shell})"'
    )
    line = (
        f"{source}; git branch x; git branch -m x y; git log --format=%s; git -c a.b=c config a.b"
    )
    (shop / ".git/polis/locks").rename(shop / ".git/polis/earlier")
    ran = installation.run(*_SHELLS[shell], line, cwd=shop)
    assert (ran.status, ran.out, ran.err) == (0, "Begin\nc\n", "")
    assert (shop / ".git/polis/locks/config").exists()
    assert installation.git(shop, "branch").split() == ["*", "main", "y"]
    # Without polis it is git.
    alone = f"{source}; PATH=/usr/bin:/bin; git branch -m y z"
    if shell != "fish":
        assert installation.run(*_SHELLS[shell], alone, cwd=shop).status == 0


def test_doctor_says_whether_a_shells_git_waits(installation: Installation, shop: Path) -> None:
    asked = "polis doctor --json | jq -r '.[] | select(.name == \"your own git\") | .holds, .mend'"
    ran = installation.run("bash", "-c", asked, cwd=shop)
    assert ran.out == "false\npolis hook shell bash --help shows the line; or type polis git\n"
    line = f'eval "$(polis hook shell bash)"; {asked}'
    assert installation.run("bash", "-c", line, cwd=shop).out == "true\n\n"
    stale = {"POLIS_SHELL_HOOK": "1"}
    assert installation.run("bash", "-c", asked, cwd=shop, environment=stale).out.startswith(
        "false"
    )
