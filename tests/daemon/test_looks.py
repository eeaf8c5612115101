"""Agents' programs in their windows are watched and waited for."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import office as offices
import pytest
from office import Office, wait_until
from screen import Terminal

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(bool(offices.reason_to_skip()), reason="tmux is not installed"),
]


@pytest.fixture
def office(next_office: Office) -> Office:
    return next_office


def test_waiting_ends_as_it_says(office: Office) -> None:
    assert office.polis("agents", "wait", "alice", "--for", "stopped").status == 0
    assert office.polis("agents", "wait", "nobody").status == 64
    office.begin()
    late = office.polis("agents", "wait", "alice", "--for", "completed", "--timeout", "0.5")
    assert late.status == 124
    told = office.told("agents", "wait", "alice", "--for", "running", "--json")
    assert json.loads(told) == {"states": {"alice": "running"}, "reached": True, "late": False}
    waiting = subprocess.Popen(
        ["polis", "agents", "wait", "alice", "--for", "waiting_input", "--for", "error"],
        cwd=office.repository,
        env=office.installation.environment,
        stdout=subprocess.DEVNULL,
    )
    office.told("agents", "stop", "alice")
    assert waiting.wait(20) == 1


def test_a_headless_task_is_given_and_waited_for(office: Office) -> None:
    ran = office.polis("agents", "run", "alice", "say 'it'", "--headless", "--wait")
    assert ran.status == 0, ran.err
    assert "headless: say 'it'" in office.logs()
    assert office.log("session-ended")[0]["body"]["status"] == 0


@pytest.fixture
def watcher(office: Office) -> Iterator[list[subprocess.Popen[bytes]]]:
    watching: list[subprocess.Popen[bytes]] = []
    yield watching
    for one in watching:
        one.kill()
        one.wait()


def test_several_people_watch_and_leave_without_a_trace(
    office: Office, watcher: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    office.begin()
    files = [tmp_path / "one", tmp_path / "two"]
    for path in files:
        with path.open("wb") as file:
            watcher.append(
                subprocess.Popen(
                    ["polis", "agents", "watch", "alice", "--json"],
                    cwd=office.repository,
                    env=office.installation.environment,
                    stdout=file,
                )
            )
    wait_until(lambda: all(b"ready" in path.read_bytes() for path in files), "what is there")
    office.told("agents", "prompt", "alice", "look here")
    wait_until(lambda: all(b"got 9 bytes" in path.read_bytes() for path in files), "what is new")
    watcher[0].send_signal(signal.SIGINT)
    assert watcher[0].wait(10) in (130, -signal.SIGINT)
    wait_until(lambda: office.status() == "running", "its state")
    office.told("agents", "stop", "alice")
    wait_until(lambda: b'"state": "stopped"' in files[1].read_bytes(), "its end")
    events = [json.loads(line) for line in files[1].read_text().splitlines()]
    assert all(abs(one["time"] - time.time()) < 60 for one in events)
    assert [one["text"] for one in events if one.get("text") == "got 9 bytes"] == ["got 9 bytes"]


@pytest.mark.alone
@pytest.mark.parametrize(("code", "state", "status"), [(3, "error", 1), (0, "completed", 0)])
def test_a_question_whose_asker_has_ended_counts_no_more(
    office: Office, code: int, state: str, status: int
) -> None:
    ran = office.polis("agents", "run", "alice", f"ask and exit {code}", "--wait")
    assert (ran.status, ran.out) == (status, f"alice: {state}\n")
    said = f"polis: alice: its program ended with {code}\n" if code else ""
    assert ran.err.endswith(said)
    waited = office.polis("agents", "wait", "alice", "--json")
    assert waited.status == status
    assert json.loads(waited.out)["states"] == {"alice": state}
    assert office.polis("agents", "wait", "alice", "--for", state).status == 0
    # What waited below the program is heard to be gone by its own end, a moment after.
    wait_until(lambda: office.told("approvals", "--json") == "[]\n", "the question closed")
    answered = [one["body"] for one in office.log("answered")]
    assert [one["decision"] for one in answered] == ["abandoned"]


def test_a_run_is_waited_for_so_long_and_no_longer(office: Office) -> None:
    ran = office.polis("agents", "run", "alice", "hang", "--wait", "--timeout", "0.5s")
    assert (ran.status, ran.err) == (
        124,
        "polis: time is up; alice goes on: polis agents wait alice\n",
    )
    assert office.polis("agents", "wait", "alice", "--timeout", ".1").status == 124
    for words, said in (
        (("--timeout", "1m"), "--timeout is for --wait"),
        (("--wait", "--timeout", "soon"), "'soon' is no duration: 90, 90s, 10m or 2h"),
    ):
        ran = office.polis("agents", "run", "alice", "x", *words)
        assert ran.status == 64
        assert said in ran.err
    with _sit(office, "run", "alice", "again", "--wait", "--timeout", "9s") as person:
        person.wait_end()
        assert "alice's program does not take pasted text now" in person.text
    with _sit(office, "wait", "alice", "--timeout", "5s") as person:
        person.wait_for(r"^alice is unknown … [2-4] s$")
        assert person.wait_end() == 124


def test_a_program_that_ends_badly_at_once_is_told_with_its_last_words(office: Office) -> None:
    for words in (("--wait",), ()):
        ran = office.polis("agents", "run", "alice", "exit 7", *words)
        assert (ran.status, ran.out) == (1, "")
        shown, said, hint = ran.err.splitlines()
        assert shown == "  no such model"
        assert re.fullmatch(r"polis: alice: its program ended with 7 after \d+\.\d s", said), said
        assert hint == "hint: polis agents logs alice"


def test_the_end_of_a_look_is_told(office: Office) -> None:
    office.begin()
    with _sit(office, "attach", "alice") as person:
        person.wait_for("ready")
        person.type("\x02d")
        assert person.wait_end() == 0
        says = "you have left alice's terminal; it goes on (polis agents attach alice)"
        assert f"polis: {says}" in person.text
    with _sit(office, "attach", "alice") as person:
        person.wait_for("ready")
        office.told("agents", "prompt", "alice", "exit 3")
        person.wait_end()
        assert "polis: alice has ended: its program ended with 3" in person.text
    office.begin()
    with _sit(office, "attach", "alice") as person:
        person.wait_for("ready")
        person.kill(signal.SIGTERM)
        assert person.wait_end() == 143
    wait_until(lambda: not office.pids("new-session -t"), "the end of its tmux")
    assert office.status() == "running"


def _sit(office: Office, *words: str) -> Terminal:
    return Terminal(
        ["polis", "agents", *words],
        environment=office.installation.environment,
        cwd=office.repository,
        rows=40,
        columns=100,
    )
