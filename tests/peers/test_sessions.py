"""Claude Code itself in an agent's window: started, prompted, answered, ended."""

from __future__ import annotations

import office as offices
import pytest
from acting import make_stage, results
from installation import Installation
from office import Office, wait_until
from playing import reason_to_skip
from screen import Terminal

pytestmark = [pytest.mark.peers, pytest.mark.kernel]

CALLS = (("shell", "echo hello-from-tool"),)


@pytest.fixture
def stage(installation: Installation) -> Office:
    if why := reason_to_skip("claude") or offices.reason_to_skip():
        pytest.skip(why)
    return make_stage(installation, "claude", CALLS)


def test_a_task_is_done_and_shown(stage: Office) -> None:
    stage.told("agents", "run", "alice", "say 'hello' with a \"tool\"")
    wait_until(lambda: "All is done." in stage.logs(), "the end of the turn", 40)
    shown = stage.logs()
    assert "❯ say 'hello' with a \"tool\"" in shown
    assert "hello-from-tool" in shown
    assert results(stage, "claude") == ["hello-from-tool"]
    wait_until(lambda: "/bin/bash" in str(stage.log("execs")), "what it has started")


def test_a_prompt_of_several_lines_is_one_prompt(stage: Office) -> None:
    stage.told("agents", "start", "alice")
    wait_until(lambda: "bypass permissions" in stage.logs(), "its input", 40)
    text = "first 'line'\n\nthird \"line\" with a tab\t."
    assert stage.told("agents", "prompt", "alice", text) == "alice has it\n"
    wait_until(lambda: "All is done." in stage.logs(), "the end of the turn", 40)
    assert stage.logs().count("All is done.") == 1
    assert "❯ first 'line'" in stage.logs()
    long = "\n".join(f"line {number}" for number in range(2000))
    assert stage.told("agents", "prompt", "alice", long, timeout=100) == "alice has it\n"
    wait_until(lambda: stage.logs("alice", "-n", "3000").count("All is done.") == 2, "both", 40)
    stage.told("agents", "stop", "alice")
    assert "All is done." in stage.logs("alice", "-n", "3000")
    assert stage.log("session-ended")[0]["body"]["status"] == 143


def test_its_own_question_is_answered_by_a_person_and_never_by_a_prompt(
    installation: Installation,
) -> None:
    if why := reason_to_skip("claude") or offices.reason_to_skip():
        pytest.skip(why)
    stage = make_stage(installation, "claude", CALLS, approved=False)
    stage.told("agents", "start", "alice")
    question = "Do you want to use this API key"
    wait_until(lambda: question in stage.logs(), "its question", 40)
    ran = stage.polis("agents", "prompt", "alice", "fix the login bug")
    assert ran.status == 125
    assert "what was pasted is not shown: its program may be asking something" in ran.err
    assert question in stage.logs()
    with Terminal(
        ["polis", "agents", "attach", "alice"],
        environment=installation.environment,
        cwd=stage.repository,
        rows=40,
        columns=100,
    ) as person:
        person.wait_for(question)
        person.type("\x1b[A")  # up, to yes
        person.wait_for("❯ 1. Yes")
        person.type("\r")
        person.wait_for("bypass permissions")
        person.type("\x02d")
        person.wait_end()
    assert stage.told("agents", "prompt", "alice", "fix the login bug") == "alice has it\n"
    wait_until(lambda: "All is done." in stage.logs(), "the end of the turn", 40)
