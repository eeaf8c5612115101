"""Programs that tell an event a line as they work without a dialogue: people read words, and
`--json` has the lines. The program is of the tests' own; its lines are as Claude Code's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import office as offices
import pytest
from installation import Installation
from office import Office, wait_until

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(bool(offices.reason_to_skip()), reason="tmux is not installed"),
]

SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
_MANIFEST = """\
name: telling
description: A program of the tests'
programs: [telling]
install: none
starts:
  interactive: []
  headless: {words: [--print], input: true, output: claude-stream-json}
tool_timeout: 120
memory: 1G
hosts: []
exits: {0: completed}
config: .telling
account:
  login: [login]
  files: [.telling/key]
"""
_PROGRAM = """\
import json, sys, time
def tell(**event):
    print(json.dumps(event), flush=True)
def say(**block):
    tell(type="assistant", message={"content": [block]})
if "--version" in sys.argv:
    sys.exit(print("telling 1.0"))
task = sys.stdin.read()
tell(type="system", subtype="init", session_id="s1")
if task == "out":
    say(type="text", text="Not logged in \\u00b7 Please run /login")
    tell(type="result", is_error=True, result="Not logged in \\u00b7 Please run /login")
    sys.exit(1)
if task == "slowly":
    say(type="text", text="At it.")
    time.sleep(4)
say(type="text", text="I look.\\nThen I say: \\x1b[31m" + task)
say(type="tool_use", id="t1", name="Bash", input={"command": "ls -l", "x": "y" * 40000})
tell(type="user", message={"content": [{"type": "tool_result", "is_error": True, "content": "no"}]})
say(type="text", text="Done.")
tell(type="result", is_error=False, result="Done.")
"""


@pytest.fixture
def office(installation: Installation) -> Office:
    office = offices.make_office(installation)
    program = installation.folder / "bin/telling"
    program.write_text(f"#!/usr/bin/python3 -I\n{_PROGRAM}")
    program.chmod(0o755)
    (installation.home / ".config/polis/agents/telling.yaml").write_text(_MANIFEST)
    wait_until(lambda: "telling" in office.told("agents", "providers"), "the provider")
    office.told("agents", "add", "carol", "--provider", "telling")
    return office


def run(office: Office, task: str, *more: str) -> tuple[int, str, str]:
    ran = office.polis("agents", "run", "carol", task, "--headless", "--wait", *more)
    return ran.status, ran.out, ran.err


SAID = "I look.\nThen I say: {}\n→ Bash: ls -l\n✗ no\nDone.\n"


def test_what_a_run_says_is_read_in_words(office: Office) -> None:
    run(office, "first")
    status, out, _ = run(office, f"hide {SECRET}")
    said = SAID.format("hide [redacted:github-token]")
    assert (status, out) == (0, f"{said}carol: completed\n")
    assert office.logs("carol") == said  # of the last run
    assert office.logs("carol", "-n", "1") == "Done.\n"


def test_json_and_raw_have_the_lines_themselves(office: Office) -> None:
    _, out, _ = run(office, "it", "--json")
    events = [json.loads(line) for line in json.loads(out)["lines"]]
    assert [one["type"] for one in events][-2:] == ["assistant", "result"]
    told = json.loads(office.logs("carol", "--json"))
    assert [json.loads(line) for line in told["lines"]] == events
    raw = [line for line in office.logs("carol", "--raw").splitlines() if line]
    assert json.loads(raw[-1]) == events[-1]


def test_who_wants_to_be_logged_in_is_told_how(office: Office) -> None:
    ran = office.polis("agents", "run", "carol", "out", "--headless", "--wait")
    assert ran.status == 1
    assert (ran.out + ran.err).count("Not logged in · Please run /login\n") == 1
    assert "hint: polis agents login telling\n" in ran.err
    assert "hint: polis agents login telling\n" in office.polis("agents", "logs", "carol").err


def test_a_run_is_watched_in_words(office: Office, tmp_path: Path) -> None:
    """What was said before one looked, and what is said just before the end, too."""
    office.told("agents", "run", "carol", "slowly", "--headless")
    wait_until(lambda: "At it." in office.logs("carol"), "its beginning")
    files, watching = [tmp_path / "words", tmp_path / "lines"], []
    try:
        for path, more in zip(files, ((), ("--json",)), strict=True):
            with path.open("wb") as file:
                watching.append(
                    subprocess.Popen(
                        ["polis", "agents", "watch", "carol", *more],
                        cwd=office.repository,
                        env={**os.environ, **office.installation.environment},
                        stdout=file,
                    )
                )
        wait_until(lambda: all(b"completed" in one.read_bytes() for one in files), "its end")
    finally:
        for one in watching:
            one.kill()
            one.wait()
    words = [line.split("  ", 2)[2].strip() for line in files[0].read_text().splitlines()]
    assert [word for word in words if not word.startswith("—")] == [
        "At it.",
        *SAID.format("slowly").splitlines(),
    ]
    events = [json.loads(line) for line in files[1].read_text().splitlines()]
    told = [one["text"] for one in events if one["event"] == "output"]
    assert [json.loads(line)["type"] for line in told][::6] == ["system", "result"]
