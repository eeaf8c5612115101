"""The agent CLIs themselves, with an account that polis was given: the key reaches the model's
endpoint, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import model
import pytest
from desk import Desk
from endpoint import KEY, home_of, log_in, serving, start
from installation import Ran

pytestmark = [pytest.mark.peers, pytest.mark.kernel]

CALLS = (("shell", "env | sort; echo looked-around"),)


@dataclass(frozen=True)
class Worked:
    """One run. headers: of every request the endpoint got."""

    name: str
    desk: Desk
    ran: Ran
    results: Sequence[str]
    headers: Sequence[dict[str, str]]


@pytest.fixture(scope="module")
def worked(seat: tuple[str, Desk]) -> Worked:
    name, desk = seat
    return _work(desk, name)


def _work(desk: Desk, name: str) -> Worked:
    log_in(desk, name)
    with serving(desk, name, CALLS) as url:
        argv, given = start(desk, name, url, "headless")
        ran = desk.polis(*argv, input=given, timeout=100)
    home = home_of(desk)
    rows = [json.loads(row) for row in (home / "record.jsonl").read_text().splitlines()]
    turns = [row["body"] for row in rows if model.AGENTS[name].is_turn(**row)]
    assert turns, (ran.out, ran.err)
    said = [json.loads(row) for row in (home / "headers.jsonl").read_text().splitlines()]
    results = model.AGENTS[name].results(turns[-1])
    return Worked(name, desk, ran, results, [row["headers"] for row in said])


def test_it_works_without_a_question_of_its_own(worked: Worked) -> None:
    assert worked.ran.status == 0, worked.ran.out + worked.ran.err
    assert "All is done." in worked.ran.out
    assert "looked-around" in worked.results[0]


def test_the_endpoint_is_sent_the_key(worked: Worked) -> None:
    sent = [value for headers in worked.headers for value in headers.values() if KEY in value]
    assert sent
    names = {name for headers in worked.headers for name, value in headers.items() if KEY in value}
    assert names <= {"x-api-key", "authorization", "x-goog-api-key"}


def test_what_its_tools_start_does_not_have_the_key(worked: Worked) -> None:
    assert KEY not in worked.results[0]
    assert "POLIS_AGENT=alice" in worked.results[0]


def test_the_key_is_written_nowhere_but_in_its_account(worked: Worked) -> None:
    """And, for Codex, in the file that it reads it from."""
    state = worked.desk.installation.folder / "state"
    holding = {
        str(path.relative_to(state / "polis")).removeprefix(worked.desk.state.name + "/")
        for path in state.rglob("*")
        if path.is_file() and not path.is_symlink() and KEY.encode() in path.read_bytes()
    }
    expected = {
        "claude": {"accounts/claude/key"},
        "codex": {"accounts/codex/home/.codex/auth.json", "agents/alice/home/.codex/auth.json"},
        "gemini": {"accounts/gemini/key"},
    }
    assert holding - {"agents/alice/home/headers.jsonl"} == expected[worked.name]
