"""The agent CLIs themselves with polis' hooks in their settings: what only a hook knows reaches
the journal, refusals reach the model before a shell starts; without hooks the walls do the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk import Desk
from playing import Played, play

pytestmark = [pytest.mark.peers, pytest.mark.kernel]

PROTECTED = ".github/workflows/other.yml"
FAR = (
    "git init -q --bare ~/far.git; git commit -q --allow-empty -m one; "
    "git push -q ~/far.git HEAD:main; git commit -q --allow-empty --amend -m two"
)
PUSH = "git push --force ~/far.git HEAD:main"
REFUSED = "echo first-half; mkfs.ext4 /dev/x"
CALLS = (("shell", f"{FAR}; echo hello-from-tool"), ("shell", REFUSED), ("shell", PUSH))
WRITE = ("write", PROTECTED, "on: push\n")
SHELLS = {"claude": "Bash", "codex": "Bash", "gemini": "run_shell_command"}
WRITERS = {"claude": "Write", "gemini": "write_file"}
# Codex runs hooks once a person has trusted them in its own window, or when told so.
OPTIONS = {"codex": ("--dangerously-bypass-hook-trust",)}


@pytest.fixture(scope="module")
def played(seat: tuple[str, Desk]) -> Played:
    name, desk = seat
    ran = desk.polis("hook", "install", name, "--agent", "alice")
    assert ran.status == 0, ran.err
    calls = CALLS if name == "codex" else (*CALLS, WRITE)
    return play(desk, name, calls, OPTIONS.get(name, ()))


def _tools(played: Played) -> list[dict[str, Any]]:
    return [one["body"] for one in played.desk.log("tool")]


def test_each_call_is_journaled_with_its_tool_and_its_id(played: Played) -> None:
    assert len(played.results) == len(played.calls), played.told
    shells = [one for one in _tools(played) if one["tool"] == SHELLS[played.name]]
    assert [one["line"] for one in shells] == [call[1] for call in CALLS], played.told
    assert len({one["call"] for one in shells}) == len(CALLS)
    if played.name == "claude":
        assert [one["call"] for one in shells] == [f"toolu_{n:024}" for n in range(3)]
        assert shells[0]["intent"] == "A step"
    assert {one["provider"] for one in shells} == {played.name}
    ended = [one["body"] for one in played.desk.log("hook") if one["body"].get("call")]
    assert shells[0]["call"] in [one["call"] for one in ended]


def test_the_session_is_told_of(played: Played) -> None:
    told = [one["body"]["event"] for one in played.desk.log("hook")]
    assert "SessionStart" in told, played.told
    assert {"Stop", "AfterAgent"} & set(told)
    assert all(one["agent"] == "alice" for one in played.desk.log("hook"))


def test_a_refused_line_is_refused_before_a_shell_starts(played: Played) -> None:
    told = played.results[1]
    assert "polis: denied by no-disk-tools: " in told, played.told
    assert "\nfirst-half" not in told  # Codex quotes the line
    (refused,) = [one for one in _tools(played) if one["approval"] == "refused"]
    assert (refused["decision"], refused["line"]) == ("deny", REFUSED)
    execs = [one["body"] for one in played.desk.log("exec")]
    assert [one for one in execs if one["decision"] == "deny"] == []


def test_what_runs_is_known_to_belong_to_its_call(played: Played) -> None:
    """Nobody is at a terminal: the question is the walls' own, and the exec names the call."""
    assert "polis: asked by force-push: " in played.results[2], played.told
    (push,) = [one for one in _tools(played) if one["line" if "line" in one else "call"] == PUSH]
    execs = [one["body"] for one in played.desk.log("exec")]
    asked = [one for one in execs if "force-push" in one["rules"]]
    assert {one["call"] for one in asked} == {push["call"]}, asked
    seen = [call for one in played.desk.log("execs") for call in one["body"].get("calls", ())]
    assert _tools(played)[0]["call"] in seen


@pytest.mark.parametrize("seat", ["claude", "gemini"], indirect=True)
def test_an_edit_is_judged_before_it_happens_and_goes_through_once_allowed(
    played: Played,
) -> None:
    desk, told = played.desk, played.results[3]
    assert "polis: asked by change-ci: " in told, played.told
    assert not (desk.tree / PROTECTED).exists()
    (asked,) = [one for one in _tools(played) if one["tool"] == WRITERS[played.name]]
    assert (asked["approval"], asked["paths"]) == ("unanswered", [str(desk.tree / PROTECTED)])
    open_ = json.loads(desk.polis("approvals", "--json").out)
    (number,) = [one["id"] for one in open_ if one["rule"] == "change-ci"]
    assert f"asked as {number}" in told
    assert desk.polis("approvals", "allow", number).status == 0
    again = play(desk, played.name, (WRITE,))
    assert (desk.tree / PROTECTED).read_text() == "on: push\n", again.told


def test_without_its_hooks_the_walls_refuse_the_same(played: Played) -> None:
    """The agent throws its settings away: it costs what hooks tell, and nothing else."""
    desk = played.desk
    place = {"claude": ".claude/settings.json", "codex": ".codex/hooks.json"}
    settings = place.get(played.name, ".gemini/settings.json")
    options = OPTIONS.get(played.name, ())
    play(desk, played.name, (("shell", f"echo '{{}}' >~/{settings}"),), options)
    assert "polis hook" not in (desk.state / "agents/alice/home" / settings).read_text()
    before = len(_tools(played))
    again = play(desk, played.name, (("shell", REFUSED),), options)
    assert len(_tools(played)) == before, again.told
    assert "polis: denied by no-disk-tools: " in again.results[0], again.told
    assert "first-half" not in again.results[0]
    assert "no-disk-tools" in [rule for one in desk.log("exec") for rule in one["body"]["rules"]]


@pytest.mark.parametrize("seat", ["claude"], indirect=True)
def test_the_skill_is_found_where_the_cli_looks_for_skills(played: Played) -> None:
    record = (played.desk.state / "agents/alice/home/record.jsonl").read_text()
    assert "How to work inside polis' walls" in record
