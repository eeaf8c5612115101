"""What is believed of an agent, and what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.sessions.signal import Signal, Source, Status
from cash.sessions.state import (
    Ended,
    Facts,
    Heard,
    Open,
    State,
    Weighed,
    carry,
    decide_state,
    read_facts,
    weigh,
)

NOW = 1_000_000.0
STANDING = Facts(NOW, "standing", since=NOW - 500)
ALIVE = replace(STANDING, alive=True, began=NOW - 400)
GONE = replace(STANDING, began=NOW - 400)
QUESTION = Open("q1", NOW - 9, "git push --force")


def say(source: Source, status: Status, ago: float = 1.0, since: float | None = None) -> Heard:
    """A word of `ago` seconds ago, the same since `since` seconds ago."""
    signal = Signal(source, status, f"{source.name} tells", NOW - ago, "call-1")
    return Heard(signal, NOW - (ago if since is None else since))


PROTOCOL, HOOK, SCREEN = Source.PROTOCOL, Source.HOOK, Source.SCREEN


@pytest.mark.parametrize(
    ("heard", "facts", "expected"),
    [
        # The order of the sources.
        ([say(PROTOCOL, "idle"), say(HOOK, "running")], ALIVE, ("idle", PROTOCOL)),
        ([say(HOOK, "running"), say(SCREEN, "idle", since=1)], ALIVE, ("running", HOOK)),
        ([say(SCREEN, "waiting_input")], ALIVE, ("waiting_input", SCREEN)),
        # Too old.
        ([say(HOOK, "running", 901)], ALIVE, ("unknown", Source.PROCESS)),
        ([say(HOOK, "running", 399)], ALIVE, ("running", HOOK)),
        ([say(HOOK, "idle", 399)], ALIVE, ("idle", HOOK)),
        ([say(SCREEN, "idle", 31)], ALIVE, ("unknown", Source.PROCESS)),
        ([say(PROTOCOL, "running", 1801)], replace(ALIVE, began=0), ("unknown", Source.PROCESS)),
        # Esc is told by no hook: the prompt on the screen is.
        ([say(HOOK, "running", 60), say(SCREEN, "idle", 1, 20)], ALIVE, ("idle", SCREEN)),
        ([say(HOOK, "running", 60), say(SCREEN, "idle", 1, 4)], ALIVE, ("running", HOOK)),
        ([say(HOOK, "running", 10), say(SCREEN, "idle", 1, 20)], ALIVE, ("running", HOOK)),
        ([say(HOOK, "running", 60), say(SCREEN, "idle", 40, 50)], ALIVE, ("running", HOOK)),
        ([say(HOOK, "idle", 60), say(SCREEN, "running", 1, 20)], ALIVE, ("idle", HOOK)),
        ([say(HOOK, "waiting_approval", 60), say(SCREEN, "idle", 1, 9)], ALIVE, ("idle", SCREEN)),
        (
            [say(HOOK, "waiting_approval", 60), say(SCREEN, "waiting_input", 1, 9)],
            ALIVE,
            ("waiting_approval", HOOK),
        ),
        # Its program is gone.
        ([say(HOOK, "running")], GONE, ("unknown", Source.PROCESS)),
        ([say(PROTOCOL, "waiting_input")], GONE, ("unknown", Source.PROCESS)),
        ([say(PROTOCOL, "completed")], GONE, ("completed", PROTOCOL)),
        (
            [say(HOOK, "running")],
            replace(GONE, ended=Ended(0, "completed", NOW - 1)),
            ("completed", Source.PROCESS),
        ),
        (
            [say(HOOK, "idle")],
            replace(GONE, ended=Ended(1, "error", NOW - 1)),
            ("error", Source.PROCESS),
        ),
        # Of an earlier run.
        ([say(HOOK, "running", 450)], ALIVE, ("unknown", Source.PROCESS)),
        ([say(HOOK, "completed")], ALIVE, ("unknown", Source.PROCESS)),
        # The processes alone.
        ([], STANDING, ("idle", Source.PROCESS)),
        ([], replace(STANDING, commands=1), ("running", Source.PROCESS)),
        ([], replace(ALIVE, headless=True), ("running", Source.PROCESS)),
        # A session that starts calls itself idle.
        ([say(HOOK, "idle")], replace(ALIVE, headless=True), ("running", Source.PROCESS)),
        ([], ALIVE, ("unknown", Source.PROCESS)),
        ([], GONE, ("unknown", Source.PROCESS)),
        # What polis knows itself.
        ([say(HOOK, "running")], replace(ALIVE, walls="down"), ("stopped", Source.PROCESS)),
        ([say(HOOK, "running")], replace(ALIVE, walls="rising"), ("creating", Source.PROCESS)),
        ([say(HOOK, "running")], replace(ALIVE, paused=True), ("paused", Source.PROCESS)),
    ],
)
def test_who_is_believed(heard: list[Heard], facts: Facts, expected: tuple[Status, Source]) -> None:
    state = decide_state(heard, facts, [])
    assert (state.status, state.source) == expected


def test_a_question_names_itself_and_how_many_more_there_are() -> None:
    more = Open("q2", NOW - 3, "npm publish")
    state = decide_state([say(HOOK, "running")], ALIVE, [more, QUESTION])
    reason = "asks q1 and 1 more: git push --force"
    assert state == State("waiting_approval", PROTOCOL, NOW - 9, reason)


TOLD = replace(QUESTION, held=False)
LOGIN = Heard(Signal(SCREEN, "error", "not logged in", NOW - 1, bars=True), NOW - 1)


@pytest.mark.parametrize(
    ("heard", "facts", "expected"),
    [
        # Whoever asked was told to send it again, and does something else or has failed.
        ([say(HOOK, "running")], ALIVE, "running"),
        ([say(SCREEN, "error")], ALIVE, "error"),
        ([say(PROTOCOL, "completed")], GONE, "completed"),
        # It waits, and an answer would let it go on.
        ([say(HOOK, "idle")], ALIVE, "waiting_approval"),
        ([], ALIVE, "waiting_approval"),
        ([], replace(STANDING, commands=1), "waiting_approval"),
    ],
)
def test_a_question_on_which_nothing_waits_hides_no_other_word(
    heard: list[Heard], facts: Facts, expected: Status
) -> None:
    assert decide_state(heard, facts, [TOLD]).status == expected
    assert decide_state(heard, facts, [TOLD, QUESTION]).status == "waiting_approval"


@pytest.mark.parametrize("status", ["idle", "error"])
@pytest.mark.parametrize("ago", [60, 0.1])
def test_a_program_that_wants_to_be_logged_in_is_not_idle(status: Status, ago: float) -> None:
    state = decide_state([say(HOOK, status, ago), LOGIN], ALIVE, [TOLD])
    assert (state.status, state.reason) == ("error", "not logged in")
    # It works all the same; the look is old; the program has ended.
    assert decide_state([say(HOOK, "running"), LOGIN], ALIVE, []).status == "running"
    old = replace(LOGIN, signal=replace(LOGIN.signal, at=NOW - 40))
    assert decide_state([say(HOOK, "idle", ago), old], ALIVE, []).status == "idle"
    gone = replace(GONE, ended=Ended(0, "completed", NOW))
    assert decide_state([say(HOOK, "idle", ago), LOGIN], gone, []).reason != "not logged in"


def test_each_word_that_is_not_believed_is_told_why() -> None:
    weighed = weigh([say(SCREEN, "idle", 1, 20), say(HOOK, "running", 60)], ALIVE, [])
    assert [(one.heard.signal.source, one.doubt) for one in weighed.opinions] == [
        (HOOK, "its screen has shown idle for 20 s since"),
        (SCREEN, ""),
    ]
    assert weighed.change


def test_the_time_of_a_status_is_kept_while_it_holds_whoever_says_so() -> None:
    first = decide_state([say(HOOK, "running", 60)], ALIVE, [])
    later = decide_state([say(PROTOCOL, "running", 1)], ALIVE, [])
    assert carry(first, later) == replace(later, since=first.since)
    other = decide_state([say(HOOK, "idle", 1)], ALIVE, [])
    assert carry(first, other) == other
    assert carry(None, first) == first


def test_a_source_says_the_same_since_it_first_did() -> None:
    heard = say(HOOK, "running", 60)
    again = heard.then(Signal(HOOK, "running", "more", NOW))
    assert (again.since, again.signal.at) == (NOW - 60, NOW)
    assert again.then(Signal(HOOK, "idle", "done", NOW + 5)).since == NOW + 5


_TIMES = st.floats(-2000, 5).map(lambda ago: NOW + ago)
_STATUSES = st.sampled_from(get_args(Status))
_SIGNALS = st.builds(Signal, st.sampled_from(Source), _STATUSES, st.just("said"), _TIMES)
_HEARD = st.lists(
    st.builds(lambda signal, held: Heard(signal, signal.at - held), _SIGNALS, st.floats(0, 3000)),
    max_size=4,
    unique_by=lambda heard: heard.signal.source,
)
_ENDED = st.none() | st.builds(
    Ended, st.integers(0, 255), st.sampled_from(("completed", "error", "stopped")), _TIMES
)
_FACTS = st.builds(
    Facts,
    st.just(NOW),
    st.sampled_from(("down", "rising", "standing")),
    since=_TIMES,
    alive=st.booleans(),
    began=st.just(0.0) | _TIMES,
    headless=st.booleans(),
    ended=_ENDED,
    commands=st.integers(0, 3),
    paused=st.booleans(),
)
_QUESTIONS = st.lists(st.builds(Open, st.just("q1"), _TIMES, st.just("line")), max_size=2)


@given(_HEARD, _FACTS)
def test_nothing_is_running_where_no_process_is(heard: list[Heard], facts: Facts) -> None:
    nobody = replace(facts, alive=False, commands=0)
    assert decide_state(heard, nobody, []).status not in ("running", "waiting_input")


@given(_HEARD, _FACTS, _QUESTIONS)
def test_an_open_question_is_what_an_agent_waits_for(
    heard: list[Heard], facts: Facts, questions: list[Open]
) -> None:
    state = decide_state(heard, facts, questions)
    if questions:
        assert state.status == "waiting_approval"
        assert state.source is PROTOCOL


@given(_FACTS)
def test_of_a_program_that_nobody_speaks_of_nothing_is_known(facts: Facts) -> None:
    silent = replace(facts, walls="standing", alive=True, headless=False, paused=False)
    assert decide_state([], silent, []).status == "unknown"


@given(_HEARD, _FACTS, _QUESTIONS)
def test_a_state_is_believed_of_the_highest_that_is_not_doubted(
    heard: list[Heard], facts: Facts, questions: list[Open]
) -> None:
    weighed = weigh(heard, facts, questions)
    sources = [one.heard.signal.source for one in weighed.opinions]
    assert sources == sorted(sources, reverse=True)
    if not questions and facts.walls == "standing" and not facts.paused:
        _is_of_the_first_believed(weighed)


def _is_of_the_first_believed(weighed: Weighed) -> None:
    believed = [one.heard.signal for one in weighed.opinions if not one.doubt]
    if believed:
        first = believed[0]
        assert (weighed.state.status, weighed.state.source) == (first.status, first.source)
    else:
        assert weighed.state.status == "unknown"


@given(_FACTS)
def test_processes_prove_nothing_of_a_program_on_a_terminal(facts: Facts) -> None:
    on_terminal = replace(facts, alive=True, headless=False)
    assert read_facts(on_terminal) is None
