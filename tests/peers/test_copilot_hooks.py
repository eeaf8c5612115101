"""GitHub Copilot CLI itself with polis' hooks in its settings: what it sends is read, and what it
is answered reaches the model before anything starts."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk
from playing import Played, play

pytestmark = [
    pytest.mark.peers,
    pytest.mark.kernel,
    pytest.mark.timeout(300),  # a start of theirs, on a machine that may be slow
    pytest.mark.parametrize("seat", ["copilot"], indirect=True, scope="module"),
]

PROTECTED = ".github/workflows/other.yml"
REFUSED = "echo first-half; mkfs.ext4 /dev/x"
CALLS = (
    ("shell", "echo hello-from-tool"),
    ("shell", REFUSED),
    ("write", PROTECTED, "on: push\n"),
    ("write", "notes.txt", "one\n"),
)


@pytest.fixture(scope="module")
def played(seat: tuple[str, Desk]) -> Played:
    name, desk = seat
    ran = desk.polis("hook", "install", name, "--agent", "alice")
    assert ran.status == 0, ran.err
    return play(desk, name, CALLS)


def _tools(played: Played) -> list[dict[str, Any]]:
    return [one["body"] for one in played.desk.log("tool")]


def test_each_call_is_journaled_and_its_end_is_told(played: Played) -> None:
    tools = _tools(played)
    assert [one["tool"] for one in tools] == ["bash", "bash", "create", "create"], played.told
    assert [one.get("line") for one in tools[:2]] == [call[1] for call in CALLS[:2]]
    assert tools[0]["intent"] == "A step"
    assert tools[3]["paths"] == [str(played.desk.tree / "notes.txt")]
    hooks = [one["body"] for one in played.desk.log("hook")]
    ended = [one["call"] for one in hooks if one["event"] == "postToolUse"]
    assert ended == [tools[0]["call"], tools[3]["call"]]
    told = [one["event"] for one in hooks if one["event"] != "postToolUse"]
    assert told == ["sessionStart", "userPromptSubmitted", "agentStop", "sessionEnd"]


def test_what_is_refused_never_starts_and_the_model_is_told_why(played: Played) -> None:
    line, edit = played.results[1:3]
    assert "polis: denied by no-disk-tools: " in line, played.told
    assert "polis: asked by change-ci: " in edit, played.told
    assert "first-half" not in line
    assert not (played.desk.tree / PROTECTED).exists()
    assert [one for one in played.desk.log("exec") if one["body"]["decision"] == "deny"] == []


def test_it_is_never_told_to_wait_where_it_asks_nobody(played: Played) -> None:
    states = [one["body"] for one in played.desk.log("state") if one["body"]["source"] == "hook"]
    assert [one["status"] for one in states if one["status"] == "waiting_approval"] == []
    assert {"running", "idle"} <= {one["status"] for one in states}
