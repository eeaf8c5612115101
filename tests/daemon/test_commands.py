"""The way of one command, from the outside: what runs, what does not, what is recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time

import pytest
from desk import Desk


def test_a_line_runs_in_the_agents_tree_with_bashs_own_status(desk: Desk) -> None:
    ran = desk.line("pwd; echo out; echo err >&2; exit 7")
    assert (ran.status, ran.out, ran.err) == (7, f"{desk.tree}\nout\n", "err\n")


def test_a_refused_line_is_refused_whole(desk: Desk) -> None:
    ran = desk.line("echo hi > ok.txt; rm -rf /")
    assert ran.status == 126
    assert ran.out == ""
    first, second = ran.err.splitlines()
    assert first.startswith("polis: denied by no-recursive-delete-above: ")
    assert second.startswith("hint: ")
    assert not (desk.tree / "ok.txt").exists()


def test_standard_input_output_and_odd_bytes_pass_through(desk: Desk) -> None:
    ran = desk.polis("exec", "alice", "--", "cat", input=b"a\n\xff\xfe\n")
    assert (ran.status, ran.out) == (0, "a\n\\xff\\xfe\n")
    odd = desk.polis("exec", "alice", "--", "printf", "%s", b"\xff")
    assert (odd.status, odd.out, odd.err) == (0, "\\xff", "")


@pytest.mark.parametrize(("name", "status"), [("KILL", 137), ("TERM", 143)])
def test_a_command_that_a_signal_ends_gives_what_bash_gives(
    desk: Desk, name: str, status: int
) -> None:
    assert desk.polis("exec", "alice", "--", "sh", "-c", f"kill -{name} $$").status == status


def test_what_ran_is_recorded_with_verdict_and_end(desk: Desk) -> None:
    desk.line("true && false")
    desk.line("rm -rf ~")
    line, refused = desk.log("line")
    (ran,) = desk.log("ran")
    assert line["agent"] == "alice"
    assert line["body"]["line"] == "true && false"
    assert line["body"]["decision"] == "allow"
    assert line["body"]["commands"] == [["true"], ["false"]]
    assert (ran["body"]["id"], ran["body"]["status"]) == (line["body"]["id"], 1)
    assert refused["body"]["decision"] == "deny"
    assert refused["body"]["approval"] == "refused"
    assert desk.polis("log", "verify").status == 0


def test_a_secret_is_stored_nowhere(desk: Desk) -> None:
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    desk.line(f"GITHUB_TOKEN={secret} true")
    desk.polis("exec", "alice", "--", "true", f"--token={secret}")
    desk.line(f"curl -H 'Authorization: Bearer {secret}' https://nowhere.example/")
    assert desk.polis("down").status == 0
    for path in desk.installation.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert secret.encode() not in path.read_bytes(), path


def test_a_question_ends_in_time_and_the_answer_waits_for_the_same_line(desk: Desk) -> None:
    line = "git push --force origin main"
    first = desk.line(line)
    assert first.status == 124
    assert "asked as q1" in first.err
    (question,) = json.loads(desk.polis("approvals", "list", "--json").out)
    assert (question["id"], question["line"], question["waits"]) == ("q1", line, False)
    assert desk.polis("approvals", "allow", "q1").status == 0
    again = desk.line(line)
    assert again.status not in (124, 126)  # git itself speaks: there is no remote
    assert desk.line(line).status == 124  # once is once
    assert [entry["body"]["decision"] for entry in desk.log("answered")] == ["allow"]


def test_what_answers_a_question_is_said_before_the_wait(desk: Desk) -> None:
    desk.polis("config", "set", "ask-seconds", "30")
    with subprocess.Popen(
        ("polis", "shell", "alice", "-c", "git reset -q --hard"),
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as asking:
        assert asking.stderr is not None
        assert asking.stderr.readline().startswith("polis: asked by discard-changes: ")
        hint = asking.stderr.readline()
        assert hint == "hint: asked as q1, waiting for: polis approvals allow q1\n"
        command = hint.rstrip().rpartition(": ")[2].split()
        assert desk.polis(*command[1:]).status == 0
        assert (asking.wait(20), asking.stderr.read()) == (0, "")


@pytest.mark.parametrize(("word", "status"), [("allow", 0), ("deny", 126)])
def test_an_answer_from_elsewhere_reaches_the_waiting_command(
    desk: Desk, word: str, status: int
) -> None:
    desk.polis("config", "set", "ask-seconds", "30")
    answers = []

    def answer() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if json.loads(desk.polis("approvals", "list", "--json").out):
                answers.append(desk.polis("approvals", word, "q1").status)
                return
            time.sleep(0.1)

    person = threading.Thread(target=answer)
    person.start()
    ran = desk.line("git reset --hard -q")
    person.join()
    assert answers == [0]
    assert ran.status == status


def test_answers_for_the_session_last_until_the_walls_fall(desk: Desk) -> None:
    line = "git reset --hard -q"
    assert desk.line("true").status == 0
    assert desk.line(line).status == 124
    assert desk.polis("approvals", "allow", "q1", "--for", "session").status == 0
    assert [desk.line(line).status for _ in range(2)] == [0, 0]
    assert desk.polis("agents", "stop", "alice").status == 0
    assert desk.line(line).status == 124


def test_interrupting_a_question_ends_the_command(desk: Desk) -> None:
    desk.polis("config", "set", "ask-seconds", "60")
    waiting = subprocess.Popen(
        ["polis", "shell", "alice", "-c", "git reset --hard -q"],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not json.loads(desk.polis("approvals", "list", "--json").out):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    waiting.send_signal(signal.SIGTERM)
    assert waiting.wait(timeout=10) in (-signal.SIGTERM, 128 + signal.SIGTERM)


def test_rewritten_commands_run_in_their_new_form(desk: Desk) -> None:
    ran = desk.line("npm run")
    assert ran.status != 126
    # Judged without being run: the mapping itself is tested where it lives.
    told = json.loads(desk.polis("policy", "explain", "--json", "npm install left-pad").out)
    assert (told["decision"], told["rewritten"]) == ("rewrite", "pnpm add left-pad")


def test_a_host_that_no_rule_names_is_asked_about_and_journaled(desk: Desk) -> None:
    script = (
        "import urllib.request as r\n"
        "try: print(r.urlopen('http://nowhere.example/').status)\n"
        "except Exception as e: print(e, e.read().decode())\n"
    )
    (desk.tree / "fetch.py").write_text(script)
    os.chmod(desk.tree / "fetch.py", 0o644)
    ran = desk.line("python3 fetch.py")
    assert "HTTP Error 403" in ran.out
    assert "polis: asked by new-host" in ran.out
    (connect,) = desk.log("connect")
    assert connect["body"]["host"] == "nowhere.example"
    assert connect["body"]["approval"] == "unanswered"


def test_a_host_that_a_cli_tries_by_itself_is_refused_without_a_question(desk: Desk) -> None:
    added = desk.polis("agents", "add", "carol", "--provider", "gemini")
    assert added.status == 0, added.err
    script = (
        "import urllib.request as r\n"
        "try: r.urlopen('http://play.googleapis.com/')\n"
        "except Exception as e: print(e.read().decode())\n"
    )
    ran = desk.polis("exec", "carol", "--", "python3", "-c", script)
    assert ran.out == (
        "polis: declined for gemini, which tries play.googleapis.com by itself\n"
        "hint: name it in a line of the shell, and it is asked about\n\n"
    )
    assert json.loads(desk.polis("approvals", "--json").out) == []
    assert desk.log("connect")[-1]["body"]["approval"] == "declined"
    line = "curl -sS http://play.googleapis.com/"
    assert "asked by new-host" in desk.polis("shell", "carol", "-c", line).err


def test_a_command_that_a_cli_tries_by_itself_is_refused_without_a_question(desk: Desk) -> None:
    added = desk.polis("agents", "add", "dora", "--provider", "copilot")
    assert added.status == 0, added.err
    token = "gh auth token --hostname github.com"
    script = (
        "import os, pathlib, subprocess, sys\n"
        "pathlib.Path('gh').write_text('#!/bin/sh\\necho a-token\\n')\n"
        "os.chmod('gh', 0o755)\n"
        "sys.exit(subprocess.run(['./gh', *sys.argv[1:]]).returncode)\n"
    )
    words = token.split()[1:]
    ran = desk.polis("exec", "dora", "--", "python3", "-c", script, *words)
    assert (ran.status, ran.out) == (126, ""), ran.err
    assert ran.err == (
        f"polis: declined for copilot, which tries {token} by itself\n"
        "hint: name it in a line of the shell, and it is asked about\n"
    )
    assert desk.log("exec")[-1]["body"]["approval"] == "declined"
    assert json.loads(desk.polis("approvals", "--json").out) == []
    # What a model hands to a shell is asked about, and so is what says anything else.
    bash = "import subprocess, sys; subprocess.run(['/bin/bash', '-c', sys.argv[1]])"
    for line in (f"./{token}", "./gh auth token"):
        ran = desk.polis("exec", "dora", "--", "python3", "-c", bash, line)
        assert "polis: asked by print-credentials" in ran.err
    assert "asked by print-credentials" in desk.polis("shell", "dora", "-c", f"./{token}").err


def test_a_host_is_asked_about_once_with_the_line_that_names_it(desk: Desk) -> None:
    fetch = "curl -sS -o /dev/null -w '%{http_connect} %{http_code}\\n' http://nowhere.example/"
    for _ in range(2):  # answered elsewhere, for the same line when it comes again
        ran = desk.line(f"{fetch}; {fetch}")
        if ran.status == 124:
            assert desk.polis("approvals", "allow", "q1").status == 0
    assert ran.out == "000 502\n000 502\n"
    # A script's curl is asked about when it starts, a program's own connection when it is made.
    (desk.tree / "later.sh").write_text(f"{fetch}\n")
    ran = desk.line("sh later.sh")
    assert (ran.status, ran.out) == (124, "")
    assert "asked as q2" in ran.err
    script = "import urllib.request as r\nr.urlopen('http://nowhere.example/')\n"
    (desk.tree / "later.py").write_text(script)
    assert "403" in desk.line("python3 later.py").err
    approvals = [entry["body"]["approval"] for entry in desk.log("connect")]
    assert approvals == ["allowed with its line", "allowed with its line", "unanswered"]


def test_a_denied_host_is_refused_at_once_whatever_asks(desk: Desk) -> None:
    script = "import urllib.request as r\nr.urlopen('http://169.254.169.254/latest')\n"
    (desk.tree / "fetch.py").write_text(script)
    ran = desk.line("python3 fetch.py")
    assert "403" in ran.err
    (connect,) = desk.log("connect")
    assert connect["body"]["decision"] == "deny"


def test_what_ignores_the_proxy_finds_no_route(desk: Desk) -> None:
    ran = desk.line(
        "env -u HTTP_PROXY -u http_proxy python3 -c '"
        'import socket; socket.create_connection(("203.0.113.7", 80), 3)\''
    )
    assert ran.status == 1
    assert "unreachable" in ran.err


def test_commits_come_out_and_what_an_agent_plants_stays_in(desk: Desk) -> None:
    planted = desk.installation.folder / "planted"
    hook = f"#!/bin/sh\ntouch {planted}\n"
    (desk.tree / "hook").write_text(hook)
    ran = desk.line(
        "mkdir -p $(git rev-parse --git-dir)/hooks && "
        "cp hook $(git rev-parse --git-dir)/hooks/post-commit && "
        "chmod +x $(git rev-parse --git-dir)/hooks/post-commit && rm hook"
    )
    desk.line(f"git config core.fsmonitor 'touch {planted}; false'")
    ran = desk.line("echo done > work.txt && git add work.txt && git commit -qm work")
    assert ran.status == 0, ran.err
    deadline = time.monotonic() + 15
    while "work" not in desk.installation.git(desk.repository, "log", "--oneline", "agent/alice"):
        assert time.monotonic() < deadline, desk.log("imported")
        time.sleep(0.1)
    show = desk.installation.git(desk.repository, "show", "agent/alice:work.txt")
    assert show == "done\n"
    assert not planted.exists()
