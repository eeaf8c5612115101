"""The agent CLIs' own logins, as far as one comes without an account: to the address to visit."""

from __future__ import annotations

import re
import socket

import pytest
from installation import Installation
from playing import AGENTS_BIN, reason_to_skip
from screen import Terminal

pytestmark = pytest.mark.peers

_PATIENCE = 30.0


@pytest.mark.parametrize(
    ("name", "address"),
    [("claude", r"https://\S*oauth/authorize"), ("codex", r"https://auth\.openai\.com/oauth/")],
)
def test_a_login_that_is_broken_off_leaves_nothing(
    installation: Installation, name: str, address: str
) -> None:
    if why := reason_to_skip(name):
        pytest.skip(why)
    if name == "codex" and _is_taken(1455):
        pytest.skip("the port at which codex hears from a browser is taken")
    environment = installation.environment
    environment |= {"PATH": f"{AGENTS_BIN}:{environment['PATH']}", "BROWSER": "/bin/true"}
    environment["HTTPS_PROXY"] = "http://127.0.0.1:9"  # and no further than here
    words = ("polis", "agents", "login", name)
    with Terminal(words, environment=environment, cwd=installation.home, columns=200) as terminal:
        terminal.wait(lambda: re.search(address, _said(terminal)), address, _PATIENCE)
        terminal.type("\x03")
        assert terminal.wait_end() == 125
    assert "has left no credentials" in _said(terminal)
    assert "nothing was changed" in _said(terminal)
    accounts = installation.folder / "state/polis/accounts"
    assert [*accounts.rglob("*")] == []
    assert sorted(path.name for path in installation.home.iterdir()) == [".gitconfig"]


def _said(terminal: Terminal) -> str:
    return terminal.transcript.decode("utf-8", "replace")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
