"""The agent CLIs themselves, started on a terminal as their manifests say: none of them waits for
an answer to a question of its own, and the prompt they are given is worked on."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time

import pytest
from desk import Desk
from endpoint import log_in, serving, start
from installation import Installation
from playing import make_desk, reason_to_skip

# OpenCode alone works for five seconds at a start, on a machine that has time for it.
pytestmark = [pytest.mark.peers, pytest.mark.kernel, pytest.mark.timeout(180)]

_PATIENCE = 100.0
# Questions that were seen before the settings were there.
_QUESTION = re.compile(
    r"trust (this|the)|Choose the text style|API key in your environment|Bypass|Permission required"
)


@pytest.fixture(params=["claude", "codex", "gemini", "opencode", "copilot"])
def seated(request: pytest.FixtureRequest, installation: Installation) -> tuple[Desk, str]:
    if why := reason_to_skip(request.param):
        pytest.skip(why)
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    desk = make_desk(installation, request.param)
    # An account of GitHub's is looked at there: Copilot has its model's own provider.
    if request.param != "copilot":
        log_in(desk, request.param)
    return desk, request.param


def test_a_prompt_at_the_start_is_worked_on_without_a_question(seated: tuple[Desk, str]) -> None:
    desk, name = seated
    with serving(desk, name, [["shell", "echo from-the-tool"]]) as url:
        argv, _ = start(desk, name, url, "prompt")
        tmux = ("tmux", "-S", str(desk.installation.folder / "tmux"), "-f", "/dev/null")
        command = shlex.join(["polis", *argv])
        _run(desk, *tmux, "new-session", "-d", "-s", "a", "-x", "110", "-y", "40", command)
        try:
            screen = _wait(desk, (*tmux, "capture-pane", "-p", "-t", "a"), "All is done.")
        finally:
            _run(desk, *tmux, "kill-server")
    assert _QUESTION.search(screen) is None, screen


def _wait(desk: Desk, look: tuple[str, ...], wanted: str) -> str:
    deadline = time.monotonic() + _PATIENCE
    screen = ""
    while wanted not in screen:
        assert time.monotonic() < deadline, f"never came: {wanted}\n{screen}"
        time.sleep(0.3)
        screen = _run(desk, *look)
    return screen


def _run(desk: Desk, *argv: str) -> str:
    environment = desk.installation.environment | {"TERM": "xterm-256color", "SHELL": "/bin/sh"}
    ran = subprocess.run(
        argv, env=environment, cwd=desk.repository, capture_output=True, text=True, check=False
    )
    return ran.stdout
