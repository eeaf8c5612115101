"""A repository that npm has locked: asked once who installs there, then carried out for real."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from desk import Desk
from installation import Installation, Ran
from running import kill, until
from screen import Terminal

from cash.settings import answers_file

pytestmark = pytest.mark.peers

LINE = "npm install left-pad"
MANIFEST = '{"name": "shop", "version": "1.0.0", "dependencies": {"is-odd": "^3.0.0"}}\n'


@pytest.fixture
def desk(installation: Installation) -> Desk:
    """A repository locked by npm at an older version than pnpm would choose, with two agents."""
    repository = installation.make_repository(files={"package.json": MANIFEST})
    words = ("install", "--package-lock-only", "--no-audit", "--no-fund", "is-odd@3.0.0")
    locked = installation.run("npm", *words, cwd=repository)
    assert locked.status == 0, locked.err
    (repository / "package.json").write_text(MANIFEST)
    lock = (repository / "package-lock.json").read_text()
    (repository / "package-lock.json").write_text(lock.replace('"is-odd": "3.0.0"', RANGE))
    (repository / ".gitignore").write_text("node_modules\n")
    installation.git(repository, "add", "-A")
    installation.git(repository, "commit", "-q", "-m", "Lock")
    made = Desk(installation, repository)
    for words in (
        ("init",),
        ("config", "set", "ask-seconds", "1"),
        ("agents", "add", "alice"),
        ("agents", "add", "bob"),
    ):
        assert made.polis(*words).status == 0
    return made


RANGE = '"is-odd": "^3.0.0"'


def bob(desk: Desk, line: str) -> Ran:
    return desk.polis("shell", "bob", "-c", line)


def open_questions(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(desk.polis("approvals", "--json").out)
    return found


def ran_lines(desk: Desk) -> list[tuple[str, str, list[list[str]]]]:
    """What was let through of LINE: who sent it, its verdict, its commands."""
    return [
        (entry["agent"], entry["body"]["decision"], entry["body"]["commands"])
        for entry in desk.log("line")
        if entry["body"]["line"] == LINE and entry["body"]["approval"] not in ("unanswered",)
    ]


def test_adopting_pnpm_takes_the_versions_over_and_is_never_asked_again(desk: Desk) -> None:
    asked = desk.line(LINE)
    assert asked.status == 124
    why, waiting, how = asked.err.splitlines()
    assert why == (
        "polis: asked by npm-to-pnpm: This repository is locked by package-lock.json only: adopt "
        "pnpm (pnpm import takes the versions over), or keep npm"
    )
    ways = "polis approvals allow q1 --choose pnpm or polis approvals allow q1 --choose npm"
    assert waiting == f"hint: asked as q1, waiting for: {ways}"
    assert how == f"hint: asked as q1; send it again when allowed ({ways})"
    assert bob(desk, "npm ci").status == 124
    kill(desk, "-m cash.daemon")
    (mine, other) = open_questions(desk)
    assert [one["word"] for one in mine["choices"]] == ["pnpm", "npm"]
    assert "    keep npm: polis approvals allow q1 --choose npm\n" in desk.polis("approvals").out
    assert (mine["agent"], other["agent"]) == ("alice", "bob")

    plain = desk.polis("approvals", "allow", "q1")
    assert (plain.status, plain.err.splitlines()[0]) == (
        64,
        "polis: q1 asks for a choice: pnpm or npm",
    )
    wrong = desk.polis("approvals", "allow", "q1", "--choose", "yarn")
    assert (wrong.status, wrong.err.splitlines()[0]) == (64, "polis: q1 does not offer 'yarn'")
    both = desk.polis("approvals", "allow", "q1", "--choose", "pnpm", "--for", "1h")
    assert (both.status, len(open_questions(desk))) == (64, 2)
    words = "polis approvals allow q1 --choose "
    begun = {"_POLIS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "5"}
    assert desk.polis(environment=begun).out.split() == ["plain,npm", "plain,pnpm"]
    chosen = desk.polis("approvals", "allow", "q1", "--choose", "pnpm")
    assert (chosen.status, chosen.out) == (0, f"adopt pnpm: {LINE}\n")
    assert open_questions(desk) == []

    ran = desk.line(LINE)
    assert ran.status == 0, ran.out + ran.err
    lock = (desk.tree / "pnpm-lock.yaml").read_text()
    assert "is-odd@3.0.0" in lock
    assert (desk.tree / "node_modules/left-pad/package.json").exists()
    assert bob(desk, "npm ci").status == 0
    assert (desk.folder_of("bob") / "volume/tree/node_modules/is-odd").exists()
    assert desk.line(LINE).status == 0
    assert ran_lines(desk) == [
        ("alice", "rewrite", [["pnpm", "import"], ["pnpm", "add", "left-pad"]]),
        ("alice", "rewrite", [["pnpm", "add", "left-pad"]]),
    ]
    (answered,) = desk.log("answered")
    assert (answered["body"]["decision"], answered["body"]["chosen"]) == ("chosen", "pnpm")
    setting = json.loads(desk.polis("config", "--json").out)["installer"]
    assert setting == {"value": "pnpm", "origin": str(answers_file(desk.state))}
    assert desk.installation.git(desk.repository, "status", "--porcelain") == ""


def test_keeping_npm_runs_npm_for_everybody_until_the_repository_says_otherwise(
    desk: Desk,
) -> None:
    assert desk.line(LINE).status == 124
    assert desk.polis("approvals", "allow", "q1", "--choose", "npm").status == 0
    assert desk.polis("down").status == 0
    ran = desk.line(LINE)
    assert ran.status == 0, ran.out + ran.err
    assert "left-pad" in (desk.tree / "package-lock.json").read_text()
    assert not (desk.tree / "pnpm-lock.yaml").exists()
    assert bob(desk, "npm ci").status == 0
    assert [line[:2] for line in ran_lines(desk)] == [("alice", "allow")]
    # What is set for all repositories gives way to what was answered for this one.
    told = desk.polis("config", "set", "installer", "pnpm").out.splitlines()
    assert told[1] == f"here installer stays npm, which comes from {answers_file(desk.state)}"
    told = desk.polis("config", "set", "--repository", "installer", "pnpm").out.splitlines()
    assert len(told) == 1
    explained = desk.polis("policy", "explain", "--agent", "bob", LINE).out
    assert "runs: pnpm import && pnpm add left-pad" in explained


def test_an_answer_from_elsewhere_lets_the_waiting_command_go_on(desk: Desk) -> None:
    assert desk.polis("config", "set", "ask-seconds", "60").status == 0
    waiting = subprocess.Popen(
        ["polis", "shell", "alice", "-c", LINE],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    until(lambda: len(open_questions(desk)) == 1)
    assert desk.polis("approvals", "allow", "q1", "--choose", "pnpm").status == 0
    out, _ = waiting.communicate(timeout=100)
    assert waiting.returncode == 0, out
    assert "is-odd@3.0.0" in (desk.tree / "pnpm-lock.yaml").read_text()
    assert (desk.tree / "node_modules/left-pad/package.json").exists()


def test_not_now_asks_again(desk: Desk) -> None:
    assert desk.line(LINE).status == 124
    assert desk.polis("approvals", "deny", "q1").status == 0
    assert [desk.line(LINE).status for _ in range(2)] == [126, 124]
    assert json.loads(desk.polis("config", "--json").out)["installer"]["origin"] == "default"


@pytest.mark.parametrize(
    ("argv", "key", "made"),
    [
        (("polis", "shell", "alice"), "p", "pnpm-lock.yaml"),
        (("polis", "shell", "alice", "-c", LINE), "p", "pnpm-lock.yaml"),
        (("polis", "shell", "alice"), "k", "package-lock.json"),
    ],
)
def test_one_key_answers_in_place(desk: Desk, argv: tuple[str, ...], key: str, made: str) -> None:
    desk.polis("config", "set", "ask-seconds", "60")
    environment = desk.installation.environment
    with Terminal(argv, environment=environment, cwd=desk.repository) as terminal:
        if "-c" not in argv:
            terminal.wait_last(r"\$$")
            terminal.type(LINE + "\r")
        terminal.wait_for(r"\[p\] adopt pnpm  \[k\] keep npm  \[n\] not now  \[e\] explain$")
        terminal.type("e")
        terminal.wait_for(r"^ +keep npm: npm runs as typed, for all agents$")
        terminal.wait_for(r"explain$")
        terminal.type(key)
        until(lambda: "left-pad" in read(desk, made) and installed(desk), seconds=90)
        if "-c" not in argv:
            terminal.wait(lambda: re.search(r"\$$", terminal.last_line), "a prompt", 60)
    assert desk.log("answered")[0]["body"]["chosen"] == ("pnpm" if key == "p" else "npm")


def read(desk: Desk, name: str) -> str:
    path = desk.tree / name
    return path.read_text() if path.exists() else ""


def installed(desk: Desk) -> bool:
    return (desk.tree / "node_modules/left-pad/package.json").exists()
