"""OpenCode and GitHub Copilot CLI inside the walls, each in one run: what their tools run is
judged, what becomes of it comes back to the model, and the conversation can be taken up."""

from __future__ import annotations

import json

import pytest
from desk import Desk
from playing import Played, expect_refusal, expect_whole_turn, play

from cash.providers.launch import plan_launch
from cash.providers.manifest import load_manifests

_NAMES = ["opencode", "copilot"]
pytestmark = [
    pytest.mark.peers,
    pytest.mark.kernel,
    pytest.mark.timeout(300),  # a start of theirs, on a machine that may be slow
    pytest.mark.parametrize("seat", _NAMES, indirect=True, scope="module"),
]

PROTECTED = ".github/workflows/other.yml"
REFUSED = "echo first-half; mkfs.ext4 /dev/x"
CALLS = (
    ("shell", "echo hello-from-tool"),
    ("shell", "npm install left-pad"),
    ("shell", REFUSED),
    ("write", PROTECTED, "on: push\n"),
)
SESSION = "0cb916db-26aa-40f2-86b5-1ba81b225fd2"


@pytest.fixture(scope="module")
def played(seat: tuple[str, Desk]) -> Played:
    name, desk = seat
    # Copilot's conversation has the id that polis gives it; OpenCode gives its own.
    return play(desk, name, CALLS, (f"--session-id={SESSION}",) if name == "copilot" else ())


def test_every_call_has_its_result_and_the_turn_ends(played: Played) -> None:
    expect_whole_turn(played)
    assert "hello-from-tool" in played.results[0]


def test_an_install_is_carried_out_by_pnpm(played: Played) -> None:
    assert "left-pad" in (played.desk.tree / "pnpm-lock.yaml").read_text(), played.told
    assert "left-pad" not in (played.desk.tree / "package-lock.json").read_text()
    assert "left-pad" in played.results[1]


def test_no_part_of_a_refused_line_runs_and_the_model_is_told_why(played: Played) -> None:
    expect_refusal(played, 2)


def test_a_tool_that_writes_by_itself_is_refused_what_a_line_would_be(played: Played) -> None:
    assert not (played.desk.tree / PROTECTED).exists(), played.told
    assert "permission" in played.results[3].lower()
    (asked,) = json.loads(played.desk.polis("approvals", "--json").out)
    assert (asked["agent"], asked["rule"]) == ("alice", "change-ci")


def test_it_is_journaled_with_its_agent_and_its_line(played: Played) -> None:
    """And nothing else is refused or asked about: neither what it runs for itself nor a host."""
    (refused,) = [one for one in played.desk.log("exec") if one["body"]["decision"] != "rewrite"]
    assert refused["agent"] == "alice"
    assert (refused["body"]["decision"], refused["body"]["rules"]) == ("deny", ["no-disk-tools"])
    # The shell and its words are those that the manifest says.
    shell = load_manifests()[played.name].shell
    assert shell is not None
    assert refused["body"]["argv"] == [*shell.argv, REFUSED]
    assert {one["body"]["decision"] for one in played.desk.log("connect")} <= {"allow"}


def test_a_conversation_is_taken_up_by_its_id(played: Played) -> None:
    session = SESSION
    if played.name == "opencode":
        session = json.loads(played.ran.out.splitlines()[0])["sessionID"]
    name = played.name
    launch = plan_launch(
        load_manifests()[name], program=name, version="", purpose="resumed-headless", resume=session
    )
    (resumed,) = [word for word in launch.argv if session in word]
    again = play(played.desk, name, CALLS[:1], (resumed,))
    assert again.ran.status == 0, again.told
    # What was called before is there: the model, which wants one call, has its result already.
    assert list(again.results[:3]) == list(played.results[:3]), again.told
