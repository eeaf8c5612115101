"""Agents' programs in their windows: started, stopped, paused, ended, taken up by another polisd.
The program is a small one of the tests' own that says what it was told (echoing.py); tmux is the
real one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import office as offices
import pytest
from installation import Installation
from office import Office, make_office, wait_until

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(bool(offices.reason_to_skip()), reason="tmux is not installed"),
]


def test_a_task_is_begun_at_once_logged_and_shown(office: Office) -> None:
    began = time.monotonic()
    said = office.told("agents", "run", "alice", "fix the login bug")
    assert time.monotonic() - began < 10
    assert said == "alice is at work; polis agents watch alice\n"
    wait_until(lambda: "task: fix the login bug" in office.logs(), "the task")
    (task,) = office.log("task")
    assert task["body"] == {"text": "fix the login bug", "bytes": 17, "batch": None}
    (line,) = office.log("line")  # started as any command is: judged and journaled
    assert line["body"]["argv"][1:] == ["fix the login bug"]
    assert line["body"]["decision"] == "allow"
    wait_until(lambda: office.status() == "running", "its state")


def test_the_output_is_kept_without_secrets_also_of_one_that_has_ended(office: Office) -> None:
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    office.begin()
    office.told("agents", "prompt", "alice", f"spam 60 {secret}"[:8])
    assert office.logs().splitlines()[-2] == "line 59"
    assert len(office.logs().splitlines()) <= 50
    assert office.logs("alice", "-n", "3").splitlines()[:2] == ["line 58", "line 59"]
    office.told("agents", "prompt", "alice", f"remember {secret}")
    assert "[redacted:github-token]" in office.logs()
    office.told("agents", "stop", "alice")
    ended = office.polis("agents", "logs", "alice", "-n", "500")
    assert "line 0" in ended.out
    assert "[redacted:github-token]" in ended.out
    assert ended.err == "polis: alice has ended: stopped\n"
    assert "\x1b[?2004h" in office.logs("alice", "--raw", "-n", "500")
    for path in office.state.glob("agents/alice/*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_a_program_that_dies_in_mid_call_is_told_with_its_end(office: Office) -> None:
    office.begin()
    office.told("agents", "prompt", "alice", "die")
    wait_until(lambda: office.log("session-ended"), "the end")
    body = office.log("session-ended")[0]["body"]
    assert (body["status"], body["reason"]) == (137, "its program ended with 137")
    assert office.polis("agents", "logs", "alice").err.endswith("its program ended with 137\n")
    office.begin()  # and can be started again


def test_what_a_program_leaves_running_is_ended(office: Office) -> None:
    office.begin()
    office.told("agents", "prompt", "alice", "leave")
    wait_until(lambda: office.log("session-ended"), "the end")
    wait_until(lambda: not office.pids("echoing"), "the end of what it left", 8)
    assert office.polis("agents", "wait", "alice", "--timeout", "5").status == 0


def test_a_program_that_cannot_start_says_why(office: Office) -> None:
    (office.repository / ".polis/policies").mkdir(parents=True)
    (office.repository / ".polis/policies/own.yaml").write_text(
        "version: 1\nrules:\n  - id: not-this\n    on: exec\n    program: echoing\n"
        "    decide: deny\n    reason: It echoes.\n    examples: {deny: [echoing]}\n"
    )
    time.sleep(1)
    ran = office.polis("agents", "start", "alice")
    assert ran.status == 125
    assert "alice did not start: denied by not-this: It echoes." in ran.err
    assert office.status() != "running"


def test_a_machine_without_a_tmux_that_will_do_says_what_to_install(
    installation: Installation,
) -> None:
    folder = installation.folder / "old"
    folder.mkdir()
    (folder / "tmux").write_text("#!/bin/sh\necho tmux 2.9a\n")
    (folder / "tmux").chmod(0o755)
    path = {"PATH": f"{folder}:{installation.environment['PATH']}"}
    assert installation.polis("up", environment=path).status == 0
    office = make_office(installation)
    ran = office.polis("agents", "start", "alice")
    assert ran.status == 69
    assert ran.err.splitlines() == [
        f"polis: {folder}/tmux is 2.9a; 3.2 or newer is needed",
        "hint: apt-get install -y tmux",
    ]
    assert office.status() != "running"
    said = office.polis("doctor", environment=path).out
    assert f"--   tmux: {folder}/tmux is 2.9a" in said
    assert "yes  tmux: " in office.polis("doctor").out


def test_stop_asks_first_and_takes_the_walls_down(office: Office) -> None:
    office.begin()
    assert office.told("agents", "stop", "alice") == "alice is stopped\n"
    body = office.log("session-ended")[0]["body"]
    assert (body["status"], body["reason"]) == (143, "stopped")
    assert office.status() == "stopped"
    assert office.told("agents", "stop", "alice") == "alice was not running\n"
    assert office.pids("tmux") == []


def _ticks(office: Office) -> list[int]:
    """What each of the agent's processes has taken of the processor."""
    found = []
    for pid in office.pids("echoing") + office.pids("sh -c while"):
        with_stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found.append(int(with_stat[11]) + int(with_stat[12]))
    return found


def test_paused_everything_stands_still_and_questions_stay_open(office: Office) -> None:
    office.begin()
    loop = subprocess.Popen(
        ["polis", "exec", "alice", "--", "sh", "-c", "while :; do :; done"],
        cwd=office.repository,
        env=office.installation.environment,
        stdin=subprocess.DEVNULL,
    )
    asking = subprocess.Popen(
        ["polis", "shell", "alice", "-c", "git reset --hard -q"],
        cwd=office.repository,
        env=office.installation.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: office.told("approvals", "--json") != "[]\n", "the question")
    wait_until(lambda: len(_ticks(office)) >= 2, "the loop")
    assert "alice is paused" in office.told("agents", "pause", "alice")
    before = _ticks(office)
    time.sleep(1)
    assert _ticks(office) == before
    assert office.status() == "waiting_approval"
    assert len(json.loads(office.told("approvals", "--json"))) == 1
    for words in (("exec", "alice", "--", "true"), ("agents", "prompt", "alice", "x")):
        ran = office.polis(*words)
        assert (ran.status, ran.err) == (
            64,
            "polis: alice is paused\nhint: polis agents resume alice\n",
        )
    assert office.polis("agents", "pause", "alice").status == 64
    assert office.told("agents", "resume", "alice") == "alice goes on\n"
    wait_until(lambda: _ticks(office) > before, "it goes on")
    assert office.polis("agents", "resume", "alice").status == 64
    assert office.told("approvals", "deny", "q1")
    assert asking.wait(20) == 126
    office.told("agents", "prompt", "alice", "still there")
    assert "got 11 bytes" in office.logs()
    office.told("agents", "stop", "alice")
    assert loop.wait(10) != 0


def test_a_pause_outlives_polisd_and_ends_with_it(office: Office) -> None:
    office.begin()
    office.told("agents", "pause", "alice")
    assert office.status() == "paused"
    assert re.search(r"^status +paused$", office.told("agents", "show", "alice"), re.M)
    (polisd,) = office.pids("-m cash.daemon")
    os.kill(polisd, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{polisd}").exists(), "its end")
    assert "alice is paused" in office.polis("exec", "alice", "--", "true").err
    office.told("agents", "resume", "alice")
    office.told("agents", "prompt", "alice", "still there")
    office.told("agents", "pause", "alice")
    office.told("down")
    assert office.pids("echoing") == []


def test_a_new_polisd_takes_up_the_windows_that_live(office: Office) -> None:
    office.begin()
    (polisd,) = office.pids("-m cash.daemon")
    os.kill(polisd, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{polisd}").exists(), "its end")
    assert office.told("agents", "prompt", "alice", "still there") == "alice has it\n"
    assert b"still there" in office.heard()
    assert "got 11 bytes" in office.logs()
    office.told("agents", "prompt", "alice", "exit 3")
    wait_until(lambda: office.log("session-ended"), "the end")
    assert office.log("session-ended")[0]["body"]["status"] == 3


def test_what_ended_while_polisd_was_away_is_known_to_have_ended(office: Office) -> None:
    office.begin()
    (polisd,) = office.pids("-m cash.daemon")
    (server,) = [pid for pid in office.pids("tmux") if "new-session" in _words(pid)]
    os.kill(polisd, signal.SIGKILL)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not office.pids("cash.shell.window"), "the client's end")
    ran = office.polis("agents", "logs", "alice")
    assert "it ended while polisd was away" in ran.err
    office.begin()


def test_tmux_killed_leaves_agents_stopped_with_the_reason(pair: Office) -> None:
    pair.begin("alice")
    pair.begin("bob")
    (server,) = [pid for pid in pair.pids("tmux") if "new-session" in _words(pid)]
    os.kill(server, signal.SIGKILL)
    for name in ("alice", "bob"):
        wait_until(lambda name=name: pair.status(name) == "stopped", f"the end of {name}")
        ran = pair.polis("agents", "attach", name)
        assert ran.status == 64
    reasons = {one["body"]["reason"] for one in pair.log("session-ended")}
    assert reasons == {"its terminal is gone: tmux has ended"}
    assert {one["body"]["why"] for one in pair.log("stopped")} == reasons
    assert pair.pids("echoing") == []
    pair.begin("alice")  # on a tmux of its own
    assert pair.told("agents", "prompt", "alice", "hello") == "alice has it\n"


def _words(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@pytest.mark.alone
def test_a_shell_at_its_prompt_is_stopped_at_once(office: Office) -> None:
    office.told("agents", "add", "carol", "--provider", "shell")
    office.told("agents", "start", "carol")
    wait_until(lambda: office.logs("carol").rstrip().endswith(("$", "#")), "its prompt")
    began = time.monotonic()
    office.told("agents", "stop", "carol")
    assert time.monotonic() - began < 3
    assert office.log("session-ended")[0]["body"]["reason"] == "stopped"
    assert office.status("carol") == "stopped"
