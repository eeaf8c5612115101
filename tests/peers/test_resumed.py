"""A conversation with a real agent CLI is taken up where it was left, with a terminal and without:
what was said and done before stands in what the model is sent."""

from __future__ import annotations

import json

import office as offices
import pytest
from acting import make_stage
from installation import Installation
from office import Office, wait_until
from playing import reason_to_skip

# Two starts of a CLI, on a machine that may be slow.
pytestmark = [pytest.mark.peers, pytest.mark.kernel, pytest.mark.timeout(300)]

CALLS = (("shell", "echo hello-from-tool"),)
Run = tuple[str, ...]
# Else it asks another model which to take, of which the scripted one knows nothing.
MODEL = {"gemini": ("--model", "gemini-2.5-pro")}


@pytest.fixture(params=["claude", "codex", "gemini"])
def seated(request: pytest.FixtureRequest, installation: Installation) -> tuple[Office, Run]:
    """An office, and how alice is given a task there."""
    if why := reason_to_skip(request.param) or offices.reason_to_skip():
        pytest.skip(why)
    run = ("agents", "run", "alice", *MODEL.get(request.param, ()))
    return make_stage(installation, request.param, CALLS), run


def _sent(stage: Office) -> str:
    """All that the model was sent since the CLI was started."""
    return json.dumps(
        [json.loads(row) for row in (stage.home() / "record.jsonl").read_text().splitlines()]
    )


def test_without_a_terminal(seated: tuple[Office, Run]) -> None:
    stage, run = seated[0], (*seated[1], "--headless", "--wait")
    stage.told(*run, "the first of two tasks", timeout=100)
    assert "the first of two tasks" in _sent(stage)
    stage.told(*run, "--resume", "the second of them", timeout=100)
    sent = _sent(stage)
    assert "the second of them" in sent
    assert "the first of two tasks" in sent
    assert "hello-from-tool" in sent


def test_at_a_terminal(seated: tuple[Office, Run]) -> None:
    stage, run = seated
    stage.told(*run, "the first of two tasks")
    wait_until(lambda: "All is done." in stage.logs(), "the end of the turn", 90)
    stage.told("agents", "stop", "alice")
    stage.told(*run, "--resume", "the second of them", timeout=100)
    wait_until(lambda: "the second of them" in _sent(stage), "the prompt", 90)
    assert "the first of two tasks" in _sent(stage)
    stage.told("agents", "stop", "alice")
