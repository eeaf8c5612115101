"""What one sees of agents at work: the list, the list that goes on, the explanation."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from desk import Desk
from installation import Installation
from running import until
from screen import Terminal

pytestmark = pytest.mark.kernel

BUSY = "python3 -c 'while True: pass'"


@pytest.fixture
def desk(installation: Installation) -> Desk:
    made = Desk(installation, installation.make_repository())
    for words in (
        ("init",),
        ("config", "set", "ask-seconds", "60"),
        ("agents", "add", "alice"),
        ("agents", "add", "bob"),
    ):
        ran = made.polis(*words)
        assert ran.status == 0, ran.err
    return made


@pytest.fixture
def start(desk: Desk) -> Iterator[Any]:
    """Starts commands of alice that go on; they are ended with the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(line: str) -> subprocess.Popen[bytes]:
        begun.append(
            subprocess.Popen(
                ["polis", "exec", "alice", "--", "bash", "-c", line],
                cwd=desk.repository,
                env=desk.installation.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.terminate()
        process.wait()


def listed(desk: Desk, name: str = "alice") -> dict[str, Any]:
    agents = json.loads(desk.polis("agents", "list", "--json").out)
    (found,) = [agent for agent in agents if agent["name"] == name]
    return dict(found)


def test_a_list_shows_what_runs_and_what_it_takes(desk: Desk, start: Any) -> None:
    assert listed(desk)["memory_bytes"] is None
    start(f"{BUSY}; true")
    until(lambda: listed(desk)["process_kind"] == "python")
    until(lambda: listed(desk)["cpu_percent"] > 20)
    until(lambda: listed(desk)["state"]["age_seconds"] >= 2)
    agent = listed(desk)
    assert (agent["status"], agent["provider"]) == ("running", "shell")
    assert agent["processes"] == 2  # bash and what it waits for
    assert agent["memory_bytes"] > 5_000_000
    assert agent["state"]["source"] == "process"
    assert 0 <= agent["state"]["age_seconds"] < 60
    words = desk.polis("agents", "list").out.splitlines()
    assert words[0].split() == [
        *("name", "status", "for", "by", "mode", "provider", "branch", "runs", "cpu", "memory"),
        "ports",
    ]
    row = r"alice  running  [2-9] s +process  \S+ +shell +agent/alice  python  \d+%  \d+ MB +-"
    assert re.fullmatch(row, words[1])
    assert re.fullmatch(
        r"bob    stopped  - +process  \S+ +shell +agent/bob    - +- +- +-", words[2]
    )


def test_a_list_shows_where_an_agent_listens(desk: Desk, start: Any) -> None:
    start("python3 -m http.server 8123 & exec python3 -m http.server --bind ::1 8200")
    until(lambda: listed(desk)["ports"] == [8123, 8200])
    assert listed(desk, "bob")["ports"] == []
    row = desk.polis("agents", "list").out.splitlines()[1]
    assert row.endswith("8123,8200")
    assert "8123, 8200" in desk.polis("agents", "show", "alice").out


def test_one_agent_is_shown_with_who_says_what_it_does(desk: Desk, start: Any) -> None:
    start(f"{BUSY}; true")
    until(lambda: listed(desk)["process_kind"] == "python")
    told = desk.polis("agents", "show", "alice").out
    assert re.search(
        r"^state +a command has not ended: python \(by process, for \d+ s\)$", told, re.M
    )
    assert re.search(r"^cpu percent +\d+%$", told, re.M)
    assert re.search(r"^process kind +python$", told, re.M)
    found = json.loads(desk.polis("agents", "show", "alice", "--json").out)
    assert listed(desk).keys() < found.keys()


def test_the_time_of_a_status_begins_with_it(desk: Desk, start: Any) -> None:
    process = start("sleep 60")
    until(lambda: listed(desk)["status"] == "running")
    process.terminate()
    until(lambda: listed(desk)["status"] == "idle")
    assert listed(desk)["state"]["age_seconds"] < 30
    assert desk.polis("agents", "stop", "alice").status == 0
    assert listed(desk)["status"] == "stopped"
    assert listed(desk)["state"]["age_seconds"] < 30


def test_what_runs_on_as_an_orphan_is_seen(desk: Desk) -> None:
    assert (
        desk.polis(
            "exec", "alice", "--", "bash", "-c", "setsid sleep 60 >/dev/null 2>&1 & disown"
        ).status
        == 0
    )
    until(lambda: listed(desk)["status"] == "idle")
    assert listed(desk)["processes"] == 1
    assert desk.polis("agents", "stop", "alice").status == 0


def test_a_killed_keepers_commands_are_still_seen(desk: Desk, start: Any) -> None:
    from running import kill_pids

    start(f"{BUSY}; true")
    until(lambda: listed(desk)["process_kind"] == "python")
    kill_pids([desk.keeper])
    until(lambda: bool(desk.log("keeper-replaced")))
    assert listed(desk)["process_kind"] == "python"
    assert listed(desk)["processes"] == 2


def test_an_explanation_names_the_question(desk: Desk, start: Any) -> None:
    start("sleep 60")
    until(lambda: listed(desk)["status"] == "running")
    start("git clean -f x")
    until(lambda: listed(desk)["status"] == "waiting_approval")
    told = desk.polis("agents", "explain", "alice").out
    assert re.match(r"alice is waiting_approval, for \d+ s, by protocol\n", told)
    assert "\n  because asks q1: bash -c 'git clean -f x'\n" in told
    assert re.search(r"^  process said running .*\(polis knows better itself\)$", told, re.M)
    assert "\n  nothing was heard by hook, screen\n" in told
    assert "\n  what changes it: an answer: polis approvals list\n" in told
    found = json.loads(desk.polis("agents", "explain", "alice", "--json").out)
    assert found["state"]["status"] == "waiting_approval"
    assert [source["believed"] for source in found["sources"]] == [False]
    assert found["silent"] == ["hook", "screen"]


def test_an_agent_that_is_not_there_is_not_explained(desk: Desk) -> None:
    ran = desk.polis("agents", "explain", "alicia")
    assert (ran.status, ran.out) == (64, "")
    assert ran.err.startswith("polis: there is no agent 'alicia'\nhint: did you mean alice?")


def watch(desk: Desk, *words: str, rows: int = 24, columns: int = 120) -> Terminal:
    return Terminal(
        ["polis", "agents", "list", "--watch", *words],
        environment=desk.installation.environment,
        cwd=desk.repository,
        rows=rows,
        columns=columns,
    )


def test_a_watched_list_follows_and_is_left_by_ctrl_c(desk: Desk, start: Any) -> None:
    with watch(desk) as terminal:
        terminal.wait_for(r"^2 agents: 2 stopped · Ctrl-C leaves$")
        terminal.wait_for(r"^name   status +for +by +mode +provider +branch +runs")
        terminal.wait_for(r"^alice  stopped  -")
        process = start(f"{BUSY}; true")
        terminal.wait_for(r"^2 agents: 1 running, 1 stopped")
        terminal.wait_for(r"^alice  running  [2-9] s +process .* python")
        process.terminate()
        terminal.wait_for(r"^alice  idle ")
        start("git clean -f x")
        terminal.wait_for(r"^alice  waiting_approval ")
        terminal.type("\x03")
        assert terminal.wait_end() == 130
        # The screen before is back, and its cursor.
        assert terminal.transcript.endswith(b"\x1b[?25h\x1b[?1049l")


def test_a_watched_list_fits_the_terminal(desk: Desk) -> None:
    for number in range(6):
        assert desk.polis("agents", "add", f"carl{number}").status == 0
    with watch(desk, rows=6, columns=120) as terminal:
        terminal.wait_for(r"^8 agents: 8 stopped")
        terminal.wait_for(r"^… 5 more$")
        terminal.resize(24, 40)
        terminal.wait_for(r"^carl5  stopped")
        assert "… " not in terminal.text
        assert all(len(line) <= 40 for line in terminal.text.splitlines())
        terminal.wait_for(r"^name   status +for")
        assert "branch" not in terminal.text


def test_colour_is_not_what_tells(desk: Desk) -> None:
    plain = {**desk.installation.environment, "NO_COLOR": "1"}
    words = ["polis", "agents", "list", "--watch"]
    with Terminal(words, environment=plain, cwd=desk.repository) as terminal:
        terminal.wait_for(r"^alice  stopped")
        assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", terminal.transcript)


def test_a_watched_list_of_programs_is_a_line_each(desk: Desk, start: Any) -> None:
    with subprocess.Popen(
        ["polis", "agents", "list", "--watch", "--json"],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            first = json.loads(process.stdout.readline())
            assert [agent["status"] for agent in first] == ["stopped", "stopped"]
            start("sleep 60")
            while json.loads(process.stdout.readline())[0]["status"] != "running":
                pass
        finally:
            process.terminate()


def test_a_watched_list_needs_a_terminal_and_polisd(desk: Desk) -> None:
    ran = desk.polis("agents", "list", "--watch")
    assert (ran.status, ran.out) == (64, "")
    assert ran.err == ("polis: --watch needs a terminal\nhint: polis agents list --watch --json\n")
    with watch(desk) as terminal:
        terminal.wait_for(r"^alice  stopped")
        assert desk.polis("down").status == 0
        assert terminal.wait_end() == 125
        assert "polis: polisd has ended" in terminal.text


def test_what_is_kept_of_a_removed_agent_is_shown_and_dropped_as_is_said(desk: Desk) -> None:
    (desk.tree / "new.txt").write_text("new\n")
    ran = desk.polis("agents", "remove", "alice", "--force")
    found = re.search(
        r"^kept: (\S+)  \((git show \S+); (git update-ref -d \S+) drops it\)$", ran.out, re.M
    )
    assert found is not None, ran.out
    git = desk.installation.git
    assert "+new" in git(desk.repository, *found[2].split()[1:])
    git(desk.repository, *found[3].split()[1:])
    assert git(desk.repository, "for-each-ref", found[1]) == ""
