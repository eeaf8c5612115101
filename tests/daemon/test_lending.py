"""One account for all agents of a provider, through the real commands and the walls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from installation import Installation, Ran
from toys import give_toy

pytestmark = pytest.mark.kernel

_FIRST, _SECOND = "tok-3e8d17b1-first", "tok-90c2ffe4-second"


@dataclass(frozen=True)
class Toys:
    """A desk with two agents that are toys, alice and bob, and carol, who is a shell."""

    desk: Desk
    environment: dict[str, str]

    def polis(self, *argv: str, **how: Any) -> Ran:
        return self.desk.polis(*argv, environment=self.environment, **how)

    def toy(self, agent: str, *argv: str) -> str:
        """What the toy of that agent prints."""
        ran = self.polis("exec", agent, "--", "toy", *argv)
        assert ran.status == 0, ran.err
        return ran.out

    @property
    def account(self) -> Path:
        return self.desk.installation.folder / "state/polis/accounts/toy"

    def token(self) -> str:
        said = json.loads((self.account / "home/.toy/auth.json").read_text())
        return str(said["token"])


@pytest.fixture
def toys(installation: Installation) -> Toys:
    environment = give_toy(installation)
    desk = Desk(installation, installation.make_repository())
    toys = Toys(desk, environment)
    for words in (
        ("init",),
        ("config", "set", "path", environment["PATH"]),
        ("config", "set", "ask-seconds", "1"),
        ("agents", "add", "alice", "--provider", "toy"),
        ("agents", "add", "bob", "--provider", "toy"),
        ("agents", "add", "carol"),
    ):
        ran = toys.polis(*words)
        assert (ran.status, ran.err) == (0, ""), ran.err
    return toys


def _log_in(toys: Toys, token: str = _FIRST) -> None:
    ran = toys.polis("agents", "login", "toy", input=f"{token}\n".encode())
    assert (ran.status, ran.out) == (0, "agents of provider toy are logged in\n"), ran.err


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_login_serves_all_agents_of_the_provider_and_no_other(toys: Toys) -> None:
    _log_in(toys)
    assert _FIRST in toys.toy("alice", "show")
    assert _FIRST in toys.toy("bob", "show")
    ran = toys.polis("exec", "carol", "--", "sh", "-c", f"cat ~/.toy/auth.json; ls {toys.account}")
    assert ran.status != 0
    assert _FIRST not in ran.out
    # Nor does an agent that has it reach what the account itself is.
    ran = toys.polis("exec", "alice", "--", "ls", str(toys.account))
    assert "No such file or directory" in ran.err


def test_a_token_that_one_agent_renews_is_the_others_too(toys: Toys) -> None:
    _log_in(toys)
    toys.toy("bob", "show")
    toys.toy("alice", "renew", _SECOND)
    # Also for a program of bob's that runs all the while.
    _until(lambda: _SECOND in (toys.desk.state / "agents/bob/home/.toy/auth.json").read_text())
    assert toys.token() == _SECOND
    assert [one["body"] for one in toys.desk.log("token-renewed")] == [{"provider": "toy"}]


def test_a_token_renewed_just_before_polisd_stops_is_not_lost(toys: Toys) -> None:
    _log_in(toys)
    toys.toy("alice", "renew", _SECOND)
    assert toys.polis("down").status == 0
    assert toys.token() == _SECOND
    assert _SECOND in toys.toy("bob", "show")


def test_a_token_renewed_while_no_polisd_was_there_is_not_lost(toys: Toys) -> None:
    _log_in(toys)
    with subprocess.Popen(
        ("polis", "exec", "alice", "--", "toy", "later", "2", _SECOND),
        cwd=toys.desk.repository,
        env=toys.desk.installation.environment | toys.environment,
    ) as later:
        _until((toys.desk.state / "agents/alice/home/began").exists)
        (polisd,) = toys.desk.pids("-m cash.daemon")
        os.kill(polisd, signal.SIGKILL)
        assert later.wait(20) == 0
    assert toys.token() == _FIRST
    assert _SECOND in toys.toy("bob", "show")
    assert toys.token() == _SECOND


def test_a_key_takes_the_place_of_the_copies_of_a_login(toys: Toys) -> None:
    _log_in(toys)
    toys.toy("alice", "show")
    assert toys.polis("agents", "login", "toy", "--key", input=b"key-55aa-secret\n").status == 0
    assert not list(toys.desk.state.glob("agents/*/home/.toy/auth.json"))


def test_a_token_of_another_account_is_nobodys(toys: Toys) -> None:
    _log_in(toys)
    toys.toy("alice", "renew", _SECOND, "eve")
    time.sleep(1.5)
    assert toys.token() == _FIRST
    assert _FIRST in toys.toy("bob", "show")


def test_a_key_reaches_the_program_and_not_what_that_starts(toys: Toys) -> None:
    ran = toys.polis("agents", "login", "toy", "--key", input=b"key-55aa-secret\n")
    assert ran.status == 0, ran.err
    said = toys.toy("alice", "key").splitlines()
    # Some programs start themselves anew.
    assert said[0] == "own=[key-55aa-secret]"
    assert said[1:] == ["TOY_KEY=", "TOY_KEY=", "again=[key-55aa-secret]"]
    ran = toys.polis("exec", "alice", "--", "env")
    assert "TOY_KEY" not in ran.out
    ran = toys.polis("exec", "alice", "--", "env", "A=b", "toy", "key")
    assert "own=[key-55aa-secret]" in ran.out


def test_nothing_of_an_account_is_journaled(toys: Toys) -> None:
    _log_in(toys)
    toys.toy("alice", "renew", _SECOND)
    assert toys.polis("agents", "login", "toy", "--key", input=b"key-55aa-secret\n").status == 0
    toys.toy("alice", "key")
    toys.polis("down")
    state = toys.desk.state
    journal = b"".join(path.read_bytes() for path in state.glob("store.db*"))
    assert b"toy" in journal
    assert _FIRST.encode() not in journal
    assert b"key-55aa-secret" not in journal


def test_logging_out_takes_it_back_from_every_agent(toys: Toys) -> None:
    _log_in(toys)
    toys.toy("alice", "show")
    ran = toys.polis("agents", "logout", "toy")
    assert (ran.status, ran.out) == (0, "logged out of Toy Agent\n")
    assert toys.polis("exec", "alice", "--", "toy", "show").status != 0
    assert not list(toys.desk.state.glob("agents/*/home/.toy/auth.json"))
    assert not (toys.account / "home").exists()
    # The provider was told, by its own program.
    assert _FIRST in (toys.desk.installation.folder / "toybox/told").read_text()
    ran = toys.polis("agents", "logout", "toy")
    assert (ran.status, ran.out) == (0, "there was no account of Toy Agent\n")


def test_a_login_that_comes_to_nothing_changes_nothing(toys: Toys) -> None:
    _log_in(toys)
    program = toys.desk.installation.folder / "toybox/toy"
    program.write_text("#!/bin/bash\nexit 3\n")
    ran = toys.polis("agents", "login", "toy")
    assert ran.status == 125
    assert ran.err.startswith(
        "polis: Toy Agent has left no credentials (it ended with 3); nothing was changed\nhint: "
    )
    assert toys.token() == _FIRST
    assert [path.name for path in toys.account.iterdir() if path.is_dir()] == ["home"]


def test_a_new_login_reaches_agents_that_have_the_old_one(toys: Toys) -> None:
    _log_in(toys)
    toys.toy("alice", "show")
    _log_in(toys, _SECOND)
    assert _SECOND in (toys.desk.state / "agents/alice/home/.toy/auth.json").read_text()
