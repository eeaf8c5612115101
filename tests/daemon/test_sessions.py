"""Agents' programs in their windows: started, told, watched, ended. The program is a small one of
the tests' own that says what it was told (echoing.py); tmux is the real one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import office as offices
import pytest
from installation import Installation
from office import Office, wait_until
from screen import Terminal

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(bool(offices.reason_to_skip()), reason="tmux is not installed"),
]


@pytest.fixture
def office(installation: Installation) -> Office:
    return offices.make_office(installation)


@pytest.fixture
def pair(installation: Installation) -> Office:
    return offices.make_office(installation, "alice", "bob")


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


ODD = b'it\'s "q" `$HOME` \\ #{x};\n\n\ttab\r\x01\x03\x04\x07\x08\x1a\x1b[A\x7f\xff\xc3\xa9 end'


def test_a_prompt_arrives_byte_for_byte(office: Office) -> None:
    office.begin()
    said = office.told("agents", "prompt", "alice", "-", input=ODD + b"\n")
    assert said == "alice has it\n"
    assert office.heard() == b"\x1b[200~" + ODD + b"\x1b[201~" + b"\r"
    assert office.log("prompt")[0]["body"]["bytes"] == len(ODD)


def test_a_prompt_of_a_megabyte_arrives_and_a_longer_one_is_refused(office: Office) -> None:
    office.begin()
    text = (b"0123456789abcde\n" * 65536)[:1_000_000] + b"\nthe-end"
    office.told("agents", "prompt", "alice", "-", input=text, timeout=100)
    assert office.heard() == b"\x1b[200~" + text + b"\x1b[201~" + b"\r"
    (event,) = office.log("prompt")
    assert event["body"]["bytes"] == len(text)
    assert len(event["body"]["text"]) == 4000
    ran = office.polis("agents", "prompt", "alice", "-", input=text * 2)
    assert ran.status == 64
    assert "a prompt has at most 1 MB" in ran.err


def test_what_would_act_as_keys_is_refused(office: Office) -> None:
    office.begin()
    ran = office.polis("agents", "prompt", "alice", "-", input=b"x\x1b[201~exit 7\r")
    assert ran.status == 64
    assert "the sequence that ends a paste" in ran.err
    assert office.heard() == b""


def test_nothing_is_pasted_into_a_shell(office: Office) -> None:
    office.begin()
    office.told("agents", "prompt", "alice", "shell")
    wait_until(lambda: "bash-" in office.logs() or "$" in office.logs(), "the shell")
    ran = office.polis("agents", "prompt", "alice", "touch pasted")
    assert ran.status == 64
    assert "a shell (bash) is in front in alice's window: it would run the text" in ran.err
    assert "hint: polis shell alice -c LINE runs a line" in ran.err
    assert not (office.tree / "pasted").exists()


def test_a_plain_shell_agent_takes_no_prompt(office: Office) -> None:
    office.told("agents", "add", "carol", "--provider", "shell")
    ran = office.polis("agents", "run", "carol", "touch pasted")
    assert ran.status == 64
    assert ran.err == (
        "polis: an agent of provider shell takes no prompt\n"
        "hint: polis agents add carol-echoing --provider echoing, and give it the task\n"
    )
    office.told("agents", "start", "carol")
    ran = office.polis("agents", "prompt", "carol", "touch pasted")
    assert "a shell (bash) is in front" in ran.err
    ran = office.polis("agents", "broadcast", "touch pasted")
    assert ran.status == 125
    assert "carol has it not: a shell (bash)" in ran.out


def test_a_program_that_takes_no_pastes_or_asks_something_is_not_prompted(office: Office) -> None:
    office.begin()
    office.told("agents", "prompt", "alice", "deaf")
    ran = office.polis("agents", "prompt", "alice", "hello there")
    assert (ran.status, ran.out) == (125, "")
    assert "alice: the prompt stands in its input, but it was not taken" in ran.err
    assert "hint: polis agents attach alice" in ran.err
    assert office.heard().endswith(b"\x1b[200~hello there\x1b[201~\r\r")  # tried once again


def test_a_program_that_hangs_at_start_is_told_nothing(office: Office) -> None:
    office.told("agents", "run", "alice", "hang")
    ran = office.polis("agents", "prompt", "alice", "hello")
    assert ran.status == 64
    assert "alice's program does not take pasted text now" in ran.err
    office.told("agents", "stop", "alice")


def test_nobody_is_prompted_who_is_not_at_work(office: Office) -> None:
    ran = office.polis("agents", "prompt", "alice", "hello")
    assert ran.status == 64
    assert ran.err == "polis: alice is not at work\nhint: polis agents run alice TASK\n"
    office.begin()
    office.told("agents", "prompt", "alice", "exit 0")
    wait_until(lambda: office.log("session-ended"), "the end")
    assert "alice is not at work" in office.polis("agents", "prompt", "alice", "hello").err
    assert office.polis("agents", "broadcast", "hello").status == 64


def test_a_second_task_goes_to_the_program_that_lives(office: Office) -> None:
    office.begin()
    said = office.told("agents", "run", "alice", "and the tests")
    assert said.startswith("alice was at work already, and has the task as a prompt")
    assert b"and the tests" in office.heard()
    for more in ("--headless", "--resume"):
        ran = office.polis("agents", "run", "alice", "x", more)
        assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: alice is at work already")
    assert office.polis("agents", "start", "alice").status == 64
    assert len(office.log("session")) == 1


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
    office = offices.make_office(installation)
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


def test_a_batch_begins_whole_or_not_at_all(pair: Office) -> None:
    said = pair.told("agents", "multi", "alice:one task", "bob:another: with a colon")
    assert sorted(said.splitlines()[:2]) == ["alice is at work", "bob is at work"]
    batch = said.splitlines()[2].split()[1]
    assert said.splitlines()[2] == f"batch {batch} is at work; polis agents watch alice bob"
    tasks = {one["agent"]: one["body"] for one in pair.log("task")}
    assert tasks["bob"]["text"] == "another: with a colon"
    assert {one["batch"] for one in tasks.values()} == {batch}
    busy = pair.polis("agents", "multi", "alice:again", "bob:again")
    assert (busy.status, busy.err.splitlines()[0]) == (64, "polis: alice is at work already")
    for name in ("alice", "bob"):
        pair.told("agents", "stop", name)
    ran = pair.polis("agents", "multi", "alice:fine", "bob:exit 7", timeout=100)
    assert ran.status == 125
    assert "none of the batch was left running: bob did not start" in ran.err
    assert "alice is stopped again: another of its batch did not start" in ran.out
    assert pair.pids("echoing") == []
    assert pair.polis("agents", "multi", "alice:x", "nobody:y").status == 64
    assert pair.polis("agents", "multi", "alice").status == 64
    assert pair.polis("agents", "multi", "alice:x", "alice:y").status == 64


def test_twenty_agents_are_started_at_once(office: Office) -> None:
    began = time.monotonic()
    said = office.told(
        *("agents", "fanout", "20", "count the files", "--prefix", "many"),
        *("--provider", "echoing"),
        timeout=110,
    )
    taken = time.monotonic() - began
    names = [f"many-{number}" for number in range(1, 21)]
    assert said.splitlines()[-1].endswith("polis agents watch " + " ".join(names))
    assert {one["agent"] for one in office.log("task")} == set(names)
    for name in names:
        wait_until(lambda name=name: "task: count the files" in office.logs(name), name)
    told = office.told("agents", "broadcast", "stop now please", timeout=60)
    assert sorted(told.splitlines()) == sorted(f"{name} has it" for name in names)
    assert taken < 60, taken


def test_a_fanout_that_cannot_begin_leaves_no_agent(office: Office) -> None:
    ran = office.polis("agents", "fanout", "3", "exit 7", "--provider", "echoing", timeout=100)
    assert ran.status == 125
    assert "none of the batch was left running" in ran.err
    names = [one["name"] for one in json.loads(office.told("agents", "list", "--json"))]
    assert names == ["alice"]
    assert "agent/agent" not in office.installation.git(office.repository, "branch")
    assert ran.out.endswith("agent-1 is removed\nagent-2 is removed\nagent-3 is removed\n")
    assert office.polis("agents", "fanout", "0", "x").status == 64
    assert office.polis("agents", "fanout", "2", " ").status == 64


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--provider", "ecoing"), 64, "there is no provider 'ecoing'"),
        (("--provider", "shell"), 64, "an agent of provider shell takes no prompt"),
        (("--provider", "antigravity"), 69, "Google Antigravity CLI is not installed"),
        (("--from", "nowhere"), 64, "'nowhere' names no commit"),
        (("--prefix", "Many"), 64, "'Many-1' cannot be an agent's name"),
    ],
)
def test_what_a_fanout_can_know_it_knows_before_it_adds_anyone(
    office: Office, words: tuple[str, ...], status: int, said: str
) -> None:
    given = ("--provider", "echoing", *words)
    ran = office.polis("agents", "fanout", "3", "a task", *given)
    assert (ran.status, ran.out) == (status, "")
    assert said in ran.err.splitlines()[0]
    assert office.log("agent-added")[1:] == []  # alice


def test_a_fanout_has_as_many_as_there_may_be_and_takes_no_branch_of_yours(office: Office) -> None:
    office.told("config", "set", "max-agents", "2")
    ran = office.polis("agents", "fanout", "2", "a task", "--provider", "echoing")
    assert (ran.status, ran.out) == (64, "")
    assert "3 agents would be more than the setting max-agents, 2" in ran.err
    office.installation.git(office.repository, "branch", "agent/agent-1")
    said = office.told("agents", "fanout", "1", "a task", "--provider", "echoing")
    assert said.startswith("agent-2 is added\n")


def test_only_people_broadcast(office: Office) -> None:
    office.begin()
    ran = office.line("polis agents broadcast 'do as I say'")
    assert (ran.status, ran.err.splitlines()[0][:49]) == (
        126,
        "polis: denied by polis-is-the-operators: These co",
    )
    script = (
        "import glob, socket; print(glob.glob('/run/user/*/polis*'), glob.glob('/run/polis/*'))"
    )
    ran = office.polis("exec", "alice", "--", "python3", "-c", script)
    assert "polisd.sock" not in ran.out
    assert "tmux" not in ran.out
    assert office.heard() == b""


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


def test_the_others_of_an_account_that_is_used_up_are_held_back(pair: Office) -> None:
    pair.begin("alice")
    pair.told("agents", "prompt", "alice", "quota")
    wait_until(lambda: pair.log("quota"), "the words are read", 20)
    says = "polis: the echoing account is used up for now: alice was told so 0 min ago"
    for words in (
        ("run", "bob", "a task"),
        ("prompt", "alice", "again"),
        ("multi", "bob:a task"),
        ("fanout", "2", "a task", "--provider", "echoing"),
    ):
        ran = pair.polis("agents", *words)
        assert (ran.status, ran.err.splitlines()[0]) == (125, says), words
    assert len(pair.log("session")) == 1
    names = [one["name"] for one in json.loads(pair.told("agents", "list", "--json"))]
    assert names == ["alice", "bob"]
    pair.told("agents", "add", "carol", "--provider", "shell")
    pair.told("agents", "start", "carol")  # another account's
    pair.told("agents", "run", "bob", "a task", "--anyway")
    assert pair.told("agents", "prompt", "bob", "again") == "bob has it\n"


def test_what_an_agent_only_reads_holds_nobody_back(pair: Office) -> None:
    pair.begin("alice")
    pair.told("agents", "prompt", "alice", "mend: usage limit reached")
    pair.told("agents", "prompt", "alice", "spam 30")
    time.sleep(4)
    assert pair.log("quota") == []
    pair.told("agents", "run", "bob", "a task")


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
    assert office.told("approvals", "--json") == "[]\n"
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


def test_a_shell_at_its_prompt_is_stopped_at_once(office: Office) -> None:
    office.told("agents", "add", "carol", "--provider", "shell")
    office.told("agents", "start", "carol")
    wait_until(lambda: office.logs("carol").rstrip().endswith(("$", "#")), "its prompt")
    began = time.monotonic()
    office.told("agents", "stop", "carol")
    assert time.monotonic() - began < 3
    assert office.log("session-ended")[0]["body"]["reason"] == "stopped"
    assert office.status("carol") == "stopped"


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
