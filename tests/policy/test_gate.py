from __future__ import annotations

from itertools import product

import pytest
from rules import outcome, policy_of, rule_of

from cash.policy.gate import Gate
from cash.policy.policy import Policy
from cash.policy.subject import Key, Subject

_TOOL = {"tool": {"values": ["-x"], "aliases": [["-f", "--force-it"]]}}
_RULES: dict[str, Policy] = {
    "first": rule_of(program="tool|git", args=["push|commit", "..."]),
    "glob": rule_of(program="tool|git", args=["pu*", "..."], unknown="ask"),
    "later": rule_of(program="tool|git", args=["*", "...", "main", "..."], unknown="ask"),
    "anywhere": rule_of(program="tool|git", args=["...", "main|HEAD*", "..."], unknown="ask"),
    "flag": rule_of(program="tool|git", flags=["--force-it", "-f"], unknown="ask"),
    "flag glob": rule_of(program="tool|git", flags=["--for*"], unknown="ask"),
    "flag value": rule_of(program="tool|git", flags=["--force-it=main"]),
    "both": rule_of(any=[{"program": "tool", "flags": ["-f"]}, {"args": ["push", "..."]}]),
    "variable": rule_of(env={"GIT_X|LD_*": "*"}),
    "own usage": rule_of(program="tool", args=["push", "..."], programs=_TOOL),
    "own flag": rule_of(program="tool", flags=["-f"], programs=_TOOL),
    "loosening": rule_of(program="tool|git", args=["push", "..."], decide="allow"),
    "git": rule_of(on="git", operation="push|commit", flags=["--no-verify", "-n"], unknown="ask"),
    "git config": rule_of(on="git", config={"core.pager": "*"}),
    "excused": rule_of(program="tool", args=["push", "..."], unless={"flags": ["-f"]}),
}
_PROGRAMS = ("tool", "git", "GIT_X=1 tool", "env LD_A=1 tool", "P=push; git", "busybox tool")
_WORDS = (
    *(
        "push",
        "main",
        "-f",
        "-x push",
        "--force",
        "--force-it=main",
        "--no-ver",
        "-n",
        "$A",
        '"$A"',
    ),
    *("*", "p*", "-c core.pager=x", "-- push", "$P", "-$A", "HEAD~1", "-vf"),
)
_LAST = ("", "push", "main", "-f", "--no-ver", "$A")


@pytest.mark.parametrize("name", _RULES)
def test_a_gate_hides_no_rule_that_would_speak(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [" ".join(words) for words in product(_PROGRAMS, _WORDS, _LAST)]
    said = {line: outcome(_RULES[name], line) for line in lines}
    monkeypatch.setattr(Gate, "opens", lambda _gate, _subject: True)
    assert {line: outcome(_RULES[name], line) for line in lines} == said
    assert len(set(said.values())) > 1


def test_a_gate_is_mostly_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []
    opens = Gate.opens

    def watch(gate: Gate, subject: Subject) -> bool:
        opened.append(opens(gate, subject))
        return opened[-1]

    monkeypatch.setattr(Gate, "opens", watch)
    outcome(_RULES["first"], "tool status -v")
    outcome(_RULES["flag"], "tool status -v")
    assert opened == [False, False]


def test_who_asks_for_any_write_hears_of_rules_about_one_kind() -> None:
    deleting = {"on": "write", "kind": "delete", "path": "/x", "decide": "deny"}
    policy = policy_of({"id": "a", **deleting}, {"id": "b", **deleting, "path": "/y"})
    whole = policy.sieve(Key("write", (), "", 0))
    assert [one.rule.id for one in (*whole.asked, *whole.choosy)] == ["a", "b"]
    assert not whole.gates
    assert outcome(policy, "rm /x") == "deny"
    assert outcome(policy, "touch /x") == "pass"
