"""Agent CLIs that nobody has logged in: what is said of that, before they start and after."""

from __future__ import annotations

import json

import office as offices
import pytest
from installation import Installation
from office import Office, wait_until
from playing import AGENTS_BIN, reason_to_skip

pytestmark = [pytest.mark.peers, pytest.mark.kernel]


@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
def test_a_login_that_is_missing_is_told_and_is_an_error(
    installation: Installation, name: str
) -> None:
    if why := reason_to_skip(name) or offices.reason_to_skip():
        pytest.skip(why)
    office = Office(installation, installation.make_repository())
    office.told("init")
    office.told("config", "set", "path", f"{AGENTS_BIN}:{installation.environment['PATH']}")
    office.told("agents", "add", "alice", "--provider", name)
    words = ("run", "alice", "say hello", "--wait", "--timeout", "60s")
    ran = office.polis("agents", *words, timeout=100)
    first, *_ = ran.err.splitlines()
    way = f"polis agents login {name}"
    assert first == f"polis: no account of {name} is lent to alice; {way} lends one"
    assert (ran.status, ran.out) == (1, "alice: error\n"), ran.err + office.logs()

    def reason() -> str:
        found = json.loads(office.told("agents", "explain", "alice", "--json"))
        assert found["state"]["status"] == "error"
        return str(found["state"]["reason"])

    wait_until(lambda: reason() == f"not logged in: {way}", "the reason")
    assert office.told("approvals", "--json") == "[]\n"
    assert office.polis("agents", "wait", "alice").status == 1
