"""Names and records: what is accepted and what is answered else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.faults import UsageFault
from cash.workspace.agent import (
    Agent,
    AgentFault,
    check_mode,
    check_name,
    find_agent,
    new_incarnation,
    read_record,
    write_record,
)

_RULE = "2 to 31 characters: a lower-case letter, then lower-case letters, digits and hyphens"


def _agent(name: str, folder: Path = Path("/none")) -> Agent:
    return Agent(
        name=name,
        incarnation="0123abcd",
        number=1,
        provider="shell",
        branch=f"agent/{name}",
        base="1" * 40,
        start="HEAD",
        mode="auto",
        created=1.5,
        folder=folder / name,
    )


@given(st.from_regex(r"[a-z][a-z0-9-]{1,30}", fullmatch=True))
def test_every_name_of_the_rule_is_taken(name: str) -> None:
    assert check_name(name, []) == name


@given(st.text().filter(lambda text: not text.isascii() or text.lower() != text or "/" in text))
def test_no_other_is(name: str) -> None:
    with pytest.raises(AgentFault) as caught:
        check_name(name, [])
    assert caught.value.code == "INVALID_NAME"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Alice", "for example alice"),
        ("my agent", "for example my-agent"),
        ("../../etc", "for example etc"),
        ("a", None),
        ("", None),
        ("-alice", "for example alice"),
        ("9lives", None),
        ("x" * 32, f"for example {'x' * 31}"),
        ("alice\n", "for example alice"),
    ],
)
def test_a_malformed_name_is_answered_with_the_rule(name: str, hint: str | None) -> None:
    with pytest.raises(AgentFault) as caught:
        check_name(name, [])
    fault = caught.value
    assert (fault.code, fault.message, fault.hint, fault.status) == (
        "INVALID_NAME",
        f"{name!r} cannot be an agent's name: {_RULE}",
        hint,
        64,
    )


def test_a_taken_name_says_how_to_get_there() -> None:
    with pytest.raises(AgentFault) as caught:
        check_name("alice", ["bob", "alice"])
    assert (caught.value.code, caught.value.message, caught.value.hint) == (
        "AGENT_EXISTS",
        "there is an agent alice already",
        "polis shell alice enters it; polis agents remove alice removes it",
    )


@pytest.mark.parametrize(
    ("asked", "known", "hint"),
    [
        ("alcie", ["alice", "bob"], "did you mean alice? known: alice, bob"),
        ("zzz", ["alice", "bob"], "known: alice, bob"),
        ("alice", [], "polis agents add NAME makes one"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    asked: str, known: list[str], hint: str
) -> None:
    with pytest.raises(AgentFault) as caught:
        find_agent(asked, [_agent(name) for name in known])
    assert (caught.value.code, caught.value.message, caught.value.hint) == (
        "AGENT_UNKNOWN",
        f"there is no agent {asked!r}",
        hint,
    )


def test_a_known_name_is_found() -> None:
    assert find_agent("bob", [_agent("alice"), _agent("bob")]) == _agent("bob")


def test_a_record_is_read_back_whole(tmp_path: Path) -> None:
    agent = _agent("alice", tmp_path)
    agent.folder.mkdir()
    write_record(agent)
    assert read_record(agent.folder) == agent
    assert [path.name for path in agent.folder.iterdir()] == ["agent.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"name": "alice"}', "\0\0"])
def test_a_record_cut_short_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "agent.json").write_text(content)
    assert read_record(tmp_path) is None


def test_a_record_of_another_name_is_none(tmp_path: Path) -> None:
    agent = _agent("alice", tmp_path)
    agent.folder.mkdir()
    write_record(agent)
    agent.folder.rename(tmp_path / "bob")
    assert read_record(tmp_path / "bob") is None


def test_incarnations_differ() -> None:
    assert len({new_incarnation() for _ in range(1000)}) == 1000


def test_modes() -> None:
    assert check_mode("rootless") == "rootless"
    with pytest.raises(UsageFault) as caught:
        check_mode("docker")
    assert caught.value.hint == "one of auto, full, rootless, degraded"
