"""The agent CLIs themselves, inside the walls: what their tools run is judged, and what becomes of
it comes back to the model."""

from __future__ import annotations

import json

import pytest
from desk import Desk
from playing import Played, expect_refusal, expect_whole_turn, play

pytestmark = [pytest.mark.peers, pytest.mark.kernel]

PROTECTED = ".github/workflows/other.yml"
PUSH = "git push --force ~/far.git HEAD:main"
FAR = (
    "git init -q --bare ~/far.git; git commit -q --allow-empty -m one; "
    "git push -q ~/far.git HEAD:main; git commit -q --allow-empty --amend -m two"
)
CALLS = (
    ("shell", f"{FAR}; echo hello-from-tool"),
    ("shell", "npm install left-pad"),
    ("shell", "echo first-half; mkfs.ext4 /dev/x"),
    ("shell", PUSH),
)
WRITE = ("write", PROTECTED, "on: push\n")


@pytest.fixture(scope="module")
def played(seat: tuple[str, Desk]) -> Played:
    """One run of each CLI, with one call more where it has a tool of its own for files."""
    name, desk = seat
    return play(desk, name, CALLS if name == "codex" else (*CALLS, WRITE))


def test_every_call_has_its_result_and_the_turn_ends(played: Played) -> None:
    expect_whole_turn(played)
    assert "hello-from-tool" in played.results[0]


def test_an_install_is_carried_out_by_pnpm(played: Played) -> None:
    tree = played.desk.tree
    assert (tree / "node_modules/left-pad/package.json").exists(), played.told
    assert (tree / "pnpm-lock.yaml").exists(), played.told
    assert "left-pad" in (tree / "pnpm-lock.yaml").read_text()
    assert "left-pad" not in (tree / "package-lock.json").read_text()
    assert "left-pad" in played.results[1]


def test_no_part_of_a_refused_line_runs_and_the_model_is_told_why(played: Played) -> None:
    expect_refusal(played, 2)


def test_what_the_cli_runs_for_itself_is_let_through(played: Played) -> None:
    """Its set-up of a shell, its looks at git; hosts that it does without are not asked about."""
    asked = json.loads(played.desk.polis("approvals", "--json").out)
    assert [one for one in asked if one["rule"] not in ("change-ci", "force-push")] == []
    refused = [one["body"] for one in played.desk.log("exec") if one["body"]["decision"] == "deny"]
    assert [one["rules"] for one in refused] == [["no-disk-tools"]]


def test_a_line_that_is_asked_about_goes_through_when_it_is_allowed(played: Played) -> None:
    """And is not asked about again inside: by the shell of Codex's frame, or by git's own gits."""
    desk, told = played.desk, played.results[3]
    assert "polis: asked by force-push: " in told, played.told
    assert "hint: asked as q1; send it again when allowed" in told
    assert "124" in told
    assert desk.polis("approvals", "allow", "q1").status == 0
    again = play(desk, played.name, (("shell", PUSH),))
    assert "(forced update)" in again.results[0], again.told
    asked = [one["body"]["rule"] for one in desk.log("asked")]
    assert asked.count("force-push") == 1
    answered = [one["body"]["approval"] for one in desk.log("exec")]
    assert answered.count("earlier answer") == 1


@pytest.mark.parametrize("seat", ["claude", "gemini"], indirect=True)
def test_a_tool_that_writes_by_itself_is_refused_what_a_line_would_be(played: Played) -> None:
    assert not (played.desk.tree / PROTECTED).exists(), played.told
    assert "successfully" not in played.results[4].lower()
