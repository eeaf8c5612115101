"""Writes of what somebody else holds, by whatever program, refused or told of by a real polisd and
its keepers."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from desk import Desk, make_desk
from holding import locking
from installation import Installation
from office import wait_until

pytestmark = pytest.mark.kernel

_SRC = ("reserve", "src/**", "--agent", "bob", "--why", "I move it all")


@pytest.fixture
def desk(installation: Installation) -> Desk:
    """Where bob has reserved what is below src, and alice has two files there."""
    made = make_desk(installation)
    assert made.polis("agents", "add", "bob").status == 0
    (made.tree / "src").mkdir()
    for name in ("src/a", "src/b", "README.md"):
        (made.tree / name).write_text("before\n")
    os.system(f"chown -R --reference={made.tree} {made.tree}/src {made.tree}/README.md")
    ran = made.polis(*_SRC)
    assert ran.status == 0, ran.err
    return made


_WRITES = {
    "redirect": "echo x > src/a",
    "append": "echo x >> src/a",
    "a new file": "echo x > src/new",
    "python": 'python3 -c \'open("src/a", "w")\'',
    "in place": "sed -i s/b/x/ src/a",
    "remove": "rm src/a",
    "recursively": "rm -rf src",
    "move away": "mv src/a a",
    "move onto": "mv README.md src/a",
    "move the folder": "mv src other",
    "a new folder": "mkdir src/new",
    "mode": "chmod 600 src/a",
    "link": "ln src/a other",
    "through a link": "ln -s src link && echo x > link/a",
    "truncate": "truncate -s 0 src/a",
}


def test_no_other_agent_writes_what_is_reserved(desk: Desk) -> None:
    for name, line in _WRITES.items():
        ran = desk.line(f"{line}; true")
        assert ran.status == 0, name
        first, second, *_ = ran.err.splitlines()
        assert first.startswith("polis: src"), (name, ran.err)
        assert "is held by bob since " in first
        assert first.endswith(", with src/**: I move it all")
        assert second == "hint: work on something else, or ask: polis appeal 'WHY YOU NEED IT'"
        assert "busy" in ran.err, (name, ran.err)
    assert (desk.tree / "src/a").read_text() == "before\n"
    assert sorted(path.name for path in (desk.tree / "src").iterdir()) == ["a", "b"]
    told = [one["body"] for one in desk.log("lock-clash")]
    assert {(one["holder"], one["done"]) for one in told} == {("bob", "refused")}
    assert {"src/a", "src/new"} <= {one["path"] for one in told}


def test_the_holder_and_all_else_go_on(desk: Desk) -> None:
    assert desk.line("echo x > README.md; cat src/a; mkdir -p src; touch /tmp/src").err == ""
    ran = desk.polis("shell", "bob", "-c", "mkdir -p src && echo mine > src/a && rm src/a")
    assert (ran.status, ran.err) == (0, "")
    assert desk.polis("release", "src/**", "--agent", "bob").status == 0
    assert desk.line("echo after > src/a").err == ""
    assert (desk.tree / "src/a").read_text() == "after\n"


def test_a_git_that_moves_the_tree_takes_no_path_locks(desk: Desk) -> None:
    desk.polis("release", "--all", "--agent", "bob")
    desk.line("git add . && git commit -qm src && git checkout -qb other HEAD~1")
    assert desk.polis(*_SRC).status == 0
    ran = desk.line("git checkout -q agent/alice && cat src/a && git stash list")
    assert (ran.status, ran.out, ran.err) == (0, "before\n", "")


def test_a_reservation_is_in_force_at_once_where_a_command_runs(desk: Desk) -> None:
    desk.polis("release", "--all", "--agent", "bob")
    line = "echo a > src/a; touch ready; while [ ! -e go ]; do sleep 0.05; done; echo b > src/b"
    running = subprocess.Popen(
        ["polis", "shell", "alice", "-c", line],
        cwd=desk.repository,
        env=desk.installation.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until((desk.tree / "ready").exists, "it runs")
    assert desk.polis(*_SRC).status == 0
    (desk.tree / "go").touch()
    _, err = running.communicate(timeout=30)
    assert "src/b is held by bob" in err
    assert (desk.tree / "src/b").read_text() == "before\n"


def test_reservations_bind_while_polisd_is_away_and_over_its_death(desk: Desk) -> None:
    """Of what is running: nothing new can be started without polisd."""
    line = "touch ready; while [ ! -e go ]; do sleep 0.05; done; echo b > src/b"
    running = subprocess.Popen(
        ["polis", "shell", "alice", "-c", line],
        cwd=desk.repository,
        env=desk.installation.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until((desk.tree / "ready").exists, "it runs")
    (polisd,) = desk.pids("-m cash.daemon")
    os.kill(polisd, signal.SIGKILL)
    wait_until(lambda: not desk.pids("-m cash.daemon"), "it has ended")
    (desk.tree / "go").touch()
    _, err = running.communicate(timeout=30)
    assert "src/b is held by bob" in err
    assert "is held by bob" in desk.line("echo x > src/a").err
    assert [one["body"]["path"] for one in desk.log("lock-clash")] == ["src/b", "src/a"]


def test_reservations_bind_after_a_keeper_was_killed(desk: Desk) -> None:
    desk.line("true")
    os.kill(desk.keeper, signal.SIGKILL)
    assert "is held by bob" in desk.line("echo x > src/a").err


def test_a_lock_of_a_tool_binds_as_well(desk: Desk) -> None:
    with locking(desk.installation, desk.repository, "README.md", agent="bob"):
        ran = desk.line("echo x > README.md")
        assert "README.md is held by bob" in ran.err
        assert "hint: it is being written just now; try again in a moment" in ran.err
    assert desk.line("echo x > README.md").err == ""


def _say(desk: Desk, clash: str, paths: str) -> None:
    folder = desk.installation.home / ".config/polis/policies"
    folder.mkdir(parents=True, exist_ok=True)
    entry = f"version: 1\nlocks:\n  - {{paths: {paths}, clash: {clash}}}\n"
    (folder / f"{clash}.yaml").write_text(entry)
    ran = desk.polis("policy", "list")
    assert ran.status == 0, ran.err


def test_policy_says_per_glob_what_a_clash_does(desk: Desk) -> None:
    desk.line("true")
    _say(desk, "warn", "src/a")
    _say(desk, "ignore", "src/b")
    time.sleep(1.5)
    ran = desk.line("echo a > src/a; echo b > src/b")
    assert (ran.status, ran.err) == (0, "")
    (told,) = desk.log("lock-clash")
    assert (told["body"]["path"], told["body"]["done"]) == ("src/a", "warned")
    assert "is held by bob" in desk.line("echo x > src/c").err


def test_a_rule_can_ask_whether_somebody_else_holds_it(desk: Desk) -> None:
    folder = desk.repository / ".polis"
    folder.mkdir()
    (folder / "policy.yaml").write_text(
        """\
version: 1
locks: [{paths: "src/**", clash: lock}]
rules:
  - id: not-while-held
    program: formatter
    while: {locked_by_other: true}
    decide: deny
    reason: Somebody is at it.
    examples: {pass: [formatter src/a]}
  - id: not-written-while-held
    on: write
    path: docs/**
    while: {locked_by_other: true}
    decide: deny
    reason: Somebody is at it.
    examples: {pass: [echo x > docs/a]}
"""
    )
    explain = ("policy", "explain", "--agent", "alice", "formatter src/a")
    deadline = time.monotonic() + 20  # until it is in force
    while not (said := desk.polis(*explain).out).startswith("deny"):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    assert desk.polis("policy", "explain", "--agent", "alice", "formatter src").out.startswith(
        "deny"
    )
    assert not desk.polis("policy", "explain", "--agent", "alice", "formatter b").out.startswith(
        "deny"
    )
    assert not desk.polis("policy", "explain", "--agent", "bob", "formatter src/a").out.startswith(
        "deny"
    )
    assert desk.line("mkdir docs && echo x > docs/a").status == 0
    assert desk.polis("reserve", "docs/**", "--agent", "bob").status == 0
    _say(desk, "ignore", "docs/**")
    deadline = time.monotonic() + 20  # until it is in force
    while "PermissionError" not in (ran := desk.line('python3 -c \'open("docs/a", "w")\'')).err:
        assert time.monotonic() < deadline, ran.err
        time.sleep(0.2)
