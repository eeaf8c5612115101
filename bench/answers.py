"""What the shipped rules ask about in a line is allowed before the line is measured, as a person
would, and said."""

from __future__ import annotations

import json
import subprocess

from bench.home import Home
from bench.measure import Unready

_TRIES = 6  # a program stops at its first refusal: what comes after is asked in the next try


def let_through(home: Home, line: str) -> list[str]:
    """Sends a line of alice's until nothing in it is asked about; what was, each with its rule."""
    patience = home.polis("config", "get", "ask-seconds").strip()
    home.polis("config", "set", "ask-seconds", "1")
    asked: list[str] = []
    try:
        for _ in range(_TRIES):
            status = _send(home, line)
            questions = json.loads(home.polis("approvals", "--json"))
            if not questions and status == 0:
                return asked
            for question in questions:
                asked.append(f"`{question['line']}` ({question['rule']})")
                home.polis("approvals", "allow", question["id"], "--for", "session")
    finally:
        home.polis("config", "set", "ask-seconds", patience)
    raise Unready(f"{line} does not run inside; asked about: {', '.join(asked) or 'nothing'}")


def _send(home: Home, line: str) -> int:
    return subprocess.run(
        ["polis", "shell", "alice", "-c", line],
        cwd=home.repository,
        env=home.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    ).returncode
