"""polis agents providers, login, logout, accounts: what they print, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installation import Installation
from toys import give_toy


@pytest.fixture
def toybox(installation: Installation) -> dict[str, str]:
    """The environment of somebody who has the toy, and nothing else but the system."""
    return {"PATH": f"{give_toy(installation)['PATH'].split(':')[0]}:{_bare(installation)}"}


def _bare(installation: Installation) -> str:
    """A PATH without agents' programs."""
    return ":".join([*installation.environment["PATH"].split(":")[:2], "/usr/bin", "/bin"])


def test_each_is_listed_with_what_is_missing(
    installation: Installation, toybox: dict[str, str]
) -> None:
    ran = installation.polis("agents", "providers", "--json", environment=toybox)
    found = {one["name"]: one for one in json.loads(ran.out)}
    assert list(found)[-2:] == ["shell", "toy"]
    assert found["toy"] | {"path": "", "manifest": ""} == {
        "name": "toy",
        "description": "Toy Agent",
        "found": True,
        "usable": True,
        "path": "",
        "version": "1.2.3",
        "capabilities": {"resume": True},
        "notes": [],
        "trouble": None,
        "hint": None,
        "manifest": "",
    }
    assert not found["cursor"]["usable"]
    assert found["cursor"]["hint"] == "curl https://cursor.com/install -fsS | bash"


def test_people_read_a_table_and_then_what_mends_it(
    installation: Installation, toybox: dict[str, str]
) -> None:
    ran = installation.polis("agents", "providers", environment=toybox)
    rows = ran.out.splitlines()
    assert rows[0].split() == ["provider", "version", "program"]
    assert any(row.split()[:2] == ["toy", "1.2.3"] for row in rows)
    assert (
        "kiro: Kiro CLI is not installed: no kiro-cli on PATH; "
        "curl -fsSL https://cli.kiro.dev/install | bash" in rows
    )
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("echo toy 0.9", "is 0.9, and polis needs 1.0 or newer"),
        ("echo hello", "--version says no version: hello"),
        ("sleep 300", "--version did not answer within 5 s"),
    ],
)
def test_a_program_that_is_of_no_use_has_one_line(
    installation: Installation, toybox: dict[str, str], script: str, trouble: str
) -> None:
    program = installation.folder / "toybox/toy"
    program.write_text(f"#!/bin/bash\n{script}\n")
    ran = installation.polis("agents", "providers", "toy", environment=toybox)
    assert ran.out.splitlines()[-1] == f"toy: {program} {trouble}; make toy"


def test_a_broken_manifest_of_ones_own_has_one_line_and_the_rest_is_usable(
    installation: Installation, toybox: dict[str, str]
) -> None:
    own = installation.home / ".config/polis/agents"
    (own / "bad.yaml").write_text("name: bad\nprogrm: [x]\n")
    ran = installation.polis("agents", "providers", "toy", environment=toybox)
    assert ran.status == 0
    assert "1.2.3" in ran.out
    assert ran.err == (
        f"polis: {own}/bad.yaml:2:1: unknown key 'progrm' (did you mean 'programs'?); "
        "that manifest is left out\n"
    )


def test_what_is_missing_is_said_when_an_agent_is_added(
    installation: Installation, toybox: dict[str, str]
) -> None:
    repository = installation.make_repository()
    installation.polis("init", cwd=repository, environment=toybox)
    ran = installation.polis("agents", "add", "alice", "--provider", "kiro", cwd=repository)
    assert ran.status == 0
    assert ran.err == (
        "polis: Kiro CLI is not installed: no kiro-cli on the PATH of alice\n"
        "hint: curl -fsSL https://cli.kiro.dev/install | bash\n"
    )
    ran = installation.polis("agents", "add", "bob", "--provider", "toy", cwd=repository)
    assert (ran.status, ran.err) == (0, "")
    ran = installation.polis("agents", "add", "carol", "--provider", "tox", cwd=repository)
    assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: there is no provider 'tox'")
    assert "did you mean toy?" in ran.err


@pytest.mark.parametrize(
    ("words", "given", "status", "message"),
    [
        (["login", "tox"], "", 64, "there is no provider 'tox'"),
        (["login", "shell"], "", 64, "agents of provider shell need no account"),
        (["login", "aider"], "", 64, "Aider has no login of its own"),
        (["login", "antigravity"], "", 64, "polis cannot keep an account of Google Antigravity"),
        (["login", "cursor"], "", 69, "Cursor Agent CLI is not installed: no cursor-agent on PATH"),
        (["login", "toy", "--key"], "", 64, "that is no API key"),
        (["login", "toy", "--key"], "a b", 64, "an API key has no spaces"),
        (["login", "toy", "--key", "sk-1"], "", 64, "got unexpected extra argument"),
        (["logout", "tox"], "", 64, "there is no provider 'tox'"),
    ],
)
def test_bad_input(
    installation: Installation,
    toybox: dict[str, str],
    words: list[str],
    given: str,
    status: int,
    message: str,
) -> None:
    ran = installation.polis("agents", *words, input=given.encode(), environment=toybox)
    assert ran.status == status, ran.err
    assert message in ran.err
    assert "sk-1" not in ran.err.replace("(sk-1)", "")
    accounts = installation.folder / "state/polis/accounts"
    assert not accounts.exists() or [*accounts.iterdir()] == []


def test_accounts_are_listed_without_their_secrets(
    installation: Installation, toybox: dict[str, str]
) -> None:
    assert installation.polis("agents", "accounts").out == (
        "no accounts yet; next: polis agents login claude\n"
    )
    ran = installation.polis(
        "agents", "login", "toy", "--key", "--json", input=b"sk-secret\n", environment=toybox
    )
    assert json.loads(ran.out)["kind"] == "key"
    (row,) = json.loads(installation.polis("agents", "accounts", "--json").out)
    assert (row["provider"], row["kind"], row["files"]) == ("toy", "key", [])
    ran = installation.polis("agents", "accounts")
    assert ran.out.splitlines()[1].startswith("toy       API key  ")
    assert "secret" not in ran.out
    assert not (installation.folder / "run/polis/polisd.sock").exists()  # nobody needs it yet


def test_an_account_outlives_the_last_repository_and_that_is_said(
    installation: Installation, toybox: dict[str, str]
) -> None:
    repository = installation.make_repository()
    installation.polis("init", cwd=repository)
    installation.polis("agents", "login", "toy", "--key", input=b"sk-1\n", environment=toybox)
    ran = installation.polis("uninstall", "--yes", cwd=repository)
    assert "kept: your account of toy (polis agents logout toy forgets it)\n" in ran.out
    assert installation.polis("agents", "logout", "toy").status == 0
    assert json.loads(installation.polis("agents", "accounts", "--json").out) == []


def test_names_are_completed(installation: Installation, toybox: dict[str, str]) -> None:
    for line in ("polis agents login to", "polis agents add x --provider to"):
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        ran = installation.polis(environment={"_POLIS_COMPLETE": "bash_complete", **asked})
        assert ran.out == "plain,toy\n", line
    assert not (installation.folder / "state").exists()  # polisd was not started for it


def test_the_schema_is_json(installation: Installation) -> None:
    ran = installation.polis("agents", "providers", "--schema")
    assert json.loads(ran.out)["title"] == "polis agent manifest"
    assert Path(installation.folder / "state").exists() is False
