"""What a machine and its users do wrong: one clear line, the right status, nothing half made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from desk import Desk
from installation import Installation


@pytest.mark.parametrize(
    "line",
    [
        "cat <<EOF\nnever ended",
        "echo " + "a" * 100_000,
        "$(" * 200 + "true" + ")" * 200,
    ],
    ids=["here-doc", "long", "deep"],
)
def test_a_line_that_cannot_be_understood_is_never_just_run(desk: Desk, line: str | bytes) -> None:
    ran = desk.line(line)
    assert ran.status == 124
    assert ran.out == ""
    assert ran.err.startswith("polis: asked by ")
    assert len(ran.err.splitlines()) == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("echo 'open", "line 1: unexpected EOF while looking for matching `''"),
        ("if true; then", "line 2: syntax error: unexpected end of file"),
        ("touch ran\n)", "line 2: syntax error near unexpected token `)'"),
        (b"echo \xff\xfe; \xc3(", "line 1: syntax error near unexpected token `newline'"),
        ("echo $((1 +", "line 1: unexpected EOF while looking for matching `)'"),
        ("touch ran; bash -c '(' && true)", "line 1: syntax error near unexpected token `)'"),
    ],
    ids=["quote", "if", "paren", "bytes", "arithmetic", "behind"],
)
def test_a_line_that_bash_cannot_read_is_refused_at_once(
    desk: Desk, line: str | bytes, said: str
) -> None:
    desk.polis("config", "set", "ask-seconds", "100")
    ran = desk.line(line)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"polis: bad syntax, none of it was run: {said}\n"
    assert not (desk.tree / "ran").exists()
    assert desk.polis("approvals", "--json").out == "[]\n"
    refused = desk.log("line")[-1]["body"]
    assert (refused["decision"], refused["approval"]) == ("ask", "refused")


def test_the_strictest_rule_speaks_of_what_else_is_in_it(desk: Desk) -> None:
    ran = desk.line("mkfs.ext4 /dev/x; echo 'open")
    assert ran.status == 126
    assert ran.err.startswith("polis: denied by no-disk-tools: ")


@pytest.mark.parametrize("flag", ["-c", "-lc"])
def test_a_broken_line_of_an_agents_own_program_is_refused_as_well(desk: Desk, flag: str) -> None:
    desk.polis("config", "set", "ask-seconds", "100")
    script = f"import subprocess as s; print(s.run(['bash', {flag!r}, 'touch ran\\n)']).returncode)"
    ran = desk.polis("exec", "alice", "--", "python3", "-c", script)
    assert (ran.status, ran.out) == (0, "2\n")
    assert ran.err == (
        "polis: bad syntax, none of it was run: line 2: syntax error near unexpected token `)'\n"
    )
    assert not (desk.tree / "ran").exists()


def test_a_line_longer_than_a_pipe_is_answered(desk: Desk) -> None:
    # One argument of execve holds 128 kB: longer lines come from the interactive shell only.
    ran = desk.line("true; " * 20_000)
    assert ran.status == 124


def test_a_closed_standard_output_ends_the_command_as_in_bash(desk: Desk) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    running = subprocess.Popen(
        ["polis", "exec", "alice", "--", "sh", "-c", "echo x; echo y; exec yes"],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    running.communicate(timeout=20)
    assert running.returncode in (1, 141)


def test_a_policy_that_does_not_load_leaves_the_last_good_one_in_force(desk: Desk) -> None:
    own = desk.installation.home / ".config/polis/policies/own.yaml"
    own.parent.mkdir(parents=True, exist_ok=True)
    good = (
        "version: 1\nrules:\n  - id: no-factor\n    program: factor\n    decide: deny\n"
        "    reason: We do not factor here.\n"
        "    examples: {deny: [factor 4], pass: [ls]}\n"
    )
    own.write_text(good)
    _until(lambda: desk.line("factor 4").status == 126)
    own.write_text(good.replace("decide: deny", "decide: maybe"))
    time.sleep(1.2)
    assert desk.line("factor 4").status == 126
    (refused,) = desk.log("policy-refused")
    assert "own.yaml:5" in refused["body"]["refused"]
    own.write_text(good.replace("deny", "ask"))
    _until(lambda: desk.line("factor 4").status == 124)


def test_without_any_policy_nothing_runs(desk: Desk) -> None:
    bad = desk.installation.home / ".config/polis/policies/bad.yaml"
    bad.parent.mkdir(parents=True, exist_ok=True)
    bad.write_text("version: 1\nrulez: []\n")
    assert desk.polis("down").status == 0
    ran = desk.line("echo hi")
    assert (ran.status, ran.out) == (125, "")
    assert "no policy is in force" in ran.err
    assert "bad.yaml:2" in ran.err
    adopted = desk.polis("init")
    assert adopted.status == 125
    assert "is adopted, but nothing can run there: no policy is in force" in adopted.err


def test_the_repositorys_rules_only_tighten_until_they_are_trusted(desk: Desk) -> None:
    own = desk.repository / ".polis/policy.yaml"
    own.parent.mkdir()
    own.write_text(
        "version: 1\nrules:\n"
        "  - id: no-factor\n    program: factor\n    decide: deny\n    reason: No.\n"
        "    examples: {deny: [factor 4], pass: [ls]}\n"
        "  - override: discard-changes\n    off: true\n    reason: We discard.\n"
    )
    _until(lambda: desk.line("factor 4").status == 126)
    assert desk.line("git reset --hard -q").status == 124
    assert desk.polis("policy", "trust", str(own)).status == 0
    _until(lambda: desk.line("git reset --hard -q").status == 0)


def test_a_repository_that_is_not_under_polis_is_told(desk: Desk) -> None:
    """Never another one that happens to be there is meant."""
    other = desk.installation.make_repository("other")
    for argv in (
        ("agents", "add", "erin"),
        ("agents", "list"),
        ("uninstall",),
        ("exec", "alice", "--", "true"),
        ("policy", "level", "relaxed"),
    ):
        ran = desk.installation.polis(*argv, cwd=other)
        assert ran.status == 64, argv
        assert f"{other} is in no repository under polis" in ran.err
    assert [agent["name"] for agent in json.loads(desk.polis("agents", "list", "--json").out)] == [
        "alice"
    ]


def test_a_tree_that_was_deleted_is_told(desk: Desk) -> None:
    shutil.rmtree(desk.tree)
    ran = desk.line("ls")
    assert ran.status == 125
    assert f"the tree of alice is gone: {desk.tree}" in ran.err
    assert "hint: polis agents remove alice --force" in ran.err
    ran = desk.polis("agents", "list")
    assert ran.out.splitlines()[1].split()[:2] == ["alice", "error"]
    mends = "polis agents remove alice --force; its commits stay on agent/alice"
    assert ran.out.splitlines()[2:] == [f"alice: its tree is gone: {desk.tree}: {mends}"]
    assert desk.polis("agents", "remove", "alice", "--force").status == 0


@pytest.mark.parametrize("is_up", [True, False])
def test_a_whole_folder_that_was_deleted_is_told_and_forgotten_at_a_word(
    desk: Desk, is_up: bool
) -> None:
    assert desk.line("true").status == 0
    if not is_up:
        assert desk.polis("down").status == 0
    folder = desk.folder_of("alice")
    _rmtree(folder)
    (found,) = json.loads(desk.polis("agents", "list", "--json").out)
    told = (found["name"], found["status"], found["branch"], found["trouble"])
    assert told == ("alice", "error", "agent/alice", f"its folder is gone: {folder}")
    ran = desk.polis("agents", "list")
    command = ran.out.splitlines()[2].removeprefix(f"alice: its folder is gone: {folder}: ")
    mends = command.partition(";")[0].split()
    ran = desk.polis(*mends[1:])
    assert (ran.status, ran.out) == (0, "alice is removed; its commits stay on agent/alice\n")
    assert desk.polis("agents", "list").out == "no agents yet; next: polis agents add alice\n"
    assert str(folder) not in desk.installation.git(desk.repository, "worktree", "list")
    assert desk.polis("agents", "add", "alice").status == 0
    assert desk.line("true").status == 0


def test_the_log_of_nobody_is_told_and_that_of_a_removed_agent_shown(desk: Desk) -> None:
    assert desk.line("true").status == 0
    for more in ((), ("--follow",)):
        ran = desk.polis("log", "--agent", "alise", *more)
        assert (ran.status, ran.out, ran.err) == (
            64,
            "",
            "polis: there is no agent 'alise'\nhint: did you mean alice? known: alice\n",
        )
    assert desk.polis("agents", "remove", "alice", "--force").status == 0
    assert "agent-removed" in desk.polis("log", "--agent", "alice").out


def _rmtree(folder: Path) -> None:
    """While the walls stand a keeper may still be putting things there."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def test_two_first_inits_at_once_are_one(installation: Installation) -> None:
    repository = installation.make_repository()
    both = [
        subprocess.Popen(
            ["polis", "init"],
            cwd=repository,
            env=installation.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    ended = [(one.communicate(timeout=60), one.returncode) for one in both]
    assert [status for _, status in ended] == [0, 0], ended
    assert installation.polis("agents", "add", "alice", cwd=repository).status == 0


def test_without_a_runtime_folder_the_state_serves(installation: Installation) -> None:
    repository = installation.make_repository()
    without = {"XDG_RUNTIME_DIR": ""}
    for argv in (("init",), ("agents", "add", "alice"), ("exec", "alice", "--", "true"), ("down",)):
        ran = installation.polis(*argv, cwd=repository, environment=without)
        assert ran.status == 0, ran.err


def test_a_runtime_folder_that_is_too_long_for_a_socket_is_said(installation: Installation) -> None:
    repository = installation.make_repository()
    long = installation.folder / ("x" * 120)
    long.mkdir()
    ran = installation.polis("init", cwd=repository, environment={"XDG_RUNTIME_DIR": str(long)})
    assert ran.status == 69
    assert "too long for a socket" in ran.err
    assert "hint: set XDG_RUNTIME_DIR" in ran.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_refuses_and_recovers(installation: Installation) -> None:
    repository = installation.make_repository()
    state = installation.folder / "state"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "small", str(state)], check=True)
    try:
        assert installation.polis("init", cwd=repository).status == 0
        assert installation.polis("agents", "add", "alice", cwd=repository).status == 0
        assert installation.polis("exec", "alice", "--", "true", cwd=repository).status == 0
        _fill(state / "ballast")
        refused = installation.polis("shell", "alice", "-c", "rm -rf /", cwd=repository)
        assert refused.status in (125, 126), refused
        bob = installation.polis("agents", "add", "bob", cwd=repository)
        assert bob.status == 125
        assert "space" in bob.err
        (state / "ballast").unlink()
        assert installation.polis("agents", "add", "bob", cwd=repository).status == 0
        assert installation.polis("exec", "alice", "--", "true", cwd=repository).status == 0
        assert installation.polis("log", "verify", cwd=repository).status == 0
        assert installation.polis("down").status == 0
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)
        shutil.rmtree(state)


def _fill(path: Path) -> None:
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass


def _until(holds: object) -> None:
    deadline = time.monotonic() + 15
    assert callable(holds)
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, and needs idmapped mounts")
def test_a_state_on_overlayfs_is_said_with_the_way_out(installation: Installation) -> None:
    """A container's root: overlayfs has no idmapped mounts, which root's agents need."""
    disk = installation.folder / "disk"
    for name in ("lower", "disk"):
        (installation.folder / name).mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "upper", str(disk)], check=True)
    try:
        for name in ("upper", "work", "merged"):
            (disk / name).mkdir()
        options = f"lowerdir={disk.parent}/lower,upperdir={disk}/upper,workdir={disk}/work"
        merged = disk / "merged"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "over", str(merged)], check=True)
        try:
            _walk_on(installation, merged)
        finally:
            subprocess.run(["umount", "-l", str(merged)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _walk_on(installation: Installation, merged: Path) -> None:
    repository = installation.make_repository()
    there = {"XDG_STATE_HOME": str(merged)}
    try:
        for argv in (("init",), ("agents", "add", "alice")):
            assert installation.polis(*argv, cwd=repository, environment=there).status == 0
        ran = installation.polis("exec", "alice", "--", "true", cwd=repository, environment=there)
        assert ran.status == 69
        assert "owners" in ran.err
        assert "hint: keep it on ext4, xfs, btrfs" in ran.err
    finally:
        assert installation.polis("down", environment=there).status == 0
