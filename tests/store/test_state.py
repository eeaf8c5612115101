"""Repositories, agents, settings, trust, answers and sessions."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cash.faults import Fault, UsageFault
from cash.store.journal import Journal
from cash.store.key import key_file
from cash.store.records import AgentRecord, Answer, RepositoryRecord, Session
from cash.store.state import State


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    state = State.open(path)
    yield state
    state.close()


def _agent(name: str, **changes: str) -> AgentRecord:
    record = AgentRecord(
        repository="shop-1",
        name=name,
        incarnation=f"life-of-{name}",
        provider="claude",
        branch=f"agent/{name}",
        from_ref="main",
        base="c0ffee",
        mode="full",
        status="idle",
        created=12.5,
    )
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


def test_agents_come_back_as_they_were(state: State, path: Path) -> None:
    other = _agent("alice", repository="site-2", incarnation="x")
    for record in (_agent("bob"), _agent("alice"), other):
        state.add_agent(record)
    assert state.agents("shop-1") == (_agent("alice"), _agent("bob"))
    assert state.agents() == (_agent("alice"), other, _agent("bob"))
    assert state.agent("site-2", "alice") == other
    assert state.agent("shop-1", "carol") is None
    second = State.open(path)
    assert second.agents() == state.agents()
    second.close()


def test_names_and_branches_are_taken_once(state: State) -> None:
    state.add_agent(_agent("alice"))
    with pytest.raises(UsageFault, match="agent alice already"):
        state.add_agent(_agent("alice", branch="other", incarnation="y"))
    with pytest.raises(UsageFault, match="agent/alice belongs to agent alice"):
        state.add_agent(_agent("bob", branch="agent/alice"))
    assert state.agents() == (_agent("alice"),)


def test_of_many_who_add_the_same_agent_one_succeeds(path: Path) -> None:
    states = [State.open(path) for _ in range(8)]
    start, outcomes = threading.Barrier(8), list[str]()

    def add(place: int) -> None:
        start.wait()
        try:
            states[place].add_agent(_agent("alice", incarnation=f"life-{place}"))
            outcomes.append("added")
        except UsageFault:
            outcomes.append("refused")

    threads = [threading.Thread(target=add, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["added"] + ["refused"] * 7
    assert len(states[0].agents()) == 1
    for state in states:
        state.close()


def test_agents_change_and_go(state: State) -> None:
    state.add_agent(_agent("alice"))
    assert state.change_agent("shop-1", "alice", status="running") == _agent(
        "alice", status="running"
    )
    changed = _agent("alice", status="running", mode="rootless", base="beef", branch="b")
    assert (
        state.change_agent("shop-1", "alice", mode="rootless", base="beef", branch="b") == changed
    )
    with pytest.raises(UsageFault, match="no agent bob"):
        state.change_agent("shop-1", "bob", status="idle")
    assert state.remove_agent("shop-1", "alice") == changed
    assert state.remove_agent("shop-1", "alice") is None
    state.add_agent(_agent("alice"))


def test_a_branch_cannot_be_moved_onto_anothers(state: State) -> None:
    state.add_agent(_agent("alice"))
    state.add_agent(_agent("bob"))
    with pytest.raises(Fault):
        state.change_agent("shop-1", "bob", branch="agent/alice")
    assert state.agent("shop-1", "bob") == _agent("bob")


def test_a_removed_agent_leaves_nothing_to_its_successor(state: State) -> None:
    state.add_agent(_agent("alice"))
    state.start_session(Session("s", "life-of-alice", 1.0))
    state.remember_answer("life-of-alice", "make", "allow", "1h", now=1.0)
    state.remove_agent("shop-1", "alice")
    state.add_agent(_agent("alice"))
    assert state.recall_answer("life-of-alice", "make", now=2.0) is None
    assert state.sessions(running=False) == ()


def test_repositories_are_adopted_once(state: State) -> None:
    record = RepositoryRecord("shop-1", "/src/shop", "/src/shop/.git", 5.0)
    assert state.add_repository(record) == record
    later = dataclasses.replace(record, adopted=9.0)
    assert state.add_repository(later) == record
    with pytest.raises(UsageFault):
        state.add_repository(dataclasses.replace(record, id="shop-2"))
    state.add_agent(_agent("alice"))
    assert state.repositories() == (record,)
    state.remove_repository("shop-1")
    assert state.repositories() == ()
    assert state.agents() == ()


def test_settings(state: State) -> None:
    assert state.setting("level") == ""
    assert state.setting("level", "balanced") == "balanced"
    state.set_setting("level", "strict")
    state.set_setting("level", "relaxed")
    assert state.setting("level", "balanced") == "relaxed"


def test_exactly_these_bytes_are_trusted(state: State) -> None:
    assert not state.is_trusted(b"version: 1\n")
    trusted = state.trust(b"version: 1\n", "/src/shop/.polis/policy.yaml", 3.0)
    assert state.is_trusted(b"version: 1\n")
    assert not state.is_trusted(b"version: 1")
    assert state.trusted() == (trusted,)
    assert state.distrust(trusted.sha256)
    assert not state.distrust(trusted.sha256)
    assert not state.is_trusted(b"version: 1\n")


def test_an_answer_for_once_is_used_up(state: State) -> None:
    state.remember_answer("a", "git push -f", "allow", "once", now=100.0)
    assert state.recall_answer("a", "git push", now=101.0) is None
    assert state.recall_answer("b", "git push -f", now=101.0) is None
    assert state.recall_answer("a", "git push -f", now=101.0) == Answer("allow", "once", 3700.0)
    assert state.recall_answer("a", "git push -f", now=101.0) is None


def test_answers_expire(state: State) -> None:
    state.remember_answer("a", "x", "allow", "1h", now=100.0)
    state.remember_answer("a", "y", "deny", "once", now=100.0)
    assert state.recall_answer("a", "x", now=3699.0) == Answer("allow", "1h", 3700.0)
    assert state.recall_answer("a", "x", now=3699.0) is not None
    assert state.recall_answer("a", "x", now=3700.0) is None
    assert state.recall_answer("a", "y", now=3700.0) is None


def test_an_answer_for_the_session_ends_with_it(state: State) -> None:
    state.start_session(Session("s1", "a", 1.0))
    state.remember_answer("a", "x", "allow", "session", now=1.0, session="s1")
    assert state.recall_answer("a", "x", now=1e9, session="s1") is not None
    assert state.recall_answer("a", "x", now=2.0, session="s2") is None
    assert state.recall_answer("a", "x", now=2.0) is None
    state.end_session("s1", 5.0)
    assert state.recall_answer("a", "x", now=6.0, session="s1") is None
    with pytest.raises(ValueError, match="session"):
        state.remember_answer("a", "x", "allow", "session", now=1.0)


def test_a_refusal_goes_before_what_was_allowed(state: State) -> None:
    state.remember_answer("a", "x", "allow", "session", now=1.0, session="s")
    state.remember_answer("a", "x", "deny", "1h", now=1.0)
    answer = state.recall_answer("a", "x", now=2.0, session="s")
    assert answer
    assert answer.decision == "deny"
    assert state.forget_answers("b") == 0
    assert state.forget_answers() == 2
    assert state.recall_answer("a", "x", now=2.0, session="s") is None


def test_the_text_of_a_line_is_stored_nowhere(state: State, path: Path) -> None:
    line = "deploy production \udc80\ud800"
    state.remember_answer("a", line, "allow", "1h", now=1.0)
    assert state.recall_answer("a", line, now=2.0) is not None
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"deploy production" not in content


def test_nobody_without_the_key_plants_an_answer(path: Path, tmp_path: Path) -> None:
    forger = State.open(tmp_path / "forger" / "store.db")
    forger.remember_answer("a", "rm -rf /", "allow", "1h", now=1.0)
    row = forger._connection.execute("SELECT * FROM answers").fetchone()
    forger.close()
    state = State.open(path)
    state._connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)
    assert state.recall_answer("a", "rm -rf /", now=2.0) is None
    state.close()


def test_sessions(state: State) -> None:
    one, two = Session("s1", "a", 1.0), Session("s2", "b", 2.0)
    state.start_session(one)
    state.start_session(two)
    with pytest.raises(Fault):
        state.start_session(one)
    state.end_session("s1", 9.0)
    state.end_session("s1", 10.0)
    assert state.sessions() == (two,)
    assert state.sessions(running=False) == (Session("s1", "a", 1.0, 9.0), two)


def test_state_makes_no_new_key_for_a_journal_that_lost_its_own(ten: Path) -> None:
    key_file(ten).unlink()
    with pytest.raises(Fault, match="is missing"):
        State.open(ten)
    assert not key_file(ten).exists()


def test_state_and_journal_share_the_key_whoever_comes_first(path: Path) -> None:
    state = State.open(path)
    journal = Journal.open(path)
    assert journal.verify().ok
    journal.close()
    state.close()
