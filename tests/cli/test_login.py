"""polis agents login: without a terminal, and told to end in the middle of it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from installation import Installation
from screen import Terminal
from toys import give_toy

_SLOW = r"""#!/bin/bash
case $1 in
--version) echo "slow 1.2.3";;
login) trap 'echo told >"${0%/*}/told"; exit 3' TERM HUP
  mkdir ~/.slow; echo half >~/.slow/half; echo "log in at the browser"; read -r; sleep 60 & wait;;
esac
"""


@pytest.fixture
def slow(installation: Installation) -> dict[str, str]:
    """The environment of somebody who has a program whose login asks at a terminal, and waits."""
    environment = give_toy(installation)
    own = installation.home / ".config/polis/agents"
    manifest = (own / "toy.yaml").read_text().replace("toy", "slow").replace("TOY", "SLOW")
    (own / "slow.yaml").write_text(manifest.replace("  login_input: true\n", ""))
    (installation.folder / "toybox/slow").write_text(_SLOW)
    (installation.folder / "toybox/slow").chmod(0o755)
    return environment


def _accounts(installation: Installation) -> list[Path]:
    return [*(installation.folder / "state/polis/accounts").glob("*")]


def test_without_a_terminal_it_ends_at_once_and_says_how_to(
    installation: Installation, slow: dict[str, str]
) -> None:
    ran = installation.polis("agents", "login", "slow", environment=slow, timeout=10)
    assert (ran.status, ran.out) == (64, "")
    assert ran.err == (
        "polis: the login of Toy Agent asks at a terminal, and there is none\n"
        "hint: at a terminal: polis agents login slow, "
        "or with an API key: polis agents login slow --key <file-with-the-key\n"
    )
    assert _accounts(installation) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_login_that_is_told_to_end_leaves_nothing(
    installation: Installation, slow: dict[str, str], number: signal.Signals
) -> None:
    with _logging_in(installation, slow) as person:
        person.kill(number)
        assert person.wait_end() == -number
    assert _accounts(installation) == []
    assert (installation.folder / "toybox/told").read_text() == "told\n"


def test_ctrl_c_leaves_nothing(installation: Installation, slow: dict[str, str]) -> None:
    with _logging_in(installation, slow) as person:
        person.type("\x03")
        assert person.wait_end() == 125
        assert "has left no credentials" in person.text
    assert _accounts(installation) == []


def test_a_login_on_standard_input_ends_with_sigint_too(
    installation: Installation, slow: dict[str, str]
) -> None:
    with subprocess.Popen(
        ("polis", "agents", "login", "toy"),
        stdin=subprocess.PIPE,
        env=installation.environment | slow,
        cwd=installation.home,
    ) as running:
        _home(installation, "toy")
        time.sleep(0.2)  # the program is at it
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
    assert _accounts(installation) == []


def test_what_a_killed_login_left_goes_at_the_next_one(
    installation: Installation, slow: dict[str, str]
) -> None:
    left = _left_by_a_kill(installation, slow)
    with _logging_in(installation, slow) as person:
        assert not left.exists()
        person.kill(signal.SIGTERM)
        person.wait_end()
    assert _accounts(installation) == []


def test_and_when_polis_starts_but_one_under_way_stays(
    installation: Installation, slow: dict[str, str]
) -> None:
    left = _left_by_a_kill(installation, slow)
    with _logging_in(installation, slow, "toy") as person:
        kept = _home(installation, "toy")
        assert installation.polis("up").status == 0
        assert (left.exists(), kept.exists()) == (False, True)
        person.enter("sk-1", "are logged in")
    assert [path.name for path in _accounts(installation)] == ["toy"]


def _left_by_a_kill(installation: Installation, slow: dict[str, str]) -> Path:
    """The home of a login whose polis was killed, once its program is gone as well."""
    with _logging_in(installation, slow) as person:
        left = _home(installation, "slow")
        person.kill(signal.SIGKILL)
        told = installation.folder / "toybox/told"
        _until(told.exists)
        person.wait_end()
    told.unlink()
    assert (left / ".slow/half").exists()
    return left


def _home(installation: Installation, provider: str) -> Path:
    """The home a login runs in, once it is there."""
    accounts = installation.folder / "state/polis/accounts"
    _until(lambda: any(accounts.glob(f"{provider}/login-*")))
    (found,) = accounts.glob(f"{provider}/login-*")
    return found


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _logging_in(
    installation: Installation, slow: dict[str, str], provider: str = "slow"
) -> Terminal:
    """A person in the middle of a login."""
    person = Terminal(
        ("polis", "agents", "login", provider),
        environment=installation.environment | slow,
        cwd=installation.home,
    )
    if provider == "slow":
        person.wait_for("log in at the browser")
    return person
