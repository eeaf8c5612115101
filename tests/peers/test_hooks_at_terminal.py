"""A person sits before Claude Code: polis' question stands in its own window, and the answer that
counts is still the one given to polis."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import model
import pytest
from desk import Desk
from installation import Installation
from playing import make_desk, reason_to_skip
from screen import Terminal

pytestmark = [pytest.mark.peers, pytest.mark.kernel]

FAR = (
    "git init -q --bare ~/far.git; git commit -q --allow-empty -m one; "
    "git push -q ~/far.git HEAD:main; git commit -q --allow-empty --amend -m two"
)
PUSH = "git push --force ~/far.git HEAD:main"


@pytest.fixture
def desk(installation: Installation) -> Desk:
    if why := reason_to_skip("claude"):
        pytest.skip(why)
    made = make_desk(installation, "claude")
    for words in (
        ("hook", "install", "claude", "--agent", "alice"),
        ("config", "set", "ask-seconds", "20"),
        ("shell", "alice", "-c", FAR),
    ):
        ran = made.polis(*words)
        assert ran.status == 0, ran.err
    return made


@pytest.fixture
def terminal(desk: Desk) -> Iterator[Terminal]:
    """Claude Code, past its first dialogs."""
    folder = desk.state / "agents/alice/home"
    shutil.copy(model.__file__, folder / "model.py")
    play = {"calls": [("shell", PUSH)], "say": "All is done.", "at_terminal": True}
    (folder / "play.json").write_text(json.dumps(play))
    seen = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": ["dummy"], "rejected": []},
        "projects": {str(desk.tree): {"hasTrustDialogAccepted": True}},
    }
    (folder / ".claude.json").write_text(json.dumps(seen))
    inside = desk.installation.home
    words = (f"{inside}/model.py", "claude", f"{inside}/play.json", f"{inside}/record.jsonl")
    argv = ["polis", "exec", "alice", "--", "python3", "-I", *words]
    environment = desk.installation.environment
    with Terminal(argv, environment=environment, cwd=desk.repository, rows=40, columns=110) as made:
        made.wait_for("for shortcuts")
        yield made
        desk.polis("agents", "stop", "alice")


def test_the_question_stands_in_its_window(desk: Desk, terminal: Terminal) -> None:
    terminal.type("Do it")
    terminal.wait_for(r"Do it$")
    terminal.type("\r")
    shown = terminal.wait_for("Do you want to proceed")
    assert "polis: asked by force-push: A forced push takes away what others have." in shown
    (question,) = [
        one
        for one in json.loads(desk.polis("approvals", "--json").out)
        if one["rule"] == "force-push"
    ]
    assert f"polis approvals allow {question['id']}; then confirm it here" in shown
    assert [one["body"]["approval"] for one in desk.log("tool")] == ["asked"]
    # What is confirmed there alone waits at the walls.
    assert desk.polis("approvals", "allow", question["id"]).status == 0
    terminal.type("1")
    terminal.wait_for("forced update")
    terminal.wait_for("All is done")
    asked = [one["body"]["rule"] for one in desk.log("asked")]
    assert asked.count("force-push") == 1


def test_a_yes_in_its_window_alone_lets_nothing_through(desk: Desk, terminal: Terminal) -> None:
    desk.polis("config", "set", "ask-seconds", "2")
    terminal.type("Do it")
    terminal.wait_for(r"Do it$")
    terminal.type("\r")
    terminal.wait_for("Do you want to proceed")
    terminal.type("1")
    terminal.wait_for("All is done")
    assert "forced update" not in terminal.text
    (push,) = [one["body"] for one in desk.log("exec") if "force-push" in one["body"]["rules"]]
    assert push["approval"] == "unanswered"
