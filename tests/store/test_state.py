"""Settings, trust and answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.store.journal import Journal
from cash.store.key import key_file
from cash.store.records import Answer
from cash.store.state import State


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    state = State.open(path)
    yield state
    state.close()


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
    state.remember_answer("a", "x", "allow", "session", now=1.0, session="s1")
    assert state.recall_answer("a", "x", now=1e9, session="s1") is not None
    assert state.recall_answer("a", "x", now=2.0, session="s2") is None
    assert state.recall_answer("a", "x", now=2.0) is None
    assert state.forget_answers("a", sessions_only=True) == 1
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
    assert state.forget_answers("a") == 2
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
