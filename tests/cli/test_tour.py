"""The tour of make demo: without a terminal it ends well, on its own repository and on yours."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest
from installation import Installation

from cash.faults import Fault

pytestmark = pytest.mark.kernel


def test_the_tour_ends_well_without_a_terminal(installation: Installation) -> None:
    ran = installation.polis("tour", "--folder", str(installation.folder / "demo"), timeout=110)
    assert ran.status == 0, ran.out + ran.err
    assert ran.err == ""
    for shown in (
        "rewrite → pnpm add left-pad",
        "│ 007",
        "│ polis: denied by no-recursive-delete-above: ",
        "$ polis approvals allow q1",
        "exit 124",
        "polis: asked by new-host: no rule names this host",
        "│ the journal is as it was written: ",
    ):
        assert shown in ran.out
    assert not (installation.folder / "state").exists()


def test_your_repository_is_left_as_it_was(installation: Installation) -> None:
    root = installation.make_repository("mine")
    installation.git(root, "branch", "agent/alice")
    demo = str(installation.folder / "demo")
    ran = installation.polis("tour", "--repository", str(root), "--folder", demo, timeout=110)
    assert ran.status == 0, ran.out + ran.err
    assert ran.out.startswith(f"This works on your own repository, {root}: it adds the agents al")
    assert "$ polis agents add alice-2" in ran.out
    assert "$ polis agents add bob\n" in ran.out
    assert installation.git(root, "worktree", "list").count("\n") == 1
    assert installation.git(root, "status", "--porcelain") == ""
    assert installation.git(root, "log", "--oneline", "main").count("\n") == 1
    assert installation.git(root, "for-each-ref", "refs/polis/") == ""
    last = ran.out.splitlines()[-1]
    assert installation.run("sh", "-c", last).status == 0
    branches = installation.git(root, "branch", "--format=%(refname:short)")
    assert branches == "agent/alice\nmain\n"


def test_the_tour_stops_at_what_fails(installation: Installation) -> None:
    root = installation.make_repository("mine")
    installation.git(root, "branch", "agent")
    demo = str(installation.folder / "demo")
    ran = installation.polis("tour", "--repository", str(root), "--folder", demo, timeout=110)
    assert ran.status == 125
    assert ran.err == "polis: the tour stops here: polis agents add alice ended with 64, not 0\n"
    assert "a branch named agent leaves no room for agent/alice" in ran.out
    assert "add bob" not in ran.out
    assert installation.git(root, "branch", "--format=%(refname:short)") == "agent\nmain\n"


def test_agents_that_are_there_are_not_disturbed(installation: Installation) -> None:
    root = installation.make_repository("mine")
    for words in (("init",), ("agents", "add", "alice")):
        assert installation.polis(*words, cwd=root).status == 0
    before = installation.git(root, "for-each-ref")
    demo = str(installation.folder / "demo")
    ran = installation.polis("tour", "--repository", str(root), "--folder", demo)
    assert ran.status == 64
    assert ran.err.startswith(f"polis: {root} has agents already")
    assert installation.git(root, "for-each-ref") == before


def test_a_tour_that_was_killed_is_cleared_up_first(installation: Installation) -> None:
    root = installation.make_repository("mine")
    demo = installation.folder / "demo"
    argv = ("tour", "--repository", str(root), "--folder", str(demo))
    running = subprocess.Popen(
        ["polis", *argv],
        env=installation.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert running.stdout is not None
    while b"agents list" not in running.stdout.readline():
        assert running.poll() is None
    running.kill()
    running.communicate()
    assert installation.git(root, "worktree", "list").count("\n") == 3
    ran = installation.polis(*argv, timeout=110)
    assert ran.status == 0, ran.out + ran.err
    assert f"git -C {root} branch -D agent/alice agent/bob\n" in ran.out
    assert installation.git(root, "worktree", "list").count("\n") == 1


def test_a_folder_that_is_no_repository_is_named(installation: Installation) -> None:
    demo = str(installation.folder / "demo")
    ran = installation.polis("tour", "--repository", str(installation.home), "--folder", demo)
    assert ran.status == 64
    assert ran.err.startswith(f"polis: {installation.home} is no git repository\n")


def test_with_a_terminal_it_ends_in_the_shell_of_alice(installation: Installation) -> None:
    master, terminal = pty.openpty()
    running = subprocess.Popen(
        ["polis", "tour", "--folder", installation.folder / "demo"],
        cwd=installation.home,
        env={**installation.environment, "TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        seen = bytearray()
        _read_until(master, seen, b"Ctrl-D leaves it.*alice")
        os.write(master, b"echo sum=$((20 + 22))\r")
        # Up to the next prompt: before it, Ctrl-D is the line's.
        _read_until(master, seen, b"sum=42.*alice")
        os.write(master, b"\x04")
        _read_until(master, seen, None)
        assert running.wait(30) == 0, seen.decode(errors="replace")
    finally:
        running.terminate()  # its own clean-up stops polisd
        running.wait(30)
        os.close(master)


def _read_until(master: int, seen: bytearray, wanted: bytes | None) -> None:
    """Reads what the terminal shows up to `wanted`, a pattern; None: up to its end."""
    deadline = time.monotonic() + 60
    while wanted is None or not re.search(wanted, seen, re.DOTALL):
        assert time.monotonic() < deadline, seen.decode(errors="replace")[-2000:]
        if not select.select([master], [], [], 0.5)[0]:
            continue
        try:
            seen += os.read(master, 65536)
        except OSError:  # every program has closed the terminal
            assert wanted is None, seen.decode(errors="replace")[-2000:]
            return


def test_what_is_shown_is_what_is_checked(installation: Installation, tmp_path: Path) -> None:
    """A stop that ends otherwise than it should ends the tour."""
    from cash.cli.tour.guide import Guide

    with pytest.raises(Fault, match="the tour stops here: false ended with 1, not 0"):
        Guide(tmp_path, installation.environment).user("false")
