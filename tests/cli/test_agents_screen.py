"""A person at a terminal puts two agents to work: starts them, attaches, answers a question,
watches, stops. The screens are what the person sees."""

from __future__ import annotations

import signal
import time

import office as offices
import pytest
from installation import Installation
from screen import Terminal

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(bool(offices.reason_to_skip()), reason="tmux is not installed"),
]

RULES = """\
version: 1
rules:
  - id: look-first
    on: exec
    program: echoing
    args: [careful]
    decide: ask
    reason: Somebody should look.
    examples: {ask: [echoing careful]}
"""

BEGUN = """\
$ polis agents run alice 'fix the login bug'
alice is at work; polis agents watch alice
$ polis agents run bob careful
bob asks before it begins (polis approvals); polis agents watch bob
$"""

ASKED = """\
polis: look-first asks: Somebody should look.
  wants to run: {program} careful
[y] once  [s] this session  [n] no  [e] explain"""

ANSWERED = "[y] once  [s] this session  [n] no  [e] explain yes, once\ntask: careful\nready\n>"

BAR = " {name:<64}polis · Ctrl-B D: detach"

ALICE = """\
task: fix the login bug
ready
> and its tests
got 13 bytes
done: and its tests
>"""


def test_a_person_puts_two_agents_to_work(installation: Installation) -> None:
    office = offices.make_office(installation, "alice", "bob")
    (office.repository / ".polis/policies").mkdir(parents=True)
    (office.repository / ".polis/policies/own.yaml").write_text(RULES)
    time.sleep(1)
    environment = {**installation.environment, "PS1": "$ "}
    shell = ["bash", "--norc", "--noprofile"]
    with (
        Terminal(shell, environment=environment, cwd=office.repository) as person,
        Terminal(
            ["polis", "agents", "watch", "alice", "bob"],
            environment=environment,
            cwd=office.repository,
        ) as watching,
    ):
        _start_two(person)
        _answer_bob(person, f"{installation.folder}/bin/echoing")
        _tell_alice(person)
        watching.wait_for(r"\d\d:\d\d:\d\d  alice  task: fix the login bug$")
        watching.wait_for(r"\d\d:\d\d:\d\d  alice  got 13 bytes$")
        watching.wait_for(r"\d\d:\d\d:\d\d  bob    task: careful$")
        watching.type("\x03")
        assert watching.wait_end() in (-signal.SIGINT, 130)
        person.enter("clear; polis agents prompt bob 'exit 0'", r"^\$$")
        person.enter("polis agents stop alice", r"^\$$")
        assert "\nalice is stopped\n$" in person.text


def _start_two(person: Terminal) -> None:
    person.wait_last(r"\$$")
    person.enter("polis agents run alice 'fix the login bug'", r"^\$$")
    assert person.enter("polis agents run bob careful", r"^\$$") == BEGUN


def _answer_bob(person: Terminal, program: str) -> None:
    person.type("polis agents attach bob\r")
    person.wait_for(r"explain$")
    assert ASKED.format(program=program) in person.text
    assert person.last_line == BAR.format(name="bob")
    person.type("y")
    person.wait_for(r"^>$")
    assert ANSWERED in person.text
    person.type("\x02d")
    assert "[detached (from session polis-" in person.wait_last(r"^\$$")


def _tell_alice(person: Terminal) -> None:
    person.type("polis agents attach alice\r")
    person.wait_for(r"^ready\n>$")
    person.type("and its tests\r")
    person.wait_for(r"^done: and its tests\n>$")
    shown, _, bar = person.text.rpartition("\n")
    assert (shown.rstrip(), bar) == (ALICE, BAR.format(name="alice"))
    person.type("\x02d")
    person.wait_last(r"^\$$")


def test_who_looks_on_is_not_led_to_another_agent(installation: Installation) -> None:
    office = offices.make_office(installation, "alice", "bob")
    office.begin("alice")
    office.begin("bob")
    with (
        Terminal(
            ["polis", "agents", "attach", "alice"],
            environment=installation.environment,
            cwd=office.repository,
        ) as person,
        Terminal(
            ["polis", "agents", "attach", "bob"],
            environment=installation.environment,
            cwd=office.repository,
            rows=30,
            columns=100,
        ) as other,
    ):
        person.wait_for(r"^ alice ")
        other.wait_for(r"^ bob ")
        person.type("to alice")
        person.wait_for("> to alice")
        other.type("to bob")
        other.wait_for("> to bob")
        assert "to alice" not in other.text
        person.type("\x02c")  # what opens a shell in another tmux opens none in this one
        person.type("\x15\rexit 0\r")
        person.wait_end()
        other.type("!")
        other.wait_for("> to bob!")
    assert b"to alice" in office.heard("alice")
    assert b"to bob!" in office.heard("bob")
    assert b"exit" not in office.heard("bob")
    offices.wait_until(lambda: office.status("bob") == "running", "its state")


def test_attach_says_why_it_cannot(installation: Installation) -> None:
    office = offices.make_office(installation)
    office.begin()
    ran = office.polis("agents", "attach", "alice")
    assert (ran.status, ran.err) == (
        64,
        "polis: attach needs a terminal\nhint: polis agents logs alice\n",
    )
