"""What polisd makes of what it hears: order, runs, the journal, who waits for a change."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cash.daemon.hosting import Hosted
from cash.daemon.inhabitants import Inhabitants
from cash.daemon.questions import Questions
from cash.daemon.states import States, describe_state
from cash.providers.manifest import load_manifests
from cash.sessions.signal import Signal, Source, Status
from cash.workspace.agent import Agent

HOOK, SCREEN = Source.HOOK, Source.SCREEN


@dataclass
class House:
    """The repository's side of a standing agent: these tests' own process lives in its walls."""

    agent: Agent
    household: Any
    notes: list[Mapping[str, Any]] = field(default_factory=list)
    questions: Questions = field(default_factory=Questions)
    inhabitants: Inhabitants = field(default_factory=Inhabitants)

    def hosted(self) -> Hosted:
        found = SimpleNamespace(
            keeping=SimpleNamespace(
                standing=lambda _key: self.household, inhabitants=self.inhabitants
            ),
            key_of=lambda agent: agent.name,
            manifests=load_manifests(),
            answering=SimpleNamespace(questions=self.questions),
            note=lambda _agent, _key, kind, body: self.notes.append({"kind": kind, **body}),
            agents=lambda: (self.agent,),
        )
        return cast("Hosted", found)

    @property
    def told(self) -> list[tuple[Status | None, Status]]:
        return [(note["was"], note["status"]) for note in self.notes]


@pytest.fixture
def house(tmp_path: Path) -> House:
    agent = Agent(
        *("alice", "abcd1234", 1, "claude", "agent/alice", "0" * 40, "HEAD", "auto", 0.0),
        tmp_path,
    )
    ready = SimpleNamespace(done=lambda: True)
    household = SimpleNamespace(
        ready=ready, since=time.time() - 60, running=set(), roots=(os.getpid(),)
    )
    return House(agent, household)


def say(source: Source, status: Status, at: float | None = None, reason: str = "") -> Signal:
    return Signal(source, status, reason, time.time() if at is None else at)


def states_of(house: House) -> States:
    return States(house.hosted())


def test_a_change_is_journaled_once_and_with_its_source(house: House) -> None:
    states = states_of(house)
    states.begin_program(house.agent, headless=False)
    for status in ("idle", "running", "running", "idle"):
        states.hear(house.agent, say(HOOK, cast("Status", status), reason="Stop"))
    assert house.told == [
        (None, "unknown"),
        ("unknown", "idle"),
        ("idle", "running"),
        ("running", "idle"),
    ]
    assert house.notes[-1] == {
        "kind": "state",
        "status": "idle",
        "was": "running",
        "source": "hook",
        "reason": "Stop",
        "call": "",
    }


def test_a_word_that_comes_late_is_dropped(house: House) -> None:
    states = states_of(house)
    states.begin_program(house.agent, headless=False)
    now = time.time()
    states.hear(house.agent, say(HOOK, "idle", now))
    states.hear(house.agent, say(HOOK, "running", now - 1))
    assert states.state_of(house.agent).status == "idle"


def test_secrets_in_a_reason_are_not_shown(house: House) -> None:
    states = states_of(house)
    states.begin_program(house.agent, headless=False)
    secret = "sk-ant-api03-" + "a1B2" * 20
    states.hear(house.agent, say(HOOK, "running", reason=f"Bash curl -H 'x-api-key: {secret}'"))
    assert secret not in states.state_of(house.agent).reason
    assert "Bash curl" in states.state_of(house.agent).reason


def test_another_run_knows_nothing_of_the_last(house: House) -> None:
    states = states_of(house)
    states.begin_program(house.agent, headless=False)
    states.hear(house.agent, say(HOOK, "waiting_input"))
    states.begin_program(house.agent, headless=True)
    assert states.state_of(house.agent).status == "running"
    spoken = [one.heard.signal.source for one in states.explain(house.agent).opinions]
    assert spoken == [Source.PROCESS]
    states.end_program(house.agent, 1, "error")
    state = states.state_of(house.agent)
    assert (state.status, state.source, state.reason) == (
        *("error", Source.PROCESS),
        "its program ended with 1",
    )


def test_walls_that_fall_take_all_that_was_heard(house: House) -> None:
    states = states_of(house)
    states.begin_program(house.agent, headless=False)
    states.hear(house.agent, say(HOOK, "running"))
    house.household = None
    states.fall(house.agent)
    state = states.state_of(house.agent)
    assert (state.status, time.time() - state.since < 5) == ("stopped", True)
    assert house.told[-1] == ("running", "stopped")
    assert states.explain(house.agent).opinions == ()


def test_of_commands_alone_the_journal_is_told_nothing(house: House) -> None:
    states = states_of(house)
    house.household.running.add("c1")
    assert states.state_of(house.agent).status == "running"
    house.household.running.clear()
    assert states.state_of(house.agent).status == "idle"
    assert house.notes == []


def test_a_later_agent_of_the_name_has_said_nothing(house: House) -> None:
    states = states_of(house)
    states.begin_program(house.agent, headless=False)
    states.hear(house.agent, say(HOOK, "waiting_input"))
    states.forget(house.agent)
    assert states.explain(house.agent).opinions[0].heard.signal.source is Source.PROCESS


def test_who_waits_is_woken_by_a_word(house: House) -> None:
    async def wait() -> float:
        states = states_of(house)
        waiting = asyncio.ensure_future(states.wait_change(20))
        await asyncio.sleep(0)
        began = time.monotonic()
        states.hear(house.agent, say(SCREEN, "idle"))
        await waiting
        return time.monotonic() - began

    assert asyncio.run(wait()) < 5


def test_a_paused_agent_is_paused_until_it_goes_on(house: House) -> None:
    states = states_of(house)
    states.begin_program(house.agent, headless=True)
    states.pause(house.agent, paused=True)
    assert states.state_of(house.agent).status == "paused"
    states.pause(house.agent, paused=False)
    assert states.state_of(house.agent).status == "running"


def test_a_time_that_nobody_saw_is_not_made_up(house: House) -> None:
    house.household.since = 0.0
    described = describe_state(states_of(house).state_of(house.agent), time.time())
    assert (described["status"], described["since"], described["age_seconds"]) == (
        *("idle", None),
        None,
    )
