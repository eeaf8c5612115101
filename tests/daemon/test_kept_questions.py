"""Open questions outlive polisd, whatever ends it."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from desk import Desk
from running import finish, kill, start, until

SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
LINE = f"GH_TOKEN={SECRET} git reset --hard -q; git push --force origin main"


def listed(desk: Desk) -> list[dict[str, Any]]:
    ran = desk.polis("approvals", "list", "--json")
    assert ran.status == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


def test_a_killed_polisd_leaves_its_questions_as_they_were(desk: Desk) -> None:
    assert desk.line(LINE).status == 124
    before, text = listed(desk), desk.polis("approvals").out
    (question,) = before
    rules = {rule["id"] for rule in question["rules"]}
    assert rules == {"discard-changes", "force-push", "force-push-elsewhere"}
    assert "which runs: git push --force origin main" in text
    kill(desk, "-m cash.daemon")
    assert listed(desk) == before
    after = desk.polis("approvals").out
    assert after.partition("\n")[2] == text.partition("\n")[2]
    for rule in question["rules"]:
        assert f"    {rule['id']}: {rule['reason']}\n" in after
    assert desk.polis("down").status == 0
    for path in desk.installation.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("word", "scope", "statuses"),
    [
        ("allow", "once", [0, 124]),
        ("deny", "once", [126, 124]),
        ("allow", "1h", [0, 0]),
        ("deny", "1h", [126, 126]),
        ("allow", "session", [0, 0]),
    ],
)
def test_an_answer_after_a_restart_waits_for_the_line(
    desk: Desk, word: str, scope: str, statuses: list[int]
) -> None:
    line = "git reset --hard -q"
    assert desk.line("true").status == 0
    assert desk.line(line).status == 124
    kill(desk, "-m cash.daemon")
    answered = desk.polis("approvals", word, "q1", "--for", scope)
    assert answered.status == 0, answered.err
    assert listed(desk) == []
    if scope != "session":  # that is as long as this polisd knows the walls
        kill(desk, "-m cash.daemon")
        assert listed(desk) == []
    assert desk.line(f"{line} ").status == 124  # another line
    assert [desk.line(line).status for _ in statuses] == statuses
    assert [entry["body"]["decision"] for entry in desk.log("answered")] == [word]


@pytest.mark.parametrize("killed", [False, True])
def test_a_question_that_nobody_waits_for_ends_no_waiting_for_its_agent(
    desk: Desk, killed: bool
) -> None:
    """What runs is waited for, and an agent at rest rests; the question is there to be answered."""
    assert desk.line("git reset --hard -q").status == 124
    if killed:
        kill(desk, "-m cash.daemon")
    running = start(desk, "touch began; sleep 2; touch ended")
    until((desk.tree / "began").exists)
    waited = desk.polis("agents", "wait", "alice", "--json")
    ended = (desk.tree / "ended").exists()
    assert (finish(running), ended) == (0, True)
    assert (waited.status, json.loads(waited.out)["states"]) == (0, {"alice": "idle"})
    assert len(listed(desk)) == 1
    shown = json.loads(desk.polis("agents", "show", "alice", "--json").out)
    assert shown["status"] == "waiting_approval"
    assert desk.polis("agents", "wait", "alice", "--for", "waiting_approval").status == 0


def test_a_question_that_is_waited_for_is_no_rest(desk: Desk) -> None:
    assert desk.polis("config", "set", "ask-seconds", "20").status == 0
    asking = start(desk, "git reset --hard -q")
    until(lambda: listed(desk) != [])
    assert desk.polis("agents", "wait", "alice", "--timeout", "1").status == 124
    assert desk.polis("approvals", "allow", "q1").status == 0
    assert finish(asking) == 0
    assert desk.polis("agents", "wait", "alice", "--timeout", "9").status == 0


def test_an_answer_holds_for_what_was_asked_alone(desk: Desk) -> None:
    """What comes again may be judged by other rules by then."""
    line = "git reset --hard -q"
    assert desk.line(line).status == 124
    policies = desk.installation.home / ".config/polis/policies"
    policies.mkdir(parents=True)
    (policies / "mine.yaml").write_text(
        "version: 1\nrules:\n- id: a-reset\n  program: git\n  args: [reset, ...]\n"
        "  decide: ask\n  reason: Why?\n  examples: {ask: [git reset], pass: [git log]}\n"
    )
    kill(desk, "-m cash.daemon")
    assert desk.polis("approvals", "allow", "q1").status == 0
    again = desk.line(line)
    assert (again.status, again.err.splitlines()[0]) == (124, "polis: asked by a-reset: Why?")


def test_polis_that_goes_down_keeps_them_and_a_removed_agent_takes_them_along(desk: Desk) -> None:
    assert desk.polis("agents", "add", "bob").status == 0
    assert desk.line("git reset --hard -q").status == 124
    ran = desk.polis("shell", "bob", "-c", "git reset --hard -q")
    assert ran.status == 124
    assert desk.polis("down").status == 0
    assert [question["agent"] for question in listed(desk)] == ["alice", "bob"]
    assert desk.polis("agents", "remove", "bob", "--force").status == 0
    kill(desk, "-m cash.daemon")
    assert [question["agent"] for question in listed(desk)] == ["alice"]
    assert desk.polis("agents", "add", "bob").status == 0
    assert [question["agent"] for question in listed(desk)] == ["alice"]


def test_an_agent_that_was_removed_behind_polis_back_asks_nothing(desk: Desk) -> None:
    assert desk.line("git reset --hard -q").status == 124
    kill(desk, "-m cash.daemon")
    (desk.state / "agents/alice/agent.json").rename(desk.state / "kept.json")
    assert listed(desk) == []
    (desk.state / "kept.json").rename(desk.state / "agents/alice/agent.json")
    kill(desk, "-m cash.daemon")
    assert listed(desk) == []


def test_nobody_without_the_key_changes_what_a_person_reads(desk: Desk) -> None:
    assert desk.line("git reset --hard -q").status == 124
    kill(desk, "-m cash.daemon")
    store = sqlite3.connect(desk.state / "store.db")
    (shown,) = store.execute("SELECT shown FROM questions").fetchone()
    assert "git reset" in shown
    with store:
        store.execute("UPDATE questions SET shown = replace(shown, 'reset --hard', 'status')")
    store.close()
    assert listed(desk) == []


def test_a_stopped_agent_asks_nothing_any_more(desk: Desk) -> None:
    assert desk.line("git reset --hard -q").status == 124
    assert desk.polis("agents", "stop", "alice").status == 0
    kill(desk, "-m cash.daemon")
    assert listed(desk) == []


def test_a_line_from_standard_input_is_the_line_and_its_question_is_told_once(desk: Desk) -> None:
    line = "git reset --hard -q"
    ran = desk.polis("shell", "alice", input=f"{line}\n".encode())
    assert ran.status == 124
    assert ran.err.splitlines() == [
        "polis: asked by discard-changes: Changes that no commit holds would be lost.",
        "hint: asked as q1, waiting for: polis approvals allow q1",
        "hint: asked as q1; send it again when allowed (polis approvals allow q1)",
    ]
    assert [question["line"] for question in listed(desk)] == [line]
    assert desk.polis("approvals", "allow", "q1", "--for", "1h").status == 0
    assert desk.line(line).status == 0
    assert desk.polis("shell", "alice", input=f"{line}\n".encode()).status == 0
