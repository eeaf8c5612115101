"""Settings, trust and answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.store.body import JSON
from cash.store.journal import Journal
from cash.store.key import key_file
from cash.store.records import Answer, Asked
from cash.store.state import OPEN_SECONDS, State


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
    state.remember_answer("a", state.sign_line("a", "git push -f"), "allow", "once", now=100.0)
    assert state.recall_answer(state.sign_line("a", "git push"), now=101.0) is None
    assert state.recall_answer(state.sign_line("b", "git push -f"), now=101.0) is None
    assert state.recall_answer(state.sign_line("a", "git push -f"), now=101.0) == Answer(
        "allow", "once", 3700.0
    )
    assert state.recall_answer(state.sign_line("a", "git push -f"), now=101.0) is None


def test_answers_expire(state: State) -> None:
    state.remember_answer("a", state.sign_line("a", "x"), "allow", "1h", now=100.0)
    state.remember_answer("a", state.sign_line("a", "y"), "deny", "once", now=100.0)
    assert state.recall_answer(state.sign_line("a", "x"), now=3699.0) == Answer(
        "allow", "1h", 3700.0
    )
    assert state.recall_answer(state.sign_line("a", "x"), now=3699.0) is not None
    assert state.recall_answer(state.sign_line("a", "x"), now=3700.0) is None
    assert state.recall_answer(state.sign_line("a", "y"), now=3700.0) is None


def test_an_answer_for_the_session_ends_with_it(state: State) -> None:
    state.remember_answer("a", state.sign_line("a", "x"), "allow", "session", now=1.0, session="s1")
    assert state.recall_answer(state.sign_line("a", "x"), now=1e9, session="s1") is not None
    assert state.recall_answer(state.sign_line("a", "x"), now=2.0, session="s2") is None
    assert state.recall_answer(state.sign_line("a", "x"), now=2.0) is None
    assert state.forget_answers("a", sessions_only=True) == 1
    assert state.recall_answer(state.sign_line("a", "x"), now=6.0, session="s1") is None
    with pytest.raises(ValueError, match="session"):
        state.remember_answer("a", state.sign_line("a", "x"), "allow", "session", now=1.0)


def test_a_refusal_goes_before_what_was_allowed(state: State) -> None:
    state.remember_answer("a", state.sign_line("a", "x"), "allow", "session", now=1.0, session="s")
    state.remember_answer("a", state.sign_line("a", "x"), "deny", "1h", now=1.0)
    answer = state.recall_answer(state.sign_line("a", "x"), now=2.0, session="s")
    assert answer
    assert answer.decision == "deny"
    assert state.forget_answers("b") == 0
    assert state.forget_answers("a") == 2
    assert state.recall_answer(state.sign_line("a", "x"), now=2.0, session="s") is None


def test_the_text_of_a_line_is_stored_nowhere(state: State, path: Path) -> None:
    line = "deploy production \udc80\ud800"
    state.remember_answer("a", state.sign_line("a", line), "allow", "1h", now=1.0)
    assert state.recall_answer(state.sign_line("a", line), now=2.0) is not None
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"deploy production" not in content


def test_nobody_without_the_key_plants_an_answer(path: Path, tmp_path: Path) -> None:
    forger = State.open(tmp_path / "forger" / "store.db")
    forger.remember_answer("a", forger.sign_line("a", "rm -rf /"), "allow", "1h", now=1.0)
    row = forger._connection.execute("SELECT * FROM answers").fetchone()
    forger.close()
    state = State.open(path)
    state._connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)
    assert state.recall_answer(state.sign_line("a", "rm -rf /"), now=2.0) is None
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


def asked(number: int, agent: str = "i1", at: float = 100.0) -> Asked:
    shown: dict[str, JSON] = {"line": f"git push -f {number}", "rules": [{"id": "force-push"}]}
    return Asked(f"q{number}", f"key{number}", agent, bytes([number]), at, shown)


def test_open_questions_outlive_the_one_who_keeps_them(path: Path) -> None:
    state = State.open(path)
    for number in (1, 2, 3):
        state.keep_question(asked(number, at=100.0 - number))
    state.keep_question(asked(1))
    state.drop_question("key2")
    state.close()
    state = State.open(path)
    assert state.questions(101.0) == (asked(3, at=97.0), asked(1, at=99.0))
    state.drop_questions("i1")
    assert state.questions(101.0) == ()
    state.close()


def test_questions_that_nobody_answers_in_a_day_go(state: State) -> None:
    state.keep_question(asked(1))
    assert state.questions(100.0 + OPEN_SECONDS - 1) == (asked(1),)
    assert state.questions(100.0 + OPEN_SECONDS) == ()
    state.keep_question(asked(2, at=100.0 + OPEN_SECONDS))
    rows = state._connection.execute("SELECT id FROM questions").fetchall()
    assert rows == [("q2",)]


@pytest.mark.parametrize("column", ["id", "agent", "subject", "asked", "shown"])
def test_a_question_that_was_changed_in_the_file_is_not_shown(state: State, column: str) -> None:
    """What a person reads is what the answer is for."""
    state.keep_question(asked(1))
    state.keep_question(asked(2, at=101.0))
    other = f"(SELECT {column} FROM questions WHERE id = 'q2')"
    if column == "agent":
        other = "'i2'"
    state._connection.execute(f"UPDATE questions SET {column} = {other} WHERE key = 'key1'")
    assert state.questions(102.0) == (asked(2, at=101.0),)


def test_claims_are_kept_by_their_fence(path: Path) -> None:
    state = State.open(path)
    state.keep_claims({1: {"a": "\udcff"}, 2: {"a": 2}}, ())
    state.keep_claims({3: {"a": 3}, 2: {"a": 4}}, (1,))
    state.close()
    state = State.open(path)
    assert state.claims() == ({"a": 4}, {"a": 3})
    state._connection.execute("UPDATE claims SET body = '{}' WHERE fence = 2")
    assert state.claims() == ({"a": 3},)
    state.close()


def test_fences_only_grow(path: Path) -> None:
    state = State.open(path)
    assert [state.next_fences(10), state.next_fences(1)] == [1, 11]
    state.close()
    state = State.open(path)
    assert state.next_fences(10) == 12
    state.close()
